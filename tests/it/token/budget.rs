//! What an answer may cost, counted in what no machine and no load changes: pieces of memory, bytes of them, readings of the
//! clock. The budget is that of docs/benchmarks.md; whoever needs more of it says there what for.
//! Not for: time, which `scripts/bench` measures.

use std::num::NonZeroU32;

use chancery::admin::applications::{ApplicationChange, NewApplication};
use chancery::admin::change::{Change, QuotaChange};
use chancery::domain::token::ReuseShare;

use crate::support::ask::{Ask, token_request};
use crate::support::cost::Cost;
use crate::support::server::{App, TestServer};

/// What an application with these settings pays for one more token, when everything is in memory already.
async fn cost(settings: ApplicationChange) -> Cost {
    let server = TestServer::start().await;
    let new = NewApplication { settings, ..NewApplication::default() };
    let app = server.add("default", "app", &["read", "write"], new).await;
    server.advance_a_second();
    for _ in 0..3 {
        server.answer(ask(&app)).await.token();
    }
    server.cost(ask(&app))
}

fn ask(app: &App) -> Ask {
    token_request(&[("client_id", &app.client_id), ("client_secret", &app.secret), ("scope", "read")])
}

#[track_caller]
fn expect_within(cost: &Cost, most: &Cost) {
    assert!(
        cost.pieces <= most.pieces
            && cost.bytes <= most.bytes
            && cost.moved <= most.moved
            && cost.readings <= most.readings,
        "{cost:?} is more than {most:?}"
    );
}

#[tokio::test]
async fn a_token_keeps_to_its_budget() {
    let cost = cost(ApplicationChange::default()).await;
    expect_within(&cost, &Cost { pieces: 10, bytes: 2_000, moved: 1_400, readings: 9 });
}

#[tokio::test]
async fn a_reused_token_keeps_to_its_budget() {
    let half = Change::To(ReuseShare::from_percent(50).unwrap());
    let cost = cost(ApplicationChange { token_reuse: half, ..ApplicationChange::default() }).await;
    expect_within(&cost, &Cost { pieces: 5, bytes: 700, moved: 1_400, readings: 4 });
}

#[tokio::test]
async fn a_quota_costs_little_more() {
    let quota = QuotaChange { per_hour: Change::To(NonZeroU32::MAX), ..QuotaChange::default() };
    let cost = cost(ApplicationChange { quota, ..ApplicationChange::default() }).await;
    expect_within(&cost, &Cost { pieces: 26, bytes: 5_400, moved: 1_400, readings: 12 });
}
