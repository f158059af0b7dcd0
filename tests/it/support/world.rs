//! A clock that stands until it is moved, and randomness that is the same in each run.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use chancery::crypto::random::Random;
use chancery::crypto::sha256;
use chancery::domain::time::{Clock, Timestamp};

/// When every test begins, in seconds: the time of the reference's sample token.
pub(crate) const BEGINNING: i64 = 1_640_588_828;

/// Time of day and monotonic time, which go on together, and only when told to. The time of day can be stepped alone.
#[derive(Default)]
pub(crate) struct SetClock {
    millis: AtomicU64,
    stepped: AtomicI64,
    readings: AtomicU64,
}

impl SetClock {
    pub(crate) fn advance(&self, duration: Duration) {
        self.millis.fetch_add(u64::try_from(duration.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// How often it was read.
    pub(crate) fn readings(&self) -> u64 {
        self.readings.load(Ordering::SeqCst)
    }

    /// Steps the time of day by so many seconds.
    pub(crate) fn step(&self, seconds: i64) {
        self.stepped.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        // That reads it once.
        let now = Timestamp::from_seconds(BEGINNING).plus(self.monotonic());
        Timestamp::from_millis(now.as_millis() + self.stepped.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        self.readings.fetch_add(1, Ordering::SeqCst);
        Duration::from_millis(self.millis.load(Ordering::SeqCst))
    }
}

/// SHA-256 of a seed and a counter: the same bytes for the same seed, in the same order.
pub(crate) struct Seeded {
    seed: String,
    counter: AtomicU64,
}

impl Seeded {
    pub(crate) fn new(seed: &str) -> Self {
        Self { seed: seed.to_owned(), counter: AtomicU64::new(0) }
    }
}

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(32) {
            let count = self.counter.fetch_add(1, Ordering::SeqCst);
            let block = sha256(format!("{}/{count}", self.seed).as_bytes());
            piece.copy_from_slice(&block[..piece.len()]);
        }
    }
}
