//! Whether what is in memory may be acted on: because it is true, or because the store is away and that was found out
//! just now.
//! Not for: asking the store (`following.rs`), or what is in memory (`tenants.rs`, `store/cached/`).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::directory::FOLLOW_EVERY;
use crate::domain::time::{Clock, format_duration, in_millis};
use crate::store::StoreError;

/// How old the memory may be before a request must ask the store itself. With this and the time a request may take before it is
/// looked at again, a change is acted on within one second even when following is late.
const TRUSTED_FOR: Duration = Duration::from_millis(400);

/// How long ago an attempt that found the store away may have begun for requests to rely on it. A server that was paused
/// asks again before it acts on anything.
const RELIED_ON_FOR: Duration = Duration::from_millis(2_500);

/// What is known of the store, and how long memory may answer without it. Times are milliseconds on the monotonic clock.
pub(super) struct Freshness {
    clock: Arc<dyn Clock>,
    /// How long the store may be away; nothing when memory never answers without it.
    allowed: Duration,
    /// Since when the memory was known to be true.
    true_since: AtomicU64,
    /// Whether an outage is known to last: what every token can afford to look at.
    lasts: AtomicBool,
    /// How many tokens were issued in outages.
    issued: AtomicU64,
    seen: Mutex<Seen>,
}

/// What attempts to follow have found.
#[derive(Default)]
struct Seen {
    /// The newest attempt that had an answer.
    answered: u64,
    /// The newest that found the store away, unless a later one had an answer.
    away: Option<Away>,
    outage: Option<Outage>,
}

/// An attempt that found the store away.
struct Away {
    attempt: Attempt,
    error: StoreError,
}

/// An attempt to follow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    /// A later one has a greater number.
    pub(super) number: u64,
    /// When it began.
    pub(super) began: u64,
}

/// An outage that lasts.
struct Outage {
    /// Since when the memory had been true when it began.
    since: u64,
    /// How many tokens had been issued in the outages before it.
    issued_before: u64,
    /// Whether it was said that it lasts too long.
    is_too_long: bool,
}

/// What a request may do.
#[derive(Debug)]
pub(super) enum Standing {
    /// Act on memory, which was true at this time.
    True(u64),
    /// Act on memory, since the store is away.
    Away,
    /// Nothing; the store was asked just now.
    Refused(StoreError),
    /// Nothing before the store was asked.
    Unknown,
}

/// How it stands with the store, for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreAway {
    /// How long it has been away.
    pub lasts: Duration,
    /// Whether memory answers in its place.
    pub is_allowed: bool,
    /// What was found, in words.
    pub text: String,
}

impl Freshness {
    pub(super) fn new(clock: Arc<dyn Clock>, allowed: Duration) -> Self {
        Self {
            clock,
            allowed,
            true_since: AtomicU64::new(0),
            lasts: AtomicBool::new(false),
            issued: AtomicU64::new(0),
            seen: Mutex::default(),
        }
    }

    /// The same, where the store may be away for so long.
    pub(super) fn allowing(self, allowed: Duration) -> Self {
        Self { allowed, ..self }
    }

    /// The time on the monotonic clock.
    pub(super) fn now(&self) -> u64 {
        in_millis(self.clock.monotonic())
    }

    /// How long ago this was.
    pub(super) fn age(&self, since: u64) -> Duration {
        Duration::from_millis(self.now().saturating_sub(since))
    }

    /// What a request may do now, which is this moment on the monotonic clock.
    pub(super) fn standing(&self, now: Duration) -> Standing {
        let since = self.true_since.load(Ordering::Acquire);
        let age = Duration::from_millis(in_millis(now).saturating_sub(since));
        if age <= TRUSTED_FOR {
            return Standing::True(since);
        }
        if !self.lasts.load(Ordering::Acquire) {
            return Standing::Unknown;
        }
        match &self.lock().away {
            Some(Away { attempt, error }) if self.age(attempt.began) <= RELIED_ON_FOR => {
                if age <= self.allowed {
                    Standing::Away
                } else if self.age(attempt.began) <= FOLLOW_EVERY {
                    Standing::Refused(error.clone())
                } else {
                    Standing::Unknown
                }
            }
            _ => Standing::Unknown,
        }
    }

