//! Trouble of our own is never the caller's fault: F06, A35, A36.

use std::time::Duration;

use chancery::issuer::directory::FOLLOW_EVERY;
use insta::assert_snapshot;

use crate::support::ask::{get, token_request};
use crate::support::faulty::{INSIDE, Mood};
use crate::support::log;
use crate::support::reply::Reply;
use crate::support::server::TestServer;

#[track_caller]
fn expect_unavailable(reply: &Reply) {
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")), "{reply:?}");
    assert_eq!(reply.json()["error"], "temporarily_unavailable");
    assert_eq!(reply.header("www-authenticate"), None);
    expect_nothing_of_the_inside(reply);
}

#[track_caller]
fn expect_nothing_of_the_inside(reply: &Reply) {
    let text = format!("{} {:?}", reply.body, reply.headers);
    for word in ["panic", "src", ".rs", "sqlite", "SELECT", "thread"] {
        assert!(INSIDE.contains(word) && !text.contains(word), "{word} is in {reply:?}");
    }
    reply.expect_never_cached();
}

/// F06, A36: neither 401 for those who are known, nor for those who are not.
#[tokio::test]
async fn a_store_that_does_not_answer_is_never_a_refusal() {
    let (server, store) = TestServer::with_faulty_store().await;
    let app = server.app(&["read"]).await;
    let answers = async || {
        let mut replies = Vec::new();
        for ask in [
            token_request(&[]).of(&app),
            token_request(&[]).basic("app", "wrong"),
            token_request(&[]).basic("nobody", "x"),
            token_request(&[]),
            token_request(&[("scope", "frob")]).of(&app),
            get("/oauth2/jwks"),
        ] {
            replies.push(server.answer(ask).await);
        }
        replies
    };
    let before: Vec<u16> = answers().await.iter().map(|reply| reply.status).collect();
    assert_eq!(before, [200, 401, 401, 401, 400, 200]);

    server.advance_a_second();
    store.turn(Mood::Unavailable);
    let replies = answers().await;
    replies.iter().for_each(expect_unavailable);
    assert_snapshot!(replies[0], @r#"
    503
    cache-control: no-store
    content-type: application/json;charset=UTF-8
    pragma: no-cache
    retry-after: 1
    x-content-type-options: nosniff
    x-request-id: <request id>

    {"error":"temporarily_unavailable","error_description":"The server cannot answer right now. Try again."}
    "#);

    // Nobody is asked again at once who has just failed to answer.
    server.advance(FOLLOW_EVERY);
    server.advance(Duration::from_millis(1));
    store.turn(Mood::Works);
    let after: Vec<u16> = answers().await.iter().map(|reply| reply.status).collect();
    assert_eq!(after, before);
}

/// F06, A36: memory answers as long as it may be trusted, but what is not in it is not said to be unknown.
#[tokio::test]
async fn memory_bridges_a_moment_and_not_more() {
    let (server, store) = TestServer::with_faulty_store().await;
    let app = server.app(&[]).await;
    assert_eq!(server.answer(token_request(&[]).of(&app)).await.status, 200);
    store.turn(Mood::Unavailable);
    server.advance(Duration::from_millis(400));
    assert_eq!(server.answer(token_request(&[]).of(&app)).await.status, 200);
    log::take();
    let reply = server.answer(token_request(&[]).basic("nobody", "x")).await;
    expect_unavailable(&reply);
    let logged = log::take();
    assert_eq!(logged.len(), 1, "{logged:?}");
    assert_eq!(
        (logged[0]["level"].as_str(), logged[0]["request_id"].as_str()),
        (Some("ERROR"), Some(reply.request_id()))
    );
    assert!(logged[0]["cause"].as_str().unwrap().contains(INSIDE));

    server.advance(Duration::from_millis(1));
    expect_unavailable(&server.answer(token_request(&[]).of(&app)).await);
    server.advance(Duration::from_hours(1));
    expect_unavailable(&server.answer(token_request(&[]).of(&app)).await);
}

/// A35: damage in the store and a panic in a handler are both an answer, with a request id and without a word of why.
#[tokio::test]
async fn a_fault_inside_is_an_answer_that_says_nothing_of_the_inside() {
    let (server, store) = TestServer::with_faulty_store().await;
    let app = server.app(&[]).await;
    let mut replies = Vec::new();
    for mood in [Mood::Corrupt, Mood::Panics] {
        store.turn(mood);
        log::take();
        let reply = server.answer(token_request(&[]).of(&app)).await;
        expect_nothing_of_the_inside(&reply);
        let logged = log::take();
        assert_eq!(logged.len(), 1, "{logged:?}");
        assert_eq!(
            (&logged[0]["level"], logged[0]["request_id"].as_str()),
            (&"ERROR".into(), Some(reply.request_id()))
        );
        replies.push(reply.to_string());
    }
    assert_eq!(replies[0], replies[1]);
    assert_snapshot!(replies[0], @r#"
    500
    cache-control: no-store
    content-type: application/json;charset=UTF-8
    pragma: no-cache
    x-content-type-options: nosniff
    x-request-id: <request id>

    {"error":"server_error","error_description":"Something is wrong inside the server. Its log has the details under the request id."}
    "#);
    store.turn(Mood::Works);
    assert_eq!(server.answer(token_request(&[]).of(&app)).await.status, 200);
}

/// A35: the same where every request passes, before it is anybody's.
#[tokio::test]
async fn a_panic_while_following_the_store_breaks_nothing_for_later() {
    let (server, store) = TestServer::with_faulty_store().await;
    let app = server.app(&[]).await;
    server.advance_a_second();
    store.turn(Mood::Panics);
    for _ in 0..3 {
        let reply = server.answer(token_request(&[]).of(&app)).await;
        assert_eq!((reply.status, reply.json()["error"].as_str()), (500, Some("server_error")));
    }
    store.turn(Mood::Works);
    assert_eq!(server.answer(token_request(&[]).of(&app)).await.status, 200);
}
