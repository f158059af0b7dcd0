//! How often each application has asked about tokens that are not active for it, within this minute.
//! Not for: other limits; what is asked about active tokens is not counted.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::id::ApplicationId;

/// How many such answers an application gets in a minute. Resource servers meet expired tokens and nonsense, not
/// thousands of them; who tries out tokens does.
pub const MISSES_PER_MINUTE: u32 = 1_000;

/// The counts of one minute. Only applications that have proved themselves are counted, so there are never more of them
/// than are registered.
#[derive(Default)]
pub(super) struct Misses(Mutex<(u64, HashMap<ApplicationId, u32>)>);

impl Misses {
    /// Counts one, at a time on the monotonic clock; whether it is within the limit.
    pub(super) fn note(&self, application: ApplicationId, at: Duration) -> bool {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (minute, counts) = &mut *counted;
        let now = at.as_secs() / 60;
        if *minute != now {
            *minute = now;
            counts.clear();
        }
        let count = counts.entry(application).or_default();
        *count = count.saturating_add(1);
        *count <= MISSES_PER_MINUTE
    }
}
