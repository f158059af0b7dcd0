//! The answer to a good request: CONFORMANCE E.

use std::time::Duration;

use chancery::admin::applications::{ApplicationChange, NewApplication};
use chancery::admin::change::{Change, TokenChange};

use crate::support::ask::token_request;
use crate::support::reply::claims;
use crate::support::server::TestServer;
use crate::support::world::BEGINNING;

/// E01, E03, E04
#[tokio::test]
async fn a_success_has_a_bearer_token_of_printable_characters() {
    let server = TestServer::start().await;
    let app = server.app(&["read", "write"]).await;
    let reply = server.answer(token_request(&[]).of(&app)).await;
    let json = reply.json();
    assert_eq!((reply.status, json["token_type"].as_str()), (200, Some("Bearer")));
    assert_eq!(json["scope"].as_str(), Some("read write"));
    let of_a_jws = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    assert!(reply.token().bytes().all(of_a_jws));
    assert_eq!(reply.token().split('.').count(), 3);
    reply.expect_never_cached();
}

/// E02: never more than the token has.
#[tokio::test]
async fn expires_in_is_what_the_token_still_has_rounded_down() {
    let server = TestServer::start().await;
    let app = server.app(&[]).await;
    for (millis, left) in [(0, 299), (1, 299), (499, 299), (499, 299), (1, 299)] {
        server.advance(Duration::from_millis(millis));
        let reply = server.answer(token_request(&[]).of(&app)).await;
        assert_eq!(reply.json()["expires_in"].as_u64(), Some(left));
        let left_in_token = claims(&reply.token())["exp"].as_i64().unwrap() - BEGINNING;
        assert!(i64::try_from(left).unwrap() <= left_in_token);
    }
    for (seconds, left) in [(60, 59), (3_600, 3_599), (86_400, 86_399)] {
        let lifetime = Change::To(Duration::from_secs(seconds));
        server
            .change(
                &app,
                ApplicationChange {
                    token: TokenChange { lifetime, ..TokenChange::default() },
                    ..ApplicationChange::default()
                },
            )
            .await;
        server.advance_a_second();
        let reply = server.answer(token_request(&[]).of(&app)).await;
        assert_eq!(reply.json()["expires_in"].as_u64(), Some(left));
    }
}

/// E06: 4 KiB, and not one scope more than fits. The id is the longest there is, of characters that JSON escapes.
#[tokio::test]
async fn no_token_is_longer_than_4_kib() {
    let server = TestServer::start().await;
    let many: Vec<String> = (0..60).map(|number| format!("{number:02}{}", "s".repeat(48))).collect();
    let fillers: Vec<String> = (1..=51).map(|length| "f".repeat(length)).collect();
    let scopes: Vec<&str> = many.iter().chain(&fillers).map(String::as_str).collect();
    let app = server.add("default", &"\"".repeat(128), &scopes, NewApplication::default()).await;
    // The token for these scopes, unless it would be too long.
    let token = async |scopes: &[String]| {
        let reply = server.answer(token_request(&[("scope", &scopes.join(" "))]).of(&app)).await;
        if reply.status == 200 {
            return Some(reply.token());
        }
        reply.expect_refused("invalid_scope");
        let told = "The token would be longer than 4 KiB. Ask for fewer scopes.";
        assert_eq!(reply.json()["error_description"], told);
        None
    };
    let mut fitting = 0;
    while token(&many[..=fitting]).await.is_some() {
        fitting += 1;
    }
    assert_eq!(token(&many).await, None);
    let mut longest = String::new();
    for filler in fillers {
        match token(&[&many[..fitting], &[filler]].concat()).await {
            Some(longer) => longest = longer,
            None => break,
        }
    }
    // Base64 adds one byte or two at a time.
    assert!((4095..=4096).contains(&longest.len()), "{}", longest.len());
    server.verify(&longest).await.unwrap();
    // The defaults are all of them.
    server.answer(token_request(&[]).of(&app)).await.expect_refused("invalid_scope");
}
