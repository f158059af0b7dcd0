//! A whole life of everything there is to administer, and what the audit has of it.

use serde_json::json;

use super::{Administered, ask, expect_problem, patch, post};
use crate::support::ask::{get, token_request};
use crate::support::server::App;

/// O01, O06, O12
#[tokio::test]
async fn an_application_lives_and_its_secrets_are_shown_once() {
    let server = Administered::start().await;
    let token = server.token(&["admin:write"]).await;
    assert_eq!(server.answer(post("/scopes", &token, &json!({ "name": "read" }))).await.status, 201);
    let body =
        json!({ "name": "Billing", "client_id": "we ird/%", "scopes": ["read"], "token_lifetime": 60.0 });
    let made = server.answer(post("/applications", &token, &body)).await;
    assert_eq!((made.status, made.header("location")), (201, Some("/admin/v1/applications/we%20ird%2F%25")));
    made.expect_never_cached();
    let members = made.json();
    assert_eq!((&members["client_secret_expires_at"], &members["token_lifetime"]), (&json!(0), &json!(60)));
    let secret = members["client_secret"].as_str().unwrap().to_owned();
    let path = "/applications/we%20ird%2F%25";
    let shown = server.answer(ask("GET", path, &token)).await;
    assert_eq!((shown.status, shown.header("etag")), (200, Some("\"1\"")));
    for reply in [
        &shown,
        &server.answer(ask("GET", "/applications", &token)).await,
        &server.answer(ask("GET", &format!("{path}/secrets"), &token)).await,
    ] {
        assert!(!reply.body.contains(&secret) && !reply.body.contains("client_secret\""), "{reply:?}");
    }
    server.public.advance_a_second();
    let app = App { client_id: "we ird/%".to_owned(), secret };
    assert_eq!(server.public.answer(token_request(&[]).of(&app)).await.status, 200);

    let added = server
        .answer(post(&format!("{path}/secrets"), &token, &json!({ "label": "new", "expires_in": 60 })))
        .await;
    assert_eq!(added.status, 201, "{added:?}");
    let new = App {
        client_id: app.client_id.clone(),
        secret: added.json()["client_secret"].as_str().unwrap().to_owned(),
    };
    let list = server.answer(ask("GET", &format!("{path}/secrets"), &token)).await.json();
    let first =
        list["items"].as_array().unwrap().iter().find(|one| one["label"] == "").unwrap()["id"].clone();
    let gone = ask("DELETE", &format!("{path}/secrets/{}", first.as_str().unwrap()), &token);
    assert_eq!(server.answer(gone).await.status, 204);
    server.public.advance_a_second();
    server.public.answer(token_request(&[]).of(&app)).await.expect_invalid_client();
    assert_eq!(server.public.answer(token_request(&[]).of(&new)).await.status, 200);

    let change = json!({ "name": "Billing 2", "scopes": [], "token_lifetime": null });
    let changed = server.answer(patch(path, &token, "\"1\"", &change)).await.json();
    assert_eq!(
        (&changed["name"], &changed["scopes"], &changed["token_lifetime"]),
        (&json!("Billing 2"), &json!([]), &json!(300))
    );
    assert_eq!(server.answer(ask("DELETE", path, &token)).await.status, 204);
    server.public.advance_a_second();
    server.public.answer(token_request(&[]).of(&new)).await.expect_invalid_client();
    expect_problem(&server.answer(ask("GET", path, &token)).await, 404, "not-found");
}

/// O09: a change is judged by what would be then, not by what was.
#[tokio::test]
async fn a_change_is_judged_by_what_it_leads_to() {
    let server = Administered::start().await;
    let token = server.token(&["admin:write"]).await;
    for name in ["a", "b"] {
        assert_eq!(server.answer(post("/scopes", &token, &json!({ "name": name }))).await.status, 201);
    }
    let body = json!({ "name": "n", "client_id": "app", "scopes": ["a"], "default_scopes": ["a"] });
    assert_eq!(server.answer(post("/applications", &token, &body)).await.status, 201);
    let change = async |body| server.answer(patch("/applications/app", &token, "*", &body)).await;
    expect_problem(&change(json!({ "scopes": ["b"] })).await, 422, "invalid");
    expect_problem(&change(json!({ "default_scopes": ["b"] })).await, 422, "invalid");
    assert_eq!(change(json!({ "scopes": ["b"], "default_scopes": ["b"] })).await.status, 200);
    expect_problem(&change(json!({ "auth_methods": [] })).await, 422, "invalid");
    assert_eq!(server.answer(ask("GET", "/applications/app", &token)).await.json()["scopes"], json!(["b"]));
}

