//! Who gets what while the store is away.

use std::time::Duration;

use chancery::admin::applications::{ApplicationChange, NewApplication};
use chancery::admin::credentials::Given;
use chancery::crypto::slow_hash::SlowHash;
use tokio::task::yield_now;
use tokio::time::Instant;

use super::{ALLOWED, Bridging};
use crate::support::ask::{get, introspection, revocation, token_request};
use crate::support::faulty::Mood;
use crate::support::server::App;

/// F06: whoever is known gets tokens that verify, and everybody finds the keys; the store is asked once.
#[tokio::test]
async fn known_applications_get_tokens_for_as_long_as_is_allowed() {
    for mood in [Mood::Unavailable, Mood::Moved] {
        let bridging = Bridging::start().await;
        let server = &bridging.server;
        bridging.turn(mood);
        bridging.store.take_asked();
        for _ in 0..20 {
            let token = server.answer(token_request(&[]).of(&bridging.app)).await.token();
            server.verify(&token).await.unwrap();
            assert_eq!(server.answer(get("/.well-known/oauth-authorization-server")).await.status, 200);
        }
        assert_eq!(bridging.store.take_asked(), 1, "{mood:?}");
        server.advance(ALLOWED.saturating_sub(Duration::from_secs(1)));
        assert_eq!(bridging.status(&bridging.app).await, 200);
        server.advance(Duration::from_secs(1));
        for _ in 0..3 {
            server.answer(token_request(&[]).of(&bridging.app)).await.expect_unavailable();
            server.answer(get("/oauth2/jwks")).await.expect_unavailable();
        }
        bridging.store.turn(Mood::Works);
        bridging.follow().await;
        assert_eq!(bridging.status(&bridging.app).await, 200);
    }
}

/// C15, C16, F06: of what memory cannot say for certain nothing is said: unknown, wrong, expired and disabled are one answer,
/// at one time, and the store is not asked.
#[tokio::test]
async fn nobody_is_refused_for_what_the_store_may_know_better() {
    let bridging = Bridging::start().await;
    let (expired, _) = bridging.server.add_secret(&bridging.app, Some(Duration::from_mins(1))).await;
    let disabled = bridging.add("disabled").await;
    let off = ApplicationChange { enabled: Some(false), ..ApplicationChange::default() };
    bridging.server.change(&disabled, off).await;
    bridging.follow().await;
    assert_eq!([bridging.status(&expired).await, bridging.status(&disabled).await], [200, 401]);
    assert_eq!(bridging.ask("remembered as unknown", "x").await.status, 401);
    let late = bridging.add("remembered as unknown").await;
    bridging.server.advance(Duration::from_mins(1));
    bridging.turn(Mood::Unavailable);
    assert_eq!(bridging.status(&bridging.app).await, 200);
    bridging.store.take_asked();
    let long = "x".repeat(200);
    let mut answers = Vec::new();
    for (client_id, secret) in [
        ("nobody", "x"),
        (&late.client_id, &late.secret),
        ("app", "wrong"),
        ("app", &expired.secret),
        ("disabled", &disabled.secret),
        (&long, "x"),
        ("\u{e9}", "x"),
    ] {
        let began = Instant::now();
        let reply = bridging.ask(client_id, secret).await;
        assert!(began.elapsed() >= Duration::from_millis(4), "{client_id} is answered too soon");
        reply.expect_unavailable();
        answers.push(reply);
    }
    for reply in &answers {
        assert_eq!(reply.without_request_id(), answers[0].without_request_id());
    }
    assert_eq!(bridging.store.take_asked(), 0);
    // What is wrong with the request itself is said as ever.
    bridging.server.answer(token_request(&[])).await.expect_invalid_client();
}

/// J01, K01: what only the store can say or keep is neither guessed nor acknowledged, and refused at once.
#[tokio::test]
async fn revocation_introspection_and_administration_wait_for_the_store() {
    let bridging = Bridging::start().await;
    let (server, app) = (&bridging.server, &bridging.app);
    let token = server.answer(token_request(&[]).of(app)).await.token();
    bridging.turn(Mood::Unavailable);
    assert_eq!(bridging.status(app).await, 200);
    bridging.store.take_asked();
    for token in [&token, "a.b.c"] {
        server.answer(introspection(token).of(app)).await.expect_unavailable();
        server.answer(revocation(token).of(app)).await.expect_unavailable();
    }
    let reply = bridging.at_admin("/admin/v1/applications").await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")), "{reply:?}");
    assert_eq!(bridging.store.take_asked(), 0);
    bridging.store.turn(Mood::Works);
    bridging.follow().await;
    assert_eq!(server.answer(introspection(&token).of(app)).await.active()["active"], true);
}

