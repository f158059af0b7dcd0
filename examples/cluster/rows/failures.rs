//! Row d: one node is killed and another paused behind a balancer.
//! Not for: nodes that stop in order (`rolling.rs`).

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::balancer::{self, Balancer, InFlight};
use crate::crowd::Crowd;
use crate::door::{Door, Login, Token};
use crate::history::{Kind, Operation, Outcome};
use crate::judge;
use crate::ledger::{Entry, Ledger};
use crate::report::{Report, Share};
use crate::site::{Shape, Site};
use crate::{Done, Plan};

/// The node that is killed.
const KILLED: usize = 1;

/// The node that is paused.
const PAUSED: usize = 2;

/// By then the balancer has noticed: two checks that are answered by nobody.
const NOTICED: Duration = Duration::from_secs(2);

/// For how long after a pause what must be refused is asked again and again.
const AFTERWARDS: Duration = Duration::from_secs(2);

/// How often that is, and by how many at once: seldom enough that the node has time for its other callers.
const AGAIN_AFTER: Duration = Duration::from_millis(50);
const CALLERS: usize = 2;

/// What is asked of the paused node, and must be refused when it goes on.
struct Bait {
    disabled: Login,
    rotated: Login,
    narrowed: Login,
    revoked: Token,
}

pub(super) async fn run(plan: &Plan) -> Done<Report> {
    let mut site = Site::open(plan, Shape::Plain).await?;
    let balancer = Balancer::start(&site, InFlight::Cut).await?;
    let mut report = Report::default();
    let mut crowd = Crowd::new("d");
    crowd.tokens(&balancer.door, &site.known, 250.0);
    crowd.keys(&balancer.door, 20.0);
    crowd.revocations(&balancer.door, &site.known, 5.0);
    sleep(NOTICED).await;
    let killed = site.history.now();
    site.nodes.get_mut(KILLED).ok_or("there is no such node")?.kill();
    sleep(NOTICED + NOTICED).await;
    site.nodes.get_mut(KILLED).ok_or("there is no such node")?.start().await?;
    sleep(NOTICED).await;
    let before = site.history.now();
    let lasts = plan.either(Duration::from_secs(5), Duration::from_secs(30));
    let (paused, held) = pause(&site, &crowd.ledger, lasts).await?;
    sleep(NOTICED).await;
    let end = site.history.now();
    crowd.end(&site, &mut report).await?;
    for (what, node, window) in [("killed", KILLED, (killed, before)), ("paused", PAUSED, (paused, end))] {
        blame(&mut report, &site, &balancer, (what, node), window);
    }
    let record = site.history.record();
    let stale = judge::violations(&record);
    let stale = stale.iter().filter(|violation| violation.promise == judge::Promise::NothingStale).count();
    let measured = format!("{stale} stale successes, {held} requests held during the pause");
    report.need("no action on stale state after the pause", &measured, stale == 0 && held > 0);
    drop(balancer);
    report.judge(&site);
    Ok(report)
}

/// Requests that failed behind the balancer in a time: each must have been sent to the node that was not there, before
/// the balancer had noticed.
fn blame(
    report: &mut Report,
    site: &Site,
    balancer: &Balancer,
    (what, node): (&str, usize),
    window: (Duration, Duration),
) {
    let record = site.history.record();
    let is_behind = |one: &&Operation| one.place.is_none() && window.0 <= one.start && one.start < window.1;
    let failed = record.operations.iter().filter(is_behind);
    let failed: Vec<_> =
        failed.filter(|one| matches!(one.outcome, Outcome::Lost(_) | Outcome::Away)).collect();
    let mut others = 0;
    for one in &failed {
        let routed = balancer.node_of(one.number);
        let is_of_it = routed.as_deref() == Some(balancer::name(node).as_str());
        if !is_of_it || one.start > window.0 + NOTICED {
            others += 1;
            report.note(format!("{what}: sent to {routed:?}: {}", judge::shown(one)));
        }
    }
    let all = Share::of(&record, Kind::Token, window, |one| one.place.is_none());
    let measured =
        format!("{what}: {} failed in flight at it, {others} others; tokens {all}", failed.len() - others);
    report.need("only requests in flight at that node fail", &measured, others == 0 && all.granted > 0);
}

