//! One tenant's administrators and another's things.

use chancery::admin::operators;
use chancery::admin::tenants::{self, TenantChange};
use serde_json::json;

use super::{Administered, ask, expect_problem, patch, post};
use crate::support::ask::{HOST, get, token_request};
use crate::support::server::OTHER_HOST;

/// R05: session, token and page of one tenant are refused in the other.
#[tokio::test]
async fn a_tenants_administrator_sees_and_changes_that_tenant_alone() {
    let server = Administered::with_two_tenants().await;
    let app = server.administrator("other", "ops", &["admin:write"]).await;
    let ask_token = |host: &str| token_request(&[]).host(host);
    server.public.answer(ask_token(HOST).of(&app)).await.expect_invalid_client();
    let other = server.public.answer(ask_token(OTHER_HOST).of(&app)).await.token();
    let own = server.token(&["admin:write"]).await;
    for name in ["a", "b"] {
        let body = json!({ "name": name, "client_id": name });
        assert_eq!(server.answer(post("/applications", &own, &body)).await.status, 201);
    }
    let listed = server.answer(ask("GET", "/applications", &other)).await.json();
    let names: Vec<_> =
        listed["items"].as_array().unwrap().iter().map(|one| one["client_id"].clone()).collect();
    assert_eq!(names, [json!("ops")]);
    for path in ["/applications/a", "/tenants/default", "/applications/a/secrets"] {
        expect_problem(&server.answer(ask("GET", path, &other)).await, 404, "not-found");
    }
    // Named, whether it exists or not: one answer.
    for tenant in ["default", "nothing"] {
        expect_problem(
            &server.answer(ask("GET", &format!("/applications?tenant={tenant}"), &other)).await,
            403,
            "forbidden",
        );
    }
    let page = server.answer(ask("GET", "/applications?limit=1", &own)).await.json();
    let cursor = page["next"].as_str().unwrap();
    expect_problem(
        &server.answer(ask("GET", &format!("/applications?cursor={cursor}"), &other)).await,
        404,
        "not-found",
    );
    let tenants = server.answer(ask("GET", "/tenants", &other)).await.json();
    assert_eq!(
        (&tenants["items"][0]["name"], tenants["items"].as_array().unwrap().len()),
        (&json!("other"), 1)
    );
    // Its own, but not what others can reach it by.
    let algorithm = json!({ "algorithm": "ES256" });
    assert_eq!(server.answer(patch("/tenants/other", &other, "*", &algorithm)).await.status, 200);
    for body in [
        json!({ "hosts": ["x.example"] }),
        json!({ "enabled": false }),
        json!({ "issuer": "https://x.example" }),
    ] {
        expect_problem(&server.answer(patch("/tenants/other", &other, "*", &body)).await, 403, "forbidden");
        expect_problem(&server.answer(patch("/tenants/default", &other, "*", &body)).await, 404, "not-found");
    }
    let new = json!({ "name": "x", "hosts": ["x.example"], "issuer": "https://x.example" });
    expect_problem(&server.answer(post("/tenants", &other, &new)).await, 403, "forbidden");
    expect_problem(&server.answer(ask("DELETE", "/tenants/other", &other)).await, 403, "forbidden");
}

#[tokio::test]
async fn who_administers_every_tenant_says_which_is_meant() {
    let server = Administered::with_two_tenants().await;
    let token = server.token(&["admin:write", "admin:platform"]).await;
    let body = json!({ "name": "there", "client_id": "there" });
    assert_eq!(server.answer(post("/applications?tenant=other", &token, &body)).await.status, 201);
    expect_problem(&server.answer(ask("GET", "/applications/there", &token)).await, 404, "not-found");
    assert_eq!(server.answer(ask("GET", "/applications/there?tenant=other", &token)).await.status, 200);
    let admin = &server.public.admin;
    let (_, secret) = operators::add(admin, None, "root", vec!["admin:write".to_owned()]).await.unwrap();
    let as_root =
        |path: &str| get(&format!("/admin/v1{path}")).basic_raw(format!("root:{}", secret.expose()));
    assert_eq!(server.answer(as_root("/applications/there?tenant=other")).await.status, 200);
    assert_eq!(server.answer(as_root("/tenants")).await.json()["items"].as_array().unwrap().len(), 2);
    assert_eq!(server.answer(as_root("/operators")).await.json()["items"][0]["tenant"], json!(null));
    let narrow = server.answer(as_root("/operators?tenant=other")).await.json();
    assert_eq!(narrow["items"], json!([]));
}

/// Who administers all tenants needs none of them to be the usual one.
#[tokio::test]
async fn without_a_default_tenant_the_others_are_administered_all_the_same() {
    let server = Administered::with_two_tenants().await;
    let admin = &server.public.admin;
    let (_, secret) = operators::add(admin, None, "root", vec!["admin:write".to_owned()]).await.unwrap();
    let as_root = |method: &str, path: &str| {
        get(&format!("/admin/v1{path}")).method(method).basic_raw(format!("root:{}", secret.expose()))
    };
    let more = json!({ "name": "more", "hosts": ["more.example"], "issuer": "https://more.example", "algorithm": "ES256" });
    assert_eq!(server.answer(super::with_json(as_root("POST", "/tenants"), &more)).await.status, 201);
    tenants::remove(admin, "default").await.unwrap();
    server.public.advance_a_second();
    for path in ["/tenants", "/operators", "/audit"] {
        assert_eq!(server.answer(as_root("GET", path)).await.status, 200, "{path}");
    }
    expect_problem(&server.answer(as_root("GET", "/scopes")).await, 404, "not-found");
    assert_eq!(server.answer(as_root("GET", "/scopes?tenant=other")).await.status, 200);
    let disable = super::with_json(as_root("PATCH", "/tenants/more"), &json!({ "enabled": false }))
        .with("if-match", "*");
    assert_eq!(server.answer(disable).await.status, 200);
}

/// R06: who administers a disabled tenant from within is shut out within a second; who administers all is not.
#[tokio::test]
async fn a_disabled_tenant_is_administered_from_outside_only() {
    let server = Administered::with_two_tenants().await;
    let app = server.administrator("other", "ops", &["admin:write"]).await;
    let other = server.public.answer(token_request(&[]).host(OTHER_HOST).of(&app)).await.token();
    let platform = server.token(&["admin:write", "admin:platform"]).await;
    let admin = &server.public.admin;
    let tenant = server.public.tenant("other").await;
    let scopes = vec!["admin:read".to_owned()];
    let (_, secret) = operators::add(admin, Some(&tenant), "ann", scopes).await.unwrap();
    let as_ann = || get("/admin/v1/scopes").basic_raw(format!("ann:{}", secret.expose()));
    assert_eq!(server.answer(ask("GET", "/scopes", &other)).await.status, 200);
    assert_eq!(server.answer(as_ann()).await.status, 200);
    let change = TenantChange { enabled: Some(false), ..TenantChange::default() };
    tenants::change(admin, "other", change).await.unwrap();
    server.public.advance_a_second();
    expect_problem(&server.answer(ask("GET", "/scopes", &other)).await, 401, "unauthorized");
    expect_problem(&server.answer(as_ann()).await, 401, "unauthorized");
    assert_eq!(server.answer(ask("GET", "/scopes?tenant=other", &platform)).await.status, 200);
    let enable = patch("/tenants/other", &platform, "*", &json!({ "enabled": true }));
    assert_eq!(server.answer(enable).await.status, 200);
}
