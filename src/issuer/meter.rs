//! How many tokens one application or tenant was issued in the present minute, hour and day.
//! Not for: which of them is asked (`quotas.rs`), or what the limits are (`domain/quota.rs`).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::quota::{Quota, QuotaMode, Window};
use crate::domain::time::Timestamp;
use crate::store::Sums;

/// The windows that an instant is in, by their beginnings.
pub(super) type Starts = [Timestamp; Window::ALL.len()];

/// The counts of one.
#[derive(Default)]
pub(super) struct Meter(Mutex<[Count; Window::ALL.len()]>);

/// The count of one window.
#[derive(Debug, Clone, Copy)]
struct Count {
    start: Timestamp,
    /// What the store knew when it was last asked, of all servers.
    stored: u64,
    /// What was issued here and is not among that.
    own: u64,
    /// What may be issued here in a moment.
    in_flight: u64,
    /// Whether it was said that the limit is reached.
    is_told: bool,
}

/// What was issued here at one moment and is about to be written down.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark([(Option<Timestamp>, u64); Window::ALL.len()]);

/// What is decided of a token.
#[derive(Debug)]
pub(super) struct Decision {
    /// How long it is until there may be one, if there may be none now.
    pub(super) refused_for: Option<Duration>,
    /// The windows whose limit is reached.
    pub(super) reached: Reached,
}

/// Windows whose limit is reached, and whether it was said of them already.
#[derive(Debug, Default)]
pub(super) struct Reached {
    pub(super) is_any: bool,
    pub(super) untold: Vec<Window>,
}

/// How it stands with one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// What the limit holds for.
    pub window: Window,
    /// How many tokens there may be in it.
    pub limit: u32,
    /// How many of them are left.
    pub left: u32,
    /// How long it lasts.
    pub ends_in: Duration,
}

/// The windows that an instant is in.
pub(super) fn starts(at: Timestamp) -> Starts {
    Window::ALL.map(|window| window.start_of(at))
}

impl Meter {
    /// Takes a place for a token in each window, unless a limit is reached that is enforced.
    pub(super) fn charge(&self, quota: &Quota, at: Timestamp) -> Decision {
        let mut counts = self.at(at);
        let mut reached = Reached::default();
        let mut wait = Duration::ZERO;
        for (count, window) in counts.iter_mut().zip(Window::ALL) {
            if quota.limit(window).is_none_or(|limit| count.total() < limit.get().into()) {
                continue;
            }
            wait = wait.max(ends_in(window, at));
            reached.is_any = true;
            if !std::mem::replace(&mut count.is_told, true) {
                reached.untold.push(window);
            }
        }
        if reached.is_any && quota.mode == QuotaMode::Enforce {
            return Decision { refused_for: Some(wait), reached };
        }
        for count in counts.iter_mut() {
            count.in_flight += 1;
        }
        Decision { refused_for: None, reached }
    }

    /// The token for which a place was taken then is handed out now: it counts where it is counted in the store.
    pub(super) fn spend(&self, charged: &Starts, at: Timestamp) {
        let mut counts = self.at(at);
        release(counts.as_mut_slice(), charged);
        for count in counts.iter_mut() {
            count.own += 1;
        }
    }

    /// The token for which a place was taken then does not come.
    pub(super) fn give_back(&self, charged: &Starts) {
        release(self.lock().as_mut_slice(), charged);
    }

    /// How it stands with each limit.
    pub(super) fn rooms(&self, quota: &Quota, at: Timestamp) -> Vec<Room> {
        let counts = self.at(at);
        let limits = counts.iter().zip(Window::ALL);
        limits
            .filter_map(|(count, window)| {
                let limit = quota.limit(window)?.get();
                let left = u64::from(limit).saturating_sub(count.total());
                let left = u32::try_from(left).unwrap_or(limit);
                Some(Room { window, limit, left, ends_in: ends_in(window, at) })
            })
            .collect()
    }

    /// What is about to be written down.
    pub(super) fn mark(&self) -> Mark {
        Mark(self.lock().map(|count| (Some(count.start), count.own)))
    }

    /// What was marked is written down, and these are the sums that the store had after that, at this time.
    pub(super) fn settle(&self, mark: &Mark, sums: &Sums, at: Timestamp) {
        let mut counts = self.lock();
        let marked_and_sums = mark.0.iter().zip(sums).zip(starts(at));
        for (count, (((marked_start, marked), sum), start)) in counts.iter_mut().zip(marked_and_sums) {
            if count.start < start {
                *count = Count { start, ..Count::default() };
            }
            // A window that began meanwhile has nothing to do with them.
            if *marked_start == Some(count.start) {
                count.own = count.own.saturating_sub(*marked);
            }
            if count.start == start {
                count.stored = *sum;
            }
        }
    }

    /// The counts of the windows that an instant is in.
    fn at(&self, at: Timestamp) -> MutexGuard<'_, [Count; Window::ALL.len()]> {
        let mut counts = self.lock();
        for (count, start) in counts.iter_mut().zip(starts(at)) {
            if count.start != start {
                *count = Count { start, ..Count::default() };
            }
        }
        counts
    }

    fn lock(&self) -> MutexGuard<'_, [Count; Window::ALL.len()]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Count {
    const fn total(&self) -> u64 {
        self.stored.saturating_add(self.own).saturating_add(self.in_flight)
    }
}

