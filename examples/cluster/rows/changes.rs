//! Row b: how long a change takes until every node acts on it.
//! Not for: changes while something is broken.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use serde_json::json;
use tokio::time::sleep;

use crate::crowd::Crowd;
use crate::door::{Door, Login, Token};
use crate::history::{self, Kind, Operation, Outcome};
use crate::judge::GRACE;
use crate::load::{millis, percentile};
use crate::report::Report;
use crate::site::{NODES, Shape, Site};
use crate::{Done, Plan};

/// How many tries are under way at once.
const AT_ONCE: usize = 24;

/// Every so many tries the change is made by the command line.
const BY_COMMAND: usize = 25;

/// How often a node is asked whether it acts on the change.
const AGAIN_AFTER: Duration = Duration::from_millis(40);

/// When it is given up.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(10);

/// What is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Disable,
    Rotate,
    Revoke,
    Scope,
}

/// What is asked until it is refused.
enum Asked {
    Token(Login),
    Introspection(Token),
}

impl Asked {
    async fn at(&self, door: &Door) -> Outcome {
        match self {
            Self::Token(login) => door.token(login).await.0,
            Self::Introspection(token) => door.introspect(token).await,
        }
    }
}

pub(super) async fn run(plan: &Plan) -> Done<Report> {
    let site = Site::open(plan, Shape::Plain).await?;
    let mut report = Report::default();
    let mut crowd = Crowd::new("b");
    for door in &site.doors {
        crowd.tokens(door, &site.known, 30.0);
        crowd.keys(door, 1.0);
    }
    let tries = plan.either(1_000, 10_000);
    let results = stream::iter(0..tries).map(|number| attempt(&site, number)).buffer_unordered(AT_ONCE);
    let results: Vec<Done<Option<(What, Duration)>>> = results.collect().await;
    crowd.end(&site, &mut report).await?;
    let results: Vec<_> = results.into_iter().collect::<Done<Vec<_>>>()?.into_iter().flatten().collect();
    let measured = format!("{} of {tries} tries made", results.len());
    report.need("99 % of tries made", &measured, results.len() * 100 >= tries * 99);
    for what in [What::Disable, What::Rotate, What::Revoke, What::Scope] {
        let mut times: Vec<_> =
            results.iter().filter(|(kind, _)| *kind == what).map(|(_, time)| *time).collect();
        let (p99, p50) = (percentile(&mut times, 99), percentile(&mut times, 50));
        let most = times.last().copied().unwrap_or_default();
        let measured = format!(
            "{what:?}: {} tries, p50 {}, p99 {}, at most {}",
            times.len(),
            millis(p50),
            millis(p99),
            millis(most)
        );
        report.need("p99 within 1 s", &measured, p99 <= GRACE && !times.is_empty());
    }
    let stale = crate::judge::violations(&site.history.record())
        .iter()
        .filter(|violation| violation.promise == crate::judge::Promise::NothingStale)
        .count();
    report.need("0 stale successes", &format!("{stale} later than 1 s"), stale == 0);
    report.judge(&site);
    Ok(report)
}

/// Makes something good, lets every node know it, takes it away at one node, and says how long after the answer the last
/// node refused it for the first time. Later than a second after the answer every node is asked once more. Nothing where
/// something was not made, which says nothing of what is seen when.
async fn attempt(site: &Site, number: usize) -> Done<Option<(What, Duration)>> {
    let what = match number % 4 {
        0 => What::Disable,
        1 => What::Rotate,
        2 => What::Revoke,
        _ => What::Scope,
    };
    let login = Login::new(&format!("try-{number}"), if what == What::Scope { "write" } else { "read" });
    let desk = site.desks.get(number / 4 % NODES).ok_or("there is no desk")?;
    if desk.register(&login, &["read", "write"]).await != Outcome::Granted {
        return Ok(None);
    }
    let mut token = None;
    for door in &site.doors {
        token = door.token(&login).await.1.or(token);
    }
    let Some(token) = token else { return Ok(None) };
    let asked =
        if what == What::Revoke { Asked::Introspection(token.clone()) } else { Asked::Token(login.clone()) };
    if make(site, number, what, (&login, &token)).await? != Outcome::Granted {
        return Ok(None);
    }
    let changed = site.history.now();
    let give_up = changed + GIVEN_UP_AFTER;
    let seen = site.doors.iter().map(|door| async {
        loop {
            match asked.at(door).await {
                Outcome::Denied => return Ok(site.history.now()),
                _ if site.history.now() > give_up => return Err("a change is not seen in 10 s"),
                _ => sleep(AGAIN_AFTER).await,
            }
        }
    });
    let seen = join_all(seen).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let last = seen.into_iter().max().unwrap_or_default().saturating_sub(changed);
    sleep((changed + GRACE + Duration::from_millis(2)).saturating_sub(site.history.now())).await;
    join_all(site.doors.iter().map(|door| asked.at(door))).await;
    Ok(Some((what, last)))
}

/// Takes it away.
async fn make(site: &Site, number: usize, what: What, (login, token): (&Login, &Token)) -> Done<Outcome> {
    let desk = site.desks.get(number / 4 % NODES).ok_or("there is no desk")?;
    Ok(match what {
        What::Disable if number.is_multiple_of(BY_COMMAND) => by_command(site, login).await,
        What::Disable => desk.disable(login).await,
        What::Scope => desk.leave_scopes(login, &["read"]).await,
        What::Revoke => {
            let door: &Arc<Door> = site.doors.get(number / 4 % NODES).ok_or("there is no door")?;
            door.revoke(token).await
        }
        What::Rotate => {
            let next = login.with_secret(2);
            let added = desk.add_secret(&next).await.0;
            if added != Outcome::Granted {
                return Ok(added);
            }
            if let Some(door) = site.doors.get(number % NODES) {
                door.token(&next).await;
            }
            let first = desk.first_secret(login).await.ok_or("the first secret is not listed")?;
            desk.remove_secret(login, &first).await
        }
    })
}

/// The same change by the command line, which works on the store itself.
async fn by_command(site: &Site, login: &Login) -> Outcome {
    let things = vec![history::application(&login.client_id)];
    let operation = Operation::begin(&site.history, None, Kind::Forbid, things);
    let arguments = ["--output", "json", "app", "set", &login.client_id, "--enabled", "false"];
    let outcome = match site.command(&arguments).await {
        Ok(said)
            if serde_json::from_str(&said)
                .is_ok_and(|said: serde_json::Value| said.get("enabled") == Some(&json!(false))) =>
        {
            Outcome::Granted
        }
        Ok(said) => Outcome::Lost(said),
        Err(error) => Outcome::Lost(error.to_string()),
    };
    site.history.note_ended(operation, outcome.clone());
    outcome
}
