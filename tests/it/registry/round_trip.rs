//! What is written down reads back, and makes the same again.

use chancery::admin::registry::{
    ApiEntry, ApplicationEntry, Count, Document, Options, Period, ScopeEntry, TenantEntry, apply, read,
};
use proptest::prelude::*;
use proptest::sample::{Index, subsequence};
use serde_json::{Map, Value, json};

use super::{Registry, Secrets, pruning, tenant_a};

const EVERYTHING: &str = r#"tenants:
  - name: a
    issuer: https://a.example/path
    hosts:
      - a.example
      - b.example:8443
    enabled: false
    algorithm: ES256
    key_period: 30d
    tokens_per_minute: 1
    tokens_per_hour: 60
    tokens_per_day: 4294967295
    quota_mode: report
    scopes:
      - name: ping
        description: "Pings: nothing more"
    apis:
      - identifier: urn:orders
        name: Orders
        scopes:
          - name: orders:read
            description: Reads
          - name: orders:write
        algorithm: Ed25519
        token_lifetime: 10m
        token_profile: ciam
        nbf_backdating: 30s
      - identifier: urn:plain
    applications:
      - client_id: "1e5"
        name: "Ünïcode 😀"
        type: web
        enabled: false
        scopes:
          - ping
          - orders:read
          - admin:read
        default_scopes:
          - orders:read
        grants:
          - client_credentials
          - refresh_token
        auth_methods:
          - client_secret_post
        apis:
          - urn:plain
        default_api: urn:orders
        acts_for:
          - urn:orders
        token_lifetime: 1d
        token_profile: rfc9068
        nbf_backdating: 0s
        token_reuse_percent: 50
        tokens_per_minute: 4294967295
        tokens_per_hour: 2
        tokens_per_day: 3
        quota_mode: report
        claims:
          tier: gold
          levels:
            - 1
            - 1.5
            - null
      - client_id: none
        name: None
        default_scopes: []
      - client_id: page
        name: Page
        type: spa
"#;

