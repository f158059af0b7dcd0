//! The introspection endpoint, asked as resource servers and owners ask it: CONFORMANCE K. What a revocation does to its
//! answers is in `revoke.rs`.

use std::time::Duration;

use chancery::admin::apis::ApiChange;
use chancery::admin::applications::{self, ApplicationChange, NewApplication};
use chancery::admin::tenants::{self, TenantChange};
use chancery::domain::tenant::IssuerUrl;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::ask::{form, introspection, revocation, token_request};
use crate::support::faulty::Mood;
use crate::support::reply::{claims, part};
use crate::support::server::{App, ISSUER, OTHER_HOST, TestServer};
use crate::support::world::BEGINNING;

const API: &str = "https://api.example.com/orders";
const JWT: &str = "application/token-introspection+jwt";

/// A server, an application, and a token of its.
async fn server() -> (TestServer, App, String) {
    let server = TestServer::start().await;
    let app = server.app(&["read", "write"]).await;
    let token = server.answer(token_request(&[]).of(&app)).await.token();
    (server, app, token)
}

impl TestServer {
    async fn is_active(&self, app: &App, token: &str) -> bool {
        let reply = self.answer(introspection(token).of(app)).await;
        if reply.json()["active"] == json!(true) {
            return true;
        }
        reply.expect_inactive();
        false
    }

    /// An application that acts for `API`.
    async fn resource_server(&self) -> App {
        let api = self.api(API, &[], ApiChange::default()).await;
        self.advance_a_second();
        let settings = ApplicationChange { acts_for: Some(vec![api]), ..ApplicationChange::default() };
        let new = NewApplication { settings, ..NewApplication::default() };
        self.add("default", "orders", &[], new).await
    }
}

/// The claims of a token for an API (RFC 9068 §2.2).
fn for_api(audience: &Value) -> Value {
    json!({
        "iss": ISSUER, "exp": BEGINNING + 300, "aud": audience, "sub": "app", "client_id": "app",
        "iat": BEGINNING, "jti": "9939bc3f-5edf-46c3-8f5c-2b1dc1acfa90", "scope": "read write",
    })
}

#[tokio::test]
async fn a_token_is_told_of_whole() {
    let (server, app, token) = server().await;
    let reply = server.answer(introspection(&token).of(&app)).await;
    let (said, answer) = (claims(&token), reply.active());
    for name in ["sub", "aud", "iss", "exp", "iat", "nbf", "jti"] {
        assert_eq!(answer[name], said[name], "{name}");
    }
    let jti = said["jti"].as_str().unwrap();
    assert_snapshot!(reply.to_string().replace(jti, "<jti>"), @r#"
    200
    cache-control: no-store
    content-type: application/json;charset=UTF-8
    pragma: no-cache
    x-content-type-options: nosniff
    x-request-id: <request id>

    {"active":true,"scope":"read write","client_id":"app","token_type":"Bearer","exp":1640589128,"iat":1640588828,"nbf":1640588828,"sub":"app","aud":"app","iss":"https://id.example.com","jti":"<jti>"}
    "#);
    // What was asked once is remembered, and answered in the same way.
    assert_eq!(server.answer(introspection(&token).of(&app)).await.body, reply.body);
    let nothing = [("client_id", "bare"), ("client_secret", "x")];
    server.app_with_secret("bare", "x").await;
    let bare = server.answer(token_request(&nothing)).await.token();
    let about = [&nothing[..], &[("token", &bare), ("token_type_hint", "refresh_token")]].concat();
    assert_eq!(server.answer(form(&about).to("/oauth2/introspect")).await.active().get("scope"), None);
}

/// K01, A24
#[tokio::test]
async fn nobody_is_told_anything_without_proof() {
    let (server, app, token) = server().await;
    for ask in [
        introspection(&token),
        introspection(&token).basic("app", "wrong"),
        introspection(&token).basic("nobody", &app.secret),
        introspection(&token).with("authorization", format!("Bearer {token}")),
        introspection("garbage"),
    ] {
        server.answer(ask).await.expect_invalid_client();
    }
    for ask in [form(&[]), form(&[("token", "")]), form(&[("token", &token), ("token", &token)])] {
        server.answer(ask.to("/oauth2/introspect").of(&app)).await.expect_refused("invalid_request");
    }
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE"] {
        let reply = server.answer(introspection(&token).of(&app).method(method)).await;
        assert_eq!((reply.status, reply.header("allow")), (405, Some("POST, OPTIONS")), "{method}");
        reply.expect_never_cached();
    }
    let reply = server.answer(introspection(&token).without("content-type").of(&app)).await;
    assert_eq!(reply.status, 415);
}

