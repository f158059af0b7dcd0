//! How a connection is watched: for how long it may be idle, and when it goes.
//! Not for: what is spoken on it (`connection.rs`), or who wants its place (`room.rs`).

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::HttpService;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, sleep_until};

use super::connection::{CLOSE_DEADLINE, HEADER_DEADLINE, IDLE_DEADLINE, LINGER, REST_AFTER, SEND_DEADLINE};
use super::guest::Guest;
use super::stop::Stop;
use super::wake::Part;

/// How soon to look again at a connection that was told to end while something is in flight on it.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How soon to look again at a connection that something is in flight on.
const LOOK_AT_BUSY: Duration = Duration::from_secs(1);

/// A connection that can be told to end after the requests it has.
pub(super) trait Graceful: Future<Output = Result<(), hyper::Error>> {
    /// Lets it answer what it has, and then end.
    fn end(self: Pin<&mut Self>);
}

impl<I, S> Graceful for http1::Connection<I, S>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    S: HttpService<Incoming, ResBody = Body>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn end(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, S, E> Graceful for http2::Connection<I, S, E>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    S: HttpService<Incoming, ResBody = Body>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    E: hyper::rt::bounds::Http2ServerConnExec<S::Future, Body>,
{
    fn end(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// How a connection is watched.
pub(super) struct Course {
    began: Instant,
    /// How soon to look again while nothing is in flight.
    look_every: Duration,
    /// How long a stop waits for a request that may be on its way.
    linger: Duration,
    is_stopping: bool,
    told_to_end: Option<Instant>,
    /// Whether its place is wanted.
    is_leaving: bool,
}

/// What comes of watching.
pub(super) enum Outcome {
    /// It is over.
    Ended,
    /// Nothing is on its way in either direction.
    Rests,
}

/// What to do with a connection now.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    LookAgain(Instant),
    Rest,
    /// Let it answer what is in flight, and then end.
    End,
    Cut,
}

impl Course {
    pub(super) fn new(look_every: Duration, linger: Duration) -> Self {
        let began = Instant::now();
        Self { began, look_every, linger, is_stopping: false, told_to_end: None, is_leaving: false }
    }

    /// Waits for what is heard besides the connection.
    async fn listen(&self, guest: &Guest, stop: &mut Stop, until: Instant) -> Heard {
        tokio::select! {
            () = stop.said(), if !self.is_stopping => Heard::Stop,
            () = guest.told(), if !self.is_leaving => Heard::Told,
            () = sleep_until(until) => Heard::Due,
        }
    }

    fn step(&self, guest: &Guest, now: Instant) -> Step {
        let has_passed = |since: Instant, time| now.duration_since(since) >= time;
        if guest.stuck_since().is_some_and(|since| has_passed(since, SEND_DEADLINE)) {
            return Step::Cut;
        }
        match (guest.idle_since(), self.told_to_end) {
            (_, Some(_)) if self.is_leaving && !guest.is_in_hand() => Step::Cut,
            // Something is in flight; `stop` has a deadline of its own for it.
            (None, Some(_)) => Step::LookAgain(now + LOOK_AGAIN),
            (None, None) if !self.is_stopping => Step::LookAgain(now + LOOK_AT_BUSY),
            (Some(since), None) if !self.is_stopping => {
                let since_when = since.unwrap_or(self.began).max(self.began);
                if guest.is_at_rest() && has_passed(since_when, REST_AFTER) {
                    return Step::Rest;
                }
                let end = since.map_or(self.began + HEADER_DEADLINE, |since| since + IDLE_DEADLINE);
                if now < end { Step::LookAgain(end.min(now + self.look_every)) } else { Step::End }
            }
            // What is in flight is answered nevertheless.
            (_, None) => Step::End,
            // The last answer may still be on its way out.
            (Some(since), Some(told)) => {
                let end = since.unwrap_or(told).max(told) + CLOSE_DEADLINE;
                if now < end { Step::LookAgain(end) } else { Step::Cut }
            }
        }
    }
}

/// What a connection that is watched hears.
enum Heard {
    /// It has ended.
    Ended(Result<(), hyper::Error>),
    /// The server stops.
    Stop,
    /// Its place is wanted.
    Told,
    /// It is time to look at it.
    Due,
}

/// Runs a connection until it ends by itself, rests, is idle too long, or its place is wanted, or the server stops.
pub(super) async fn supervise<C: Graceful>(
    mut connection: Pin<&mut C>,
    guest: &Guest,
    mut stop: Stop,
    mut course: Course,
) -> Outcome {
    let (mut deadline, mut own) = (course.began + course.look_every, Part::default());
    loop {
        match hear((connection.as_mut(), &mut own), course.listen(guest, &mut stop, deadline)).await {
            Heard::Ended(ended) => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
                return Outcome::Ended;
            }
            Heard::Stop => {
                course.is_stopping = true;
                deadline = Instant::now() + course.linger;
            }
            Heard::Told => {
                if guest.is_in_hand() {
                    guest.forgive();
                } else {
                    course.is_leaving = true;
                    course.told_to_end.get_or_insert_with(Instant::now);
                    own = end(connection.as_mut());
                    deadline = Instant::now() + LINGER;
                }
            }
            Heard::Due => match course.step(guest, Instant::now()) {
                Step::LookAgain(at) => deadline = at,
                Step::Rest => return Outcome::Rests,
                Step::End => {
                    own = end(connection.as_mut());
                    let now = Instant::now();
                    course.told_to_end = Some(now);
                    deadline = now + CLOSE_DEADLINE;
                }
                Step::Cut => return Outcome::Ended,
            },
        }
    }
}

/// Lets a connection answer what it has, and then end; it has to be polled for that, as what is returned is.
fn end<C: Graceful>(connection: Pin<&mut C>) -> Part {
    connection.end();
    Part::default()
}

/// Runs a connection until it ends or something else is heard. A request wakes the connection alone: who listens beside it is
/// not asked each time. Nor is the connection polled for what is heard: who has signed there and waits until everything else has
/// had its turn would take that for the turn. However much comes on the connection, which may then do only so much at a time,
/// what is beside it is heard.
async fn hear<F>(
    (mut connection, own): (Pin<&mut F>, &mut Part),
    beside: impl Future<Output = Heard>,
) -> Heard
where
    F: Future<Output = Result<(), hyper::Error>>,
{
    let (mut beside, mut others) = (pin!(unconstrained(beside)), Part::default());
    poll_fn(|context| match own.poll(context, |context| connection.as_mut().poll(context)) {
        Poll::Ready(ended) => Poll::Ready(Heard::Ended(ended)),
        Poll::Pending => others.poll(context, |context| beside.as_mut().poll(context)),
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::{Context, ready};

    use tokio::task::coop::poll_proceed;
    use tokio::time::sleep;

    use super::*;

    /// Frames that come faster than they can be read must not keep a connection from its deadlines.
    #[tokio::test]
    async fn a_connection_that_never_has_enough_hears_what_is_beside_it() {
        let insatiable = poll_fn(|context| {
            loop {
                ready!(poll_proceed(context)).made_progress();
            }
        });
        let (guest, (_stopper, mut stop)) = (Guest::new(Arc::default()), Stop::new());
        let course = Course::new(REST_AFTER, LINGER);
        let heard =
            hear((pin!(insatiable), &mut Part::default()), course.listen(&guest, &mut stop, course.began))
                .await;
        assert!(matches!(heard, Heard::Due));
    }

    /// A connection on which nothing happens; how often it was polled.
    #[derive(Default)]
    struct Quiet {
        polled: u32,
        is_to_end: bool,
    }

    impl Future for Quiet {
        type Output = Result<(), hyper::Error>;

        fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
            self.polled += 1;
            if self.is_to_end { Poll::Ready(Ok(())) } else { Poll::Pending }
        }
    }

    impl Graceful for Quiet {
        fn end(mut self: Pin<&mut Self>) {
            self.is_to_end = true;
        }
    }

    /// Otherwise one by one of those who wait for signatures, and whose time to be looked at comes in the same order, would sign
    /// without anybody else having a turn.
    #[tokio::test]
    async fn a_connection_is_polled_to_end_and_not_for_what_else_is_heard_beside_it() {
        let (mut connection, guest) = (Quiet::default(), Guest::new(Arc::default()));
        let (stopper, stop) = Stop::new();
        let course = Course::new(Duration::from_millis(1), Duration::ZERO);
        let stops = async {
            sleep(Duration::from_millis(20)).await;
            drop(stopper);
        };
        let (outcome, ()) = tokio::join!(supervise(Pin::new(&mut connection), &guest, stop, course), stops);
        assert!(matches!(outcome, Outcome::Ended));
        assert_eq!(connection.polled, 2);
    }

    #[tokio::test]
    async fn nobody_is_cut_who_is_waited_for_and_nobody_waited_for_who_takes_nothing() {
        let guest = Arc::new(Guest::new(Arc::default()));
        let mut course = Course::new(REST_AFTER, LINGER);
        assert_eq!(course.step(&guest, course.began), Step::LookAgain(course.began + REST_AFTER));
        let busy = guest.begin(0).unwrap();
        guest.note_rest(true);
        let later = Instant::now() + SEND_DEADLINE;
        assert_eq!(course.step(&guest, later), Step::LookAgain(later + LOOK_AT_BUSY));
        drop(busy);
        assert_eq!(course.step(&guest, later), Step::Rest);
        guest.note_rest(false);
        assert_eq!(course.step(&guest, later), Step::LookAgain(later + REST_AFTER));
        assert_eq!(course.step(&guest, later + IDLE_DEADLINE), Step::End);
        (course.told_to_end, course.is_leaving) = (Some(later), true);
        assert_eq!(course.step(&guest, later), Step::Cut);
        let _busy = guest.begin(0).unwrap();
        assert_eq!(course.step(&guest, later), Step::LookAgain(later + LOOK_AGAIN));
        guest.note_stuck(true);
        assert_eq!(course.step(&guest, later + LOOK_AT_BUSY), Step::Cut);
    }
}
