//! The grant as a whole: what a caller gets, and who gets nothing.

use chancery::admin::applications::{ApplicationChange, NewApplication};
use chancery::domain::application::{ApplicationType, GrantType};
use insta::assert_snapshot;

use crate::support::ask::{form, token_request};
use crate::support::reply::part;
use crate::support::server::TestServer;

/// E01, E02, E03: the whole answer, as in the reference.
#[tokio::test]
async fn answers_as_the_reference_does() {
    let server = TestServer::start().await;
    let app = server.app(&["identity_proofing", "read"]).await;
    let credentials = [("client_id", app.client_id.as_str()), ("client_secret", &app.secret)];
    let request = [&credentials[..], &[("scope", "identity_proofing")]].concat();
    assert_snapshot!(server.answer(token_request(&request)).await, @r#"
    200
    cache-control: no-store
    content-type: application/json;charset=UTF-8
    pragma: no-cache
    x-content-type-options: nosniff
    x-request-id: <request id>

    {"access_token":"<token>","scope":"identity_proofing","token_type":"Bearer","expires_in":299}
    "#);
}

/// H03: header and claims in the order of the reference; time, key and id are the server's.
#[tokio::test]
async fn the_token_is_the_one_of_the_reference() {
    let server = TestServer::start().await;
    let app = server.app(&["identity_proofing", "read"]).await;
    let token = server.answer(token_request(&[]).of(&app)).await.token();
    let verified = server.verify(&token).await.unwrap();
    let own = |text: &str, name: &str, value: &serde_json::Value| {
        text.replace(value.as_str().unwrap(), &format!("<{name}>"))
    };
    assert_snapshot!(own(&part(&token, 0), "kid", &verified.header["kid"]), @r#"{"kid":"<kid>","typ":"JWT","alg":"RS256"}"#);
    assert_snapshot!(
        own(&part(&token, 1), "jti", &verified.claims["jti"]),
        @r#"{"sub":"app","aud":"app","nbf":1640588828,"scope":["identity_proofing","read"],"iss":"https://id.example.com","exp":1640589128,"iat":1640588828,"jti":"<jti>"}"#
    );
}

/// B23: neither public types nor an application whose last secret is gone.
#[tokio::test]
async fn an_application_without_credentials_never_gets_a_token() {
    let server = TestServer::start().await;
    for (client_id, kind) in [("page", ApplicationType::Spa), ("phone", ApplicationType::Native)] {
        let new = NewApplication { kind: Some(kind), ..NewApplication::default() };
        server.add("default", client_id, &["read"], new).await;
        for secret in ["", "x", client_id] {
            let request = [("client_id", client_id), ("client_secret", secret)];
            server.answer(token_request(&request)).await.expect_invalid_client();
            server.answer(token_request(&[]).basic(client_id, secret)).await.expect_invalid_client();
        }
        server.answer(token_request(&[("client_id", client_id)])).await.expect_invalid_client();
    }
    let app = server.app(&[]).await;
    let tenant = server.tenant("default").await;
    let stored = server.admin.store.application(tenant.id, &app.client_id).await.unwrap().unwrap();
    server.remove_secret(&app, &stored.credentials[0].id.to_string()).await;
    server.answer(token_request(&[]).of(&app)).await.expect_invalid_client();
    server.answer(token_request(&[]).basic(&app.client_id, "")).await.expect_invalid_client();
}

/// B24: said only to one who has proved itself.
#[tokio::test]
async fn an_application_without_the_grant_is_told_so() {
    let server = TestServer::start().await;
    let app = server.app(&["read"]).await;
    let grants = Some(vec![GrantType::AuthorizationCode, GrantType::RefreshToken]);
    server.change(&app, ApplicationChange { grants, ..ApplicationChange::default() }).await;
    let reply = server.answer(token_request(&[]).of(&app)).await;
    reply.expect_refused("unauthorized_client");
    assert_snapshot!(reply.body, @r#"{"error":"unauthorized_client","error_description":"The application may not use this grant."}"#);
    server.answer(token_request(&[]).basic(&app.client_id, "wrong")).await.expect_invalid_client();
}

/// B25, E05
#[tokio::test]
async fn sends_no_refresh_token_no_id_token_and_nothing_empty() {
    let server = TestServer::start().await;
    for (client_id, scopes) in [("some", &["openid", "offline_access"][..]), ("none", &[])] {
        let app = server.add("default", client_id, scopes, NewApplication::default()).await;
        let json = server.answer(token_request(&[]).of(&app)).await.json();
        let members: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let scope: &[&str] = if scopes.is_empty() { &[] } else { &["scope"] };
        assert_eq!(members, [&["access_token"][..], scope, &["token_type", "expires_in"]].concat());
        assert!(json.as_object().unwrap().values().all(|value| !value.is_null()));
    }
}

/// B26: syntax, then who is calling, then the grant, then the scope.
#[tokio::test]
async fn faults_are_found_in_the_order_of_the_specification() {
    let server = TestServer::start().await;
    let app = server.app(&["read"]).await;
    let wrong_scope = ("scope", "\u{7}");
    let with = |grant_type| form(&[("grant_type", grant_type), wrong_scope]);

    server
        .answer(form(&[wrong_scope, wrong_scope]).basic("nobody", "x"))
        .await
        .expect_refused("invalid_request");
    server.answer(form(&[wrong_scope]).basic("nobody", "x")).await.expect_refused("invalid_request");
    for grant_type in ["frob", "authorization_code", "client_credentials"] {
        server.answer(with(grant_type).basic("nobody", "x")).await.expect_invalid_client();
        server.answer(with(grant_type).basic(&app.client_id, "x")).await.expect_invalid_client();
        server.answer(with(grant_type)).await.expect_invalid_client();
    }
    server.answer(with("frob").of(&app)).await.expect_refused("unsupported_grant_type");
    server.answer(with("client_credentials").of(&app)).await.expect_refused("invalid_scope");
}
