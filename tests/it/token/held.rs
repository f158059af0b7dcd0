//! Requests that take their time: what was true when they began is not what they get.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use chancery::admin::tenants::{self, TenantChange};
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::body::Frame;
use tokio::sync::oneshot;
use tokio::task::yield_now;

use crate::support::ask::raw;
use crate::support::server::TestServer;

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

/// R06: a server that was paused between finding out and handing out hands nothing out.
#[tokio::test]
async fn what_rests_on_old_knowledge_is_not_handed_out() {
    let server = TestServer::start().await;
    let tenant = server.tenant("default").await;
    let (found, since) = server.directory.current(tenant.id).await.unwrap();
    assert!(found.is_some() && server.directory.may_hand_out(since));
    server.advance(Duration::from_secs(1));
    assert!(server.directory.may_hand_out(since));
    server.advance(Duration::from_millis(1));
    assert!(!server.directory.may_hand_out(since));
}
