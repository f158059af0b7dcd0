//! The places of a listener: so many connections, and who gives a place up when all are taken.
//! Not for: how a connection that is asked to leave does so (`connection.rs`).

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::guest::Guest;
use super::unfinished::Unfinished;

/// How long a caller that has not asked for anything yet may take when others wait for its place.
const FIRST_REQUEST: Duration = Duration::from_secs(1);

/// How long a connection may be idle between requests when others wait for its place.
const NEXT_REQUEST: Duration = Duration::from_secs(5);

/// One place in so many is made free at a time, so that looking for them costs little for each.
const SHARE: usize = 32;

/// How soon to look again while all places are taken.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How often to say that something is full.
const SAY_EVERY: Duration = Duration::from_mins(1);

/// The places of a listener.
pub(super) struct Room {
    size: usize,
    places: Arc<Semaphore>,
    guests: Mutex<HashMap<u64, Arc<Guest>>>,
    last_number: AtomicU64,
    last_said: Mutex<Option<Instant>>,
    unfinished: Arc<Unfinished>,
}

/// A place that is taken, until it is dropped.
pub(super) struct Place {
    room: Arc<Room>,
    number: u64,
    /// Who has it.
    pub(super) guest: Arc<Guest>,
    _permit: OwnedSemaphorePermit,
}

impl Room {
    pub(super) fn new(size: usize) -> Arc<Self> {
        Arc::new(Self {
            size,
            places: Arc::new(Semaphore::new(size)),
            guests: Mutex::default(),
            last_number: AtomicU64::new(0),
            last_said: Mutex::new(None),
            unfinished: Arc::default(),
        })
    }

    /// A place for a connection, once there is one. While all are taken, those that have kept us waiting longest are
    /// asked to leave.
    pub(super) async fn place(self: &Arc<Self>) -> Place {
        loop {
            if let Some(place) = self.free_place() {
                return place;
            }
            let now = Instant::now();
            self.say(now, || {
                tracing::warn!(places = self.size, "all connections are taken; idle ones are closed");
            });
            self.make_room(now);
            if let Ok(Ok(permit)) = timeout(LOOK_AGAIN, Arc::clone(&self.places).acquire_owned()).await {
                return self.seat(permit);
            }
        }
    }

    /// A place, if one is free.
    pub(super) fn free_place(self: &Arc<Self>) -> Option<Place> {
        Arc::clone(&self.places).try_acquire_owned().ok().map(|permit| self.seat(permit))
    }

    /// Asks some of those that have kept us waiting longest to leave: first those that never asked for anything.
    pub(super) fn make_room(&self, now: Instant) {
        let guests = self.guests();
        let mut waiting: Vec<_> = guests
            .values()
            .filter(|guest| !guest.is_told())
            .filter_map(|guest| guest.waits().map(|(has_asked, since)| (has_asked, since, guest)))
            .filter(|(has_asked, since, _)| {
                now.duration_since(*since) >= if *has_asked { NEXT_REQUEST } else { FIRST_REQUEST }
            })
            .collect();
        waiting.sort_unstable_by_key(|(has_asked, since, _)| (*has_asked, *since));
        waiting.iter().take(self.size.div_ceil(SHARE)).for_each(|(.., guest)| guest.tell());
    }

    /// Says something, unless something was said within the last minute: whoever fills the room must not fill the log.
    pub(super) fn say(&self, now: Instant, log: impl FnOnce()) {
        let mut last = self.last_said.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| now.duration_since(last) >= SAY_EVERY) {
            *last = Some(now);
            log();
        }
    }

    /// Waits until everybody has left.
    pub(super) async fn emptied(&self) {
        let all = u32::try_from(self.size).unwrap_or(u32::MAX);
        let _ = self.places.acquire_many(all).await;
    }

    fn seat(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Place {
        let number = self.last_number.fetch_add(1, Ordering::Relaxed);
        let guest = Arc::new(Guest::new(Arc::clone(&self.unfinished)));
        self.guests().insert(number, Arc::clone(&guest));
        Place { room: Arc::clone(self), number, guest, _permit: permit }
    }

    fn guests(&self) -> MutexGuard<'_, HashMap<u64, Arc<Guest>>> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.guests().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    fn told(places: &[&Place]) -> Vec<bool> {
        places.iter().map(|place| place.guest.is_told()).collect()
    }

    #[tokio::test]
    async fn whoever_never_asked_goes_first_and_then_whoever_asked_longest_ago() {
        let room = Room::new(4);
        let [early, late, silent, busy] = std::array::from_fn(|_| room.free_place().unwrap());
        assert!(room.free_place().is_none());
        drop(early.guest.begin(0).unwrap());
        let in_hand = busy.guest.begin(0).unwrap();
        sleep(Duration::from_millis(20)).await;
        drop(late.guest.begin(0).unwrap());
        let all = [&early, &late, &silent, &busy];
        room.make_room(early.guest.came());
        assert_eq!(told(&all), [false; 4], "each has its time");
        let later = Instant::now() + NEXT_REQUEST;
        for expected in [[false, false, true, false], [true, false, true, false], [true, true, true, false]] {
            room.make_room(later);
            assert_eq!(told(&all), expected);
        }
        room.make_room(later);
        assert_eq!(told(&all), [true, true, true, false], "what is in our hands is answered");
        drop(in_hand);
    }

    #[tokio::test]
    async fn somebody_who_comes_to_a_full_room_gets_a_place_of_one_who_is_silent() {
        let room = Room::new(1);
        let silent = room.free_place().unwrap();
        let leaves = async {
            silent.guest.told().await;
            drop(silent);
        };
        let ((), place) = tokio::join!(leaves, room.place());
        assert_eq!(room.guests().len(), 1);
        drop(place);
        room.emptied().await;
        assert!(room.guests().is_empty());
    }

    #[test]
    fn a_full_room_is_said_once_a_minute() {
        let (room, start, mut said) = (Room::new(1), Instant::now(), 0);
        for seconds in 0..130 {
            room.say(start + Duration::from_secs(seconds), || said += 1);
        }
        assert_eq!(said, 3);
    }
}
