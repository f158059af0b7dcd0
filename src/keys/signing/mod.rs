//! Where signatures are made: between other work, one at a time for each worker, each application in its turn.
//! Not for: which key signs (`keys/mod.rs`), what is signed (`oauth`), or the order of those who wait (`lines.rs`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::sleep;

use super::ahead::Ahead;
use super::lines::Full;
use super::places::{Asked, Place, Places};
use crate::crypto::algorithm::Signer;
use crate::crypto::jws;
use crate::domain::id::ApplicationId;
use crate::domain::time::Clock;
use crate::threads::{Each, Workers};

/// How often it is looked whether everything that is ready waits long for its turn.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long that is: more than a timer is late by, and more than some dozens of quick tokens take.
const LATE: Duration = Duration::from_millis(5);

/// Lets each worker make one signature at a time, and everything else have its turn after each of them, or after a few where
/// many wait.
///
/// An RSA signature keeps a processor busy for most of a millisecond. On threads of their own, signatures cost four
/// changes of threads for each token; here they cost none, and a health probe or a key fetch waits for one signature
/// or a few: docs/decisions/0010-signing-between-other-work.md. A signature that takes less time than the rest of its
/// request has nothing to wait for, and is made at once, unless the server is saturated. Whoever waits, waits in the
/// line of its application: docs/decisions/0024-overload-is-shared.md. Who would have to wait for much longer here than with
/// another worker has it signed there: docs/decisions/0031-a-worker-for-each-processor.md.
pub struct Signing {
    clock: Arc<dyn Clock>,
    workers: Workers,
    desks: Each<Desk>,
    ahead: Ahead,
}

/// Where one worker signs.
struct Desk {
    number: usize,
    places: Arc<Places>,
    /// How often others were looked at from here.
    looks: AtomicUsize,
    /// Whether requests wait longer for the processor than for a signature: then quick ones have their turns as well.
    is_saturated: AtomicBool,
}

/// Why a token was not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// Too many wait already.
    #[error("too many tokens wait for their signature")]
    Busy,
    /// The signature could not be made.
    #[error("the signature could not be made")]
    Failed,
}

impl From<Full> for NotSigned {
    fn from(Full: Full) -> Self {
        Self::Busy
    }
}

/// The leave to make one signature, now. Dropped, it is the next one's.
#[must_use]
pub struct Turn(Leave);

enum Leave {
    AtOnce,
    Here(Place),
    There(Box<There>),
}

/// With another worker, once it has a place for it.
struct There {
    workers: Workers,
    number: usize,
    asked: Asked,
}

impl Signing {
    /// With these workers.
    #[must_use]
    pub fn new(workers: Workers, clock: Arc<dyn Clock>) -> Self {
        let desk = |number| Desk {
            number,
            places: Arc::new(Places::new(Arc::clone(&clock))),
            looks: AtomicUsize::new(0),
            is_saturated: AtomicBool::new(false),
        };
        let desks = Each::new(desk(0), (1..workers.count()).map(desk).collect());
        Self { clock, workers, desks, ahead: Ahead::default() }
    }

    /// How many signatures can be made at once.
    #[must_use]
    pub fn places(&self) -> usize {
        self.workers.count()
    }

