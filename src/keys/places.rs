//! The place for signatures of one worker, and who gets it when it becomes free.
//! Not for: signatures (`signing/`), or the order of those who wait (`lines.rs`).

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::yield_now;

use super::lines::{Full, Lines, PATIENCE};
use crate::domain::id::ApplicationId;
use crate::domain::time::Clock;

/// How many may wait whatever a signature takes: those who come at once, and no more
/// than there is memory for: a form is kept until it is answered, most of a few hundred bytes, none of more than 64 KiB.
const FEWEST: u32 = 16;
const MOST: u32 = 16_384;

/// What passes from one signature to the next until that is measured, and at most where it is a quick one that waits.
const USUAL_PACE: Duration = Duration::from_millis(1);
const QUICK_PACE: Duration = Duration::from_micros(100);

/// What passes at most, so that a process that stood still has not become slow.
const SLOWEST_PACE: Duration = Duration::from_millis(10);

/// How long quick signatures may be made before everything else has its turn: as long as one that is not quick takes, at
/// least.
const QUICK_FOR: Duration = Duration::from_micros(300);

/// How long signatures that are not quick are made before everything else has its turn where many wait for theirs: a small
/// part of what the last of them waits, and no longer than that, for the sake of those who wait for no signature. Looking at
/// sockets once for several signatures takes less than looking once for each, and finds caches warm.
const PART_OF_WAIT: u32 = 8;
const MANY_FOR: Duration = Duration::from_micros(1_500);

/// How long a place has to be free until there is time for what nobody waits for. A caller that asks again as soon as it is
/// answered leaves less.
const IDLE_FOR: Duration = Duration::from_micros(100);

/// Who has waited for longer than this, since lines became slower or more, gets no signature: what it rests on is too old.
const GIVEN_UP_AFTER: Duration = Duration::from_millis(1_500);

/// How long signatures are made at most before everything else has its turn, however long that takes.
const SIGNED_FOR: Duration = Duration::from_millis(20);

/// A worker's leave to sign, which it gives to one after another.
pub(super) struct Places {
    clock: Arc<dyn Clock>,
    queue: Mutex<Queue>,
    /// How many wait or have the place, for other workers, which look at nothing else here.
    load: Apart<AtomicUsize>,
}

/// Alone in what processors pass to one another at once, of which some fetch two lines.
#[repr(align(128))]
struct Apart<T>(T);

struct Queue {
    /// Whether nobody has the place. Then nobody waits.
    is_free: bool,
    lines: Lines<oneshot::Sender<Place>>,
    pace: Pace,
    /// When it was last left free.
    freed: Duration,
    /// Whether who asked last found that it had been free for a while.
    is_idle: bool,
}

/// How soon one signature follows another while somebody waits for it.
struct Pace {
    interval: Duration,
    /// When the last place was handed on, if somebody went on waiting.
    last: Option<Duration>,
}

/// The leave to make one signature, now. Dropped, it is the next one's.
pub(super) struct Place {
    places: Arc<Places>,
    /// How long signatures may still be made here before everything else has its turn.
    left: Duration,
}

/// One who waits; dropped, it is in no line any more.
pub(super) struct Waiter {
    places: Arc<Places>,
    whose: ApplicationId,
    number: u64,
    /// Until it has its place.
    is_in_line: bool,
}

/// What becomes of who asks for a place; who waits, since when. Dropped, it has no place and waits for none.
pub(super) enum Asked {
    Has(Option<Place>),
    Waits(Waiter, oneshot::Receiver<Place>, Duration),
}