#[tokio::test]
async fn everything_else_lives_as_well() {
    let server = Administered::start().await;
    let token = server.token(&["admin:write", "admin:platform"]).await;
    let status = async |ask| server.answer(ask).await.status;
    // An API with its scopes.
    let api =
        json!({ "identifier": "https://api.example.com/a?b", "scopes": ["a:read"], "algorithm": "ES256" });
    assert_eq!(status(post("/apis", &token, &api)).await, 201);
    assert_eq!(status(post("/apis", &token, &api)).await, 409);
    let path = "/apis/https%3A%2F%2Fapi.example.com%2Fa%3Fb";
    let changed = server
        .answer(patch(path, &token, "\"1\"", &json!({ "scopes": ["a:write"], "algorithm": null })))
        .await
        .json();
    assert_eq!((&changed["scopes"], &changed["algorithm"]), (&json!(["a:write"]), &json!(null)));
    assert_eq!(status(ask("DELETE", path, &token)).await, 204);
    // What is the server's own stays.
    for path in ["/apis/urn%3Achancery%3Aadmin", "/scopes/admin%3Aread"] {
        expect_problem(&server.answer(ask("DELETE", path, &token)).await, 409, "conflict");
    }
    let change = json!({ "name": "mine", "token_lifetime": 86_400 });
    let ours = patch("/apis/urn%3Achancery%3Aadmin", &token, "*", &change);
    expect_problem(&server.answer(ours).await, 409, "conflict");
    // A scope.
    assert_eq!(status(post("/scopes", &token, &json!({ "name": "s", "description": "d" }))).await, 201);
    let changed = server.answer(patch("/scopes/s", &token, "\"1\"", &json!({ "description": "" }))).await;
    assert_eq!((changed.status, changed.header("etag")), (200, Some("\"2\"")));
    expect_problem(
        &server.answer(patch("/scopes/s", &token, "\"1\"", &json!({ "description": "" }))).await,
        412,
        "changed",
    );
    assert_eq!(status(ask("DELETE", "/scopes/s", &token)).await, 204);
    // Keys.
    let next = server.answer(post("/keys", &token, &json!({}))).await;
    assert_eq!((next.status, &next.json()["state"]), (200, &json!("upcoming")), "{next:?}");
    expect_problem(&server.answer(post("/keys", &token, &json!({}))).await, 409, "conflict");
    let kid = next.json()["kid"].as_str().unwrap().to_owned();
    assert_eq!(status(ask("POST", &format!("/keys/{kid}/revoke"), &token)).await, 200);
    assert_eq!(status(ask("GET", "/keys?limit=1", &token)).await, 200);
    // An operator.
    let made =
        server.answer(post("/operators", &token, &json!({ "name": "ann", "scopes": ["admin:read"] }))).await;
    assert_eq!((made.status, &made.json()["tenant"]), (201, &json!("default")));
    let changed = patch("/operators/ann", &token, "\"1\"", &json!({ "scopes": ["admin:keys:read"] }));
    assert_eq!(server.answer(changed).await.json()["scopes"], json!(["admin:keys:read"]));
    let renewed = server.answer(ask("POST", "/operators/ann/renew-secret", &token)).await.json();
    assert_ne!(renewed["secret"], made.json()["secret"]);
    assert_eq!(status(ask("DELETE", "/operators/ann", &token)).await, 204);
    // A tenant.
    let tenant = json!({ "name": "more", "hosts": ["more.example"], "issuer": "https://more.example", "algorithm": "ES256" });
    assert_eq!(status(post("/tenants", &token, &tenant)).await, 201);
    assert_eq!(status(post("/applications?tenant=more", &token, &json!({ "name": "there" }))).await, 201);
    expect_problem(&server.answer(ask("DELETE", "/tenants/more", &token)).await, 409, "conflict");
    assert_eq!(status(patch("/tenants/more", &token, "\"1\"", &json!({ "enabled": false }))).await, 200);
    assert_eq!(status(ask("DELETE", "/tenants/more", &token)).await, 204);
    expect_problem(&server.answer(ask("GET", "/scopes?tenant=more", &token)).await, 404, "not-found");
}

/// Who, when, from where, what: in the audit, with the id of the request.
#[tokio::test]
async fn each_change_is_one_event_that_says_who_and_from_where() {
    let server = Administered::start().await;
    let token = server.token(&["admin:write"]).await;
    let made = server.answer(post("/scopes", &token, &json!({ "name": "s" }))).await;
    let events = server.public.admin.store.audit_events(0, 1_000).await.unwrap();
    let event = &events.last().unwrap().event;
    assert_eq!(
        (event.actor.as_str(), &*event.action, event.subject.as_str()),
        ("app:default/administrator-admin:write", "scope.add", "s")
    );
    assert_eq!(event.request.as_deref(), made.header("x-request-id"));
    assert_eq!(event.source, "192.0.2.7");
    server.answer(post("/scopes", &token, &json!({ "name": "s" }))).await;
    assert_eq!(server.public.admin.store.audit_events(0, 1_000).await.unwrap().len(), events.len());
}

#[tokio::test]
async fn the_document_and_the_page_are_there_for_anybody() {
    let server = Administered::start().await;
    let document = server.answer(get("/admin/v1/openapi.json")).await;
    assert_eq!((document.status, document.header("content-type")), (200, Some("application/json")));
    let page = server.answer(get("/admin/v1/problems")).await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/markdown; charset=utf-8")));
    assert_eq!(server.answer(get("/admin/v1/problems").method("POST")).await.status, 405);
}
