//! Tokens that are handed out again: to whom, for how long, and what ends it.

use std::time::Duration;

use chancery::admin::applications::{ApplicationChange, NewApplication};
use chancery::admin::change::Change;
use chancery::domain::token::ReuseShare;

use crate::support::ask::token_request;
use crate::support::reply::{Reply, claims};
use crate::support::server::{App, TestServer};

mod changes;
mod crowd;
mod history;
mod noted;
mod revoked;

/// What an application has whose tokens are reused for half of their five minutes.
fn reusing() -> ApplicationChange {
    ApplicationChange { token_reuse: share(50), ..ApplicationChange::default() }
}

fn share(percent: u64) -> Change<ReuseShare> {
    Change::To(ReuseShare::from_percent(percent).unwrap())
}

/// Such an application of a tenant.
async fn add(server: &TestServer, tenant: &str, client_id: &str, scopes: &[&str]) -> App {
    server
        .add(tenant, client_id, scopes, NewApplication { settings: reusing(), ..NewApplication::default() })
        .await
}

/// A server with one, which may have the scopes `read`, `write` and `list`.
async fn server() -> (TestServer, App) {
    let server = TestServer::start().await;
    let app = add(&server, "default", "app", &["read", "write", "list"]).await;
    // What was added a moment ago has changed, as servers see it.
    server.advance_a_second();
    (server, app)
}

async fn ask(server: &TestServer, app: &App, scope: &str) -> Reply {
    server.answer(token_request(&[("scope", scope)]).of(app)).await
}

async fn token(server: &TestServer, app: &App) -> String {
    ask(server, app, "read").await.token()
}

fn expires_in(reply: &Reply) -> i64 {
    reply.json()["expires_in"].as_i64().unwrap()
}