/// K02
#[tokio::test]
async fn what_is_not_active_is_told_apart_by_nothing() {
    let (server, app, token) = server().await;
    let (jti, long) = (claims(&token)["jti"].as_str().unwrap().to_owned(), "a".repeat(20_000));
    let unknown = server.sign("JWT", &json!({ "iss": ISSUER })).await;
    for text in [
        "x",
        "a.b.c",
        "\n",
        "ä",
        "\0",
        &format!("{token} "),
        &format!("Bearer {token}"),
        &jti,
        &long,
        &unknown,
    ] {
        server.answer(introspection(text).of(&app)).await.expect_inactive();
    }
    // RFC 7515 §5.2: nothing but the compact form is read.
    let json = json!({ "payload": part(&token, 1) }).to_string();
    server.answer(introspection(&json).of(&app)).await.expect_inactive();
    assert!(server.is_active(&app, &token).await);
}

/// K02, R04: whether it was asked about at home before or not, and though the client ids are the same.
#[tokio::test]
async fn a_token_of_another_tenant_is_unknown() {
    let server = TestServer::with_two_tenants().await;
    let here = server.app(&[]).await;
    let there = server.add("other", &here.client_id, &[], NewApplication::default()).await;
    let token = server.answer(token_request(&[]).of(&here)).await.token();
    for _ in 0..2 {
        server.answer(introspection(&token).of(&there).host(OTHER_HOST)).await.expect_inactive();
        assert!(server.is_active(&here, &token).await);
    }
    // Nor is it revoked from there.
    let reply = server.answer(revocation(&token).of(&there).host(OTHER_HOST)).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, ""));
    assert!(server.is_active(&here, &token).await);
}

/// K03: issued by us, signed with a key of ours by its own algorithm, with every claim as we write it.
#[tokio::test]
async fn a_token_is_active_only_as_we_issue_them() {
    let (server, app, token) = server().await;
    let good = claims(&token);
    assert!(server.is_active(&app, &server.sign("JWT", &good).await).await);
    let sign = async |change: fn(&mut Value)| {
        let mut claims = good.clone();
        change(&mut claims);
        server.sign("JWT", &claims).await
    };
    for other in [
        sign(|claims| claims["iss"] = json!("https://id.example.com/")).await,
        sign(|claims| claims["iss"] = json!(["https://id.example.com"])).await,
        sign(|claims| claims["sub"] = json!("nobody")).await,
        sign(|claims| claims["jti"] = json!("not an id")).await,
        sign(|claims| claims["exp"] = json!("1640589128")).await,
        sign(|claims| claims["exp"] = json!(BEGINNING)).await,
        sign(|claims| claims["nbf"] = json!(BEGINNING + 1)).await,
        sign(|claims| claims["nbf"] = Value::Null).await,
        sign(|claims| claims["aud"] = json!([1])).await,
        sign(|claims| claims["scope"] = json!({})).await,
        sign(|claims| drop(claims.as_object_mut().unwrap().shift_remove("exp"))).await,
        sign(|claims| drop(claims.as_object_mut().unwrap().shift_remove("iat"))).await,
        sign(|claims| drop(claims.as_object_mut().unwrap().shift_remove("jti"))).await,
    ] {
        server.answer(introspection(&other).of(&app)).await.expect_inactive();
    }
    for typ in
        ["jwt", "", "AT+JWT", "application/at+jwt", "client-authentication+jwt", "dpop+jwt", "logout+jwt"]
    {
        let other = server.sign(typ, &good).await;
        server.answer(introspection(&other).of(&app)).await.expect_inactive();
    }
}

