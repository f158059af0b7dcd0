//! Requests that take their time: what was true when they began is not what they get.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use chancery::admin::applications::{ApplicationChange, NewApplication};
use chancery::admin::tenants::{self, TenantChange};
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::body::Frame;
use tokio::sync::oneshot;
use tokio::task::yield_now;

use crate::support::ask::{raw, token_request};
use crate::support::server::{App, TestServer};

/// R06, C22: the head of a request comes, then its tenant is disabled, then its body comes.
#[tokio::test]
async fn a_body_held_back_gets_nothing_of_what_was_before() {
    let server = TestServer::start().await;
    let app = server.app(&[]).await;
    let (release, held) = oneshot::channel();
    let body = StreamBody::new(stream::once(async move {
        held.await.unwrap();
        Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"grant_type=client_credentials")))
    }));
    let meanwhile = async {
        yield_now().await;
        let change = TenantChange { enabled: Some(false), ..TenantChange::default() };
        tenants::change(&server.admin, "default", change).await.unwrap();
        server.advance_a_second();
        release.send(()).unwrap();
    };
    let (reply, ()) = tokio::join!(server.answer(raw(Body::new(body)).of(&app)), meanwhile);
    reply.expect_invalid_client();
}

/// A request that waits for its signature for 1.2 seconds after it found out what it rests on, by a secret that lives for so long;
/// `change` is not taken in yet.
async fn wait_for_a_signature(lives: Option<Duration>, change: impl AsyncFn(&TestServer, &App)) -> u16 {
    let server = Arc::new(TestServer::start().await);
    let (app, _) = server.add_secret(&server.app(&[]).await, lives).await;
    let busy = server.add("default", "busy", &[], NewApplication::default()).await;
    let ask = |app: &App| {
        let (server, ask) = (Arc::clone(&server), token_request(&[]).of(app));
        tokio::spawn(async move { server.answer(ask).await })
    };
    // What has happened until now is taken in.
    server.advance_a_second();
    for app in [&app, &busy] {
        assert_eq!(ask(app).await.unwrap().status, 200);
    }
    change(&server, &app).await;
    let (signing, waiting) = (ask(&busy), ask(&app));
    while server.directory.figures().waiting == 0 {
        assert!(!waiting.is_finished(), "it did not wait");
        yield_now().await;
    }
    server.advance(Duration::from_millis(1_200));
    signing.await.unwrap();
    waiting.await.unwrap().status
}

#[tokio::test]
async fn who_waited_long_for_a_signature_gets_the_token_if_nothing_has_changed() {
    let change_another = async |server: &TestServer, _: &App| {
        server.add("default", "another", &[], NewApplication::default()).await;
    };
    assert_eq!(wait_for_a_signature(None, change_another).await, 200);
}

/// R06
#[tokio::test]
async fn who_waited_long_for_a_signature_gets_no_token_if_something_has_changed() {
    let disable = async |server: &TestServer, app: &App| {
        let off = ApplicationChange { enabled: Some(false), ..ApplicationChange::default() };
        server.change(app, off).await;
    };
    assert_eq!(wait_for_a_signature(None, disable).await, 503);
    let disable_tenant = async |server: &TestServer, _: &App| {
        let off = TenantChange { enabled: Some(false), ..TenantChange::default() };
        tenants::change(&server.admin, "default", off).await.unwrap();
    };
    assert_eq!(wait_for_a_signature(None, disable_tenant).await, 503);
}

/// C19: the second until all is taken in, and the first request, come before it waits.
#[tokio::test]
async fn who_waited_until_the_secret_expired_gets_no_token() {
    for (lives, status) in [(Duration::from_secs(2), 503), (Duration::from_secs(3), 200)] {
        assert_eq!(wait_for_a_signature(Some(lives), async |_: &_, _: &_| {}).await, status, "{lives:?}");
    }
}

/// R06: a server that was paused between finding out and handing out hands nothing out.
#[tokio::test]
async fn what_rests_on_old_knowledge_is_not_handed_out() {
    let server = TestServer::start().await;
    let tenant = server.tenant("default").await;
    let (found, since) = server.directory.current(tenant.id).await.unwrap();
    let may_hand_out = || server.directory.may_hand_out(since, Duration::from_secs(1));
    assert!(found.is_some() && may_hand_out());
    server.advance(Duration::from_secs(1));
    assert!(may_hand_out());
    server.advance(Duration::from_millis(1));
    assert!(!may_hand_out());
}
