//! One connection as its listener sees it: who waits for whom, since when, and whether it was asked to leave.
//! Not for: what is done about it (`connection.rs`, `room.rs`).

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::Notify;
use tokio::time::Instant;

/// How much may have come of bodies that are not complete, on all connections of a listener together, in bytes. Honest
/// callers send theirs in one piece. Whoever sends more than that is asked to leave.
const MOST_PARTS: usize = 32 * 1024 * 1024;

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
    /// How much has come of bodies that are not complete, on all connections of the listener.
    parts: Arc<AtomicUsize>,
}

impl Guest {
    /// A connection that has just come; `parts` is the same for all of its listener.
    pub(super) fn new(parts: Arc<AtomicUsize>) -> Self {
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
            parts,
        }
    }

    /// A request begins.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        self.moved.store(self.age(), Ordering::Release);
        self.has_asked.store(true, Ordering::Release);
        Busy(Arc::clone(self))
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
pub(super) struct Busy(Arc<Guest>);

impl Busy {
    /// The same body, which tells when all of it has come.
    pub(super) fn watch(&self, body: Incoming) -> Watched {
        let guest = (!body.is_end_stream()).then(|| {
            self.0.awaited.fetch_add(1, Ordering::AcqRel);
            Arc::clone(&self.0)
        });
        Watched { body, guest, held: 0 }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.moved.store(self.0.age(), Ordering::Release);
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The body of a request, and who is waited for until it has come.
pub(super) struct Watched {
    body: Incoming,
    guest: Option<Arc<Guest>>,
    /// How much of it has come, in bytes.
    held: usize,
}

impl Watched {
    fn has_come(&mut self) {
        if let Some(guest) = self.guest.take() {
            guest.awaited.fetch_sub(1, Ordering::AcqRel);
            guest.parts.fetch_sub(self.held, Ordering::AcqRel);
        }
    }

    /// Counts a part after which more is to come.
    fn hold(&mut self, length: usize) {
        if let Some(guest) = &self.guest {
            self.held += length;
            if guest.parts.fetch_add(length, Ordering::AcqRel) + length > MOST_PARTS {
                guest.tell();
            }
        }
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.has_come();
        } else if let Poll::Ready(Some(Ok(frame))) = &polled {
            self.hold(frame.data_ref().map_or(0, Bytes::len));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.has_come();
    }
}