#[tokio::test]
async fn everything_that_can_be_said_is_written_down_as_it_was_read() {
    let registry = Registry::new();
    let lines = registry.apply(EVERYTHING, &pruning()).await;
    assert_eq!(
        lines,
        [
            "+ tenant a",
            "+ api urn:orders (tenant a)",
            "+ api urn:plain (tenant a)",
            "+ scope ping (tenant a)",
            "+ application 1e5 (tenant a)",
            "+ application none (tenant a)",
            "+ application page (tenant a)",
        ]
    );
    assert_eq!(registry.export().await, EVERYTHING);
    assert_eq!(registry.apply(EVERYTHING, &pruning()).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_left_out_takes_its_default_and_is_left_out_again() {
    let registry = Registry::new();
    assert_eq!(registry.export().await, "tenants: []\n");
    let text = tenant_a(
        "applications:\n  - client_id: x\n    name: X\n    type: m2m\n    enabled: true\n    token_lifetime: 300\n    quota_mode: enforce\n",
    );
    registry.apply(&text, &Options::default()).await;
    let expected = tenant_a(
        "scopes: []\napis: []\napplications:\n  - client_id: x\n    name: X\n    token_lifetime: 5m\n",
    );
    assert_eq!(registry.export().await, expected);
    let plain = tenant_a("applications:\n  - client_id: x\n    name: X\n");
    let lines = registry.apply(&plain, &Options::default()).await;
    assert_eq!(lines, ["~ application x (tenant a): token_lifetime: 5m → default"]);
}

#[tokio::test]
async fn a_file_may_be_json_and_may_repeat_itself_by_aliases() {
    let registry = Registry::new();
    let json = json!({ "tenants": [{ "name": "a", "issuer": "https://a.example", "algorithm": "ES256",
        "scopes": [{ "name": "ping" }], "applications": [{ "client_id": "x", "name": "😀", "scopes": ["ping"] }] }] });
    registry.apply(&json.to_string(), &Options::default()).await;
    let aliased = tenant_a(
        "applications:\n  - client_id: x\n    name: \"\\ud83d\\ude00\"\n    scopes: &all [ping]\n  - &y {client_id: y, name: Y, scopes: *all}\n  - {<<: *y, client_id: z}\n",
    );
    let lines = registry.apply(&aliased, &Options::default()).await;
    assert_eq!(lines, ["+ application y (tenant a)", "+ application z (tenant a)"]);
}

#[tokio::test]
async fn a_difference_says_what_was_and_what_is() {
    let registry = Registry::new();
    registry.apply(EVERYTHING, &Options::default()).await;
    let changed = EVERYTHING
        .replace("enabled: false", "enabled: true")
        .replace("description: Reads\n", "description: Reads orders\n")
        .replace("key_period: 30d", "key_period: 31d")
        .replace("          - ping\n          - orders:read\n", "          - orders:read\n")
        .replace("        default_api: urn:orders\n", "")
        .replace("tier: gold", "tier: silver")
        .replace("token_lifetime: 10m", "token_lifetime: 1h")
        .replace("    tokens_per_hour: 60\n", "    tokens_per_hour: 61\n")
        .replace("    quota_mode: report\n    scopes", "    scopes")
        .replace("        token_reuse_percent: 50\n        tokens_per_minute: 4294967295\n", "");
    assert_eq!(
        registry.apply(&changed, &Options::default()).await,
        [
            "~ tenant a: enabled: false → true; key_period: 30d → 31d; tokens_per_hour: 60 → 61; quota_mode: report → \
             enforce",
            "~ api urn:orders (tenant a): token_lifetime: 10m → 1h",
            "~ scope orders:read (tenant a): description: Reads → Reads orders",
            "~ application 1e5 (tenant a): enabled: false → true; scopes: [ping, orders:read, admin:read] → [orders:read, \
             admin:read]; default_api: urn:orders → default; token_reuse_percent: 50 → default; tokens_per_minute: 4294967295 → \
             default; claims: {\"tier\":\"gold\",\"levels\":[1,1.5,null]} → \
             {\"tier\":\"silver\",\"levels\":[1,1.5,null]}",
        ]
    );
}

const SCOPES: [&str; 6] = ["ping", "true", "0x1", "a:b", "-", "admin!#[]~"];
const OF_APIS: [&str; 4] = ["orders:read", "orders:write", "1e5", "~"];

fn periods() -> impl Strategy<Value = Option<Period>> {
    prop_oneof![
        Just(None),
        (60_u64..86_400).prop_map(|seconds| Some(Period::Seconds(seconds))),
        (1_u64..24).prop_map(|hours| Some(Period::Written(format!("{hours}h")))),
    ]
}

/// For how much of its lifetime a token is handed out again, limits, and what becomes of a token beyond them.
fn quotas() -> impl Strategy<Value = (Option<Count>, [Option<Count>; 3], Option<String>)> {
    let count = |most: u64| prop::option::of((1..=most).prop_map(Count));
    let limit = || count(u32::MAX.into());
    let mode = prop_oneof![Just(None), Just(Some("enforce")), Just(Some("report"))];
    (count(90), [limit(), limit(), limit()], mode.prop_map(|mode| mode.map(str::to_owned)))
}

fn claims() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        prop::collection::vec("[yn0-9.e:#-]{0,4}", 0..3).prop_map(Value::from),
    ];
    prop::collection::btree_map("x[ -~]{0,10}[a-z]", value, 0..3).prop_map(|map| map.into_iter().collect())
}

