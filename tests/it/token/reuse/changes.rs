//! Whatever changes, on whichever node, no token from before it is handed out a second later.

use chancery::admin::apis::ApiChange;
use chancery::admin::applications::{ApplicationChange, NewApplication};
use chancery::admin::change::{Change, TokenChange};
use chancery::admin::tenants::{self, TenantChange};
use chancery::domain::token::{StaticClaims, TokenProfile};
use serde_json::{Map, json};
use std::time::Duration;

use super::{add, ask, server, token};
use crate::support::ask::token_request;
use crate::support::server::{App, TestServer, names};

/// Expects that a change made by an operator of another node ends reuse.
async fn expect_forgotten(server: &TestServer, app: &App, what: &str, change: impl AsyncFn()) {
    let before = token(server, app).await;
    assert_eq!(token(server, app).await, before, "{what}");
    change().await;
    server.advance_a_second();
    let after = token(server, app).await;
    assert_ne!(after, before, "{what}");
    assert_eq!(token(server, app).await, after, "{what}");
}

#[tokio::test]
async fn whatever_changes_of_the_application_ends_it() {
    let (server, app) = server().await;
    let operator = server.another_node().await;
    let lifetime = TokenChange { lifetime: Change::To(Duration::from_mins(10)), ..TokenChange::default() };
    let profile = TokenChange { profile: Change::To(TokenProfile::Ciam), ..TokenChange::default() };
    let claims = StaticClaims::new(Map::from_iter([("tier".to_owned(), json!(1))])).unwrap();
    let usual = ApplicationChange::default;
    for (what, change) in [
        ("name", ApplicationChange { name: Some("another name".to_owned()), ..usual() }),
        ("scopes", ApplicationChange { scopes: Some(names(&["read", "list"])), ..usual() }),
        ("lifetime", ApplicationChange { token: lifetime, ..usual() }),
        ("profile", ApplicationChange { token: profile, ..usual() }),
        ("claims", ApplicationChange { claims: Some(claims), ..usual() }),
        ("share", ApplicationChange { token_reuse: super::share(40), ..usual() }),
    ] {
        expect_forgotten(&server, &app, what, async || operator.change(&app, change.clone()).await).await;
    }
    expect_forgotten(&server, &app, "secret added", async || {
        operator.add_secret(&app, None).await;
    })
    .await;
    let (_, second) = operator.add_secret(&app, None).await;
    server.advance_a_second();
    expect_forgotten(&server, &app, "secret removed", async || operator.remove_secret(&app, &second).await)
        .await;
}

#[tokio::test]
async fn whatever_changes_of_the_tenant_its_apis_or_its_keys_ends_it() {
    let (server, app) = server().await;
    let operator = server.another_node().await;
    expect_forgotten(&server, &app, "tenant", async || {
        let change =
            TenantChange { key_period: Some(Duration::from_hours(30 * 24)), ..TenantChange::default() };
        tenants::change(&operator.admin, "default", change).await.unwrap();
    })
    .await;
    expect_forgotten(&server, &app, "key revoked", async || operator.revoke_key().await).await;
    // Nobody's business of the application, and not told from what is.
    expect_forgotten(&server, &app, "API", async || {
        operator.api("https://api.example.com", &["use"], ApiChange::default()).await;
    })
    .await;
}

#[tokio::test]
async fn what_an_api_wants_is_what_is_reused() {
    let server = TestServer::start().await;
    let operator = server.another_node().await;
    let (one, two) = ("https://one.example.com", "https://two.example.com");
    for (identifier, scope) in [(one, "one:use"), (two, "two:use")] {
        server.api(identifier, &[scope], ApiChange::default()).await;
    }
    let settings = ApplicationChange { scopes: Some(names(&["one:use", "two:use"])), ..super::reusing() };
    let app = server
        .add(
            "default",
            "app",
            &["one:use", "two:use"],
            NewApplication { settings, ..NewApplication::default() },
        )
        .await;
    server.advance_a_second();
    let of =
        async |resource: &str| server.answer(token_request(&[("resource", resource)]).of(&app)).await.token();
    let before = [of(one).await, of(two).await];
    assert_ne!(before[0], before[1]);
    assert_eq!([of(one).await, of(two).await], before);
    let shorter = TokenChange { lifetime: Change::To(Duration::from_mins(1)), ..TokenChange::default() };
    operator.change_api(one, ApiChange { token: shorter, ..ApiChange::default() }).await;
    server.advance_a_second();
    let after = [of(one).await, of(two).await];
    assert!(after.iter().all(|token| !before.contains(token)));
    server.advance(Duration::from_secs(31));
    assert_ne!(of(one).await, after[0], "half of its minute is over");
    assert_eq!(of(two).await, after[1]);
}

/// A key that takes its place at its time is a change like any other.
#[tokio::test]
async fn a_key_that_takes_its_place_signs_the_next_token() {
    let (server, app) = server().await;
    let tenant = server.tenant("default").await;
    chancery::admin::keys::rotate(&server.admin, &tenant, None).await.unwrap();
    let key_of = |token: &str| crate::support::reply::part(token, 0);
    let first = key_of(&token(&server, &app).await);
    let mut keys = vec![first];
    for _ in 0..20 {
        server.run_chores().await;
        server.advance(Duration::from_mins(1));
        let key = key_of(&token(&server, &app).await);
        let tenant_key = {
            let issuer = server.directory.current(tenant.id).await.unwrap().0.unwrap();
            issuer.signing_key(None).id.to_string()
        };
        assert!(key.contains(&tenant_key), "a token of the key before is handed out: {key}");
        keys.push(key);
    }
    keys.dedup();
    assert_eq!(keys.len(), 2, "the key was to take its place");
}

/// What is another's business costs an application nothing.
#[tokio::test]
async fn what_changes_of_another_application_changes_nothing() {
    let (server, app) = server().await;
    let other = add(&server, "default", "other", &["read"]).await;
    let before = token(&server, &app).await;
    let change = ApplicationChange { name: Some("another name".to_owned()), ..ApplicationChange::default() };
    server.change(&other, change).await;
    server.advance_a_second();
    assert_eq!(token(&server, &app).await, before);
}

/// A secret that has expired is judged before anything else.
#[tokio::test]
async fn who_may_not_have_a_token_gets_none_again() {
    let (server, app) = server().await;
    let (late, _) = server.add_secret(&app, Some(Duration::from_mins(1))).await;
    server.advance_a_second();
    let before = token(&server, &app).await;
    assert_eq!(token(&server, &late).await, before, "the token is the application's, not the secret's");
    server.advance(Duration::from_mins(1));
    ask(&server, &late, "read").await.expect_invalid_client();
    assert_eq!(token(&server, &app).await, before);
    server.change(&app, ApplicationChange { enabled: Some(false), ..ApplicationChange::default() }).await;
    server.advance_a_second();
    ask(&server, &app, "read").await.expect_invalid_client();
}
