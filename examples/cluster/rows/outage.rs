//! Row a: no node can reach the database, in each way in which that happens.
//! Not for: one node alone (`partition.rs`).

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::recovery;
use crate::crowd::Crowd;
use crate::history::{Kind, Operation, Outcome, Record, Span};
use crate::judge::{GRACE, RECOVERED};
use crate::load::millis;
use crate::proxy::Fault;
use crate::report::{Report, Share};
use crate::site::{Shape, Site};
use crate::{Done, Plan};

/// How long everything works before the next way.
const BETWEEN: Duration = Duration::from_secs(2);

/// How much later everything arrives in the last way, in either direction.
const LATENCY: Duration = Duration::from_millis(300);

/// How the database becomes unreachable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Stopped,
    Reset,
    Blackhole,
    /// It can be reached, and is slow.
    Slow,
}

/// A way, and how it went.
struct Passed {
    way: Way,
    start: Duration,
    /// When all was well again.
    end: Duration,
    recovery: Duration,
    /// Whether every node was ready and warned meanwhile.
    warned: bool,
}

pub(super) async fn run(plan: &Plan) -> Done<Report> {
    let site = Site::open(plan, Shape::Plain).await?;
    let mut report = Report::default();
    let mut crowd = Crowd::new("a");
    for (node, (door, desk)) in site.doors.iter().zip(&site.desks).enumerate() {
        crowd.tokens(door, &site.known, 80.0);
        crowd.keys(door, 5.0);
        crowd.strangers(door, node, 1.0);
        crowd.revocations(door, &site.known, 1.0);
        crowd.operators(desk, node, 1.0);
    }
    let mut passed = Vec::new();
    for way in [Way::Stopped, Way::Reset, Way::Blackhole, Way::Slow] {
        sleep(BETWEEN).await;
        let lasts = match way {
            Way::Slow => plan.either(Duration::from_secs(8), Duration::from_mins(1)),
            _ => plan.either(Duration::from_secs(20), Duration::from_mins(10)),
        };
        passed.push(pass(&site, &crowd, way, lasts).await?);
    }
    crowd.end(&site, &mut report).await?;
    let record = site.history.record();
    for one in &passed {
        tell(&mut report, &record, one);
    }
    tell_reported(&mut report, &record, &site).await;
    report.judge(&site);
    Ok(report)
}

/// Goes through one way from its beginning until all is well again.
async fn pass(site: &Site, crowd: &Crowd, way: Way, lasts: Duration) -> Done<Passed> {
    let database = site.database.as_ref().ok_or("there is no database")?;
    let start = site.history.now();
    match way {
        Way::Stopped => database.stop("fast").await?,
        Way::Reset => site.fail(None, Fault::Reset),
        Way::Blackhole => site.fail(None, Fault::Blackhole),
        Way::Slow => site.fail(None, Fault::Latency(LATENCY)),
    }
    let away = site.history.now();
    sleep(lasts / 2).await;
    let warned = join_all(site.desks.iter().map(|desk| desk.warns())).await;
    sleep(lasts / 2).await;
    if way != Way::Slow {
        site.history.note_outage(Span { node: None, start: away, end: site.history.now() });
    }
    site.fail(None, Fault::Pass);
    if way == Way::Stopped {
        database.start().await?;
    }
    let recovery = recovery::of_all(site, &crowd.ledger, Instant::now()).await?;
    let warned = warned.iter().all(|warns| *warns);
    Ok(Passed { way, start, end: site.history.now(), recovery, warned })
}

/// What is required of a way.
fn tell(report: &mut Report, record: &Record, passed: &Passed) {
    let Passed { way, start, end, recovery, warned } = passed;
    let share = |kind, filter: &dyn Fn(&Operation) -> bool| Share::of(record, kind, (*start, *end), filter);
    let is_known =
        |one: &Operation| one.things.first().is_some_and(|thing| thing.starts_with("application known-"));
    let tokens = share(Kind::Token, &is_known);
    report.need("99.99 % of tokens", &format!("{way:?}: tokens {tokens}"), tokens.reaches(9_999));
    let keys = share(Kind::Keys, &|_| true);
    report.need("every JWKS", &format!("JWKS {keys}"), keys.reaches(10_000));
    report.need("recovery within 2 s", &format!("recovery {}", millis(*recovery)), *recovery <= RECOVERED);
    for share in [&tokens, &keys] {
        report.note_example(share);
    }
    if *way == Way::Slow {
        return;
    }
    report.need("ready with a warning meanwhile", if *warned { "warned" } else { "not warned" }, *warned);
    // What is told whoever asks for what cannot be had: to come back, and not nothing.
    let mut lost = (0, 0, Duration::ZERO);
    for kind in [Kind::Make, Kind::Forbid, Kind::Unknown] {
        let (all, unanswered) =
            (share(kind, &|_| true), share(kind, &|one| matches!(one.outcome, Outcome::Lost(_))));
        lost = (lost.0 + unanswered.all, lost.1 + all.all, lost.2.max(all.p99));
        report.note_example(&unanswered);
    }
    let measured =
        format!("{} of {} changes and strangers without an answer, p99 {}", lost.0, lost.1, millis(lost.2));
    // What was under way when the connection broke may have had any end.
    report.need("503 for what needs the database", &measured, lost.0 <= 3);
}

/// Each token that was issued while the database was away is counted as one by its node: at least those that began when
/// the node had to know, and no more than there were.
async fn tell_reported(report: &mut Report, record: &Record, site: &Site) {
    let counts = join_all(site.desks.iter().map(|desk| desk.issued_while_away())).await;
    let counted: u64 = counts.into_iter().map(Option::unwrap_or_default).sum();
    let tokens = record.operations.iter();
    let tokens = tokens.filter(|one| one.kind == Kind::Token && one.outcome == Outcome::Granted);
    let is_surely_away = |one: &&Operation| {
        record.outages.iter().any(|outage| outage.start + GRACE < one.start && one.end < outage.end)
    };
    let (all, surely) = (tokens.clone().count(), tokens.filter(is_surely_away).count());
    let is_reported = usize::try_from(counted).is_ok_and(|counted| surely <= counted && counted <= all);
    report.need(
        "each token issued meanwhile counted",
        &format!("{counted} counted as issued meanwhile, {surely} at least were"),
        is_reported,
    );
}
