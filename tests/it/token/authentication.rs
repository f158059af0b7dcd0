//! Which proof counts when there is none, another one, or more than one: CONFORMANCE C.

use crate::support::ask::token_request;
use crate::support::server::{App, TestServer};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

async fn server() -> (TestServer, App) {
    let server = TestServer::start().await;
    let app = server.app(&[]).await;
    (server, app)
}

/// C03: equal or not, good or not.
#[tokio::test]
async fn two_secrets_are_one_too_many() {
    let (server, app) = server().await;
    for in_form in [app.secret.as_str(), "wrong"] {
        for in_field in [app.secret.as_str(), "wrong"] {
            for client_id in [&[("client_id", "app")][..], &[]] {
                let request = [client_id, &[("client_secret", in_form)]].concat();
                let reply = server.answer(token_request(&request).basic("app", in_field)).await;
                reply.expect_refused("invalid_request");
            }
        }
    }
    let request = [("client_id", "app"), ("client_secret", app.secret.as_str())];
    server
        .answer(token_request(&request).with("authorization", "Basic garbage"))
        .await
        .expect_refused("invalid_request");
    server
        .answer(token_request(&request).with("authorization", "Bearer x"))
        .await
        .expect_refused("invalid_request");
}

/// C04: even if one of them is garbage.
#[tokio::test]
async fn a_secret_and_an_assertion_are_one_too_many() {
    let (server, app) = server().await;
    let by_post = [("client_id", "app"), ("client_secret", app.secret.as_str())];
    for assertion in [
        &[("client_assertion", "garbage")][..],
        &[("client_assertion_type", JWT_BEARER)],
        &[("client_assertion_type", JWT_BEARER), ("client_assertion", "a.b.c")],
    ] {
        server.answer(token_request(&[&by_post, assertion].concat())).await.expect_refused("invalid_request");
        server.answer(token_request(assertion).of(&app)).await.expect_refused("invalid_request");
        server.answer(token_request(assertion).basic("app", "wrong")).await.expect_refused("invalid_request");
        server.answer(token_request(assertion)).await.expect_invalid_client();
    }
}

/// C11
#[tokio::test]
async fn other_schemes_prove_nothing_here() {
    let (server, app) = server().await;
    for field in ["Bearer x", "Negotiate x", "Digest username=\"app\"", "DPoP x", "", "Basic2 x", "x"] {
        server.answer(token_request(&[]).with("authorization", field)).await.expect_invalid_client();
    }
    let own_token = server.answer(token_request(&[]).of(&app)).await.token();
    server
        .answer(token_request(&[]).with("authorization", format!("Bearer {own_token}")))
        .await
        .expect_invalid_client();
}

/// C12, C23
#[tokio::test]
async fn a_name_alone_proves_nothing() {
    let (server, app) = server().await;
    server.answer(token_request(&[])).await.expect_invalid_client();
    server.answer(token_request(&[("client_id", &app.client_id)])).await.expect_invalid_client();
    server
        .answer(token_request(&[("client_id", &app.client_id), ("client_secret", "")]))
        .await
        .expect_invalid_client();
    server.answer(token_request(&[("client_secret", &app.secret)])).await.expect_invalid_client();
}

/// F04: whatever was tried, the challenge names the scheme that would do.
#[tokio::test]
async fn every_failure_carries_a_challenge_of_the_scheme_that_is_served() {
    let (server, _) = server().await;
    for ask in [
        token_request(&[]),
        token_request(&[]).basic("app", "wrong"),
        token_request(&[]).with("authorization", "Bearer x"),
        token_request(&[("client_id", "app"), ("client_secret", "wrong")]),
    ] {
        let reply = server.answer(ask).await;
        assert_eq!(
            (reply.status, reply.header("www-authenticate")),
            (401, Some(r#"Basic realm="chancery""#))
        );
    }
}
