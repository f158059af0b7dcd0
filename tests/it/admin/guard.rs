//! Who may: P01 to P04, every route and every scope, operators.

use chancery::admin::apis::ApiChange;
use chancery::admin::operators::{self, OperatorChange};
use chancery::domain::power::{ADMIN_SCOPES, Powers};
use serde_json::{Value, json};

use super::{Administered, ask, expect_problem, post};
use crate::support::ask::{get, token_request};

/// Every operation of the OpenAPI document: method, path with something in place of the braces, and what it says.
async fn operations(server: &Administered) -> Vec<(String, String, Value)> {
    let document = server.answer(get("/admin/v1/openapi.json")).await.json();
    assert_eq!(document["openapi"], "3.1.1");
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let path = path.split('/').map(|part| if part.starts_with('{') { "nothing" } else { part });
            let path = path.collect::<Vec<_>>().join("/");
            let path = path.trim_start_matches("/admin/v1").to_owned();
            all.push((method.to_ascii_uppercase(), path, operation.clone()));
        }
    }
    assert!(all.len() > 30);
    all
}

/// P01, P02: every route, as the document lists them, lets nobody in who does not prove who they are.
#[tokio::test]
async fn every_route_refuses_strangers() {
    let server = Administered::start().await;
    let app = server.public.app(&["read"]).await;
    let elsewhere = server.public.answer(token_request(&[]).of(&app)).await.token();
    for (method, path, _) in operations(&server).await {
        let reply = server.answer(get(&format!("/admin/v1{path}")).method(&method)).await;
        expect_problem(&reply, 401, "unauthorized");
        assert_eq!(reply.header("www-authenticate"), Some(r#"Bearer realm="chancery""#), "{method} {path}");
        for token in ["", "x", "a.b.c", &elsewhere] {
            let reply = server.answer(ask(&method, &path, token)).await;
            expect_problem(&reply, 401, "unauthorized");
            let challenge = r#"Bearer realm="chancery", error="invalid_token""#;
            assert_eq!(reply.header("www-authenticate"), Some(challenge), "{method} {path} {token}");
        }
    }
}

/// P02: the role matrix: each scope lets in where the document says so, and nowhere else.
#[tokio::test]
async fn each_scope_opens_its_routes_and_no_others() {
    let server = Administered::start().await;
    let operations = operations(&server).await;
    for scope in ADMIN_SCOPES {
        let token = server.token(&[scope.name]).await;
        for (method, path, operation) in &operations {
            let lets_in = |one: &Value| one["token"] == json!([scope.name]);
            let opens = operation["security"].as_array().unwrap().iter().any(lets_in);
            let reply = server.answer(ask(method, path, &token)).await;
            assert_eq!(
                reply.status != 403 || reply.body.contains("admin:platform)"),
                opens,
                "{} {method} {path} {reply:?}",
                scope.name
            );
            if !opens {
                expect_problem(&reply, 403, "forbidden");
                let challenge = reply.header("www-authenticate").unwrap().to_owned();
                assert!(challenge.contains(r#"error="insufficient_scope", scope="admin:"#), "{challenge}");
            }
        }
    }
}

/// P03
#[tokio::test]
async fn a_token_is_sent_in_one_way() {
    let server = Administered::start().await;
    let token = server.token(&["admin:read"]).await;
    let twice = ask("GET", "/scopes", &token).with("authorization", format!("Bearer {token}"));
    let reply = server.answer(twice).await;
    expect_problem(&reply, 400, "malformed");
    assert!(reply.header("www-authenticate").unwrap().contains("invalid_request"));
    let in_query = get(&format!("/admin/v1/scopes?access_token={token}"));
    expect_problem(&server.answer(in_query).await, 401, "unauthorized");
    let both = ask("GET", &format!("/scopes?access_token={token}"), &token);
    expect_problem(&server.answer(both).await, 400, "malformed");
    let other_scheme = get("/admin/v1/scopes").with("authorization", format!("DPoP {token}"));
    expect_problem(&server.answer(other_scheme).await, 401, "unauthorized");
}

/// P04: typ, iss, aud, exp, alg, and that nothing was revoked, disabled or taken away since.
#[tokio::test]
async fn a_token_is_good_for_as_long_as_it_should_be() {
    use chancery::admin::applications::{self, ApplicationChange};
    let server = Administered::start().await;
    let tenant = server.public.tenant("default").await;
    let app = server.administrator("default", "ops", &["admin:read", "admin:write"]).await;
    let new = async || server.public.answer(token_request(&[]).of(&app)).await.token();
    let status = async |token: &str| server.answer(ask("GET", "/applications", token)).await.status;
    let change = async |change: ApplicationChange| {
        applications::change(&server.public.admin, &tenant, "ops", change).await.unwrap();
        server.public.advance_a_second();
    };
    let token = new().await;
    assert_eq!(status(&token).await, 200);
    // Altered, or with the signature of another.
    let mut parts: Vec<&str> = token.split('.').collect();
    let other = new().await;
    parts[2] = other.split('.').next_back().unwrap();
    assert_eq!(status(&parts.join(".")).await, 401);
    // For another audience.
    let elsewhere = server.public.app(&["read"]).await;
    let elsewhere = server.public.answer(token_request(&[]).of(&elsewhere)).await.token();
    assert_eq!(status(&elsewhere).await, 401);
    // Disabled, and enabled again.
    change(ApplicationChange { enabled: Some(false), ..ApplicationChange::default() }).await;
    assert_eq!(status(&token).await, 401);
    change(ApplicationChange { enabled: Some(true), ..ApplicationChange::default() }).await;
    assert_eq!(status(&token).await, 200);
    // A scope that the application has lost is lost to its tokens as well.
    change(ApplicationChange { scopes: Some(Vec::new()), ..ApplicationChange::default() }).await;
    assert_eq!(status(&token).await, 403);
    let scopes = ["admin:write"].map(|name| chancery::domain::scope::ScopeName::parse(name).unwrap());
    change(ApplicationChange { scopes: Some(scopes.to_vec()), ..ApplicationChange::default() }).await;
    assert_eq!(status(&token).await, 200);
    applications::revoke_tokens(&server.public.admin, &tenant, "ops").await.unwrap();
    server.public.advance_a_second();
    assert_eq!(status(&token).await, 401);
    let token = new().await;
    assert_eq!(status(&token).await, 200);
    server.public.advance(std::time::Duration::from_mins(5));
    assert_eq!(status(&token).await, 401);
}

/// P04: whatever the application's other tokens are like, those for this API are of RFC 9068.
#[tokio::test]
async fn an_applications_profile_does_not_concern_this_api() {
    use chancery::admin::applications::{self, ApplicationChange};
    use chancery::admin::change::{Change, TokenChange};
    use chancery::domain::token::TokenProfile;
    let server = Administered::start().await;
    let app = server.administrator("default", "ops", &["admin:read"]).await;
    let token = TokenChange { profile: Change::To(TokenProfile::Ciam), ..TokenChange::default() };
    let change = ApplicationChange { token, ..ApplicationChange::default() };
    let tenant = server.public.tenant("default").await;
    applications::change(&server.public.admin, &tenant, "ops", change).await.unwrap();
    server.public.advance_a_second();
    let token = server.public.answer(token_request(&[]).of(&app)).await.token();
    assert_eq!(server.answer(ask("GET", "/scopes", &token)).await.status, 200);
}

#[tokio::test]
async fn an_operator_comes_in_by_name_and_secret() {
    let server = Administered::start().await;
    let admin = &server.public.admin;
    let tenant = server.public.tenant("default").await;
    let scopes = vec!["admin:applications:read".to_owned()];
    let (_, secret) = operators::add(admin, Some(&tenant), "ann", scopes).await.unwrap();
    let status = async |name: &str, secret: &str, path: &str| {
        let ask = get(&format!("/admin/v1{path}")).basic_raw(format!("{name}:{secret}"));
        server.answer(ask).await.status
    };
    let secret = secret.expose();
    assert_eq!(status("ann", secret, "/applications").await, 200);
    assert_eq!(status("ann", secret, "/scopes").await, 403);
    for (name, wrong) in [("ann", "x"), ("ann", ""), ("bob", secret), ("", secret), ("Ann", secret)] {
        assert_eq!(status(name, wrong, "/applications").await, 401, "{name}");
    }
    for broken in ["Basic", "Basic x", "Basic YW5u", "Basic /////w==", "basic"] {
        let reply = server.answer(get("/admin/v1/applications").with("authorization", broken)).await;
        expect_problem(&reply, 401, "unauthorized");
    }
    let change = OperatorChange { enabled: Some(false), ..OperatorChange::default() };
    operators::change(admin, Some(&tenant), "ann", change).await.unwrap();
    assert_eq!(status("ann", secret, "/applications").await, 401);
    let (_, renewed) = operators::renew_secret(admin, Some(&tenant), "ann").await.unwrap();
    let change = OperatorChange { enabled: Some(true), ..OperatorChange::default() };
    operators::change(admin, Some(&tenant), "ann", change).await.unwrap();
    assert_eq!(status("ann", secret, "/applications").await, 401);
    assert_eq!(status("ann", renewed.expose(), "/applications").await, 200);
}

/// P04: one that another resource server is given as well is refused here, and not even issued.
#[tokio::test]
async fn a_token_for_this_api_is_for_no_other() {
    let server = Administered::start().await;
    server.public.api("https://other.example", &["other:read"], ApiChange::default()).await;
    let app = server.administrator("default", "ops", &["admin:read", "other:read"]).await;
    let both = [("resource", "urn:chancery:admin"), ("resource", "https://other.example")];
    server.public.answer(token_request(&both).of(&app)).await.expect_refused("invalid_target");
    let own = server.public.answer(token_request(&both[..1]).of(&app)).await.token();
    assert_eq!(server.answer(ask("GET", "/scopes", &own)).await.status, 200);
    let other = server.public.answer(token_request(&both[1..]).of(&app)).await.token();
    expect_problem(&server.answer(ask("GET", "/scopes", &other)).await, 401, "unauthorized");
}

/// O08: nobody gives away, or takes over, what they have not.
#[tokio::test]
async fn nobody_raises_their_own_powers() {
    let server = Administered::start().await;
    server.administrator("default", "mighty", &["admin:write", "admin:platform"]).await;
    let token = server.token(&["admin:applications:write", "admin:operators:write"]).await;
    for scopes in [
        json!(["admin:write"]),
        json!(["admin:platform"]),
        json!(["admin:keys:write"]),
        json!(["admin:read"]),
    ] {
        let body = json!({ "name": "mine", "client_id": "mine", "scopes": scopes });
        expect_problem(&server.answer(post("/applications", &token, &body)).await, 403, "forbidden");
        let body = json!({ "name": "me", "scopes": scopes });
        let refused = server.answer(post("/operators", &token, &body)).await.status;
        assert_eq!(refused, if scopes == json!(["admin:platform"]) { 400 } else { 403 });
    }
    let own = json!({ "name": "mine", "client_id": "mine", "scopes": ["admin:applications:read"] });
    assert_eq!(server.answer(post("/applications", &token, &own)).await.status, 201);
    let every = json!({ "name": "me", "scopes": ["admin:operators:read"], "every_tenant": true });
    expect_problem(&server.answer(post("/operators", &token, &every)).await, 403, "forbidden");
    // Neither by a change of one's own, nor by laying hands on who has more.
    let change = json!({ "scopes": ["admin:write"] });
    let reply = server.answer(super::patch("/applications/mine", &token, "*", &change)).await;
    expect_problem(&reply, 403, "forbidden");
    for (method, path) in [
        ("POST", "/applications/mighty/secrets"),
        ("DELETE", "/applications/mighty"),
        ("POST", "/applications/mighty/revoke-tokens"),
    ] {
        let request = ask(method, path, &token);
        let request = if path.ends_with("secrets") { super::with_json(request, &json!({})) } else { request };
        expect_problem(&server.answer(request).await, 403, "forbidden");
    }
    let rename = super::patch("/applications/mighty", &token, "*", &json!({ "name": "weak" }));
    expect_problem(&server.answer(rename).await, 403, "forbidden");
}

#[test]
fn the_platform_scope_alone_permits_nothing() {
    let powers = Powers::of(["admin:platform"]);
    assert!(
        ADMIN_SCOPES
            .iter()
            .all(|scope| scope.name == "admin:platform" || !powers.cover(Powers::of([scope.name])))
    );
}
