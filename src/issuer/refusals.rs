//! Refusals that are not written down yet.
//! Not for: counting them (`usage.rs`).

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::refusal::Refusal;

/// How many are kept between two writes. A flood of refusals must not become a flood of writes.
const MAX_REFUSALS: usize = 1_000;

/// Refusals since the last write: the first of them, and how many came beyond.
#[derive(Default)]
pub(super) struct Refusals(Mutex<Collected>);

#[derive(Default)]
pub(super) struct Collected {
    /// Those that are kept, in their order.
    pub(super) kept: Vec<Refusal>,
    /// How many are not.
    pub(super) dropped: u64,
}

impl Refusals {
    pub(super) fn note(&self, refusal: Refusal) {
        let mut collected = self.lock();
        if collected.kept.len() < MAX_REFUSALS {
            collected.kept.push(refusal);
        } else {
            collected.dropped += 1;
        }
    }

    /// Takes all that came so far.
    pub(super) fn take(&self) -> Collected {
        std::mem::take(&mut *self.lock())
    }

    /// Puts back what could not be written down, before what came meanwhile.
    pub(super) fn put_back(&self, former: Collected) {
        let mut collected = self.lock();
        let Collected { kept, dropped } = std::mem::replace(&mut *collected, former);
        let room = MAX_REFUSALS.saturating_sub(collected.kept.len());
        let beyond = kept.len().saturating_sub(room);
        collected.kept.extend(kept.into_iter().take(room));
        collected.dropped += dropped + u64::try_from(beyond).unwrap_or(u64::MAX);
    }

    fn lock(&self) -> MutexGuard<'_, Collected> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::SystemRandom;
    use crate::domain::id::{RequestId, TenantId};
    use crate::domain::refusal::Endpoint;
    use crate::domain::time::Timestamp;

    fn refusal() -> Refusal {
        Refusal {
            request: RequestId::new(&SystemRandom),
            at: Timestamp::from_millis(0),
            tenant: TenantId::new(&SystemRandom),
            application: None,
            endpoint: Endpoint::Token,
            error: "invalid_client".into(),
            reason: "why".into(),
            hint: None,
            source: None,
        }
    }

    #[test]
    fn keeps_the_first_and_counts_the_others() {
        let (refusals, first) = (Refusals::default(), refusal());
        refusals.note(first.clone());
        let former = refusals.take();
        for _ in 0..MAX_REFUSALS + 2 {
            refusals.note(refusal());
        }
        refusals.put_back(former);
        let taken = refusals.take();
        assert_eq!((taken.kept.len(), taken.dropped), (MAX_REFUSALS, 3));
        assert_eq!(taken.kept[0], first);
        assert!(refusals.take().kept.is_empty());
    }
}
