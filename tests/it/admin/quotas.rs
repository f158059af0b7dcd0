//! How many tokens there may be, and for how long one is handed out again: settings over the admin API.

use serde_json::{Value, json};

use super::{Administered, ask, expect_problem, patch, post};

const LIMITS: [&str; 3] = ["tokens_per_minute", "tokens_per_hour", "tokens_per_day"];

/// These members of a thing.
fn of(thing: &Value) -> Value {
    let names = LIMITS.iter().chain(&["quota_mode", "token_reuse_percent"]);
    names.filter_map(|name| Some(((*name).to_owned(), thing.get(name)?.clone()))).collect()
}

#[tokio::test]
async fn an_application_is_given_a_quota_and_reuse_and_loses_them_by_null() {
    let server = Administered::start().await;
    let token = server.token(&["admin:write"]).await;
    let plain = server.answer(post("/applications", &token, &json!({ "name": "plain" }))).await.json();
    let usual = json!({ "tokens_per_minute": null, "tokens_per_hour": null, "tokens_per_day": null,
        "quota_mode": "enforce", "token_reuse_percent": null });
    assert_eq!(of(&plain), usual);
    let given = json!({ "tokens_per_minute": 1, "tokens_per_hour": 4_294_967_295_u32, "tokens_per_day": 60.0,
        "quota_mode": "report", "token_reuse_percent": 50 });
    let mut body = json!({ "name": "app", "client_id": "app" });
    body.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
    let made = server.answer(post("/applications", &token, &body)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let mut kept = given;
    kept["tokens_per_day"] = json!(60);
    assert_eq!(of(&made.json()), kept);
    let changed = patch("/applications/app", &token, "\"1\"", &json!({ "tokens_per_hour": 2, "name": "n" }));
    kept["tokens_per_hour"] = json!(2);
    assert_eq!(of(&server.answer(changed).await.json()), kept);
    let changed = server.answer(patch("/applications/app", &token, "\"2\"", &usual)).await;
    assert_eq!(of(&changed.json()), usual);
    assert_eq!(of(&server.answer(ask("GET", "/applications/app", &token)).await.json()), usual);
    let events = server.public.admin.store.audit_events(0, 1_000).await.unwrap();
    let event = &events.last().unwrap().event;
    assert_eq!((of(&event.detail["before"]), of(&event.detail["after"])), (kept, usual));
}

/// A quota of a tenant is there for the others' sake, so who is limited by it cannot lift it.
#[tokio::test]
async fn the_quota_of_a_tenant_is_the_platforms() {
    let server = Administered::start().await;
    let own = server.token(&["admin:write"]).await;
    let platform = server.token(&["admin:write", "admin:platform"]).await;
    for body in
        [json!({ "tokens_per_day": 5 }), json!({ "tokens_per_day": null }), json!({ "quota_mode": "report" })]
    {
        expect_problem(&server.answer(patch("/tenants/default", &own, "*", &body)).await, 403, "forbidden");
    }
    let body = json!({ "tokens_per_minute": 3, "tokens_per_day": 5, "quota_mode": "report" });
    let changed = server.answer(patch("/tenants/default", &platform, "*", &body)).await;
    let expected = json!({ "tokens_per_minute": 3, "tokens_per_hour": null, "tokens_per_day": 5, "quota_mode": "report" });
    assert_eq!((changed.status, of(&changed.json())), (200, expected.clone()));
    assert_eq!(of(&server.answer(ask("GET", "/tenants/default", &own)).await.json()), expected);
    let events = server.public.admin.store.audit_events(0, 1_000).await.unwrap();
    assert_eq!(of(&events.last().unwrap().event.detail["after"]), expected);
    let new = json!({ "name": "more", "hosts": ["more.example"], "issuer": "https://more.example",
        "algorithm": "ES256", "tokens_per_hour": 7 });
    let made = server.answer(post("/tenants", &platform, &new)).await;
    let expected = json!({ "tokens_per_minute": null, "tokens_per_hour": 7, "tokens_per_day": null, "quota_mode": "enforce" });
    assert_eq!((made.status, of(&made.json())), (201, expected.clone()));
    let events = server.public.admin.store.audit_events(0, 1_000).await.unwrap();
    let added = events.iter().rfind(|one| one.event.action == "tenant.add").unwrap();
    assert_eq!(of(&added.event.detail), expected);
}

#[tokio::test]
async fn what_is_no_quota_is_refused_by_the_name_of_its_member() {
    let server = Administered::start().await;
    let token = server.token(&["admin:write", "admin:platform"]).await;
    let app = json!({ "name": "app", "client_id": "app" });
    assert_eq!(server.answer(post("/applications", &token, &app)).await.status, 201);
    let numbers = [
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!("5"),
        json!(true),
        json!([1]),
        json!({ "a": 1 }),
    ];
    let limits = numbers.iter().cloned().chain([json!(4_294_967_296_u64), json!(u64::MAX), json!(i64::MIN)]);
    let mut bad: Vec<(&str, Value)> =
        limits.flat_map(|value| LIMITS.map(|name| (name, value.clone()))).collect();
    bad.extend([json!("Report"), json!(""), json!(1), json!(["report"])].map(|value| ("quota_mode", value)));
    let percents =
        numbers.into_iter().chain([json!(91), json!(257)]).map(|value| ("token_reuse_percent", value));
    let refused = async |path: &str, name: &str, value: Value| {
        let reply = server.answer(patch(path, &token, "*", &json!({ name: value.clone() }))).await;
        expect_problem(&reply, 400, "malformed");
        assert!(reply.body.contains(&format!("/{name}")), "{value} {reply:?}");
    };
    for (name, value) in bad {
        refused("/tenants/default", name, value.clone()).await;
        refused("/applications/app", name, value).await;
    }
    for (name, value) in percents {
        refused("/applications/app", name, value).await;
    }
    // A tenant has no tokens of its own, and an API no quota.
    let body = json!({ "token_reuse_percent": 50 });
    expect_problem(&server.answer(patch("/tenants/default", &token, "*", &body)).await, 400, "malformed");
    let body = json!({ "identifier": "urn:a", "tokens_per_day": 5 });
    expect_problem(&server.answer(post("/apis", &token, &body)).await, 400, "malformed");
    let kept = server.answer(ask("GET", "/applications/app", &token)).await;
    assert_eq!(kept.json()["version"], 1);
}
