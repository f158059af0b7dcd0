//! How long it takes until a node does everything again.
//! Not for: what keeps it from that.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::Done;
use crate::history::Outcome;
use crate::ledger::{Entry, Ledger};
use crate::site::{Site, changed};

/// How often it is tried.
const AGAIN_AFTER: Duration = Duration::from_millis(20);

/// When it is given up.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(30);

/// Waits until every node administers, revokes, and is ready without a warning, and says how long that took from
/// `since` on. What is revoked on the way goes into the ledger.
pub(super) async fn of_all(site: &Site, ledger: &Ledger, since: Instant) -> Done<Duration> {
    let each = (0..site.nodes.len()).map(|node| of_one(site, ledger, node, since));
    let times = join_all(each).await.into_iter().collect::<Done<Vec<_>>>()?;
    Ok(times.into_iter().max().unwrap_or_default())
}

/// The same for one node.
pub(super) async fn of_one(site: &Site, ledger: &Ledger, node: usize, since: Instant) -> Done<Duration> {
    let (door, desk) = site.doors.get(node).zip(site.desks.get(node)).ok_or("there is no such node")?;
    let login = site.known.get(node).ok_or("there is no such application")?;
    let give_up = Instant::now() + GIVEN_UP_AFTER;
    let (mut administers, mut revokes) = (false, false);
    loop {
        administers = administers || desk.rename(&changed(node), "Renamed").await == Outcome::Granted;
        if !revokes && let (_, Some(token)) = door.token(login).await {
            let outcome = door.revoke(&token).await;
            revokes = ledger.note(&outcome, Entry::Revoked(token));
        }
        if administers && revokes && desk.is_well().await {
            return Ok(since.elapsed());
        }
        if Instant::now() > give_up {
            // The row goes on: what else is wrong then tells more than that this was.
            return Ok(since.elapsed());
        }
        sleep(AGAIN_AFTER).await;
    }
}