impl Places {
    /// One that is free.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let pace = Pace { interval: USUAL_PACE, last: None };
        let (lines, freed, is_idle) = Default::default();
        let queue = Mutex::new(Queue { is_free: true, lines, pace, freed, is_idle });
        Self { clock, queue, load: Apart(AtomicUsize::new(0)) }
    }

    /// Waits for the place.
    #[cfg(test)]
    pub(super) async fn wait(self: &Arc<Self>, whose: ApplicationId, is_quick: bool) -> Result<Place, Full> {
        self.ask(whose, is_quick)?.await
    }

    /// How many had the place or waited for it a moment ago.
    pub(super) fn load(&self) -> usize {
        self.load.0.load(Ordering::Relaxed)
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.lock().lines.count()
    }

    /// Whether there is time for what nobody waits for.
    pub(super) fn is_idle(&self) -> bool {
        self.lock().is_idle
    }

    /// A part of what the last in line has to wait; nothing where so many wait that others are about to be refused, since a
    /// refusal is to come soon.
    fn part_of_wait(&self) -> Duration {
        let queue = self.lock();
        let count = queue.lines.count();
        if count > queue.pace.room(false) / 2 {
            return Duration::ZERO;
        }
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        (queue.pace.interval.saturating_mul(count) / PART_OF_WAIT).min(MANY_FOR)
    }

    /// The time, for whoever has a place.
    pub(super) fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Takes the place or stands in line for it.
    ///
    /// # Errors
    /// When too many wait, or so many of this application that others have a right to its place. Who stands in line is sent
    /// away for that within milliseconds, unless signatures take longer all at once.
    pub(super) fn ask(self: &Arc<Self>, whose: ApplicationId, is_quick: bool) -> Result<Asked, Full> {
        let now = self.clock.monotonic();
        let mut queue = self.lock();
        if queue.is_free {
            queue.is_free = false;
            queue.is_idle = now.saturating_sub(queue.freed) >= IDLE_FOR;
            self.tell_load(&queue);
            return Ok(Asked::Has(Some(Place { places: Arc::clone(self), left: Duration::ZERO })));
        }
        queue.is_idle = false;
        let room = queue.pace.room(is_quick);
        let sent_away = queue.lines.admit(whose, room, now)?;
        let (sender, place) = oneshot::channel();
        let number = queue.lines.join(whose, sender, now);
        self.tell_load(&queue);
        drop(queue);
        // Whoever it is learns it from that.
        drop(sent_away);
        let waiter = Waiter { places: Arc::clone(self), whose, number, is_in_line: true };
        Ok(Asked::Waits(waiter, place, now))
    }

    fn tell_load(&self, queue: &Queue) {
        self.load.0.store(queue.lines.count() + usize::from(!queue.is_free), Ordering::Relaxed);
    }

    /// How many wait, and whether the place is free.
    #[cfg(test)]
    pub(super) fn state(&self) -> (usize, bool) {
        let queue = self.lock();
        (queue.lines.count(), queue.is_free)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The time.
    pub(super) fn now(&self) -> Duration {
        self.places.now()
    }

    /// Hands the place on after a signature. Everything that is ready has its turn, and sockets are looked at, before the
    /// next signature; several are made between two such turns only where all of them take no longer than one that is not
    /// quick, than everything else took the last time, or than a small part of what is waited for them.
    pub(super) async fn hand_on(mut self, begun: Duration, is_quick: bool) {
        let signed = self.places.now();
        let took = signed.saturating_sub(begun).max(if is_quick { Duration::ZERO } else { QUICK_FOR });
        self.left = self.left.saturating_sub(took);
        if self.left > took && self.places.waiting() > 0 {
            if !is_quick {
                // The next signature comes first: then all tokens of a turn are sent one after the other, and what an RSA
                // signature has driven from the caches is fetched once for all of them.
                drop(self);
                yield_now().await;
            }
            return;
        }
        yield_now().await;
        let others = self.places.now().saturating_sub(signed);
        let least = if is_quick { QUICK_FOR } else { self.places.part_of_wait() };
        self.left = others.min(SIGNED_FOR).max(least);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let now = self.places.now();
        let mut queue = self.places.lock();
        let next = queue.next(now);
        self.places.tell_load(&queue);
        drop(queue);
        if let Some(next) = next {
            // If whoever it was has just gone away, the place is dropped here, and is the next one's.
            let _ = next.send(Self { places: Arc::clone(&self.places), left: self.left });
        }
    }
}

impl Queue {
    /// Who gets the place, which is free now. Without anybody it stays free.
    fn next(&mut self, now: Duration) -> Option<oneshot::Sender<Place>> {
        let next = self.lines.next();
        if next.is_none() {
            self.is_free = true;
            self.freed = now;
        }
        self.pace.note(now, self.lines.count() > 0);
        next
    }
}

impl Pace {
    /// Notes that a place was handed on, and whether somebody waits for the next.
    fn note(&mut self, now: Duration, somebody_waits: bool) {
        if let Some(last) = self.last {
            let passed = now.saturating_sub(last).min(SLOWEST_PACE);
            self.interval = (self.interval * 15 + passed) / 16;
        }
        self.last = somebody_waits.then_some(now);
    }

    /// How many may wait, so that none of them waits for longer than `PATIENCE`.
    fn room(&self, is_quick: bool) -> usize {
        let interval = if is_quick { self.interval.min(QUICK_PACE) } else { self.interval };
        let fit = PATIENCE.as_nanos() / interval.as_nanos().max(1);
        usize::try_from(fit.clamp(FEWEST.into(), MOST.into())).unwrap_or(usize::MAX)
    }
}

