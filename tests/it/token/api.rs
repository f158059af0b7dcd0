//! Tokens for APIs: which one, in which shape, signed how. CONFORMANCE N01 to N03, D12, H.

use std::time::Duration;

use chancery::admin::apis::ApiChange;
use chancery::admin::applications::{ApplicationChange, NewApplication};
use chancery::admin::change::{Change, TokenChange};
use chancery::domain::api::ApiIdentifier;
use chancery::domain::token::{StaticClaims, TokenProfile};
use serde_json::{Map, Value, json};

use crate::support::ask::{form, token_request};
use crate::support::reply::{Reply, claims, part};
use crate::support::server::{App, ISSUER, TestServer};

const ORDERS: &str = "https://orders.example.com/v1";
const BILLING: &str = "urn:example:billing";
const LONELY: &str = "https://lonely.example.com";

fn identifier(text: &str) -> ApiIdentifier {
    ApiIdentifier::parse(text).unwrap()
}

/// A server with two APIs that define scopes and one that does not, and an application with scopes of both and of the
/// tenant.
async fn server() -> (TestServer, App) {
    let server = TestServer::start().await;
    server.api(ORDERS, &["orders:read", "orders:write"], ApiChange::default()).await;
    server.api(BILLING, &["billing:read"], ApiChange::default()).await;
    server.api(LONELY, &[], ApiChange::default()).await;
    let app = server.app(&["ping", "orders:read", "orders:write", "billing:read"]).await;
    server.advance_a_second();
    (server, app)
}

async fn ask(server: &TestServer, app: &App, parameters: &[(&str, &str)]) -> Reply {
    server.answer(token_request(parameters).of(app)).await
}

fn header(token: &str) -> Value {
    serde_json::from_str(&part(token, 0)).unwrap()
}

/// N01
#[tokio::test]
async fn a_resource_is_an_absolute_uri_without_a_fragment() {
    let (server, app) = server().await;
    let fragment = format!("{ORDERS}#a");
    for resource in
        ["orders", "/v1", "//orders.example.com/v1", &fragment, "https://orders example", "a:", "é:a"]
    {
        ask(&server, &app, &[("resource", resource)]).await.expect_refused("invalid_target");
    }
}

/// N02: one that is unknown or not allowed spoils the request, and which of the two it is, is not told.
#[tokio::test]
async fn a_resource_may_repeat_and_none_is_ignored() {
    let (server, app) = server().await;
    let unknown = ask(&server, &app, &[("resource", "https://unknown.example")]).await;
    unknown.expect_refused("invalid_target");
    let not_allowed = ask(&server, &app, &[("resource", LONELY)]).await;
    assert_eq!(not_allowed.without_request_id(), unknown.without_request_id());
    for other in [
        "https://ORDERS.example.com/v1",
        "https://orders.example.com/v1/",
        "https://orders.example.com:443/v1",
    ] {
        ask(&server, &app, &[("resource", other)]).await.expect_refused("invalid_target");
    }
    let both = ask(&server, &app, &[("resource", ORDERS), ("resource", "https://unknown.example")]).await;
    both.expect_refused("invalid_target");
    let both = [("resource", BILLING), ("resource", ORDERS), ("resource", BILLING)];
    let token = ask(&server, &app, &both).await.token();
    assert_eq!(claims(&token)["aud"], json!([BILLING, ORDERS]));
}

/// N03, H03, H07
#[tokio::test]
async fn a_token_for_an_api_has_it_as_audience_and_the_shape_of_rfc_9068() {
    let (server, app) = server().await;
    let reply = ask(&server, &app, &[("resource", ORDERS), ("scope", "orders:write orders:read")]).await;
    assert_eq!(reply.scope().unwrap(), "orders:write orders:read");
    let token = reply.token();
    assert_eq!((&header(&token)["typ"], &header(&token)["alg"]), (&json!("at+jwt"), &json!("RS256")));
    let said = claims(&token);
    let names: Vec<&str> = said.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope"]);
    assert_eq!((&said["iss"], &said["aud"]), (&json!(ISSUER), &json!(ORDERS)));
    assert_eq!((&said["sub"], &said["client_id"]), (&json!(app.client_id), &json!(app.client_id)));
    assert_eq!(said["scope"], "orders:write orders:read");
    assert_eq!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(), 300);
    assert!(server.verify(&token).await.is_ok());
}

