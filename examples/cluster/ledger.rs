//! What was acknowledged, with all that it takes to look at it afterwards at every node.
//! Not for: judging what is found (`judge.rs`).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::time::timeout;

use super::desk::Desk;
use super::door::{Door, Login, Token};
use super::history::Outcome;

/// How many things are looked at at once.
const AT_ONCE: usize = 16;

/// How long all of that may take.
const LOOKED_AT_WITHIN: Duration = Duration::from_mins(5);

/// Something that was acknowledged.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    /// An application or a secret was added, and must be good.
    Good(Login),
    /// An application, a secret or a scope was taken away, and must be refused.
    Bad(Login),
    /// A token was revoked, and must not be active.
    Revoked(Token),
}

/// All that was acknowledged.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Vec<Entry>>>);

impl Ledger {
    /// Writes an entry down, if what it says was acknowledged.
    pub(crate) fn note(&self, outcome: &Outcome, entry: Entry) -> bool {
        let is_acknowledged = *outcome == Outcome::Granted;
        if is_acknowledged {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        }
        is_acknowledged
    }

    /// Everything written down.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at everything at every node. What is not answered is asked once more; what was not looked at in time is left
    /// for the judge to find.
    pub(crate) async fn look(&self, doors: &[Arc<Door>], desks: &[Arc<Desk>]) {
        let pairs: Vec<_> = doors.iter().cloned().zip(desks.iter().cloned()).collect();
        let looks = self.entries().into_iter().flat_map(|entry| {
            pairs
                .iter()
                .cloned()
                .map(move |(door, desk)| look_at(door, desk, entry.clone()))
                .collect::<Vec<_>>()
        });
        let looking = stream::iter(looks).for_each_concurrent(AT_ONCE, |look| look);
        let _ = timeout(LOOKED_AT_WITHIN, looking).await;
    }
}

async fn look_at(door: Arc<Door>, desk: Arc<Desk>, entry: Entry) {
    for _ in 0..2 {
        let outcome = match &entry {
            Entry::Good(login) => {
                desk.look_for(login).await;
                door.token(login).await.0
            }
            Entry::Bad(login) => door.token(login).await.0,
            Entry::Revoked(token) => door.introspect(token).await,
        };
        if matches!(outcome, Outcome::Granted | Outcome::Denied) {
            return;
        }
    }
}
