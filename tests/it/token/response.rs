//! The answer to a good request: CONFORMANCE E.

use std::time::Duration;

use chancery::admin::applications::{ApplicationChange, NewApplication};

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
        let token_lifetime = Some(Duration::from_secs(seconds));
        server.change(&app, ApplicationChange { token_lifetime, ..ApplicationChange::default() }).await;
        server.advance_a_second();
        let reply = server.answer(token_request(&[]).of(&app)).await;
        assert_eq!(reply.json()["expires_in"].as_u64(), Some(left));
    }
}

/// E06: 4 KiB, and not one scope more than fits. The id is the longest there is, of characters that JSON escapes.
#[tokio::test]
async fn no_token_is_longer_than_4_kib() {
    let server = TestServer::start().await;
    let scopes: Vec<String> = (0..60).map(|number| format!("{number:02}{}", "s".repeat(48))).collect();
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let app = server.add("default", &"\"".repeat(128), &scopes, NewApplication::default()).await;
    let asked = |count: usize| scopes[..count].join(" ");
    let mut longest = 0;
    let mut refused_from = None;
    for count in 1..=scopes.len() {
        let reply = server.answer(token_request(&[("scope", &asked(count))]).of(&app)).await;
        if reply.status == 200 {
            assert_eq!(refused_from, None, "{count} scopes fit, though fewer do not");
            longest = reply.token().len();
            assert!(longest <= 4096, "{count} scopes make {longest} bytes");
            server.verify(&reply.token()).await.unwrap();
        } else {
            reply.expect_refused("invalid_scope");
            let told = "The token would be longer than 4 KiB. Ask for fewer scopes.";
            assert_eq!(reply.json()["error_description"], told);
            refused_from = refused_from.or(Some(count));
        }
    }
    assert!(longest > 4096 - 75, "a scope of 50 bytes more would have fitted beside {longest}");
    assert!(refused_from.is_some());
    // The defaults are as many.
    server.answer(token_request(&[]).of(&app)).await.expect_refused("invalid_scope");
}
