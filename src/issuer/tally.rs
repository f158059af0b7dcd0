//! What is counted since the start of this process, for whoever watches it.
//! Not for: what is written down by minute and application (`usage.rs`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Services;
use crate::store::cached::Remembered;

/// What those are told who are refused because of overload (RFC 6749 §4.1.2.1); `overload.rs` counts them.
const TEMPORARILY_UNAVAILABLE: &str = "temporarily_unavailable";

/// Counts that only grow.
#[derive(Default)]
pub(super) struct Tally {
    issued: AtomicU64,
    reused: AtomicU64,
    /// By the error code, of which there are a dozen.
    refused: Mutex<BTreeMap<Cow<'static, str>, u64>>,
    used_up: AtomicU64,
    beyond_quota: AtomicU64,
    not_judged: AtomicU64,
}

/// All that is counted, at one moment.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Tokens issued.
    pub issued: u64,
    /// Those of them that were issued while the store was away.
    pub issued_while_away: u64,
    /// Answers that had a token which had been handed out before.
    pub reused: u64,
    /// Requests refused, by the error code they were told.
    pub refused: Vec<(Cow<'static, str>, u64)>,
    /// Those of them that were refused because more tokens were asked for than could be signed.
    pub refused_by_overload: u64,
    /// How many wait for a signature, now.
    pub waiting: usize,
    /// Those of them that had used up a quota.
    pub used_up: u64,
    /// Those of them that were not judged, or not told of the judgement, since too many like them had failed.
    pub not_judged: u64,
    /// Tokens issued although a quota was used up that is only reported.
    pub beyond_quota: u64,
    /// How long the store has been away, if it is.
    pub away_for: Option<Duration>,
    /// About how many bytes the tokens take that are handed out again.
    pub reuse_bytes: u64,
    /// What is in memory.
    pub remembered: Remembered,
}

impl Tally {
    pub(super) fn note_issued(&self, is_reused: bool) {
        let count = if is_reused { &self.reused } else { &self.issued };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_refused(&self, error: Cow<'static, str>) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused.entry(error).or_default() += 1;
    }

    pub(super) fn note_used_up(&self) {
        self.used_up.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_beyond_quota(&self) {
        self.beyond_quota.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_not_judged(&self) {
        self.not_judged.fetch_add(1, Ordering::Relaxed);
    }
}

impl Services {
    /// All that is counted, now.
    pub(super) fn figures(&self) -> Figures {
        let mut refused = self.tally.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let refused_by_overload = self.overload.total();
        if refused_by_overload > 0 {
            *refused.entry(Cow::Borrowed(TEMPORARILY_UNAVAILABLE)).or_default() += refused_by_overload;
        }
        // In this order, so that no part is ever greater than the whole.
        let issued_while_away = self.freshness.issued();
        Figures {
            issued: self.tally.issued.load(Ordering::Relaxed),
            issued_while_away,
            reused: self.tally.reused.load(Ordering::Relaxed),
            refused: refused.into_iter().collect(),
            refused_by_overload,
            waiting: self.signing.waiting(),
            used_up: self.tally.used_up.load(Ordering::Relaxed),
            not_judged: self.tally.not_judged.load(Ordering::Relaxed),
            beyond_quota: self.tally.beyond_quota.load(Ordering::Relaxed),
            away_for: self.freshness.away_for(),
            reuse_bytes: self.reuse.bytes(),
            remembered: self.cached.remembered(),
        }
    }
}