    /// Whether the store is known to be away at this moment: it need not be asked.
    pub(super) fn is_away(&self) -> bool {
        self.lasts.load(Ordering::Acquire)
            && self.lock().away.as_ref().is_some_and(|away| self.age(away.attempt.began) <= RELIED_ON_FOR)
    }

    /// How long the store has been away, if an outage lasts.
    pub(super) fn away_for(&self) -> Option<Duration> {
        let lasts = self.lasts.load(Ordering::Relaxed);
        lasts.then(|| self.age(self.true_since.load(Ordering::Acquire)))
    }

    /// Counts a token that is issued in an outage.
    pub(super) fn note_issued(&self) {
        self.issued.fetch_add(1, Ordering::Relaxed);
    }

    /// How many tokens were issued in outages.
    pub(super) fn issued(&self) -> u64 {
        self.issued.load(Ordering::Relaxed)
    }

    /// The outage that lasts, in words.
    pub(super) fn outage(&self) -> Option<StoreAway> {
        let lasts = self.away_for()?;
        let seen = self.lock();
        let Away { error, .. } = seen.away.as_ref()?;
        let (seconds, allowed) = (lasts.as_secs(), format_duration(self.allowed));
        let is_allowed = lasts <= self.allowed;
        let text = if is_allowed {
            format!("the store has been away for {seconds}s of {allowed} that memory may answer: {error}")
        } else if self.allowed.is_zero() {
            format!("the store has been away for {seconds}s: {error}")
        } else {
            format!("the store has been away for {seconds}s, longer than outage.allow ({allowed}): {error}")
        };
        Some(StoreAway { lasts, is_allowed, text })
    }

    /// An attempt has succeeded: all that was true when it began is in memory.
    pub(super) fn found(&self, attempt: Attempt) {
        self.true_since.fetch_max(attempt.began, Ordering::AcqRel);
        self.answered(attempt);
    }

    /// An attempt had an answer, maybe one that is of no use. That ends an outage, unless a later attempt has found the
    /// store away.
    pub(super) fn answered(&self, attempt: Attempt) {
        let mut seen = self.lock();
        seen.answered = seen.answered.max(attempt.number);
        if seen.away.as_ref().is_none_or(|away| away.attempt.number >= attempt.number) {
            return;
        }
        seen.away = None;
        self.lasts.store(false, Ordering::Release);
        if let Some(outage) = seen.outage.take() {
            let issued = self.issued().saturating_sub(outage.issued_before);
            let seconds = self.age(outage.since).as_secs();
            tracing::warn!(
                seconds,
                issued,
                "the store is back; so many tokens were issued while it was away"
            );
        }
    }

    /// An attempt has found the store away.
    pub(super) fn missed(&self, attempt: Attempt, error: StoreError) {
        let mut seen = self.lock();
        let newest = seen.away.as_ref().map_or(0, |away| away.attempt.number).max(seen.answered);
        if newest > attempt.number {
            return;
        }
        self.lasts.store(true, Ordering::Release);
        let since = self.true_since.load(Ordering::Acquire);
        let is_too_long = self.age(since) > self.allowed;
        let allowed = format_duration(self.allowed);
        match &mut seen.outage {
            None => {
                let issued_before = self.issued();
                if self.allowed.is_zero() {
                    tracing::error!(%error, "the store is away: requests are refused until it is back");
                } else {
                    tracing::warn!(%error, "the store is away: known applications get tokens from memory for {allowed}");
                }
                let is_too_long = self.allowed.is_zero();
                seen.outage = Some(Outage { since, issued_before, is_too_long });
            }
            Some(outage) if is_too_long && !outage.is_too_long => {
                outage.is_too_long = true;
                tracing::error!(%error, "the store has been away for longer than {allowed}: requests are refused");
            }
            Some(_) => {}
        }
        seen.away = Some(Away { attempt, error });
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
