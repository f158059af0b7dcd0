//! Row a2: one node alone cannot reach the database, and the others can.
//! Not for: all of them (`outage.rs`).

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::recovery;
use crate::crowd::Crowd;
use crate::door::Login;
use crate::history::{Kind, Operation, Outcome, Span};
use crate::judge::{GRACE, RECOVERED};
use crate::ledger::Entry;
use crate::load::millis;
use crate::proxy::Fault;
use crate::report::{Report, Share};
use crate::site::{Shape, Site};
use crate::{Done, Plan};

/// The node that is cut off.
const ALONE: usize = 1;

pub(super) async fn run(plan: &Plan) -> Done<Report> {
    let site = Site::open(plan, Shape::Plain).await?;
    let mut report = Report::default();
    let mut crowd = Crowd::new("a2");
    for (node, (door, desk)) in site.doors.iter().zip(&site.desks).enumerate() {
        crowd.tokens(door, &site.known, 60.0);
        crowd.keys(door, 2.0);
        crowd.strangers(door, node, 1.0);
        if node != ALONE {
            crowd.operators(desk, node, 2.0);
        }
    }
    let lasts = plan.either(Duration::from_secs(6), Duration::from_mins(1));
    let mut windows = Vec::new();
    for fault in [Fault::Blackhole, Fault::Reset] {
        sleep(GRACE).await;
        let victims: Vec<_> = (0..10).map(|n| Login::new(&format!("victim-{fault:?}-{n}"), "read")).collect();
        let (start, followed) = cut_off(&site, &crowd, fault, lasts, &victims).await?;
        windows.push((start, site.history.now()));
        report.need(
            "it follows within 2 s",
            &format!("{fault:?}: follows after {}", millis(followed)),
            followed <= RECOVERED,
        );
    }
    crowd.end(&site, &mut report).await?;
    let record = site.history.record();
    for window in windows {
        let of = |kind, filter: &dyn Fn(&Operation) -> bool| Share::of(&record, kind, window, filter);
        let is_known =
            |one: &Operation| one.things.first().is_some_and(|thing| thing.starts_with("application known-"));
        let alone = of(Kind::Token, &|one| is_known(one) && one.place == Some(ALONE));
        report.need("99.99 % of tokens at it", &format!("tokens at it {alone}"), alone.reaches(9_999));
        let others = of(Kind::Token, &|one| is_known(one) && one.place != Some(ALONE));
        report.need("every token at the others", &format!("at the others {others}"), others.reaches(10_000));
        let changes = of(Kind::Make, &|one| one.place != Some(ALONE));
        report.need(
            "every change at the others",
            &format!("changes there {changes}"),
            changes.reaches(10_000),
        );
        for share in [alone, others, changes] {
            report.note_example(&share);
        }
    }
    report.judge(&site);
    Ok(report)
}

/// Cuts the node off, disables applications elsewhere meanwhile, and says when it began, and how long after its end the
/// node refused all of them and did everything else again.
async fn cut_off(
    site: &Site,
    crowd: &Crowd,
    fault: Fault,
    lasts: Duration,
    victims: &[Login],
) -> Done<(Duration, Duration)> {
    site.register(victims, &["read"]).await?;
    sleep(GRACE).await;
    for login in victims {
        for door in &site.doors {
            door.token(login).await;
        }
    }
    let start = site.history.now();
    site.fail(Some(ALONE), fault);
    sleep(lasts / 2).await;
    let desk = site.desks.first().ok_or("there is no desk")?;
    for login in victims {
        let outcome = desk.disable(login).await;
        crowd.ledger.note(&outcome, Entry::Bad(login.clone()));
    }
    sleep(lasts / 2).await;
    site.history.note_outage(Span { node: Some(ALONE), start, end: site.history.now() });
    site.fail(Some(ALONE), Fault::Pass);
    let healed = Instant::now();
    let door = site.doors.get(ALONE).ok_or("there is no such node")?;
    let refused = async {
        for login in victims {
            while door.token(login).await.0 != Outcome::Denied && healed.elapsed() < Duration::from_mins(1) {
                sleep(Duration::from_millis(10)).await;
            }
        }
        healed.elapsed()
    };
    let (refused, recovered) = tokio::join!(refused, recovery::of_one(site, &crowd.ledger, ALONE, healed));
    Ok((start, refused.max(recovered?)))
}
