//! A token that is refused is handed out no more: at once where that was said, a second later everywhere.

use std::time::Duration;

use chancery::admin::applications;
use chancery::issuer::Services;

use super::{ask, server, token};
use crate::support::ask::{introspection, revocation, token_request};
use crate::support::faulty::Mood;
use crate::support::server::{App, TestServer};

async fn revoke(server: &TestServer, app: &App, token: &str) {
    assert_eq!(server.answer(revocation(token).of(app)).await.status, 200);
}

async fn is_active(server: &TestServer, app: &App, token: &str) -> bool {
    server.answer(introspection(token).of(app)).await.json()["active"] == true
}

#[tokio::test]
async fn where_it_was_given_back_it_is_handed_out_no_more_at_once() {
    let (server, app) = server().await;
    let first = token(&server, &app).await;
    revoke(&server, &app, &first).await;
    let second = token(&server, &app).await;
    assert!(second != first && is_active(&server, &app, &second).await);
    assert_eq!(token(&server, &app).await, second);
    // That it is given back twice is no news.
    server.advance_a_second();
    let third = token(&server, &app).await;
    revoke(&server, &app, &first).await;
    assert!(is_active(&server, &app, &third).await);
}

#[tokio::test]
async fn on_other_nodes_it_is_handed_out_no_more_a_second_later() {
    let (server, app) = server().await;
    let other = server.another_node().await;
    let of_other = token(&other, &app).await;
    assert_eq!(token(&other, &app).await, of_other);
    assert_ne!(token(&server, &app).await, of_other, "each node has its own");
    revoke(&server, &app, &of_other).await;
    server.advance_a_second();
    let next = token(&other, &app).await;
    assert!(next != of_other && is_active(&other, &app, &next).await);
}

/// A node that does not know yet that tokens are reused is told by the store.
#[tokio::test]
async fn it_counts_what_the_store_knows_of_the_application() {
    let server = TestServer::start().await;
    let app = server.app(&["read"]).await;
    let (behind, other) = (server.another_node().await, server.another_node().await);
    assert_eq!(ask(&behind, &app, "read").await.status, 200);
    server.change(&app, super::reusing()).await;
    other.directory.follow().await.unwrap();
    let reused = token(&other, &app).await;
    assert_eq!(token(&other, &app).await, reused);
    let tokens = [token(&behind, &app).await, token(&behind, &app).await];
    assert_ne!(tokens[0], tokens[1], "it does not know yet");
    revoke(&behind, &app, &reused).await;
    other.directory.follow().await.unwrap();
    assert_ne!(token(&other, &app).await, reused);
}

/// All at once, by an operator: a token of that very second is refused too, and must not be handed out for minutes.
#[tokio::test]
async fn what_an_operator_revokes_at_once_is_handed_out_no_more() {
    let (server, app) = server().await;
    let first = token(&server, &app).await;
    let tenant = server.tenant("default").await;
    applications::revoke_tokens(&server.admin, &tenant, &app.client_id).await.unwrap();
    server.directory.follow().await.unwrap();
    let refused = token(&server, &app).await;
    assert!(refused != first && !is_active(&server, &app, &refused).await);
    assert_ne!(token(&server, &app).await, refused);
    server.advance_a_second();
    let good = token(&server, &app).await;
    assert!(is_active(&server, &app, &good).await);
    assert_eq!(token(&server, &app).await, good);
}

/// Memory answers as it does for any application it knows.
#[tokio::test]
async fn while_the_store_is_away_tokens_are_reused() {
    let equip = |services: Services| services.allowing(Duration::from_hours(1));
    let (server, store) = TestServer::with_faulty_store_and(equip).await;
    let app = super::add(&server, "default", "app", &["read"]).await;
    let first = token(&server, &app).await;
    store.turn(Mood::Unavailable);
    server.advance_a_second();
    assert_eq!(token(&server, &app).await, first);
    server.answer(revocation(&first).of(&app)).await.expect_unavailable();
    server.advance(Duration::from_secs(149));
    let second = server.answer(token_request(&[("scope", "read")]).of(&app)).await.token();
    assert_ne!(second, first);
    assert_eq!(token(&server, &app).await, second);
}
