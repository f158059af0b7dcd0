//! Row f: nodes are stopped and started one after another behind a balancer, and no request is lost.
//! Not for: nodes that do not stop in order (`failures.rs`).

use std::time::Duration;

use tokio::time::sleep;

use crate::balancer::{Balancer, InFlight};
use crate::crowd::Crowd;
use crate::history::Kind;
use crate::load::millis;
use crate::report::{Report, Share};
use crate::site::{Shape, Site};
use crate::{Done, Plan};

/// How long the balancer needs until it has noticed that a node is back.
const NOTICED: Duration = Duration::from_secs(1);

pub(super) async fn run(plan: &Plan) -> Done<Report> {
    let mut site = Site::open(plan, Shape::Plain).await?;
    let balancer = Balancer::start(&site, InFlight::WaitedFor).await?;
    let mut report = Report::default();
    let mut crowd = Crowd::new("f");
    crowd.tokens(&balancer.door, &site.known, 250.0);
    crowd.keys(&balancer.door, 20.0);
    crowd.revocations(&balancer.door, &site.known, 5.0);
    sleep(NOTICED).await;
    let start = site.history.now();
    let mut longest = Duration::ZERO;
    for _ in 0..plan.either(1, 5) {
        for node in &mut site.nodes {
            let begun = site.history.now();
            node.stop().await?;
            longest = longest.max(site.history.now().saturating_sub(begun));
            node.start().await?;
            sleep(NOTICED).await;
        }
    }
    let end = site.history.now();
    crowd.end(&site, &mut report).await?;
    let record = site.history.record();
    for (what, kind) in [("token", Kind::Token), ("JWKS", Kind::Keys), ("revocation", Kind::Forbid)] {
        let share = Share::of(&record, kind, (start, end), |one| one.place.is_none());
        report.need(&format!("no {what} lost"), &format!("{what} {share}"), share.reaches(10_000));
        report.note_example(&share);
    }
    report.tell(&format!("a node stops within {}", millis(longest)));
    drop(balancer);
    report.judge(&site);
    Ok(report)
}
