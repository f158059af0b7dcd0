//! The budget for guesses: how many failed authentications are judged, by client id and source (docs/decisions/0027).
//! Not for: what is told whoever has used it up (`oauth/client_auth/guesses.rs`).

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::Issuer;
use super::sketch::Sketch;
use crate::domain::application::ClientId;

/// An hour in the unit of the buckets, tenths of a second.
const HOUR: u32 = 36_000;

/// A budget: a bucket that leaks. In tenths of a second, how long one failure takes to leak out of it, and how much it holds.
#[derive(Debug, Clone, Copy)]
struct Budget {
    step: u32,
    holds: u32,
}

impl Budget {
    /// So many failures at once, and so many more in each hour after that, one by one.
    const fn of(at_once: u32, an_hour: u32) -> Self {
        let step = HOUR / an_hour;
        Self { step, holds: at_once * step }
    }
}

/// Of one client id, from all sources that it has not proved itself from: 48 in any hour.
const STRANGERS: Budget = Budget::of(40, 8);

/// Of one client id from one of those sources: 36 in any hour.
const ONE_STRANGER: Budget = Budget::of(30, 6);

/// Of one client id, from all sources that it has proved itself from: 36 in any hour, which strangers cannot use up. As
/// many as one stranger has, so that nobody learns from his own failures where a client is at home.
const AT_HOME: Budget = Budget::of(30, 6);

/// How many places client ids share, as a power of two: 4 MiB, once something has failed.
const STRANGERS_BITS: u32 = 18;

/// How many places pairs of client id and source share: 8 MiB. With both, 4,000 failures a second under names that are made
/// up leave others most of their budget for as long as that goes on.
const ONE_STRANGER_BITS: u32 = 19;

/// How many places clients share that have proved themselves, of which strangers make none.
const AT_HOME_BITS: u32 = 14;

/// How many clients are remembered with their sources, about.
const HOMES: u64 = 16_384;

/// How many sources of each.
const SOURCES: usize = 4;

/// How many locks there are for failures. Those of one client id have the same.
const LOCKS: usize = 64;

/// What was guessed, and where clients are at home. All hashes have a key that is made with the process, so that nobody
/// finds names that share a place with another's. Nothing here outlives the process.
pub(super) struct Guesses {
    key: RandomState,
    strangers: Sketch,
    one_stranger: Sketch,
    at_home: Sketch,
    charging: [Mutex<()>; LOCKS],
    homes: OnceLock<Box<[[AtomicU64; SOURCES]]>>,
}

/// Who claims to be whom, and from where, as keyed hashes.
#[derive(Debug, Clone, Copy)]
pub struct Guesser {
    client: u64,
    place: u64,
}

impl Guesses {
    pub(super) fn new() -> Self {
        Self {
            key: RandomState::new(),
            strangers: Sketch::new(STRANGERS_BITS),
            one_stranger: Sketch::new(ONE_STRANGER_BITS),
            at_home: Sketch::new(AT_HOME_BITS),
            charging: [const { Mutex::new(()) }; LOCKS],
            homes: OnceLock::new(),
        }
    }

    /// How long it takes until one more failure is judged, at a time in tenths of a second.
    fn wait(&self, guesser: Guesser, now: u32) -> Option<u32> {
        let buckets = self.buckets(guesser);
        let waits = buckets.iter().flatten().map(|(sketch, name, budget)| {
            let full = sketch.empty_at(*name).max(now).saturating_add(budget.step).saturating_sub(now);
            full.saturating_sub(budget.holds)
        });
        waits.max().filter(|wait| *wait > 0)
    }

    /// Counts a failure, if one more is within the budget.
    fn charge(&self, guesser: Guesser, now: u32) -> Option<u32> {
        let lock = self.charging.get(usize::try_from(guesser.client).unwrap_or(0) % LOCKS);
        let _one_at_a_time = lock.map(|lock| lock.lock().unwrap_or_else(PoisonError::into_inner));
        let wait = self.wait(guesser, now);
        if wait.is_none() {
            for (sketch, name, budget) in self.buckets(guesser).into_iter().flatten() {
                sketch.pour_until(name, sketch.empty_at(name).max(now).saturating_add(budget.step));
            }
        }
        wait
    }

    /// The buckets that a failure is poured into.
    fn buckets(&self, guesser: Guesser) -> [Option<(&Sketch, u64, Budget)>; 2] {
        if self.is_at_home(guesser) {
            return [Some((&self.at_home, guesser.client, AT_HOME)), None];
        }
        [
            Some((&self.strangers, guesser.client, STRANGERS)),
            Some((&self.one_stranger, guesser.place, ONE_STRANGER)),
        ]
    }

    fn is_at_home(&self, guesser: Guesser) -> bool {
        self.homes_of(guesser, false)
            .is_some_and(|homes| homes.iter().any(|home| home.load(Ordering::Relaxed) == guesser.place))
    }

    /// Remembers where a client has proved itself; of more sources than there is room for, some.
    fn remember(&self, guesser: Guesser) {
        let Some(homes) = self.homes_of(guesser, true) else { return };
        if homes.iter().any(|home| home.load(Ordering::Relaxed) == guesser.place) {
            return;
        }
        let free = homes.iter().find(|home| home.load(Ordering::Relaxed) == 0);
        let other = || homes.get(usize::try_from(guesser.place >> 32).unwrap_or(0) % SOURCES);
        if let Some(home) = free.or_else(other) {
            home.store(guesser.place, Ordering::Relaxed);
        }
    }

    fn homes_of(&self, guesser: Guesser, is_to_be_made: bool) -> Option<&[AtomicU64; SOURCES]> {
        let homes = match self.homes.get() {
            None if is_to_be_made => self
                .homes
                .get_or_init(|| (0..HOMES).map(|_| [const { AtomicU64::new(0) }; SOURCES]).collect()),
            homes => homes?,
        };
        homes.get(usize::try_from(guesser.client % HOMES).ok()?)
    }
}