#[tokio::test]
async fn the_same_token_is_handed_out_for_its_share_and_says_what_remains() {
    let (server, app) = server().await;
    let first = ask(&server, &app, "read").await;
    assert_eq!((expires_in(&first), first.scope().as_deref()), (299, Some("read")));
    for (advance, left) in [(0, 299), (1, 299), (999, 298), (148_999, 150)] {
        server.advance(Duration::from_millis(advance));
        let again = ask(&server, &app, "read").await;
        let same = first.body.replace(r#""expires_in":299"#, &format!(r#""expires_in":{left}"#));
        assert_eq!((again.status, again.body.as_str()), (200, same.as_str()));
        assert_eq!(again.headers.len(), first.headers.len());
        again.expect_never_cached();
    }
    server.advance(Duration::from_millis(1));
    let next = ask(&server, &app, "read").await;
    assert_ne!(next.token(), first.token());
    assert_eq!(expires_in(&next), 299);
    assert_eq!(
        claims(&next.token())["iat"].as_i64(),
        claims(&first.token())["iat"].as_i64().map(|iat| iat + 150)
    );
}

#[tokio::test]
async fn unless_it_is_wanted_each_token_is_a_new_one() {
    let server = TestServer::start().await;
    let app = server.app(&["read"]).await;
    assert_ne!(token(&server, &app).await, token(&server, &app).await);
    server.change(&app, reusing()).await;
    server.advance_a_second();
    assert_eq!(token(&server, &app).await, token(&server, &app).await);
    server
        .change(&app, ApplicationChange { token_reuse: Change::Default, ..ApplicationChange::default() })
        .await;
    server.advance_a_second();
    assert_ne!(token(&server, &app).await, token(&server, &app).await);
}

/// Whatever is asked, and in whichever order: what counts is what is granted.
#[tokio::test]
async fn what_is_granted_must_be_the_same_in_the_same_order() {
    let (server, app) = server().await;
    let mut tokens = Vec::new();
    for scope in ["read", "write", "read write", "write read", "read write list"] {
        let reply = ask(&server, &app, scope).await;
        assert_eq!(reply.scope().as_deref(), Some(scope));
        assert!(!tokens.contains(&reply.token()), "{scope}");
        tokens.push(reply.token());
    }
    for (scope, token) in ["read", "write", "read write", "write read", "read write list"].iter().zip(&tokens)
    {
        assert_eq!(ask(&server, &app, scope).await.token(), *token);
    }
    // Asking for nothing in particular is asking for all, in the order in which the application has them.
    let by_default = server.answer(token_request(&[]).of(&app)).await;
    let in_words = ask(&server, &app, &by_default.scope().unwrap()).await;
    assert_eq!(by_default.token(), in_words.token());
}

#[tokio::test]
async fn each_application_of_each_tenant_has_its_own() {
    let server = TestServer::with_two_tenants().await;
    let mut tokens = Vec::new();
    for (tenant, client_id) in [("default", "app"), ("default", "another"), ("other", "app")] {
        let app = add(&server, tenant, client_id, &["read"]).await;
        let host =
            if tenant == "other" { crate::support::server::OTHER_HOST } else { crate::support::ask::HOST };
        let ask = || token_request(&[]).of(&app).host(host);
        let token = server.answer(ask()).await.token();
        assert_eq!(server.answer(ask()).await.token(), token);
        assert!(!tokens.contains(&token), "{tenant} {client_id}");
        tokens.push(token);
    }
}

/// One that asks for ever other scopes has room for a few, and takes none from others.
#[tokio::test]
async fn an_application_has_room_for_a_few() {
    let server = TestServer::start().await;
    let names: Vec<String> = (0..12).map(|number| format!("s{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let greedy = add(&server, "default", "greedy", &names).await;
    let modest = add(&server, "default", "modest", &["s0"]).await;
    let own = server.answer(token_request(&[]).of(&modest)).await.token();
    let mut tokens = Vec::new();
    for name in &names {
        tokens.push(ask(&server, &greedy, name).await.token());
    }
    for (name, token) in names.iter().zip(&tokens).skip(4) {
        assert_eq!(ask(&server, &greedy, name).await.token(), *token, "{name}");
    }
    assert_ne!(ask(&server, &greedy, "s0").await.token(), tokens[0]);
    assert_eq!(server.answer(token_request(&[]).of(&modest)).await.token(), own);
}

/// The time of day is stepped: nobody is promised more than a token has, and none is handed out for longer.
#[tokio::test]
async fn a_clock_that_is_stepped_makes_no_token_last() {
    let (server, app) = server().await;
    let first = ask(&server, &app, "read").await;
    server.advance(Duration::from_secs(100));
    server.step_clock(-60);
    let again = ask(&server, &app, "read").await;
    assert_eq!((again.token(), expires_in(&again)), (first.token(), 259));
    server.advance(Duration::from_secs(49));
    assert_eq!(token(&server, &app).await, first.token());
    // 150 seconds have passed, whatever the time of day says.
    server.advance(Duration::from_secs(1));
    let second = ask(&server, &app, "read").await;
    assert!(second.token() != first.token() && expires_in(&second) == 299);
    // Before it was made it is none.
    server.step_clock(-1);
    let third = ask(&server, &app, "read").await;
    assert!(third.token() != second.token() && expires_in(&third) == 299);
    server.step_clock(200);
    assert_eq!(expires_in(&ask(&server, &app, "read").await), 299);
}

/// A token is reused for a share of its own lifetime.
#[tokio::test]
async fn the_share_is_of_the_tokens_own_lifetime() {
    use chancery::admin::change::TokenChange;
    let (server, app) = server().await;
    let token_settings =
        TokenChange { lifetime: Change::To(Duration::from_mins(1)), ..TokenChange::default() };
    let change =
        ApplicationChange { token: token_settings, token_reuse: share(90), ..ApplicationChange::default() };
    server.change(&app, change).await;
    server.advance_a_second();
    let first = ask(&server, &app, "read").await;
    assert_eq!(expires_in(&first), 59);
    server.advance(Duration::from_millis(53_999));
    let last = ask(&server, &app, "read").await;
    assert_eq!((last.token(), expires_in(&last)), (first.token(), 6));
    server.advance(Duration::from_millis(1));
    assert_ne!(token(&server, &app).await, first.token());
}
