//! Whether what happened breaks a promise.
//! Not for: how fast anything was.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use super::history::{Kind, Operation, Outcome, Record, Span, Thing};

/// Within this time every node acts on a change that was acknowledged.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// Within this time a node has learnt what it missed while it could not reach the database.
pub(crate) const RECOVERED: Duration = Duration::from_secs(2);

/// For how long a verifier keeps the public keys, which is what `Cache-Control` tells it.
const KEYS_KEPT: Duration = Duration::from_mins(5);

/// What may still be under way when a database goes away: an answer that was given before it went.
const UNDER_WAY: Duration = Duration::from_millis(250);

/// A promise that can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Promise {
    /// Nothing succeeds by what was forbidden longer than a second ago.
    NothingStale,
    /// What is permitted is not refused.
    NothingRefused,
    /// What was acknowledged is there afterwards.
    NothingLost,
    /// What was acknowledged was looked at afterwards: otherwise the others prove nothing.
    AllLookedAt,
    /// Nothing is acknowledged while there is no database.
    NothingAcknowledgedAway,
    /// An application that is not known is told to come back while there is no database, never that it is refused.
    NobodyTurnedAway,
    /// A key is published for as long as verifiers keep keys before it signs, and from then on.
    KeysPublished,
}

/// A promise that was broken, and by what.
#[derive(Debug)]
pub(crate) struct Violation<'record> {
    pub(crate) promise: Promise,
    pub(crate) operation: &'record Operation,
    /// What it contradicts.
    pub(crate) because: Option<&'record Operation>,
}

impl fmt::Display for Violation<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} is broken by {}", self.promise, shown(self.operation))?;
        match self.because {
            Some(because) => write!(formatter, "; before that {}", shown(because)),
            None => Ok(()),
        }
    }
}

/// An operation in a line.
pub(crate) fn shown(operation: &Operation) -> String {
    let Operation { start, end, place, kind, things, outcome, .. } = operation;
    let place = place.map_or_else(|| "behind the balancer".to_owned(), |node| format!("at node {node}"));
    let (start, end) = (start.as_secs_f64(), end.as_secs_f64());
    format!("{kind:?} {place} from {start:.3} s to {end:.3} s about {}: {outcome:?}", things.join(", "))
}

/// Changes by what they are about.
struct Changes<'record>(HashMap<(Kind, Thing), Vec<&'record Operation>>);

impl<'record> Changes<'record> {
    fn of(record: &'record Record) -> Self {
        let mut changes: HashMap<_, Vec<_>> = HashMap::new();
        for operation in &record.operations {
            if matches!(operation.kind, Kind::Make | Kind::Forbid | Kind::Allow) {
                for thing in &operation.things {
                    changes.entry((operation.kind, Thing::clone(thing))).or_default().push(operation);
                }
            }
        }
        Self(changes)
    }

    fn find(&self, kind: Kind, thing: &Thing) -> &[&'record Operation] {
        self.0.get(&(kind, Thing::clone(thing))).map_or(&[], Vec::as_slice)
    }
}

/// Everything that breaks a promise.
pub(crate) fn violations(record: &Record) -> Vec<Violation<'_>> {
    let changes = Changes::of(record);
    let mut found = Vec::new();
    for operation in &record.operations {
        let broken = match operation.kind {
            Kind::Token | Kind::Introspect => judge_use(record, &changes, operation),
            Kind::Unknown => judge_unknown(record, operation),
            Kind::Look => judge_look(&changes, operation),
            Kind::Make | Kind::Forbid | Kind::Allow => judge_change(record, operation),
            Kind::Keys => None,
        };
        found.extend(broken);
    }
    found.extend(not_looked_at(record, &changes));
    found.extend(not_published(record));
    found
}

/// When an operation can have been begun at the earliest by whoever answered it: what was sent to a node that did not
/// run was read after the pause.
fn begun(record: &Record, operation: &Operation) -> Duration {
    let held = |pause: &&Span| {
        pause.start <= operation.start && operation.start < pause.end && pause.end <= operation.end
    };
    let pauses = record.pauses.iter().filter(|pause| pause.node.is_some() && pause.node == operation.place);
    pauses.filter(held).map(|pause| pause.end).max().unwrap_or(operation.start)
}

fn judge_use<'record>(
    record: &Record,
    changes: &Changes<'record>,
    operation: &'record Operation,
) -> Option<Violation<'record>> {
    match operation.outcome {
        Outcome::Granted => {
            let begun = begun(record, operation);
            let forbids = operation.things.iter().flat_map(|thing| {
                changes.find(Kind::Forbid, thing).iter().filter(move |forbid| {
                    let allows = changes.find(Kind::Allow, thing);
                    forbid.outcome == Outcome::Granted
                        && begun > forbid.end + GRACE
                        && !allows.iter().any(|allow| allow.end > forbid.start && allow.start < operation.end)
                })
            });
            let knowable = forbids.filter(|forbid| !is_out_of_reach(record, operation, begun, forbid));
            let because = knowable.min_by_key(|forbid| forbid.end).copied()?;
            Some(Violation { promise: Promise::NothingStale, operation, because: Some(because) })
        }
        Outcome::Denied => {
            let is_excused = operation.things.iter().any(|thing| may_be_untrue(changes, thing, operation));
            (!is_excused).then_some(Violation { promise: Promise::NothingRefused, operation, because: None })
        }
        Outcome::Away | Outcome::Lost(_) => None,
    }
}