fn applications() -> impl Strategy<Value = ApplicationEntry> {
    let all: Vec<&str> = SCOPES.iter().chain(&OF_APIS).chain(&["admin:read"]).copied().collect();
    let lists = (
        subsequence(all, 0..11).prop_shuffle(),
        any::<Option<Index>>(),
        subsequence(vec!["urn:a", "urn:b"], 0..3),
    );
    let kind = prop_oneof![Just(None), Just(Some("web")), Just(Some("spa"))];
    ("[ -~]{0,12}", "[^\\p{C}]{1,30}", kind, any::<Option<bool>>(), lists, periods(), claims(), quotas())
        .prop_map(|(end, name, kind, enabled, (scopes, defaults, apis), token_lifetime, claims, quota)| {
            let (token_reuse_percent, [tokens_per_minute, tokens_per_hour, tokens_per_day], quota_mode) =
                quota;
            let count = defaults.map(|index| index.index(scopes.len() + 1));
            let text = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            ApplicationEntry {
                client_id: format!("x{end}"),
                name: format!("N{name}"),
                kind: kind.map(str::to_owned),
                enabled,
                default_scopes: count.map(|count| text(&scopes[..count])),
                scopes: text(&scopes),
                default_api: apis.first().map(|api| (*api).to_owned()),
                acts_for: text(&apis),
                apis: text(&apis),
                token_lifetime,
                token_reuse_percent,
                tokens_per_minute,
                tokens_per_hour,
                tokens_per_day,
                quota_mode,
                claims,
                ..ApplicationEntry::default()
            }
        })
}

fn documents() -> impl Strategy<Value = Document> {
    let scope = |name: &&str| ScopeEntry { name: (*name).to_owned(), description: String::new() };
    let described = prop::collection::vec("[^\\p{C}]{0,20}[a-z]", SCOPES.len());
    let apis: Vec<ApiEntry> = ["urn:b", "urn:a"]
        .iter()
        .zip(OF_APIS.chunks(2))
        .map(|(identifier, scopes)| ApiEntry {
            identifier: (*identifier).to_owned(),
            scopes: scopes.iter().map(scope).collect(),
            ..ApiEntry::default()
        })
        .collect();
    let applications = prop::collection::btree_map("[a-z]{3}", applications(), 0..6);
    (described, applications, quotas()).prop_map(move |(described, applications, quota)| {
        let (_, [tokens_per_minute, tokens_per_hour, tokens_per_day], quota_mode) = quota;
        let scopes = SCOPES.iter().map(scope).zip(described);
        let scopes = scopes.map(|(scope, description)| ScopeEntry { description, ..scope });
        let mut applications: Vec<_> = applications.into_values().collect();
        applications.dedup_by(|one, other| one.client_id == other.client_id);
        let tenant = TenantEntry {
            name: "a".to_owned(),
            issuer: "https://a.example".to_owned(),
            algorithm: Some("ES256".to_owned()),
            tokens_per_minute,
            tokens_per_hour,
            tokens_per_day,
            quota_mode,
            scopes: Some(scopes.collect()),
            apis: Some(apis.clone()),
            applications: Some(applications),
            ..TenantEntry::default()
        };
        Document { tenants: vec![tenant] }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Applied to an empty store, an export makes the same registry again; applied to its own, it changes nothing.
    #[test]
    fn an_export_makes_the_same_registry(document in documents()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (first, second) = (Registry::new(), Registry::new());
            let applied = apply(&first.admin, &document, &pruning(), &Secrets::default()).await;
            // Two applications of one name, that is all that may be wrong with it.
            if let Err(problem) = &applied {
                prop_assert!(problem.to_string().contains("this name is there already"), "{}", problem);
                return Ok(());
            }
            let written = first.export().await;
            let read = read(written.as_bytes()).map_err(|problem| TestCaseError::fail(format!("{problem}\n{written}")))?;
            for (registry, is_new) in [(&first, false), (&second, true)] {
                let again = apply(&registry.admin, &read, &pruning(), &Secrets::default()).await.unwrap();
                prop_assert_eq!(!again.differences.is_empty(), is_new, "{:?}", again.differences);
                prop_assert_eq!(registry.export().await, written.clone());
            }
            Ok(())
        })?;
    }
}