/// A host that memory does not know may be one of the store's.
#[tokio::test]
async fn a_host_that_is_not_known_is_not_said_to_be_nobodys() {
    let (server, store) =
        crate::support::server::TestServer::with_two_faulty_tenants(|services| services.allowing(ALLOWED))
            .await;
    assert_eq!(server.answer(get("/oauth2/jwks").host("new.example.com")).await.status, 421);
    server.advance_a_second();
    store.turn(Mood::Unavailable);
    assert_eq!(server.answer(get("/oauth2/jwks")).await.status, 200);
    server.answer(get("/oauth2/jwks").host("new.example.com")).await.expect_unavailable();
}

/// C22: a server that was paused acts on nothing before it has tried to ask the store.
#[tokio::test]
async fn a_paused_server_asks_the_store_before_it_acts() {
    let bridging = Bridging::start().await;
    bridging.turn(Mood::Unavailable);
    assert_eq!(bridging.status(&bridging.app).await, 200);
    // It is away for this server still, when that is paused; meanwhile it comes back and something changes.
    bridging.store.turn(Mood::Works);
    bridging.disable().await;
    bridging.server.advance(Duration::from_secs(30));
    assert_eq!(bridging.status(&bridging.app).await, 401);
    assert_eq!(bridging.server.answer(get("/oauth2/jwks")).await.status, 200);
}

/// C22: the same when it is paused in the middle of asking: neither the answer from before counts, nor that there was none.
#[tokio::test]
async fn a_server_paused_while_it_asks_asks_again() {
    let bridging = Bridging::start().await;
    bridging.turn(Mood::Hangs);
    let paused = async {
        yield_now().await;
        bridging.server.advance(Duration::from_secs(30));
    };
    let (status, ()) = tokio::join!(bridging.status(&bridging.app), paused);
    assert_eq!(status, 503);

    bridging.store.turn(Mood::Works);
    bridging.follow().await;
    assert_eq!(bridging.status(&bridging.app).await, 200);
    bridging.turn(Mood::Hangs);
    let paused = async {
        yield_now().await;
        bridging.disable().await;
        bridging.server.advance(Duration::from_secs(30));
        bridging.store.turn(Mood::Works);
    };
    let (status, ()) = tokio::join!(bridging.status(&bridging.app), paused);
    assert_eq!(status, 401);
}

/// A store whose answers are wrong is not away, and what it might have said is not made up.
#[tokio::test]
async fn damage_is_no_outage() {
    let bridging = Bridging::start().await;
    bridging.turn(Mood::Corrupt);
    for _ in 0..3 {
        assert_eq!(bridging.server.answer(get("/oauth2/jwks")).await.status, 503);
        assert_eq!(bridging.status(&bridging.app).await, 503);
    }
    bridging.store.turn(Mood::Unavailable);
    bridging.follow().await;
    assert_eq!(bridging.status(&bridging.app).await, 200);
    bridging.store.turn(Mood::Corrupt);
    bridging.follow().await;
    assert_eq!(bridging.status(&bridging.app).await, 503);
}

/// A secret that another server has hashed is as good as any; its hash is replaced when the store is back.
#[tokio::test]
async fn an_imported_secret_is_taken_and_its_hash_replaced_later() {
    const SECRET: &str = "s3cret of an old server";
    const HASH: &str = "{bcrypt}$2a$04$DhGEJa5lcLrMLiJlRUAnYO5y1hFb9v4RmZmm/65Cyi7oh0KB8sgHu";
    let bridging = Bridging::start().await;
    let secret = Some(Given::Hash(SlowHash::parse(HASH).unwrap()));
    let new = NewApplication { secret, ..NewApplication::default() };
    let app = App { secret: SECRET.to_owned(), ..bridging.server.add("default", "old", &[], new).await };
    bridging.follow().await;
    assert_eq!(bridging.ask("old", "wrong").await.status, 401);
    bridging.turn(Mood::Unavailable);
    assert_eq!([bridging.status(&app).await, bridging.status(&app).await], [200; 2]);
    let is_replaced = async || {
        let tenant = bridging.server.tenant("default").await;
        let stored = bridging.server.admin.store.application(tenant.id, "old").await.unwrap().unwrap();
        stored.credentials[0].keyed().is_some()
    };
    assert!(!is_replaced().await);
    bridging.store.turn(Mood::Works);
    bridging.follow().await;
    bridging.server.advance(Duration::from_secs(6));
    while !is_replaced().await {
        assert_eq!(bridging.status(&app).await, 200);
        bridging.server.advance(Duration::from_secs(6));
    }
}