/// Pauses a node; makes changes elsewhere meanwhile; sends it requests before and after the changes, which its socket
/// holds, and more right when it goes on. Says when the pause began, and how many requests there were.
async fn pause(site: &Site, ledger: &Ledger, lasts: Duration) -> Done<(Duration, usize)> {
    let bait = Arc::new(prepare(site).await?);
    let node = site.nodes.get(PAUSED).ok_or("there is no such node")?;
    let patience = lasts + Duration::from_secs(10);
    let door = |_| Door::new(Some(PAUSED), node.public, &site.history, &site.numbers).with_deadline(patience);
    let doors: Vec<Arc<Door>> = (0..CALLERS).map(door).map(Arc::new).collect();
    let start = site.history.now();
    node.pause()?;
    let mut held = JoinSet::new();
    let ask = |held: &mut JoinSet<()>| {
        for door in &doors {
            let (door, bait) = (Arc::clone(door), Arc::clone(&bait));
            held.spawn(async move { drop(try_all(&door, &bait).await) });
        }
    };
    ask(&mut held);
    sleep(Duration::from_millis(200)).await;
    change(site, ledger, &bait).await?;
    ask(&mut held);
    sleep(lasts).await;
    site.history.note_pause(PAUSED, start);
    node.resume()?;
    let (resumed, mut count) = (Instant::now(), held.len() * 4);
    while resumed.elapsed() < AFTERWARDS {
        ask(&mut held);
        count += doors.len() * 4;
        sleep(AGAIN_AFTER).await;
        while held.try_join_next().is_some() {}
    }
    while held.join_next().await.is_some() {}
    Ok((start, count))
}

/// What is good now, as the node knows, which has given tokens for all of it.
async fn prepare(site: &Site) -> Done<Bait> {
    let login = |name: &str, scope| Login::new(&format!("bait-{name}"), scope);
    let disabled = login("disabled", "read");
    let (rotated, narrowed, owner) =
        (login("rotated", "read"), login("narrowed", "write"), login("revoked", "read"));
    let all = [disabled.clone(), rotated.clone(), narrowed.clone(), owner.clone()];
    site.register(&all, &["read", "write"]).await?;
    sleep(judge::GRACE).await;
    let door = site.doors.get(PAUSED).ok_or("there is no such node")?;
    for login in &all {
        door.token(login).await;
    }
    let revoked = door.token(&owner).await.1.ok_or("no token")?;
    door.introspect(&revoked).await;
    Ok(Bait { disabled, rotated, narrowed, revoked })
}

/// Takes all of it away, at another node.
async fn change(site: &Site, ledger: &Ledger, bait: &Bait) -> Done {
    let (desk, door) = site.desks.first().zip(site.doors.first()).ok_or("there is no node")?;
    let next = bait.rotated.with_secret(2);
    let added = desk.add_secret(&next).await.0;
    ledger.note(&added, Entry::Good(next));
    let first = desk.first_secret(&bait.rotated).await.ok_or("the first secret is not listed")?;
    for (outcome, login) in [
        (desk.disable(&bait.disabled).await, &bait.disabled),
        (desk.remove_secret(&bait.rotated, &first).await, &bait.rotated),
        (desk.leave_scopes(&bait.narrowed, &["read"]).await, &bait.narrowed),
    ] {
        if !ledger.note(&outcome, Entry::Bad(login.clone())) {
            return Err(format!("a change was not made: {outcome:?}").into());
        }
    }
    let outcome = door.revoke(&bait.revoked).await;
    ledger.note(&outcome, Entry::Revoked(bait.revoked.clone()));
    Ok(())
}

/// Asks for everything at once.
async fn try_all(door: &Door, bait: &Bait) -> [Outcome; 4] {
    let tokens = async {
        tokio::join!(door.token(&bait.disabled), door.token(&bait.rotated), door.token(&bait.narrowed))
    };
    let (((disabled, _), (rotated, _), (narrowed, _)), revoked) =
        tokio::join!(tokens, door.introspect(&bait.revoked));
    [disabled, rotated, narrowed, revoked]
}
