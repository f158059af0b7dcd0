//! A secret that was proved is remembered: it must prove nothing more than it did, nor for longer.
//! Not for: secrets in general (`client_secret.rs`).

use std::time::Duration;

use chancery::admin::applications::{ApplicationChange, NewApplication};
use chancery::admin::credentials::Given;
use chancery::admin::tenants::{self, TenantChange};
use chancery::crypto::secret::Secret;
use chancery::domain::application::AuthMethod;

use crate::support::ask::{HOST, token_request};
use crate::support::server::{App, OTHER_HOST, TestServer};

/// Asks often enough to be recognized.
async fn prove(server: &TestServer, app: &App) {
    for _ in 0..3 {
        assert_eq!(server.answer(token_request(&[]).of(app)).await.status, 200);
    }
}

async fn expect_refused(server: &TestServer, app: &App) {
    server.answer(token_request(&[]).of(app)).await.expect_invalid_client();
}

#[tokio::test]
async fn it_ends_with_its_credential_to_the_millisecond() {
    let server = TestServer::start().await;
    let first = server.app(&[]).await;
    let (second, _) = server.add_secret(&first, Some(Duration::from_mins(1))).await;
    let (third, id) = server.add_secret(&first, None).await;
    server.advance_a_second();
    for app in [&first, &second, &third] {
        prove(&server, app).await;
    }
    server.advance(Duration::from_millis(58_999));
    prove(&server, &second).await;
    server.advance(Duration::from_millis(1));
    expect_refused(&server, &second).await;
    server.remove_secret(&third, &id).await;
    server.advance_a_second();
    expect_refused(&server, &third).await;
    prove(&server, &first).await;
}

#[tokio::test]
async fn it_ends_while_its_application_is_disabled() {
    let server = TestServer::start().await;
    let app = server.app(&[]).await;
    prove(&server, &app).await;
    for is_enabled in [false, true] {
        let change = ApplicationChange { enabled: Some(is_enabled), ..ApplicationChange::default() };
        server.change(&app, change).await;
        server.advance_a_second();
        if is_enabled { prove(&server, &app).await } else { expect_refused(&server, &app).await }
    }
}

#[tokio::test]
async fn it_ends_while_its_tenant_is_disabled_and_with_its_way_of_authentication() {
    let server = TestServer::start().await;
    let app = server.app(&[]).await;
    for is_enabled in [true, false, true] {
        let change = TenantChange { enabled: Some(is_enabled), ..TenantChange::default() };
        tenants::change(&server.admin, "default", change).await.unwrap();
        server.advance_a_second();
        if is_enabled { prove(&server, &app).await } else { expect_refused(&server, &app).await }
    }
    let auth_methods = Some(vec![AuthMethod::ClientSecretPost]);
    server.change(&app, ApplicationChange { auth_methods, ..ApplicationChange::default() }).await;
    server.advance_a_second();
    expect_refused(&server, &app).await;
}

#[tokio::test]
async fn it_is_of_one_tenant() {
    let server = TestServer::with_two_tenants().await;
    let [here, there] = [HOST, OTHER_HOST];
    let app = server.app(&[]).await;
    let same_name = server.add("other", &app.client_id, &[], NewApplication::default()).await;
    for _ in 0..3 {
        assert_eq!(server.answer(token_request(&[]).of(&app).host(here)).await.status, 200);
        assert_eq!(server.answer(token_request(&[]).of(&same_name).host(there)).await.status, 200);
        server.answer(token_request(&[]).of(&app).host(there)).await.expect_invalid_client();
        server.answer(token_request(&[]).of(&same_name).host(here)).await.expect_invalid_client();
    }
}

/// An operator may give two applications the same secret; that of one proves nothing for the other, nor does it with one more
/// or one less character.
#[tokio::test]
async fn it_is_of_one_application_and_of_each_character() {
    let server = TestServer::start().await;
    let app = server.app(&[]).await;
    prove(&server, &app).await;
    let other = server.add("default", "other", &[], NewApplication::default()).await;
    prove(&server, &other).await;
    expect_refused(&server, &App { secret: app.secret.clone(), ..other.clone() }).await;
    let (one_less, _) = app.secret.split_at(52);
    for secret in [format!("{}0", app.secret), one_less.to_owned(), app.secret.to_lowercase()] {
        expect_refused(&server, &App { secret, ..app.clone() }).await;
    }
    let same = Some(Given::Secret(Secret::new(app.secret.clone())));
    let new = NewApplication { secret: same, ..NewApplication::default() };
    let twin = server.add("default", "twin", &[], new).await;
    prove(&server, &App { secret: app.secret.clone(), ..twin }).await;
    prove(&server, &app).await;
}