/// K03: that the signature verified once is remembered, but counts only while the key is published.
#[tokio::test]
async fn a_token_is_active_while_its_key_is_published() {
    let (server, app, token) = server().await;
    let never_asked = server.answer(token_request(&[]).of(&app)).await.token();
    assert!(server.is_active(&app, &token).await);
    server.revoke_key().await;
    server.advance_a_second();
    assert!(!server.is_active(&app, &token).await && !server.is_active(&app, &never_asked).await);
    let next = server.answer(token_request(&[]).of(&app)).await.token();
    assert!(server.is_active(&app, &next).await);
}

/// K03: a token has its time, to the second.
#[tokio::test]
async fn a_token_is_active_until_it_ends() {
    let (server, app, token) = server().await;
    assert!(server.is_active(&app, &token).await);
    server.advance(Duration::from_millis(299_999));
    assert!(server.is_active(&app, &token).await);
    server.advance(Duration::from_millis(1));
    server.answer(introspection(&token).of(&app)).await.expect_inactive();
}

/// K03: the application is there still, is the same, and is on.
#[tokio::test]
async fn a_token_is_active_while_its_application_is() {
    let (server, _, token) = server().await;
    let asks = server.resource_server().await;
    let token = {
        let mut claims = claims(&token);
        claims["aud"] = json!(API);
        server.sign("JWT", &claims).await
    };
    let app = App { client_id: "app".to_owned(), secret: String::new() };
    for enabled in [true, false, true] {
        server
            .change(&app, ApplicationChange { enabled: Some(enabled), ..ApplicationChange::default() })
            .await;
        server.advance_a_second();
        assert_eq!(server.is_active(&asks, &token).await, enabled);
    }
    let tenant = server.tenant("default").await;
    applications::remove(&server.admin, &tenant, "app").await.unwrap();
    server.advance_a_second();
    assert!(!server.is_active(&asks, &token).await);
    server.app(&[]).await;
    server.advance_a_second();
    assert!(!server.is_active(&asks, &token).await, "it was another application's");
}

/// K03, R06: at a tenant that is off nobody can ask; one that goes by another name has issued nothing yet.
#[tokio::test]
async fn a_token_is_active_while_its_tenant_is() {
    let (server, app, token) = server().await;
    let change = async |change: TenantChange| {
        tenants::change(&server.admin, "default", change).await.unwrap();
        server.advance_a_second();
    };
    assert!(server.is_active(&app, &token).await);
    change(TenantChange { enabled: Some(false), ..TenantChange::default() }).await;
    server.answer(introspection(&token).of(&app)).await.expect_invalid_client();
    let issuer = Some(IssuerUrl::parse("https://moved.example.com").unwrap());
    change(TenantChange { enabled: Some(true), issuer, ..TenantChange::default() }).await;
    assert!(!server.is_active(&app, &token).await);
    change(TenantChange { issuer: Some(IssuerUrl::parse(ISSUER).unwrap()), ..TenantChange::default() }).await;
    assert!(server.is_active(&app, &token).await);
}

/// K04: the owner may ask, and whoever acts for an API that the token is meant for; no one else, whatever it may do.
#[tokio::test]
async fn only_the_owner_and_the_audience_are_told() {
    let (server, app, token) = server().await;
    let orders = server.resource_server().await;
    let calls = ApplicationChange {
        apis: Some(vec![server.api("https://other.example.com", &[], ApiChange::default()).await]),
        ..ApplicationChange::default()
    };
    let other = server
        .add("default", "other", &["read"], NewApplication { settings: calls, ..NewApplication::default() })
        .await;
    for audience in [json!(API), json!([API]), json!(["https://other.example.com", API])] {
        let token = server.sign("at+jwt", &for_api(&audience)).await;
        let answer = server.answer(introspection(&token).of(&orders)).await.active();
        assert_eq!((&answer["aud"], &answer["scope"]), (&audience, &json!("read write")));
        assert_eq!((&answer["client_id"], answer.get("nbf")), (&json!("app"), None));
        assert!(server.is_active(&app, &token).await);
        server.answer(introspection(&token).of(&other)).await.expect_inactive();
    }
    for audience in
        [json!([]), json!("https://other.example.com"), json!("https://api.example.com"), json!("orders")]
    {
        let token = server.sign("at+jwt", &for_api(&audience)).await;
        server.answer(introspection(&token).of(&orders)).await.expect_inactive();
        assert!(server.is_active(&app, &token).await);
    }
    // A token without an API is its owner's alone.
    server.answer(introspection(&token).of(&orders)).await.expect_inactive();
    server
        .change(&orders, ApplicationChange { acts_for: Some(Vec::new()), ..ApplicationChange::default() })
        .await;
    server.advance_a_second();
    let token = server.sign("at+jwt", &for_api(&json!(API))).await;
    server.answer(introspection(&token).of(&orders)).await.expect_inactive();
}

