//! Row g: the database's machine is lost, its standby takes over, and the old one comes back as it was.
//! Not for: a database that comes back by itself (`restarts.rs`).

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::recovery;
use crate::crowd::Crowd;
use crate::history::{Kind, Operation, Outcome, Span};
use crate::load::millis;
use crate::proxy::Fault;
use crate::report::{Report, Share};
use crate::site::{Shape, Site};
use crate::{Done, Plan};

/// How long everything works before and after.
const AROUND: Duration = Duration::from_secs(3);

/// How long it takes whoever watches the database to be sure that it is lost.
const NOTICED: Duration = Duration::from_secs(1);

pub(super) async fn run(plan: &Plan) -> Done<Report> {
    let site = Site::open(plan, Shape::Replicated).await?;
    let mut report = Report::default();
    let mut crowd = Crowd::new("g");
    for (node, (door, desk)) in site.doors.iter().zip(&site.desks).enumerate() {
        crowd.tokens(door, &site.known, 50.0);
        crowd.revocations(door, &site.known, 4.0);
        crowd.operators(desk, node, 4.0);
    }
    sleep(AROUND).await;
    let start = site.history.now();
    let (promoted, away) = fail_over(&site, &crowd).await?;
    sleep(AROUND).await;
    let again = come_back(&site, &crowd).await?;
    sleep(AROUND).await;
    let end = site.history.now();
    crowd.end(&site, &mut report).await?;
    let record = site.history.record();
    report.need(
        "administration again within 2 s of the promotion",
        &format!("recovery {}", millis(promoted)),
        promoted <= crate::judge::RECOVERED,
    );
    report.tell(&format!(
        "administration was away for {} in all, {} of them until the loss was noticed",
        millis(away),
        millis(NOTICED)
    ));
    report.need(
        "the old one is not trusted",
        &format!("recovery beside it {}", millis(again)),
        again <= Duration::from_secs(5),
    );
    let is_acknowledged = |one: &&Operation| {
        matches!(one.kind, Kind::Make | Kind::Forbid) && one.outcome == Outcome::Granted && one.start < start
    };
    let acknowledged = record.operations.iter().filter(is_acknowledged).count();
    report.need(
        "all acknowledged there",
        &format!("{acknowledged} changes acknowledged before"),
        acknowledged > 100,
    );
    let is_known =
        |one: &Operation| one.things.first().is_some_and(|thing| thing.starts_with("application known-"));
    let tokens = Share::of(&record, Kind::Token, (start, end), is_known);
    report.need("99.99 % of tokens", &format!("tokens {tokens}"), tokens.reaches(9_999));
    report.note_example(&tokens);
    let chain = site.command(&["audit", "verify"]).await;
    report.need("the audit verifies", if chain.is_ok() { "it does" } else { "it does not" }, chain.is_ok());
    report.judge(&site);
    Ok(report)
}

/// The primary is lost and the standby promoted; how long after that everything works again, and how long it did not.
async fn fail_over(site: &Site, crowd: &Crowd) -> Done<(Duration, Duration)> {
    let (primary, standby) =
        site.database.as_ref().zip(site.standby.as_ref()).ok_or("there are no databases")?;
    let lost = Instant::now();
    primary.kill().await?;
    let start = site.history.now();
    sleep(NOTICED).await;
    site.history.note_outage(Span { node: None, start, end: site.history.now() });
    standby.promote().await?;
    let promoted = recovery::of_all(site, &crowd.ledger, Instant::now()).await?;
    Ok((promoted, lost.elapsed()))
}

/// The old primary comes back as it was, and all connections break, so that each node chooses again.
async fn come_back(site: &Site, crowd: &Crowd) -> Done<Duration> {
    site.database.as_ref().ok_or("there is no database")?.start().await?;
    site.fail(None, Fault::Reset);
    sleep(Duration::from_millis(100)).await;
    site.fail(None, Fault::Pass);
    recovery::of_all(site, &crowd.ledger, Instant::now()).await
}