/// Waits for the place, once. It fails when it is sent away, or had to wait for too long.
impl Future for Asked {
    type Output = Result<Place, Full>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (waiter, place, since) = match self.get_mut() {
            Self::Has(place) => return Poll::Ready(place.take().ok_or(Full)),
            Self::Waits(waiter, place, since) => (waiter, place, since),
        };
        // A line is left by being served or by being sent away: then nobody is there to send the place.
        let place = ready!(Pin::new(place).poll(context)).map_err(|_| Full)?;
        waiter.is_in_line = false;
        let passed = place.now().saturating_sub(*since);
        Poll::Ready(if passed > GIVEN_UP_AFTER { Err(Full) } else { Ok(place) })
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if self.is_in_line {
            let mut queue = self.places.lock();
            let left = queue.lines.leave(self.whose, self.number);
            self.places.tell_load(&queue);
            drop(queue);
            drop(left);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::atomic::AtomicU64;

    use futures_util::FutureExt;

    use super::*;
    use crate::crypto::random::SystemRandom;
    use crate::domain::time::Timestamp;

    /// A clock that only goes on when it is told to.
    #[derive(Default)]
    pub(in crate::keys) struct Stopped(AtomicU64);

    impl Stopped {
        pub(in crate::keys) fn pass(&self, time: Duration) {
            self.0.fetch_add(u64::try_from(time.as_micros()).unwrap(), Ordering::Relaxed);
        }
    }

    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(0)
        }

        fn monotonic(&self) -> Duration {
            Duration::from_micros(self.0.load(Ordering::Relaxed))
        }
    }

    #[tokio::test]
    async fn there_is_time_where_a_place_was_free_for_a_while_and_nobody_waits() {
        let clock = Arc::new(Stopped::default());
        clock.pass(Duration::from_secs(1));
        let one = Arc::new(Places::new(Arc::clone(&clock) as Arc<dyn Clock>));
        let whose = ApplicationId::new(&SystemRandom);
        let place = one.wait(whose, false).await.unwrap();
        assert!(one.is_idle());
        let waits = one.ask(whose, false);
        assert!(waits.is_ok() && !one.is_idle(), "somebody waits");
        drop(waits);
        assert!(!one.is_idle(), "somebody had to wait");
        drop(place);
        for (free_for, is_idle) in [(IDLE_FOR / 2, false), (IDLE_FOR, true)] {
            clock.pass(free_for);
            drop(one.wait(whose, false).await.unwrap());
            assert_eq!(one.is_idle(), is_idle, "{free_for:?}");
        }
    }

    #[tokio::test]
    async fn who_has_waited_for_too_long_gets_no_place_and_keeps_none() {
        let clock = Arc::new(Stopped::default());
        let places = Arc::new(Places::new(Arc::clone(&clock) as Arc<dyn Clock>));
        let whose = ApplicationId::new(&SystemRandom);
        for (waits, has_place) in [(GIVEN_UP_AFTER, true), (GIVEN_UP_AFTER + Duration::from_millis(1), false)]
        {
            let held = places.wait(whose, false).await.unwrap();
            let mut waiting = std::pin::pin!(places.wait(whose, false));
            assert!(waiting.as_mut().now_or_never().is_none());
            clock.pass(waits);
            drop(held);
            assert_eq!(waiting.await.is_ok(), has_place, "{waits:?}");
            assert_eq!(places.state(), (0, true));
        }
    }

    #[test]
    fn how_many_may_wait_follows_from_how_soon_they_are_served() {
        let mut pace = Pace { interval: USUAL_PACE, last: None };
        let mut now = Duration::from_secs(100);
        let mut pass = |pace: &mut Pace, millis: u64, somebody_waits| {
            now += Duration::from_millis(millis);
            pace.note(now, somebody_waits);
        };
        assert_eq!((pace.room(false), pace.room(true)), (800, 8_000));
        for _ in 0..200 {
            pass(&mut pace, 5, true);
        }
        assert!((160..=164).contains(&pace.room(false)), "{}", pace.room(false));
        // A process that stood still for an hour is not an hour slow.
        pass(&mut pace, 3_600_000, true);
        assert!((150..=156).contains(&pace.room(false)), "{}", pace.room(false));
        // Time in which nobody waited says nothing.
        pass(&mut pace, 5, false);
        let room = pace.room(false);
        pass(&mut pace, 3_600_000, true);
        assert_eq!(pace.room(false), room);
        // However quick it goes, memory is bounded; however slow, a few who come at once are served.
        for _ in 0..500 {
            pass(&mut pace, 0, true);
        }
        assert_eq!(pace.room(false), 16_384);
        for _ in 0..500 {
            pass(&mut pace, 60_000, true);
        }
        assert!((80..=82).contains(&pace.room(false)), "{}", pace.room(false));
    }
}
