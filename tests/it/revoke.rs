//! The revocation endpoint, asked as owners of tokens ask it: CONFORMANCE J, and what it does to the answers of
//! introspection.

use std::time::Duration;

use chancery::admin::applications::{self, NewApplication};
use serde_json::{Value, json};

use crate::support::ask::{form, introspection, revocation, token_request};
use crate::support::binary::Installation;
use crate::support::faulty::Mood;
use crate::support::log;
use crate::support::reply::{Reply, claims};
use crate::support::server::{App, TestServer};

/// A server, an application, and a token of its.
async fn server() -> (TestServer, App, String) {
    let server = TestServer::start().await;
    let app = server.app(&["read"]).await;
    let token = server.answer(token_request(&[]).of(&app)).await.token();
    (server, app, token)
}

#[track_caller]
fn expect_done(reply: &Reply) {
    assert_eq!(
        (reply.status, reply.body.as_str(), reply.header("content-type")),
        (200, "", None),
        "{reply:?}"
    );
    reply.expect_never_cached();
}

async fn is_active(server: &TestServer, app: &App, token: &str) -> bool {
    server.answer(introspection(token).of(app)).await.json()["active"] == json!(true)
}

/// J01, A24
#[tokio::test]
async fn a_token_is_given_back_in_a_form_by_whoever_has_proved_himself() {
    let (server, app, token) = server().await;
    for ask in [form(&[]), form(&[("token", "")]), form(&[("token", &token), ("token", "x")])] {
        server.answer(ask.to("/oauth2/revoke").of(&app)).await.expect_refused("invalid_request");
    }
    for ask in [
        revocation(&token),
        revocation(&token).basic("app", "wrong"),
        revocation(&token).with("authorization", format!("Bearer {token}")),
        revocation("garbage").basic("nobody", "x"),
    ] {
        server.answer(ask).await.expect_invalid_client();
    }
    let twice = form(&[("token", &token), ("client_id", "app"), ("client_secret", &app.secret)]);
    server.answer(twice.to("/oauth2/revoke").of(&app)).await.expect_refused("invalid_request");
    assert_eq!(server.answer(revocation(&token).without("content-type").of(&app)).await.status, 415);
    assert!(is_active(&server, &app, &token).await);
    let by_post = form(&[("token", &token), ("client_id", "app"), ("client_secret", &app.secret)]);
    expect_done(&server.answer(by_post.to("/oauth2/revoke")).await);
    assert!(!is_active(&server, &app, &token).await);
    let logged = log::take();
    let revoked: Vec<_> = logged.iter().filter(|line| line["message"] == "a token was revoked").collect();
    assert_eq!(revoked.len(), 1, "{logged:?}");
    assert_eq!((&revoked[0]["jti"], &revoked[0]["application"]), (&claims(&token)["jti"], &"app".into()));
}

/// J02
#[tokio::test]
async fn a_token_of_another_is_left_alone_and_the_caller_is_told() {
    let (server, app, token) = server().await;
    let other = server.add("default", "other", &[], NewApplication::default()).await;
    for _ in 0..2 {
        let reply = server.answer(revocation(&token).of(&other)).await;
        reply.expect_refused("invalid_grant");
        assert_eq!(reply.json()["error_description"], "The token was issued to another client.");
        assert!(is_active(&server, &app, &token).await);
    }
}

/// J03: there is nothing to revoke, which is what was asked for; a second time as well.
#[tokio::test]
async fn what_is_no_token_is_as_good_as_revoked() {
    let (server, app, token) = server().await;
    let other = server.add("default", "other", &[], NewApplication::default()).await;
    let others = server.answer(token_request(&[]).of(&other)).await.token();
    let cut = &token[..token.len() - 1];
    for text in ["x", "a.b.c", "\0", "ä", cut, &format!("{token}="), &"a".repeat(20_000)] {
        expect_done(&server.answer(revocation(text).of(&app)).await);
    }
    assert!(is_active(&server, &app, &token).await);
    for _ in 0..2 {
        expect_done(&server.answer(revocation(&token).of(&app)).await);
    }
    server.advance(Duration::from_mins(5));
    for over in [&token, &others] {
        expect_done(&server.answer(revocation(over).of(&app)).await);
    }
}

/// J04
#[tokio::test]
async fn a_hint_is_only_a_hint() {
    let (server, app, _) = server().await;
    for hint in ["access_token", "refresh_token", "frob", ""] {
        let token = server.answer(token_request(&[]).of(&app)).await.token();
        let ask = form(&[("token", &token), ("token_type_hint", hint)]).to("/oauth2/revoke").of(&app);
        expect_done(&server.answer(ask).await);
        assert!(!is_active(&server, &app, &token).await, "{hint}");
    }
}