/// D12, H07: scopes choose their API, and those of several choose none.
#[tokio::test]
async fn scopes_choose_the_api_that_defines_them() {
    let (server, app) = server().await;
    let token = ask(&server, &app, &[("scope", "ping billing:read")]).await.token();
    assert_eq!(
        (&claims(&token)["aud"], &claims(&token)["scope"]),
        (&json!(BILLING), &json!("ping billing:read"))
    );
    for several in [&[("scope", "orders:read billing:read")][..], &[]] {
        ask(&server, &app, several).await.expect_refused("invalid_scope");
    }
    let elsewhere = ask(&server, &app, &[("resource", BILLING), ("scope", "orders:read")]).await;
    elsewhere.expect_refused("invalid_scope");
    let both = [("resource", BILLING), ("resource", ORDERS), ("scope", "orders:read billing:read")];
    assert_eq!(ask(&server, &app, &both).await.scope().unwrap(), "orders:read billing:read");
    // A scope of the whole tenant chooses nothing, and the token is the reference's.
    let token = ask(&server, &app, &[("scope", "ping")]).await.token();
    assert_eq!((&header(&token)["typ"], &claims(&token)["aud"]), (&json!("JWT"), &json!(app.client_id)));
    assert_eq!(claims(&token)["scope"], json!(["ping"]));
}

/// D09: what is asked for without a scope is what the application has of that API, and of the whole tenant.
#[tokio::test]
async fn without_a_scope_a_resource_gives_what_belongs_to_it() {
    let (server, app) = server().await;
    let reply = ask(&server, &app, &[("resource", ORDERS)]).await;
    assert_eq!(reply.scope().unwrap(), "ping orders:read orders:write");
    let apis = Some(vec![identifier(LONELY)]);
    let narrowed = Some(crate::support::server::names(&["orders:read"]));
    server
        .change(&app, ApplicationChange { apis, default_scopes: narrowed, ..ApplicationChange::default() })
        .await;
    server.advance_a_second();
    assert_eq!(ask(&server, &app, &[("resource", ORDERS)]).await.scope().unwrap(), "orders:read");
    let reply = ask(&server, &app, &[("resource", LONELY)]).await;
    assert_eq!(reply.scope(), None);
    let said = claims(&reply.token());
    assert_eq!((&said["aud"], said.get("scope")), (&json!(LONELY), None));
}

/// H07: the default API is the audience where the request chooses none; a token of RFC 9068 is never without one.
#[tokio::test]
async fn the_default_api_is_chosen_where_nothing_else_is() {
    let (server, app) = server().await;
    let profile = |profile| TokenChange { profile, ..TokenChange::default() };
    let rfc = ApplicationChange {
        token: profile(Change::To(TokenProfile::Rfc9068)),
        ..ApplicationChange::default()
    };
    server.change(&app, rfc).await;
    server.advance_a_second();
    ask(&server, &app, &[("scope", "ping")]).await.expect_refused("invalid_target");
    let default_api = Change::To(identifier(BILLING));
    server.change(&app, ApplicationChange { default_api, ..ApplicationChange::default() }).await;
    server.advance_a_second();
    for (asked, scope) in [(&[("scope", "ping")][..], "ping"), (&[], "ping billing:read")] {
        let reply = ask(&server, &app, asked).await;
        assert_eq!(reply.scope().unwrap(), scope);
        assert_eq!(claims(&reply.token())["aud"], BILLING);
    }
    // What the request says goes before.
    let token = ask(&server, &app, &[("scope", "orders:read")]).await.token();
    assert_eq!(claims(&token)["aud"], ORDERS);
}

/// H01, H06, H07: either shape for each API and each application; the application's word goes first.
#[tokio::test]
async fn an_operator_chooses_the_shape_for_each_api_and_application() {
    let (server, app) = server().await;
    let profile = |profile| TokenChange { profile, ..TokenChange::default() };
    let ciam = ApiChange { token: profile(Change::To(TokenProfile::Ciam)), ..ApiChange::default() };
    server.change_api(ORDERS, ciam).await;
    server.advance_a_second();
    let token = ask(&server, &app, &[("scope", "orders:read ping")]).await.token();
    assert_eq!((&header(&token)["typ"], &claims(&token)["aud"]), (&json!("JWT"), &json!(app.client_id)));
    assert_eq!(claims(&token)["scope"], json!(["orders:read", "ping"]));
    let two = [("resource", ORDERS), ("resource", BILLING)];
    ask(&server, &app, &two).await.expect_refused("invalid_target");
    for (chosen, typ, scope) in [
        (TokenProfile::Rfc9068, "at+jwt", json!("orders:read")),
        (TokenProfile::Ciam, "JWT", json!(["orders:read"])),
    ] {
        let change = ApplicationChange { token: profile(Change::To(chosen)), ..ApplicationChange::default() };
        server.change(&app, change).await;
        server.advance_a_second();
        let token = ask(&server, &app, &[("scope", "orders:read")]).await.token();
        assert_eq!((&header(&token)["typ"], &claims(&token)["scope"]), (&json!(typ), &scope));
        assert_eq!(ask(&server, &app, &two).await.status, 200);
    }
}

