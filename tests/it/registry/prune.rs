//! What is not in the file goes, if that is asked for, and nothing else.

use chancery::admin::registry::Options;

use super::{Registry, pruning, tenant_a};

const BEFORE: &str = "\
scopes:
  - name: ping
  - name: old
apis:
  - identifier: urn:orders
    scopes: [{name: orders:read}, {name: orders:write}]
  - identifier: urn:old
    scopes: [{name: old:read}]
applications:
  - client_id: x
    name: X
    scopes: [ping, old, orders:read, orders:write, old:read]
    apis: [urn:old]
    acts_for: [urn:old]
  - client_id: y
    name: Y
    scopes: [old, old:read]
";

const AFTER: &str = "\
scopes:
  - name: ping
  - name: new
apis:
  - identifier: urn:orders
    scopes: [{name: orders:read}, {name: orders:delete}]
  - identifier: urn:new
applications:
  - client_id: x
    name: X
    scopes: [ping, new, orders:delete]
    default_api: urn:new
    apis: [urn:new]
  - client_id: z
    name: Z
    scopes: [new]
";

#[tokio::test]
async fn things_go_after_what_refers_to_them_and_come_before() {
    let registry = Registry::new();
    registry.apply(&tenant_a(BEFORE), &Options::default()).await;
    let expected = [
        "+ scope orders:delete (tenant a)",
        "+ api urn:new (tenant a)",
        "+ scope new (tenant a)",
        "- application y (tenant a)",
        "~ application x (tenant a): scopes: [ping, old, orders:read, orders:write, old:read] → [ping, new, orders:delete]; \
         apis: [urn:old] → [urn:new]; acts_for: [urn:old] → []; default_api: urn:new",
        "+ application z (tenant a)",
        "- scope old (tenant a)",
        "- scope orders:write (tenant a)",
        "- api urn:old (tenant a)",
    ];
    let before = registry.export().await;
    let dry = Options { dry_run: true, ..pruning() };
    assert_eq!(registry.apply(&tenant_a(AFTER), &dry).await, expected);
    assert_eq!(registry.export().await, before);
    assert_eq!(registry.apply(&tenant_a(AFTER), &pruning()).await, expected);
    assert_eq!(registry.apply(&tenant_a(AFTER), &pruning()).await, Vec::<String>::new());
}

#[tokio::test]
async fn without_being_asked_nothing_goes() {
    let registry = Registry::new();
    registry.apply(&tenant_a(BEFORE), &Options::default()).await;
    let lines =
        registry.apply(&tenant_a("scopes: []\napis: []\napplications: []"), &Options::default()).await;
    assert_eq!(lines, Vec::<String>::new());
    let only_x = tenant_a("applications:\n  - client_id: x\n    name: X");
    let lines = registry.apply(&only_x, &Options::default()).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[tokio::test]
async fn of_what_the_file_does_not_speak_nothing_goes() {
    let registry = Registry::new();
    registry.apply(&tenant_a(BEFORE), &Options::default()).await;
    assert_eq!(registry.apply(&tenant_a(""), &pruning()).await, Vec::<String>::new());
    let lines = registry.apply(&tenant_a("applications: []"), &pruning()).await;
    assert_eq!(lines, ["- application x (tenant a)", "- application y (tenant a)"]);
    let lines = registry.apply(&tenant_a("scopes: []"), &pruning()).await;
    assert_eq!(lines, ["- scope old (tenant a)", "- scope ping (tenant a)"]);
    let lines = registry.apply(&tenant_a("apis: []"), &pruning()).await;
    assert_eq!(lines, ["- api urn:old (tenant a)", "- api urn:orders (tenant a)"]);
}

#[tokio::test]
async fn what_an_application_outside_the_file_has_does_not_go() {
    let registry = Registry::new();
    registry.apply(&tenant_a(BEFORE), &Options::default()).await;
    let refused = registry.refused(&tenant_a("scopes: []\napis: []"), &pruning()).await;
    assert_eq!(refused.len(), 9, "{refused:?}");
    assert_eq!(
        refused[0],
        "tenants[0] (a): scope ping is not in the file, but application x, which is not in it either and stays, has to do \
         with it"
    );
    let text = tenant_a(&AFTER.replace("- name: new", "- name: newer"));
    let refused = registry.refused(&text, &pruning()).await;
    assert_eq!(
        refused,
        [
            "tenants[0].applications[0] (x): scopes: \"new\" is neither in the file nor in the tenant",
            "tenants[0].applications[1] (z): scopes: \"new\" is neither in the file nor in the tenant",
        ]
    );
    // An application that stays as it is must have what it has, too.
    let text = tenant_a(&BEFORE.replace("  - name: old\n", ""));
    let refused = registry.refused(&text, &pruning()).await;
    assert_eq!(refused.len(), 2, "{refused:?}");
}

#[tokio::test]
async fn the_servers_own_api_is_neither_written_nor_given_nor_removed() {
    let registry = Registry::new();
    let text = tenant_a("applications:\n  - client_id: x\n    name: X\n    scopes: [admin:read]");
    registry.apply(&text, &pruning()).await;
    assert!(!registry.export().await.contains("urn:chancery"));
    let refused = registry
        .refused(
            &tenant_a("scopes: [{name: admin:read}]\napis: [{identifier: 'urn:chancery:admin'}]"),
            &pruning(),
        )
        .await;
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].contains("server's own APIs"), "{refused:?}");
    let refused = registry.refused(&tenant_a("scopes: [{name: admin:read}]"), &pruning()).await;
    assert!(refused[0].contains("the server's own"), "{refused:?}");
}