impl Default for Count {
    fn default() -> Self {
        Self { start: Timestamp::from_millis(i64::MIN), stored: 0, own: 0, in_flight: 0, is_told: false }
    }
}

fn release(counts: &mut [Count], charged: &Starts) {
    for (count, start) in counts.iter_mut().zip(charged) {
        if count.start == *start {
            count.in_flight = count.in_flight.saturating_sub(1);
        }
    }
}

fn ends_in(window: Window, at: Timestamp) -> Duration {
    window.start_of(at).plus(window.length()).since(at)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    /// Eight seconds after a full minute, seven minutes after a full hour.
    const AT: Timestamp = Timestamp::from_seconds(1_640_588_828);

    fn quota(per_minute: u32, per_hour: u32, mode: QuotaMode) -> Quota {
        let limit = NonZeroU32::new;
        Quota { per_minute: limit(per_minute), per_hour: limit(per_hour), per_day: None, mode }
    }

    fn issue(meter: &Meter, quota: &Quota, at: Timestamp) -> Option<Duration> {
        let decision = meter.charge(quota, at);
        if decision.refused_for.is_none() {
            meter.spend(&starts(at), at);
        }
        decision.refused_for
    }

    #[test]
    fn refuses_until_the_longest_window_that_is_used_up_ends() {
        let (meter, quota) = (Meter::default(), quota(2, 3, QuotaMode::Enforce));
        let seconds = Duration::from_secs;
        assert_eq!([issue(&meter, &quota, AT), issue(&meter, &quota, AT)], [None, None]);
        assert_eq!(issue(&meter, &quota, AT), Some(seconds(52)));
        let next = AT.plus(seconds(52));
        assert_eq!(issue(&meter, &quota, next), None);
        assert_eq!(issue(&meter, &quota, next), Some(seconds(52 * 60)));
        let rooms = meter.rooms(&quota, next);
        let (minute, hour) = (rooms[0], rooms[1]);
        assert_eq!((minute.limit, minute.left, minute.ends_in), (2, 1, seconds(60)));
        assert_eq!((hour.limit, hour.left, hour.ends_in, rooms.len()), (3, 0, seconds(52 * 60), 2));
        assert_eq!(issue(&meter, &quota, next.plus(seconds(52 * 60))), None);
    }

    #[test]
    fn a_quota_that_only_reports_refuses_nothing_and_is_told_of_once_in_a_window() {
        let (meter, quota) = (Meter::default(), quota(1, 0, QuotaMode::Report));
        let reached = |at| {
            let Decision { refused_for: None, reached } = meter.charge(&quota, at) else { panic!() };
            meter.spend(&starts(at), at);
            (reached.is_any, reached.untold)
        };
        assert_eq!(reached(AT), (false, vec![]));
        assert_eq!(reached(AT), (true, vec![Window::Minute]));
        assert_eq!(reached(AT), (true, vec![]));
        let next = AT.plus(Duration::from_mins(1));
        assert_eq!([reached(next), reached(next)], [(false, vec![]), (true, vec![Window::Minute])]);
    }

    #[test]
    fn what_does_not_come_is_given_back_and_what_is_under_way_counts() {
        let (meter, quota) = (Meter::default(), quota(1, 0, QuotaMode::Enforce));
        assert!(meter.charge(&quota, AT).refused_for.is_none());
        assert!(meter.charge(&quota, AT).refused_for.is_some());
        meter.give_back(&starts(AT));
        assert!(meter.charge(&quota, AT).refused_for.is_none());
        // It is handed out in the next minute, and counts there.
        let next = AT.plus(Duration::from_mins(1));
        meter.spend(&starts(AT), next);
        assert!(meter.charge(&quota, next).refused_for.is_some());
        meter.give_back(&starts(AT));
        assert!(meter.charge(&quota, next).refused_for.is_some());
    }

    #[test]
    fn what_others_have_issued_before_counts_from_the_first_token_on() {
        let (meter, quota) = (Meter::default(), quota(3, 0, QuotaMode::Enforce));
        meter.settle(&Mark::default(), &[2, 2, 2], AT);
        assert_eq!([issue(&meter, &quota, AT).is_none(), issue(&meter, &quota, AT).is_none()], [true, false]);
    }

    #[test]
    fn what_the_store_knows_takes_the_place_of_what_was_written_there() {
        let (meter, quota) = (Meter::default(), quota(10, 0, QuotaMode::Enforce));
        let left = |at| meter.rooms(&quota, at)[0].left;
        for _ in 0..3 {
            issue(&meter, &quota, AT);
        }
        let mark = meter.mark();
        issue(&meter, &quota, AT);
        assert_eq!(left(AT), 6);
        // Others have issued two.
        meter.settle(&mark, &[5, 5, 5], AT);
        assert_eq!(left(AT), 4);
        meter.settle(&meter.mark(), &[6, 6, 6], AT);
        assert_eq!(left(AT), 4);
        // What is read of a minute that is over says nothing of this one.
        let (mark, next) = (meter.mark(), AT.plus(Duration::from_mins(1)));
        issue(&meter, &quota, next);
        meter.settle(&mark, &[9, 9, 9], AT);
        assert_eq!(left(next), 9);
    }
}
