//! What has come of requests that are not answered yet, and how much of that a connection may hold: bodies, and on HTTP/2, where
//! a connection has many requests at once, heads.
//! Not for: how long a body may take (`read.rs`), or connections that are silent (`room.rs`).

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::connection::Protocol;
use super::guest::Guest;
use super::wake::hushed;

/// How much all connections of a listener may hold together before each may hold an equal part of it only, in bytes.
const MOST: usize = 32 * 1024 * 1024;

/// What counts for nothing if it comes in one piece and is all there is, as nearly all bodies do, in bytes.
const LITTLE: usize = 4 * 1024;

/// What each may hold however many there are, in bytes: more than any request needs that is not made to be large.
const LEAST: usize = 16 * 1024;

/// What a request on HTTP/2 costs besides its head and body, in bytes.
const REQUEST: usize = 4 * 1024;

/// What a field of a head costs besides its text, in bytes.
const FIELD: usize = 64;

/// What all connections of a listener hold.
#[derive(Default)]
pub(super) struct Unfinished {
    bytes: AtomicUsize,
    /// How many connections hold any of it.
    holders: AtomicUsize,
}

/// What one connection holds of it.
pub(super) struct Share {
    all: Arc<Unfinished>,
    bytes: AtomicUsize,
}

impl Share {
    pub(super) fn new(all: Arc<Unfinished>) -> Self {
        Self { all, bytes: AtomicUsize::new(0) }
    }

    /// Takes so many bytes more, unless it may not have them.
    pub(super) fn take(&self, length: usize) -> Result<(), Crowded> {
        // Who holds nothing is no holder.
        if length == 0 {
            return Ok(());
        }
        let before = self.bytes.fetch_add(length, Ordering::AcqRel);
        if before == 0 {
            self.all.holders.fetch_add(1, Ordering::AcqRel);
        }
        let all = self.all.bytes.fetch_add(length, Ordering::AcqRel) + length;
        let part = MOST / self.all.holders.load(Ordering::Acquire).max(1);
        if all <= MOST || before + length <= part.max(LEAST) {
            return Ok(());
        }
        self.give_back(length);
        Err(Crowded)
    }

    /// Gives back what it took.
    pub(super) fn give_back(&self, length: usize) {
        if length == 0 {
            return;
        }
        self.all.bytes.fetch_sub(length, Ordering::AcqRel);
        if self.bytes.fetch_sub(length, Ordering::AcqRel) == length {
            self.all.holders.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// There is no room for it: its connection holds much, and all of them hold too much.
#[derive(Debug)]
pub(super) struct Crowded;

impl Display for Crowded {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("too much has come of requests that are not complete")
    }
}

impl Error for Crowded {}

/// The body of a request, and who is waited for until it has come. What has come of it is held until the request goes, which is
/// when it is answered: it may have to wait for that.
pub(super) struct Watched {
    body: Incoming,
    protocol: Protocol,
    guest: Option<Arc<Guest>>,
    /// Whether there is more of it to come.
    is_awaited: bool,
    /// What it has taken of the share of its connection, in bytes.
    held: usize,
}

impl Watched {
    /// The body of a request on a connection.
    pub(super) fn new(body: Incoming, guest: &Arc<Guest>, protocol: Protocol) -> Self {
        let guest = (!body.is_end_stream()).then(|| {
            guest.await_body();
            Arc::clone(guest)
        });
        Self { body, protocol, is_awaited: guest.is_some(), guest, held: 0 }
    }

    fn has_come(&mut self) {
        if let Some(guest) = self.guest.as_ref().filter(|_| self.is_awaited) {
            guest.has_body();
            self.is_awaited = false;
        }
    }

    /// A piece of the body. On HTTP/1 hyper wakes the connection for each that is taken, so that it reads on, also for the last:
    /// that would have everything on it looked at twice for each request.
    fn poll_body(&mut self, context: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        if self.protocol == Protocol::Http2 {
            return Pin::new(&mut self.body).poll_frame(context);
        }
        let (polled, rang) = hushed(|| Pin::new(&mut self.body).poll_frame(context));
        if let Some(rang) = rang
            && !self.body.is_end_stream()
        {
            rang.tell();
        }
        polled
    }

    fn hold(&mut self, length: usize) -> Result<(), Crowded> {
        if let Some(guest) = &self.guest {
            guest.share().take(length)?;
            self.held += length;
        }
        Ok(())
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = ready!(self.poll_body(context));
        let is_last = polled.is_none() || self.body.is_end_stream();
        if is_last {
            self.has_come();
        }
        if let Some(Ok(frame)) = &polled
            && let Some(length) = frame.data_ref().map(Bytes::len)
            && (!is_last || length > LITTLE)
            && let Err(crowded) = self.hold(length)
        {
            self.has_come();
            return Poll::Ready(Some(Err(crowded.into())));
        }
        Poll::Ready(polled.map(|frame| frame.map_err(Into::into)))
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
        if let Some(guest) = &self.guest {
            guest.share().give_back(self.held);
        }
    }
}

/// What a request on HTTP/2 costs without its body, in bytes. Text that comes compressed is given twice its room.
pub(super) fn cost<B>(request: &Request<B>) -> usize {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let field = |(name, value): (&HeaderName, &HeaderValue)| FIELD + 2 * (name.as_str().len() + value.len());
    REQUEST + 2 * target + request.headers().iter().map(field).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_not_held_and_everybody_may_hold_a_little() {
        let all = Arc::new(Unfinished::default());
        let [greedy, idle] = std::array::from_fn(|_| Share::new(Arc::clone(&all)));
        greedy.take(MOST).unwrap();
        greedy.take(0).expect("the end of a body takes no room");
        idle.take(0).unwrap();
        assert_eq!(all.holders.load(Ordering::Acquire), 1);
        let others: Vec<_> = (0..10_000).map(|_| Share::new(Arc::clone(&all))).collect();
        for other in &others {
            other.take(LEAST).unwrap();
        }
        assert!(others.iter().all(|other| other.take(1).is_err()));
        assert_eq!(all.holders.load(Ordering::Acquire), 10_001);
    }

    #[test]
    fn who_holds_little_may_go_on_when_others_hold_too_much() {
        let all = Arc::new(Unfinished::default());
        let [greedy, modest, late] = std::array::from_fn(|_| Share::new(Arc::clone(&all)));
        greedy.take(MOST).expect("whoever is alone may have all of it");
        modest.take(1_000).unwrap();
        greedy.take(1).unwrap_err();
        modest.take(MOST / 2 - 1_000).expect("half each");
        modest.take(1).unwrap_err();
        late.take(MOST / 3).unwrap();
        late.take(1).unwrap_err();
        greedy.give_back(MOST);
        modest.take(1_000).expect("there is room again");
        modest.give_back(MOST / 2 + 1_000);
        late.give_back(MOST / 3);
        assert_eq!(all.bytes.load(Ordering::Acquire), 0);
        assert_eq!(all.holders.load(Ordering::Acquire), 0);
    }
}