/// Whether a node could not know of a change when it issued a token from memory, which it may while it cannot reach the
/// database. Whether a token was revoked is never answered from memory.
fn is_out_of_reach(record: &Record, operation: &Operation, begun: Duration, forbid: &Operation) -> bool {
    operation.kind == Kind::Token
        && record.outages.iter().any(|outage| {
            // The node may have been cut off some time before it was certain that it was.
            outage.is_of(operation.place)
                && forbid.end + 2 * GRACE >= outage.start
                && outage.start <= begun
                && begun <= outage.end + RECOVERED
        })
}

/// Whether a node could think rightly that something is not true: it was perhaps forbidden, or not made for long enough.
fn may_be_untrue(changes: &Changes<'_>, thing: &Thing, operation: &Operation) -> bool {
    let is_settled =
        |change: &Operation| change.outcome == Outcome::Granted && change.end + GRACE < operation.start;
    let forbidden = changes.find(Kind::Forbid, thing).iter().any(|forbid| {
        let allows = changes.find(Kind::Allow, thing);
        let is_undone = allows.iter().any(|allow| allow.start >= forbid.end && is_settled(allow));
        forbid.start < operation.end && !is_undone
    });
    forbidden || changes.find(Kind::Make, thing).iter().any(|make| !is_settled(make))
}

fn judge_unknown<'record>(record: &Record, operation: &'record Operation) -> Option<Violation<'record>> {
    let is_away = record.outages.iter().any(|outage| {
        outage.is_of(operation.place) && outage.start + GRACE < operation.start && operation.end < outage.end
    });
    let is_broken = match operation.outcome {
        Outcome::Granted => true,
        Outcome::Denied => is_away,
        Outcome::Away | Outcome::Lost(_) => false,
    };
    is_broken.then_some(Violation { promise: Promise::NobodyTurnedAway, operation, because: None })
}

fn judge_look<'record>(
    changes: &Changes<'record>,
    operation: &'record Operation,
) -> Option<Violation<'record>> {
    let thing = operation.things.first()?;
    let made = changes
        .find(Kind::Make, thing)
        .iter()
        .find(|make| make.outcome == Outcome::Granted && make.end <= operation.start)?;
    let is_forbidden = changes.find(Kind::Forbid, thing).iter().any(|forbid| forbid.start < operation.end);
    let is_lost = operation.outcome == Outcome::Denied && !is_forbidden;
    is_lost.then_some(Violation { promise: Promise::NothingLost, operation, because: Some(made) })
}

fn judge_change<'record>(record: &Record, operation: &'record Operation) -> Option<Violation<'record>> {
    let is_away = record.outages.iter().any(|outage| {
        outage.is_of(operation.place)
            && outage.start + UNDER_WAY < operation.start
            && operation.end < outage.end
    });
    let is_broken = operation.outcome == Outcome::Granted && is_away;
    is_broken.then_some(Violation { promise: Promise::NothingAcknowledgedAway, operation, because: None })
}

/// Changes that were acknowledged and that nobody looked at when they had to be in effect.
fn not_looked_at<'record>(record: &'record Record, changes: &Changes<'record>) -> Vec<Violation<'record>> {
    let mut last: HashMap<(bool, &str), Duration> = HashMap::new();
    for operation in &record.operations {
        let is_answer = matches!(operation.outcome, Outcome::Granted | Outcome::Denied);
        let is_use = matches!(operation.kind, Kind::Token | Kind::Introspect);
        if is_answer && (is_use || operation.kind == Kind::Look) {
            for thing in &operation.things {
                let latest = last.entry((is_use, thing.as_ref())).or_default();
                *latest = (*latest).max(operation.start);
            }
        }
    }
    let looked_at =
        |is_use: bool, thing: &Thing| last.get(&(is_use, thing.as_ref())).copied().unwrap_or_default();
    let is_neglected = |operation: &&Operation| {
        operation.outcome == Outcome::Granted
            && operation.things.iter().any(|thing| match operation.kind {
                Kind::Make => {
                    changes.find(Kind::Forbid, thing).is_empty()
                        && looked_at(false, thing).max(looked_at(true, thing)) <= operation.end
                }
                Kind::Forbid => looked_at(true, thing) <= operation.end + GRACE,
                _ => false,
            })
    };
    let neglected = record.operations.iter().filter(is_neglected);
    neglected.map(|operation| Violation { promise: Promise::AllLookedAt, operation, because: None }).collect()
}

/// Answers with public keys that lack one with which a token was signed, which whoever verifies would not have known.
fn not_published(record: &Record) -> Vec<Violation<'_>> {
    let mut first: HashMap<&str, &Operation> = HashMap::new();
    for operation in record.operations.iter().filter(|operation| operation.kind == Kind::Token) {
        for key in &operation.keys {
            let known = first.entry(key.as_ref()).or_insert(operation);
            if operation.start < known.start {
                *known = operation;
            }
        }
    }
    let answers = record.operations.iter();
    let answers =
        answers.filter(|operation| operation.kind == Kind::Keys && operation.outcome == Outcome::Granted);
    let faulty = answers.filter_map(|operation| {
        let published: HashSet<&str> = operation.keys.iter().map(AsRef::as_ref).collect();
        let is_needed = |signed: &&&Operation| operation.end + KEYS_KEPT > signed.start;
        let missing = first.iter().filter(|(key, _)| !published.contains(**key)).map(|(_, signed)| signed);
        let because = missing.filter(is_needed).min_by_key(|signed| signed.start).copied()?;
        Some(Violation { promise: Promise::KeysPublished, operation, because: Some(because) })
    });
    faulty.collect()
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