/// J05, F06
#[tokio::test]
async fn what_cannot_be_written_down_is_not_said_to_be_done() {
    let (server, store) = TestServer::with_faulty_store().await;
    let app = server.app(&[]).await;
    let token = server.answer(token_request(&[]).of(&app)).await.token();
    store.turn(Mood::Unavailable);
    server.answer(revocation(&token).of(&app)).await.expect_unavailable();
    store.turn(Mood::Works);
    assert!(is_active(&server, &app, &token).await);
    expect_done(&server.answer(revocation(&token).of(&app)).await);
    assert!(!is_active(&server, &app, &token).await);
}

/// J06
#[test]
fn what_was_answered_outlives_a_kill() {
    let installation = Installation::new();
    let added = installation.json(&["app", "add", "--name", "x", "--client-id", "x"]);
    let secret = added["client_secret"].as_str().unwrap();
    let issuer = ["--issuer", "http://localhost:9"];
    let ask = |token: &str| format!("client_id=x&client_secret={secret}&token={token}");
    for _ in 0..3 {
        let mut server = installation.serve(&issuer);
        let token = || server.token("x", secret, "").1["access_token"].as_str().unwrap().to_owned();
        let (revoked, kept) = (token(), token());
        assert_eq!(server.post("/oauth2/revoke", &ask(&revoked)), (200, String::new()));
        server.signal("KILL");
        server.wait();
        let server = installation.serve(&issuer);
        let is_active = |token: &str| {
            let (status, body) = server.post("/oauth2/introspect", &ask(token));
            assert_eq!(status, 200, "{body}");
            serde_json::from_str::<Value>(&body).unwrap()["active"] == json!(true)
        };
        assert!(!is_active(&revoked) && is_active(&kept));
    }
}

/// K08: no second has to pass, here or elsewhere.
#[tokio::test]
async fn a_revoked_token_is_inactive_at_once_on_every_node() {
    let (server, app, token) = server().await;
    let other_node = server.another_node().await;
    let other_token = server.answer(token_request(&[]).of(&app)).await.token();
    for node in [&server, &other_node] {
        assert!(is_active(node, &app, &token).await);
    }
    assert_eq!(server.answer(revocation(&token).of(&app)).await.status, 200);
    for node in [&server, &other_node] {
        assert!(!is_active(node, &app, &token).await);
        assert!(is_active(node, &app, &other_token).await);
    }
}

/// K08: everything issued until now, in one word of the operator.
#[tokio::test]
async fn all_that_was_issued_is_inactive_one_second_later_on_every_node() {
    let (server, app, token) = server().await;
    let nodes = [server.another_node().await, server.another_node().await];
    for node in &nodes {
        assert!(is_active(node, &app, &token).await);
    }
    server.advance(Duration::from_mins(1));
    let last = server.answer(token_request(&[]).of(&app)).await.token();
    let tenant = server.tenant("default").await;
    applications::revoke_tokens(&server.admin, &tenant, "app").await.unwrap();
    server.advance_a_second();
    let next = server.answer(token_request(&[]).of(&app)).await.token();
    for node in &nodes {
        assert!(!is_active(node, &app, &token).await && !is_active(node, &app, &last).await);
        assert!(is_active(node, &app, &next).await);
    }
    let events = server.admin.store.audit_events(0, 100).await.unwrap();
    let event = &events.last().unwrap().event;
    assert_eq!((&*event.action, event.subject.as_str()), ("application.revoke_tokens", "app"));
}

/// J08
#[tokio::test]
async fn there_is_one_way_to_ask_and_nothing_to_read() {
    let (server, app, token) = server().await;
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE"] {
        let target = format!("/oauth2/revoke?token={token}&callback=f");
        let reply = server.answer(revocation(&token).to(&target).of(&app).method(method)).await;
        assert_eq!((reply.status, reply.header("allow")), (405, Some("POST, OPTIONS")), "{method}");
        reply.expect_never_cached();
    }
    let in_query = form(&[]).to(&format!("/oauth2/revoke?token={token}")).of(&app);
    server.answer(in_query).await.expect_refused("invalid_request");
    assert!(is_active(&server, &app, &token).await);
    expect_done(&server.answer(revocation(&token).to("/oauth2/revoke?callback=f").of(&app)).await);
    assert!(!is_active(&server, &app, &token).await);
}
