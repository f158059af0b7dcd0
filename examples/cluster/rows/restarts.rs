//! Row c: the database crashes again and again, and nothing that was acknowledged is lost.
//! Not for: a database that stays away (`outage.rs`).

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::recovery;
use crate::crowd::Crowd;
use crate::history::{Kind, Operation, Outcome, Span};
use crate::load::{millis, percentile};
use crate::report::{Report, Share};
use crate::site::{Shape, Site};
use crate::{Done, Plan};

/// How long it works between two crashes.
const BETWEEN: Duration = Duration::from_millis(1500);

/// How long it is away.
const AWAY: Duration = Duration::from_millis(300);

/// How many changes must have been acknowledged for each crash, so that there was something to lose.
const CHANGES: usize = 10;

pub(super) async fn run(plan: &Plan) -> Done<Report> {
    let site = Site::open(plan, Shape::Plain).await?;
    let mut report = Report::default();
    let mut crowd = Crowd::new("c");
    for (node, (door, desk)) in site.doors.iter().zip(&site.desks).enumerate() {
        crowd.tokens(door, &site.known, 40.0);
        crowd.revocations(door, &site.known, 5.0);
        crowd.operators(desk, node, 5.0);
    }
    let (times, start) = (plan.either(5, 20), site.history.now());
    let mut recoveries = Vec::new();
    for number in 0..times {
        sleep(BETWEEN).await;
        recoveries.push(crash(&site, &crowd, number % 2 == 1).await?);
    }
    let end = site.history.now();
    crowd.end(&site, &mut report).await?;
    let is_acknowledged = |one: &&Operation| {
        matches!(one.kind, Kind::Make | Kind::Forbid) && one.outcome == Outcome::Granted && one.start >= start
    };
    let record = site.history.record();
    let acknowledged = record.operations.iter().filter(is_acknowledged).count();
    report.need(
        &format!("{times} crashes, all acknowledged there"),
        &format!("{acknowledged} changes acknowledged"),
        acknowledged >= times * CHANGES,
    );
    let most = percentile(&mut recoveries, 100);
    report.tell(&format!("recovery at most {}", millis(most)));
    let is_known =
        |one: &Operation| one.things.first().is_some_and(|thing| thing.starts_with("application known-"));
    let tokens = Share::of(&record, Kind::Token, (start, end), is_known);
    report.need("99.99 % of tokens", &format!("tokens {tokens}"), tokens.reaches(9_999));
    report.note_example(&tokens);
    let chain = site.command(&["--output", "json", "audit", "verify"]).await;
    let events = chain.as_ref().map_or_else(ToString::to_string, |said| events_in(said));
    report.need("the audit verifies", &events, chain.is_ok());
    report.judge(&site);
    Ok(report)
}

fn events_in(said: &str) -> String {
    let said: serde_json::Value = serde_json::from_str(said).unwrap_or_default();
    format!("{} audit events", said.get("events").unwrap_or(&serde_json::Value::Null))
}

/// Lets the database crash, by its own means or by killing all its processes, and start again.
async fn crash(site: &Site, crowd: &Crowd, kills: bool) -> Done<Duration> {
    let database = site.database.as_ref().ok_or("there is no database")?;
    if kills {
        database.kill().await?;
    } else {
        database.stop("immediate").await?;
    }
    let start = site.history.now();
    sleep(AWAY).await;
    site.history.note_outage(Span { node: None, start, end: site.history.now() });
    database.start().await?;
    recovery::of_all(site, &crowd.ledger, Instant::now()).await
}