/// K06: before the good one was asked about, and after.
#[tokio::test]
async fn a_token_that_is_nearly_a_good_one_is_none() {
    let (server, app, token) = server().await;
    let last = token.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut nearly: Vec<String> = alphabet
        .chars()
        .filter(|one| *one != last)
        .map(|one| format!("{}{one}", &token[..token.len() - 1]))
        .collect();
    nearly.push(token[..token.len() - 1].to_owned());
    nearly.push(token[..token.rfind('.').unwrap()].to_owned());
    nearly.extend(["=", "A", ".", "\n", "\0"].map(|one| format!("{token}{one}")));
    for _ in 0..2 {
        for text in &nearly {
            server.answer(introspection(text).of(&app)).await.expect_inactive();
        }
        assert!(server.is_active(&app, &token).await);
    }
}

/// K09
#[tokio::test]
async fn the_answer_can_be_a_jwt_for_the_caller_alone() {
    let (server, app, token) = server().await;
    for (text, active) in [(token.as_str(), true), ("x", false)] {
        let reply = server.answer(introspection(text).of(&app).with("accept", JWT)).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some(JWT)), "{reply:?}");
        reply.expect_never_cached();
        let header: Value = serde_json::from_str(&part(&reply.body, 0)).unwrap();
        let own: Value = serde_json::from_str(&part(&token, 0)).unwrap();
        assert_eq!(header, json!({ "kid": own["kid"], "typ": "token-introspection+jwt", "alg": "RS256" }));
        let said = claims(&reply.body);
        let names: Vec<&str> = said.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["iss", "aud", "iat", "token_introspection"]);
        assert_eq!(
            [&said["iss"], &said["aud"], &said["iat"]],
            [&json!(ISSUER), &json!("app"), &json!(BEGINNING)]
        );
        let plain = server.answer(introspection(text).of(&app)).await.json();
        assert_eq!((&said["token_introspection"], &plain["active"]), (&plain, &json!(active)));
    }
    // What is refused is refused as ever.
    let refused = server.answer(introspection(&token).basic("app", "wrong").with("accept", JWT)).await;
    refused.expect_invalid_client();
}

/// K10
#[tokio::test]
async fn such_a_jwt_is_good_for_nothing_else() {
    let (server, app, token) = server().await;
    let jwt = server.answer(introspection(&token).of(&app).with("accept", JWT)).await.body;
    server.answer(introspection(&jwt).of(&app)).await.expect_inactive();
    let refused = server.verify(&jwt).await.unwrap_err();
    assert_eq!(refused.to_string(), "its typ is not that of an access token");
    // Not even with all the claims of an access token.
    let disguised = server.sign("token-introspection+jwt", &claims(&token)).await;
    server.answer(introspection(&disguised).of(&app)).await.expect_inactive();
    let assertion = [
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", jwt.as_str()),
    ];
    for path in ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"] {
        let ask =
            form(&[&[("grant_type", "client_credentials"), ("token", &token)], &assertion[..]].concat());
        server.answer(ask.to(path)).await.expect_invalid_client();
    }
    assert!(server.is_active(&app, &token).await);
}

/// F06: not knowing is neither active nor inactive.
#[tokio::test]
async fn a_store_that_does_not_answer_is_not_an_answer() {
    let (server, store) = TestServer::with_faulty_store().await;
    let app = server.app(&[]).await;
    let token = server.answer(token_request(&[]).of(&app)).await.token();
    for format in ["application/json", JWT] {
        let ask = || introspection(&token).of(&app).with("accept", format);
        assert_eq!(server.answer(ask()).await.status, 200);
        store.turn(Mood::Unavailable);
        server.answer(ask()).await.expect_unavailable();
        store.turn(Mood::Corrupt);
        assert_eq!(server.answer(ask()).await.status, 500);
        store.turn(Mood::Works);
    }
    assert!(server.is_active(&app, &token).await);
}
