//! One connection as its listener sees it: who waits for whom, since when, and whether it was asked to leave.
//! Not for: what is done about it (`connection.rs`, `room.rs`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::connection::Protocol;
use super::unfinished::{Crowded, Share, Unfinished, Watched};

/// What happens on a connection. Moments are whole milliseconds after it came.
pub(super) struct Guest {
    came: Instant,
    /// Requests that have begun and are not answered.
    in_flight: AtomicUsize,
    /// Those of them whose body the caller has still to send.
    awaited: AtomicUsize,
    has_asked: AtomicBool,
    /// When a request last began or was answered.
    moved: AtomicU64,
    /// One more than since when the caller takes nothing of what it is sent; 0 when it does.
    stuck: AtomicU64,
    is_at_rest: AtomicBool,
    is_told: AtomicBool,
    told: Notify,
    /// What it holds of requests that are not answered.
    share: Share,
}

impl Guest {
    /// A connection that has just come; `unfinished` is the same for all of its listener.
    pub(super) fn new(unfinished: Arc<Unfinished>) -> Self {
        Self {
            came: Instant::now(),
            in_flight: AtomicUsize::new(0),
            awaited: AtomicUsize::new(0),
            has_asked: AtomicBool::new(false),
            moved: AtomicU64::new(0),
            stuck: AtomicU64::new(0),
            is_at_rest: AtomicBool::new(false),
            is_told: AtomicBool::new(false),
            told: Notify::new(),
            share: Share::new(unfinished),
        }
    }

    /// A request begins, which costs so many bytes besides its body.
    ///
    /// # Errors
    /// When there is no room for it.
    pub(super) fn begin(self: &Arc<Self>, cost: usize) -> Result<Busy, Crowded> {
        self.share.take(cost)?;
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        self.moved.store(self.age(), Ordering::Release);
        self.has_asked.store(true, Ordering::Release);
        Ok(Busy { guest: Arc::clone(self), cost })
    }

    /// The caller has still to send the body of a request.
    pub(super) fn await_body(&self) {
        self.awaited.fetch_add(1, Ordering::AcqRel);
    }

    /// It is waited for no longer.
    pub(super) fn has_body(&self) {
        self.awaited.fetch_sub(1, Ordering::AcqRel);
    }

    /// What it holds of requests that are not answered.
    pub(super) fn share(&self) -> &Share {
        &self.share
    }

    /// When the connection came.
    pub(super) fn came(&self) -> Instant {
        self.came
    }

    /// `None` while a request is in flight, else when the last one was answered, if there was one.
    #[expect(
        clippy::option_option,
        reason = "in flight, never used and idle since are three different things"
    )]
    pub(super) fn idle_since(&self) -> Option<Option<Instant>> {
        (self.in_flight.load(Ordering::Acquire) == 0)
            .then(|| self.has_asked.load(Ordering::Acquire).then(|| self.moved()))
    }

    /// Whether there is a request that waits for us, and not for the rest of its body.
    pub(super) fn is_in_hand(&self) -> bool {
        self.in_flight.load(Ordering::Acquire) > self.awaited.load(Ordering::Acquire)
    }

    /// Whether it ever asked, and since when it has kept us waiting. `None` when it does not.
    pub(super) fn waits(&self) -> Option<(bool, Instant)> {
        (!self.is_in_hand()).then(|| (self.has_asked.load(Ordering::Acquire), self.moved()))
    }

    /// Notes whether nothing is left to be read or sent of any request.
    pub(super) fn note_rest(&self, is_at_rest: bool) {
        self.is_at_rest.store(is_at_rest, Ordering::Release);
    }

    /// Whether nothing is on its way in either direction, as far as anybody can see from here.
    pub(super) fn is_at_rest(&self) -> bool {
        self.is_at_rest.load(Ordering::Acquire) && self.in_flight.load(Ordering::Acquire) == 0
    }

    /// Notes whether the caller takes what it is sent.
    pub(super) fn note_stuck(&self, is_stuck: bool) {
        match (is_stuck, self.stuck.load(Ordering::Acquire)) {
            (true, 0) => self.stuck.store(self.age() + 1, Ordering::Release),
            (false, 1..) => self.stuck.store(0, Ordering::Release),
            _ => {}
        }
    }

    /// Since when the caller takes nothing of what it is sent.
    pub(super) fn stuck_since(&self) -> Option<Instant> {
        let since = self.stuck.load(Ordering::Acquire).checked_sub(1)?;
        Some(self.came + Duration::from_millis(since))
    }

    /// Asks it to leave.
    pub(super) fn tell(&self) {
        self.is_told.store(true, Ordering::Release);
        self.told.notify_one();
    }

    /// Whether it was asked to leave.
    pub(super) fn is_told(&self) -> bool {
        self.is_told.load(Ordering::Acquire)
    }

    /// Waits until it is asked to leave.
    pub(super) async fn told(&self) {
        self.told.notified().await;
    }

    /// It has begun to ask just before it was told, and may stay.
    pub(super) fn forgive(&self) {
        self.is_told.store(false, Ordering::Release);
    }

    fn moved(&self) -> Instant {
        self.came + Duration::from_millis(self.moved.load(Ordering::Acquire))
    }

    fn age(&self) -> u64 {
        u64::try_from(self.came.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }
}

/// One request in flight.
pub(super) struct Busy {
    guest: Arc<Guest>,
    cost: usize,
}

impl Busy {
    /// The body of the request, which tells when all of it has come.
    pub(super) fn watch(&self, body: Incoming, protocol: Protocol) -> Watched {
        Watched::new(body, &self.guest, protocol)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let guest = &self.guest;
        guest.moved.store(guest.age(), Ordering::Release);
        guest.in_flight.fetch_sub(1, Ordering::AcqRel);
        guest.share.give_back(self.cost);
    }
}