impl Issuer {
    /// Who claims to be this client of this tenant, whether there is one or not. An IPv6 source is its /64, which one
    /// host has for itself.
    #[must_use]
    pub fn guesser(&self, unverified_client_id: &str, source: Option<IpAddr>) -> Guesser {
        let key = &self.services.guesses.key;
        let client = key.hash_one((self.tenant.id, unverified_client_id));
        let network = source.map(|source| match source {
            IpAddr::V4(address) => u64::from(u32::from(address)),
            // An IPv4 address has no bit of the upper half, in which no address that is in use is all zeros.
            IpAddr::V6(address) => u64::try_from(u128::from(address) >> 64).unwrap_or(0),
        });
        Guesser { client, place: key.hash_one((client, network)) }
    }

    /// How long a guess has to wait until it is judged, unless it is within the budget.
    #[must_use]
    pub fn wait_to_guess(&self, guesser: Guesser) -> Option<Duration> {
        self.services.guesses.wait(guesser, self.tenths()).map(in_seconds)
    }

    /// Counts a guess that has failed. When that was one too many, how long it is until the next is judged.
    #[must_use]
    pub fn note_failed_guess(&self, guesser: Guesser) -> Option<Duration> {
        self.services.guesses.charge(guesser, self.tenths()).map(in_seconds)
    }

    /// Says in the log when a failure was the last that is judged for now: once, and not for each that is refused after it.
    pub fn tell_if_used_up(
        &self,
        guesser: Guesser,
        application: Option<&ClientId>,
        hint: Option<&str>,
        source: Option<IpAddr>,
    ) {
        if self.wait_to_guess(guesser).is_some() {
            let (tenant, application) = (self.tenant.name.as_str(), application.map(ClientId::as_str));
            let source = source.map(tracing::field::display);
            tracing::warn!(
                tenant,
                application,
                hint,
                source,
                "so many attempts have failed that further ones are not judged for now"
            );
        }
    }

    /// Counts a request that was not judged for this, or was told so.
    pub fn note_not_judged(&self) {
        self.services.tally.note_not_judged();
    }

    /// Remembers that a client has proved itself from there.
    pub fn note_proved(&self, guesser: Guesser) {
        self.services.guesses.remember(guesser);
    }

    /// Tenths of a second on the monotonic clock, which last for thirteen years.
    fn tenths(&self) -> u32 {
        u32::try_from(self.services.clock.monotonic().as_millis() / 100).unwrap_or(u32::MAX)
    }
}

/// Whole seconds, rounded up.
fn in_seconds(tenths: u32) -> Duration {
    Duration::from_secs(tenths.div_ceil(10).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stranger(number: u64) -> Guesser {
        Guesser { client: 1, place: 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(number) }
    }

    /// Tries once in each tenth of a second for so long, and counts what is judged.
    fn judged(guesses: &Guesses, from: u32, time: u32, who: impl Fn(u32) -> Guesser) -> u32 {
        (from..from + time).map(|now| u32::from(guesses.charge(who(now), now).is_none())).sum()
    }

    #[test]
    fn one_source_has_thirty_at_once_and_six_more_in_each_hour() {
        let guesses = Guesses::new();
        assert_eq!(judged(&guesses, 0, 100, |_| stranger(1)), 30);
        assert_eq!(judged(&guesses, 100, HOUR - 100, |_| stranger(1)), 5);
        assert_eq!(judged(&guesses, HOUR, HOUR, |_| stranger(1)), 6);
    }

    #[test]
    fn all_strangers_and_all_homes_together_have_less_than_a_hundred_in_an_hour() {
        let guesses = Guesses::new();
        guesses.remember(stranger(1));
        let strangers = |now: u32| stranger(u64::from(now % 500) + 2);
        assert_eq!(judged(&guesses, 0, HOUR, strangers), 47);
        assert_eq!(judged(&guesses, 0, HOUR, |_| stranger(1)), 35);
        assert!(judged(&guesses, HOUR, HOUR, strangers) <= 9);
    }

    #[test]
    fn what_is_refused_is_not_counted_and_a_wait_is_over_when_it_says() {
        let guesses = Guesses::new();
        judged(&guesses, 0, 1_000, |_| stranger(1));
        let wait = guesses.wait(stranger(1), 1_000).unwrap();
        assert_eq!(guesses.wait(stranger(1), 1_000 + wait - 1), Some(1));
        assert_eq!(guesses.wait(stranger(1), 1_000 + wait), None);
        assert_eq!((in_seconds(1), in_seconds(20)), (Duration::from_secs(1), Duration::from_secs(2)));
    }

    #[test]
    fn a_client_has_some_homes() {
        let guesses = Guesses::new();
        assert!(!guesses.is_at_home(stranger(1)));
        for number in [1, 2, 3, 4, 4, 1] {
            guesses.remember(stranger(number));
        }
        assert!((1..=4).all(|number| guesses.is_at_home(stranger(number))));
        guesses.remember(stranger(5));
        assert!(guesses.is_at_home(stranger(5)));
        assert_eq!((1..=5).filter(|number| guesses.is_at_home(stranger(*number))).count(), 4);
        assert!(!guesses.is_at_home(Guesser { client: 2, ..stranger(5) }));
    }

    #[test]
    fn of_many_at_once_no_more_are_judged() {
        let guesses = Guesses::new();
        let charge = |number| (0..100).filter(|_| guesses.charge(stranger(number), 0).is_none()).count();
        let judged: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (1..=8).map(|number| scope.spawn(move || charge(number))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(judged, 40);
    }
}
