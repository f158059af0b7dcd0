//! How many tokens an application may try out, and what is told of bindings: CONFORMANCE K05, K07, H10.

use std::time::Duration;

use chancery::admin::apis::ApiChange;
use chancery::admin::applications::NewApplication;
use chancery::issuer::MISSES_PER_MINUTE;

use crate::support::ask::{introspection, token_request};
use crate::support::reply::claims;
use crate::support::server::TestServer;

/// K05, A27: who tries out tokens is told to stop; what is active for it is still told, and others are not concerned.
#[tokio::test]
async fn whoever_tries_out_tokens_is_stopped() {
    let server = TestServer::start().await;
    let app = server.app(&[]).await;
    let token = server.answer(token_request(&[]).of(&app)).await.token();
    let other = server.add("default", "other", &[], NewApplication::default()).await;
    for _ in 0..MISSES_PER_MINUTE {
        server.answer(introspection("x").of(&app)).await.expect_inactive();
    }
    let reply = server.answer(introspection("x").of(&app)).await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("60")));
    assert_eq!(reply.json()["error"], "temporarily_unavailable");
    reply.expect_never_cached();
    server.answer(introspection(&token).of(&app)).await.active();
    server.answer(introspection("x").of(&other)).await.expect_inactive();
    server.advance(Duration::from_mins(1));
    server.answer(introspection("x").of(&app)).await.expect_inactive();
}

/// H10, K07: what is bound to nothing says so nowhere, whatever the caller sent along.
#[tokio::test]
async fn a_token_that_is_bound_to_nothing_has_no_confirmation() {
    let server = TestServer::start().await;
    server.api("urn:orders", &["orders:read"], ApiChange::default()).await;
    let app = server.app(&["orders:read", "ping"]).await;
    server.advance_a_second();
    for scope in ["ping", "orders:read"] {
        let ask = token_request(&[("scope", scope)]).of(&app);
        let reply = server.answer(ask.with("dpop", "a.b.c").with("x-client-cert", "MIIB")).await;
        assert_eq!(reply.json()["token_type"], "Bearer");
        assert_eq!(claims(&reply.token()).get("cnf"), None);
        let told = server.answer(introspection(&reply.token()).of(&app)).await.active();
        assert_eq!((&told["token_type"], told.get("cnf")), (&"Bearer".into(), None));
    }
}
