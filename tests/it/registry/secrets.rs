//! Secrets that applications must have: made to exist, never removed, never shown.

use std::fmt::Write;

use chancery::admin::registry::Options;

use super::{Registry, pruning, tenant_a};

fn application(secrets: &str) -> String {
    tenant_a(&format!("applications:\n  - client_id: x\n    name: X\n    secrets: [{secrets}]"))
}

async fn labels(registry: &Registry) -> Vec<(String, bool)> {
    let tenant = chancery::admin::tenant(&registry.admin, "a").await.unwrap();
    let found = chancery::admin::applications::find(&registry.admin, &tenant, "x").await.unwrap();
    let credentials = found.credentials.iter();
    let mut labels: Vec<_> = credentials.map(|one| (one.label.clone(), one.expires_at.is_some())).collect();
    labels.sort();
    labels
}

#[tokio::test]
async fn a_secret_is_added_once_and_stays() {
    let mut registry = Registry::new();
    for (name, secret) in [("one", "hunter2hunter2"), ("two", "correct horse"), ("same", "hunter2hunter2")] {
        registry.secrets.0.insert(name.to_owned(), secret.to_owned());
    }
    let first = application("{label: first, env: one}");
    let applied = registry.try_apply(&first, &Options::default()).await.unwrap();
    assert_eq!(applied.without_secret, []);
    let lines: Vec<_> = applied.differences.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        ["+ tenant a", "+ application x (tenant a)", "+ secret of application x (tenant a): label: first"]
    );
    for again in [first.as_str(), &application("{label: another, file: same}"), &application("")] {
        assert_eq!(registry.apply(again, &pruning()).await, Vec::<String>::new());
    }
    let second = application(
        "{env: one}, {label: second, file: two, expires_at: 2030-01-01T00:00:00Z}, {label: third, env: two}",
    );
    let lines = registry.apply(&second, &pruning()).await;
    let line = "+ secret of application x (tenant a): label: second; expires_at: 2030-01-01T00:00:00.000Z";
    assert_eq!(lines, [line]);
    assert_eq!(registry.apply(&second, &pruning()).await, Vec::<String>::new());
    assert_eq!(labels(&registry).await, [("first".to_owned(), false), ("second".to_owned(), true)]);
    assert!(!registry.export().await.contains("secret"));
}

#[tokio::test]
async fn a_secret_whose_time_is_past_is_passed_over_and_not_even_looked_for() {
    let registry = Registry::new();
    let text = application("{env: gone, expires_at: 2021-01-01T00:00:00Z}");
    let applied = registry.try_apply(&text, &Options::default()).await.unwrap();
    assert_eq!(applied.without_secret, [("a".to_owned(), "x".to_owned())]);
    assert_eq!(registry.apply(&text, &Options::default()).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_application_has_ten_secrets_at_most() {
    let mut registry = Registry::new();
    let mut list = String::new();
    for number in 0..11 {
        registry.secrets.0.insert(format!("n{number}"), format!("secret number {number}"));
        let _ = write!(list, "{{env: n{number}}},");
    }
    let refused = registry.refused(&application(&list), &Options::default()).await;
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].contains("more than 10"), "{refused:?}");
    registry.apply(&application(list.trim_end_matches("{env: n10},")), &Options::default()).await;
    let refused = registry.refused(&application("{env: n10}"), &Options::default()).await;
    assert!(refused[0].contains("more than 10"), "{refused:?}");
}
