//! Tenants that are new, change, exchange hosts, or go.

use std::collections::BTreeSet;
use std::sync::Arc;

use chancery::admin::registry::Options;

use super::{Registry, pruning, tenant_a};

fn tenant(name: &str, hosts: &str) -> String {
    format!(
        "  - name: {name}\n    issuer: https://{name}.example\n    hosts: [{hosts}]\n    algorithm: ES256\n"
    )
}

fn file(tenants: &[(&str, &str)]) -> String {
    let tenants: String = tenants.iter().map(|(name, hosts)| tenant(name, hosts)).collect();
    format!("tenants:\n{tenants}")
}

#[tokio::test]
async fn a_host_goes_from_one_tenant_to_the_next_in_one_apply() {
    let registry = Registry::new();
    registry
        .apply(&file(&[("a", "one, two"), ("b", "three, four"), ("c", "five")]), &Options::default())
        .await;
    // c takes from b, which takes from a; a new one takes from c.
    let moved = file(&[("c", "three"), ("b", "two, four"), ("a", "one"), ("d", "five")]);
    let lines = registry.apply(&moved, &pruning()).await;
    assert_eq!(
        lines,
        [
            "~ tenant c: hosts: [five] → [three]",
            "~ tenant b: hosts: [three, four] → [two, four]",
            "~ tenant a: hosts: [one, two] → [one]",
            "+ tenant d"
        ]
    );
    assert_eq!(registry.apply(&moved, &pruning()).await, Vec::<String>::new());
    let circle = file(&[("a", "four, two"), ("b", "one"), ("c", "three")]);
    let refused = registry.refused(&circle, &Options::default()).await;
    assert_eq!(
        refused,
        ["tenants a, b: they exchange hosts or issuers in a circle: take them away first, then give them"]
    );
    let shared = file(&[("a", "five")]);
    let refused = registry.refused(&shared, &Options::default()).await;
    assert_eq!(refused, ["tenants[0] (a): five belongs to tenant d already"]);
}

#[tokio::test]
async fn tenants_go_only_when_that_is_asked_for_by_itself() {
    let registry = Registry::new();
    registry.apply(&file(&[("a", "one"), ("b", "two")]), &Options::default()).await;
    let only_b = file(&[("b", "two, one")]);
    let refused = registry.refused(&only_b, &pruning()).await;
    assert_eq!(refused, ["tenants[0] (b): one belongs to tenant a already"]);
    let options = Options { prune_tenants: true, ..pruning() };
    let lines = registry.apply(&only_b, &options).await;
    assert_eq!(lines, ["- tenant a", "~ tenant b: hosts: [two] → [two, one]"]);
    assert_eq!(registry.admin.store.tenants().await.unwrap().len(), 1);
}

#[tokio::test]
async fn only_the_tenant_that_is_meant_is_looked_at() {
    let registry = Registry::new();
    let both = file(&[("a", "one"), ("b", "two")]);
    let only = |name: &str| Options { tenant: Some(name.to_owned()), ..pruning() };
    assert_eq!(registry.apply(&both, &only("b")).await, ["+ tenant b"]);
    assert_eq!(registry.refused(&both, &only("c")).await, ["tenants: there is no tenant \"c\" in the file"]);
}

#[tokio::test]
async fn a_key_is_there_for_every_algorithm_that_is_asked_for() {
    let registry = Registry::new();
    let text = tenant_a("apis: [{identifier: 'urn:a', algorithm: Ed25519}]");
    registry.apply(&text, &Options::default()).await;
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let algorithms = async || {
        let tenant = chancery::admin::tenant(&registry.admin, "a").await.unwrap();
        let keys = registry.admin.store.signing_keys(tenant.id).await.unwrap();
        keys.into_iter().map(|key| key.algorithm).collect::<BTreeSet<_>>()
    };
    assert_eq!(algorithms().await, set(&["ES256", "Ed25519"]));
    let changed = text.replace("Ed25519", "ES384");
    registry.apply(&changed, &Options::default()).await;
    assert_eq!(algorithms().await, set(&["ES256", "Ed25519", "ES384"]));
}

/// Two operators apply at once: each finds what the other has made, and nothing is lost or made twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn files_that_are_applied_at_once_do_not_spoil_each_other() {
    let registry = Arc::new(Registry::new());
    registry.apply(&tenant_a(""), &Options::default()).await;
    let list = |from: usize, to: usize| {
        let one = |number| format!("  - client_id: x{number}\n    name: X\n    scopes: [s{number}]\n");
        let scope = |number| format!("  - name: s{number}\n");
        let scopes: String = (from..to).map(scope).collect();
        tenant_a(&format!("scopes:\n{scopes}applications:\n{}", (from..to).map(one).collect::<String>()))
    };
    let tasks = [(0, 40), (0, 40), (20, 60), (40, 80)].map(|(from, to)| {
        let (registry, text) = (Arc::clone(&registry), list(from, to));
        tokio::spawn(async move { registry.apply(&text, &Options::default()).await.len() })
    });
    let mut lines = 0;
    for task in tasks {
        lines += task.await.unwrap();
    }
    assert_eq!(lines, 160);
    assert_eq!(registry.apply(&list(0, 80), &pruning()).await, Vec::<String>::new());
}