/// H09: of the lifetimes that were set the shortest holds; `nbf` lies back as far as was said, `exp` stays.
#[tokio::test]
async fn lifetimes_and_nbf_are_what_was_configured() {
    let (server, app) = server().await;
    let times = |lifetime: u64, backdating: u64| TokenChange {
        lifetime: if lifetime == 0 { Change::Default } else { Change::To(Duration::from_secs(lifetime)) },
        backdating: Change::To(Duration::from_secs(backdating)),
        profile: Change::To(TokenProfile::Ciam),
    };
    for (of_app, of_api, lifetime) in [(0, 0, 300), (0, 3_600, 3_600), (60, 3_600, 60), (7_200, 600, 600)] {
        server.change_api(ORDERS, ApiChange { token: times(of_api, 60), ..ApiChange::default() }).await;
        let change = ApplicationChange { token: times(of_app, 7), ..ApplicationChange::default() };
        server.change(&app, change).await;
        server.advance_a_second();
        let reply = ask(&server, &app, &[("scope", "orders:read")]).await;
        assert_eq!(reply.json()["expires_in"], lifetime - 1);
        let said = claims(&reply.token());
        let time = |name: &str| said[name].as_i64().unwrap();
        assert_eq!((time("exp") - time("iat"), time("iat") - time("nbf")), (lifetime, 60));
        let said = claims(&ask(&server, &app, &[("scope", "ping")]).await.token());
        assert_eq!(said["iat"].as_i64().unwrap() - said["nbf"].as_i64().unwrap(), 7);
    }
}

/// H11, E06: claims of the application's own stand behind the others in both shapes, and count toward the 4 KiB.
#[tokio::test]
async fn static_claims_are_added_and_replace_nothing() {
    let (server, app) = server().await;
    let own = json!({ "https://example.com/team": { "name": "say \"hi\"" }, "tier": ["gold", 1, null] });
    let own: Map<String, Value> = own.as_object().unwrap().clone();
    let change = |claims: &Map<String, Value>| ApplicationChange {
        claims: Some(StaticClaims::new(claims.clone()).unwrap()),
        ..ApplicationChange::default()
    };
    server.change(&app, change(&own)).await;
    server.advance_a_second();
    for asked in ["ping", "orders:read"] {
        let token = ask(&server, &app, &[("scope", asked)]).await.token();
        let said = server.verify(&token).await.unwrap().claims;
        assert_eq!(said.len(), 10);
        assert!(own.iter().all(|(name, value)| said[name] == *value), "{said:?}");
        assert_eq!(said["sub"], app.client_id.as_str());
    }
    let long = Map::from_iter([("long".to_owned(), "x".repeat(1_000).into())]);
    server.change(&app, change(&long)).await;
    server.advance_a_second();
    assert!(ask(&server, &app, &[("scope", "ping")]).await.token().len() <= 4096);
}

/// C22, D13: an API, and what an application has of it, is acted on within a second.
#[tokio::test]
async fn what_changes_on_an_api_is_followed() {
    let (server, app) = server().await;
    assert_eq!(ask(&server, &app, &[("resource", ORDERS)]).await.status, 200);
    let scopes = Some(crate::support::server::names(&["ping", "billing:read"]));
    server.change(&app, ApplicationChange { scopes, ..ApplicationChange::default() }).await;
    server.advance_a_second();
    ask(&server, &app, &[("resource", ORDERS)]).await.expect_refused("invalid_target");
    ask(&server, &app, &[("scope", "orders:read")]).await.expect_refused("invalid_scope");
    server.remove_api(ORDERS).await;
    let late = "https://late.example";
    server.api(late, &["late:read"], ApiChange::default()).await;
    let added = server.add("default", "late", &["late:read"], NewApplication::default()).await;
    server.advance_a_second();
    assert_eq!(claims(&ask(&server, &added, &[]).await.token())["aud"], late);
}

/// An application that is newer than what is known of APIs is told to come back, and gets no token of another shape.
#[tokio::test]
async fn an_api_that_is_not_known_yet_is_our_trouble() {
    let (server, _) = server().await;
    assert_eq!(server.answer(form(&[])).await.status, 400);
    server.api("https://late.example", &["late:read"], ApiChange::default()).await;
    let late = server.add("default", "late", &["late:read"], NewApplication::default()).await;
    let reply = ask(&server, &late, &[]).await;
    assert_eq!((reply.status, reply.json()["error"].as_str()), (503, Some("temporarily_unavailable")));
    server.advance_a_second();
    assert_eq!(ask(&server, &late, &[]).await.status, 200);
}
