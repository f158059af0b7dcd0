//! Whether the clock went back: then tokens would be issued with times in the past.
//! Not for: telling which of two times is the right one; that takes a person.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::time::{Clock, Timestamp, format_duration};

/// How far back the clock may go before anybody is told: that much the margins of the schedule hold.
const TOLERATED: Duration = Duration::from_mins(1);

/// The latest times that are known of, from the clock itself and from the store.
pub(super) struct ClockWatch(Mutex<Known>);

struct Known {
    /// The time of day and the monotonic time at the last look.
    last: (Timestamp, Duration),
    /// The latest time of day so far.
    highest: Timestamp,
    /// The latest time that somebody wrote into the store.
    recorded: Timestamp,
    is_behind: bool,
}

impl ClockWatch {
    pub(super) fn new(clock: &dyn Clock) -> Self {
        let now = clock.now();
        let known = Known { last: (now, clock.monotonic()), highest: now, recorded: now, is_behind: false };
        Self(Mutex::new(known))
    }

    /// Takes in the latest time that is written in the store.
    pub(super) fn record(&self, newest: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).recorded = newest;
    }

    /// By how much the clock is behind the latest time known, if it is more than can be tolerated. It is logged once when
    /// that begins, and once when it is over.
    pub(super) fn look(&self, clock: &dyn Clock) -> Option<Duration> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, monotonic) = (clock.now(), clock.monotonic());
        // The clock may have gone back in a long while in which nobody looked.
        let expected = known.last.0.plus(monotonic.saturating_sub(known.last.1));
        known.highest = known.highest.max(expected).max(now);
        known.last = (now, monotonic);
        let behind = known.highest.max(known.recorded).since(now);
        let is_behind = behind > TOLERATED;
        match (known.is_behind, is_behind) {
            (false, true) => {
                let by = format_duration(behind);
                tracing::warn!("the clock went back by {by}: tokens get times in the past; set it right");
            }
            (true, false) => tracing::warn!("over: the clock went back"),
            _ => {}
        }
        known.is_behind = is_behind;
        is_behind.then_some(behind)
    }
}
