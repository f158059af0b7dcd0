//! Many who ask at the same moment.

use std::collections::HashSet;
use std::sync::Arc;

use chancery::admin::applications::NewApplication;
use tokio::task::{JoinSet, yield_now};

use super::{ask, server, token};
use crate::support::ask::token_request;
use crate::support::server::{App, TestServer};

fn spawn(server: &Arc<TestServer>, app: &App) -> tokio::task::JoinHandle<String> {
    let (server, app) = (Arc::clone(server), app.clone());
    tokio::spawn(async move { token(&server, &app).await })
}

/// Far more than may wait for a signature.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_who_ask_at_once_cost_one_token() {
    let (server, app) = server().await;
    let server = Arc::new(server);
    for _ in 0..3 {
        let mut asking = JoinSet::new();
        for _ in 0..1_000 {
            let asked = spawn(&server, &app);
            asking.spawn(async move { asked.await.unwrap() });
        }
        let tokens: HashSet<String> = asking.join_all().await.into_iter().collect();
        assert_eq!(tokens.len(), 1);
        server.advance(std::time::Duration::from_secs(150));
    }
    assert_eq!(super::noted::counted(&server, "app").await, (3, 2_997));
}

/// Whoever was to make the token for all goes away while it waits for its signature.
#[tokio::test]
async fn nobody_waits_for_one_who_has_gone_away() {
    let (server, app) = server().await;
    let busy = server.add("default", "busy", &["read"], NewApplication::default()).await;
    for app in [&app, &busy] {
        // Known from now on, so that nothing but the signature is waited for.
        assert_eq!(ask(&server, app, "read").await.status, 200);
    }
    server.advance(std::time::Duration::from_secs(150));
    token(&server, &busy).await;
    let server = Arc::new(server);
    // The one who signs lets others go first before its place is free.
    let signing = spawn(&server, &busy);
    let first = spawn(&server, &app);
    let others: Vec<_> = (0..20).map(|_| spawn(&server, &app)).collect();
    yield_now().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let mut tokens = HashSet::new();
    for other in others {
        tokens.insert(other.await.unwrap());
    }
    assert_eq!(tokens.len(), 1);
    signing.await.unwrap();
}

/// What cannot be made is told to each who asks, and keeps nobody waiting.
#[tokio::test]
async fn a_token_that_cannot_be_made_is_refused_to_all() {
    let server = TestServer::start().await;
    let names: Vec<String> = (0..60).map(|number| format!("s{number}{}", "x".repeat(100))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let app = super::add(&server, "default", "app", &names).await;
    let server = Arc::new(server);
    let asked: Vec<_> = (0..20)
        .map(|_| {
            let (server, app) = (Arc::clone(&server), app.clone());
            tokio::spawn(async move { server.answer(token_request(&[]).of(&app)).await })
        })
        .collect();
    for asked in asked {
        asked.await.unwrap().expect_refused("invalid_scope");
    }
    assert_eq!(ask(&server, &app, names[0]).await.status, 200);
}