    /// How many wait for theirs.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.desks.all().map(|desk| desk.places.waiting()).sum()
    }

    /// Waits until a signature may be made for an application. A caller that goes away before its turn costs none.
    ///
    /// # Errors
    /// When too many wait already, or so many of this application that others have a right to its place: within
    /// milliseconds, or never.
    pub async fn turn(&self, whose: ApplicationId, signer: &Arc<dyn Signer>) -> Result<Turn, NotSigned> {
        let (here, is_quick) = (self.desks.here(), signer.is_quick());
        if is_quick && !here.is_saturated.load(Ordering::Relaxed) {
            return Ok(Turn(Leave::AtOnce));
        }
        if !is_quick
            && let Some(other) = self.less_busy(here)
            && let Ok(asked) = other.places.ask(whose, false)
        {
            let there = There { workers: self.workers.clone(), number: other.number, asked };
            return Ok(Turn(Leave::There(Box::new(there))));
        }
        // In a box of its own, as all that not every token needs: requests are moved, and are the smaller without it.
        let place = Box::new(here.places.ask(whose, is_quick)?).await?;
        let is_there_time = || here.places.is_idle() || self.others(here).any(|desk| desk.places.load() == 0);
        self.ahead.prepare(signer, is_there_time);
        Ok(Turn(Leave::Here(place)))
    }

    /// Looks again and again whether the worker that asks is saturated; never ends.
    pub async fn keep_looking(&self) {
        loop {
            let due = self.clock.monotonic() + LOOK_EVERY;
            sleep(LOOK_EVERY).await;
            self.look(self.clock.monotonic().saturating_sub(due));
        }
    }

    /// Notes by how much a timer was late: that is how long everything waits for its turn.
    fn look(&self, late: Duration) {
        let here = self.desks.here();
        if late > LATE {
            here.is_saturated.store(true, Ordering::Relaxed);
        } else if here.places.waiting() == 0 {
            here.is_saturated.store(false, Ordering::Relaxed);
        }
    }

    /// Two others, each time other ones: the less busy of two is about as good as the least busy of all, however many there
    /// are (M. Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing").
    fn others(&self, here: &Desk) -> impl Iterator<Item = &Desk> {
        let (looks, count) = (here.looks.fetch_add(1, Ordering::Relaxed), self.desks.count());
        let (number, others) = (here.number, count - 1);
        (0..others.min(2)).map(move |step| self.desks.of((number + 1 + (looks + step) % others) % count))
    }

    /// Another worker that has nothing to sign while this one has, or so little that the way there is worth it.
    fn less_busy(&self, here: &Desk) -> Option<&Desk> {
        let own = here.places.load();
        if own == 0 {
            return None;
        }
        let others = self.others(here).map(|desk| (desk.places.load(), desk));
        let (load, other) = others.min_by_key(|(load, _)| *load)?;
        (load == 0 || 2 * (load + 1) < own).then_some(other)
    }
}

impl Turn {
    /// Whether its signature is a quick one that waits for nobody, before it or after.
    #[must_use]
    pub fn is_at_once(&self) -> bool {
        matches!(self.0, Leave::AtOnce)
    }

    /// Signs `token`, which holds header and payload joined by a dot, and is a whole compact JWS afterwards.
    ///
    /// # Errors
    /// When the signature could not be made.
    pub async fn sign(self, signer: &Arc<dyn Signer>, token: &mut String) -> Result<(), NotSigned> {
        match self.0 {
            Leave::AtOnce => sign(signer.as_ref(), token),
            Leave::Here(place) => {
                let begun = place.now();
                sign(signer.as_ref(), token)?;
                Box::pin(place.hand_on(begun, signer.is_quick())).await;
                Ok(())
            }
            Leave::There(there) => Box::pin(there.sign(Arc::clone(signer), token)).await,
        }
    }
}

fn sign(signer: &dyn Signer, token: &mut String) -> Result<(), NotSigned> {
    jws::sign(signer, token).map_err(|_| NotSigned::Failed)
}

impl There {
    /// Has the other worker sign, unless the caller goes away before that.
    async fn sign(self, signer: Arc<dyn Signer>, token: &mut String) -> Result<(), NotSigned> {
        let (mut tell, told) = oneshot::channel();
        let (asked, mut text) = (self.asked, std::mem::take(token));
        self.workers.spawn(self.number, async move {
            let place = tokio::select! {
                biased;
                () = tell.closed() => return,
                place = asked => place,
            };
            let Ok(place) = place else {
                let _ = tell.send(Err(NotSigned::Busy));
                return;
            };
            let begun = place.now();
            let outcome = sign(signer.as_ref(), &mut text);
            let _ = tell.send(outcome.map(|()| text));
            place.hand_on(begun, signer.is_quick()).await;
        });
        *token = told.await.map_err(|_| NotSigned::Failed)??;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
