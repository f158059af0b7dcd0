//! One connection: its protocol, its deadlines, its end.
//! Not for: accepting it (`server.rs`) or answering on it (`front.rs`).

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::server::TlsStream;

use super::front::MAX_FIELDS;
use super::guest::Guest;
use super::server::Answers;
use super::stop::Stop;
use super::unfinished;
use super::wire::GuardedStream;

/// How long a new connection may be silent, in its TLS handshake too, and how long the head of a request may take.
const HEADER_DEADLINE: Duration = Duration::from_secs(10);

/// How long a connection may stay between requests.
const IDLE_DEADLINE: Duration = Duration::from_secs(75);

/// How long a caller may take nothing of what it is sent.
pub(super) const SEND_DEADLINE: Duration = Duration::from_secs(10);

/// How long a stop waits for a request that may be on its way on an idle connection.
pub(super) const LINGER: Duration = Duration::from_millis(500);

/// How long a connection may take to close once it was told to.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

/// How soon to look again at a connection that was told to end while something is in flight on it.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How soon to look again at a connection that something is in flight on.
const LOOK_AT_BUSY: Duration = Duration::from_secs(1);

/// After so long without a request an HTTP/1.1 connection keeps nothing but its socket and its TLS session.
const REST_AFTER: Duration = Duration::from_millis(250);

/// Largest header section of a request, in bytes.
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// Most requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;

/// What one request on HTTP/2 may send before it is read, in bytes: the longest body there is.
const STREAM_WINDOW: u32 = 64 * 1024;

/// What all requests on an HTTP/2 connection together may send before it is read, in bytes.
const CONNECTION_WINDOW: u32 = 256 * 1024;

/// What of one answer on HTTP/2 is kept ready for a caller that is slow to take it, in bytes.
const SEND_BUFFER: usize = 64 * 1024;

/// Most requests that the caller has taken back and that were not looked at yet; one more ends the connection
/// (CVE-2023-44487).
const MAX_TAKEN_BACK: usize = 20;

/// Most requests that are refused because their frames break the rules; one more ends the connection.
const MAX_BROKEN: usize = 64;

/// What is spoken on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// A stream that can tell when there is something to read, without room to read it into.
pub(super) trait Line: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Waits until there is.
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;
}

impl Line for TcpStream {
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_read_ready(context)
    }
}

impl Line for TlsStream<TcpStream> {
    /// Of the bytes under TLS: what TLS itself has read already must have been read from it.
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_ref().0.poll_read_ready(context)
    }
}

/// Waits for what a caller has to do next: not for longer than until a moment, nor if its place is wanted, and when
/// the server stops only for what may be on its way. `None` when it is not done in time.
pub(super) async fn in_time<T>(
    deed: impl Future<Output = T>,
    until: Instant,
    guest: &Guest,
    stop: &mut Stop,
) -> Option<T> {
    let stopped = async {
        stop.said().await;
        sleep(LINGER).await;
    };
    tokio::select! {
        biased;
        done = deed => Some(done),
        () = guest.told() => None,
        () = sleep_until(until) => None,
        () = stopped => None,
    }
}

/// The same for what a new caller has to do first.
pub(super) async fn first<T>(deed: impl Future<Output = T>, guest: &Guest, mut stop: Stop) -> Option<T> {
    in_time(deed, guest.came() + HEADER_DEADLINE, guest, &mut stop).await
}

/// Finds out what a connection without TLS speaks by looking at its first bytes (RFC 9113 §3.4). `None` when it ends
/// before it says anything.
pub(super) async fn detect(stream: &TcpStream) -> Option<Protocol> {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0";
    let mut seen = [0; PREFACE.len()];
    let mut pause = Duration::from_millis(5);
    loop {
        let count = stream.peek(&mut seen).await.ok()?;
        let start = seen.get(..count).unwrap_or_default();
        match (start.is_empty(), PREFACE.starts_with(start)) {
            (true, _) => return None,
            (false, false) => return Some(Protocol::Http1),
            (false, true) if count == PREFACE.len() => return Some(Protocol::Http2),
            // A part of it; the rest is on its way, and looking does not wait for more. Whoever sends no more must not
            // keep us looking.
            (false, true) => {
                sleep(pause).await;
                pause *= 2;
            }
        }
    }
}

/// Serves a connection to its end.
pub(super) async fn drive<S: Line, A: Answers>(
    stream: S,
    protocol: Protocol,
    (front, guest): (Arc<A>, Arc<Guest>),
    source: IpAddr,
    stop: Stop,
) {
    let noted = Arc::clone(&guest);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        // HTTP/1 has one head at a time, in the buffer of its connection.
        let cost = if protocol == Protocol::Http2 { unfinished::cost(&request) } else { 0 };
        // What there is no room for is gone before its answer is.
        let (front, busy) = (Arc::clone(&front), noted.begin(cost).map_err(|_| front.refuse(&request)));
        let begun = busy.map(|busy| (request.map(|body| Body::new(busy.watch(body))), busy));
        async move {
            let (mut request, busy) = match begun {
                Ok(begun) => begun,
                Err(refused) => return Ok(refused),
            };
            let response = front.answer(&mut request, Some(source)).await;
            // A body that was not read is given up before its request is over.
            drop(request);
            drop(busy);
            Ok::<_, Infallible>(response)
        }
    });
    match protocol {
        Protocol::Http1 => drive_http1(stream, service, guest, stop).await,
        Protocol::Http2 => {
            let io = TokioIo::new(GuardedStream::unguarded(stream, Arc::clone(&guest)));
            let connection = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_concurrent_streams(MAX_STREAMS)
                .max_header_list_size(16 * 1024)
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(CONNECTION_WINDOW)
                .max_send_buf_size(SEND_BUFFER)
                .max_pending_accept_reset_streams(MAX_TAKEN_BACK)
                .max_local_error_reset_streams(MAX_BROKEN)
                .keep_alive_interval(Duration::from_secs(20))
                .keep_alive_timeout(Duration::from_secs(10))
                .serve_connection(io, service);
            // A GOAWAY lets requests on their way be answered; there is nothing to wait for before it.
            let course = Course::new(SEND_DEADLINE, Duration::ZERO);
            supervise(Box::pin(connection).as_mut(), &guest, stop, course).await;
        }
    }
}

/// Between requests nothing is kept but the stream, so that thousands of idle connections cost little.
async fn drive_http1<S, H>(mut stream: S, service: H, guest: Arc<Guest>, mut stop: Stop)
where
    S: Line,
    H: HttpService<Incoming, ResBody = Body, Error = Infallible> + Clone + Unpin,
{
    let began = Instant::now();
    loop {
        let io = TokioIo::new(GuardedStream::new(stream, HEADER_DEADLINE, Arc::clone(&guest)));
        let mut connection = Box::new(
            http1::Builder::new()
                .header_read_timeout(None)
                .max_headers(MAX_FIELDS)
                .max_header_size(MAX_HEADER_BYTES)
                .max_buf_size(2 * MAX_HEADER_BYTES)
                .serve_connection(io, service.clone()),
        );
        let course = Course::new(REST_AFTER, LINGER);
        match supervise(Pin::new(&mut *connection), &guest, stop.clone(), course).await {
            Outcome::Ended => return,
            Outcome::Rests => stream = connection.into_parts().io.into_inner().into_inner(),
        }
        let until = match guest.idle_since().flatten() {
            Some(since) => since + IDLE_DEADLINE,
            None => began + HEADER_DEADLINE,
        };
        let readable = poll_fn(|context| stream.poll_readable(context));
        // Empty lines wake it up, and gain it no time.
        let is_over = Instant::now() >= until;
        if is_over || in_time(readable, until, &guest, &mut stop).await.is_none() {
            let _ = timeout(CLOSE_DEADLINE, stream.shutdown()).await;
            return;
        }
    }
}

/// A connection that can be told to end after the requests it has.
trait Graceful: Future<Output = Result<(), hyper::Error>> {
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
struct Course {
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
enum Outcome {
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
    fn new(look_every: Duration, linger: Duration) -> Self {
        let began = Instant::now();
        Self { began, look_every, linger, is_stopping: false, told_to_end: None, is_leaving: false }
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

/// Runs a connection until it ends by itself, rests, is idle too long, or its place is wanted, or the server stops.
async fn supervise<C: Graceful>(
    mut connection: Pin<&mut C>,
    guest: &Guest,
    mut stop: Stop,
    mut course: Course,
) -> Outcome {
    let mut deadline = course.began + course.look_every;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
                return Outcome::Ended;
            }
            () = stop.said(), if !course.is_stopping => {
                course.is_stopping = true;
                deadline = Instant::now() + course.linger;
            }
            () = guest.told(), if !course.is_leaving => {
                if guest.is_in_hand() {
                    guest.forgive();
                } else {
                    course.is_leaving = true;
                    course.told_to_end.get_or_insert_with(Instant::now);
                    connection.as_mut().end();
                    deadline = Instant::now() + LINGER;
                }
            }
            () = sleep_until(deadline) => match course.step(guest, Instant::now()) {
                Step::LookAgain(at) => deadline = at,
                Step::Rest => return Outcome::Rests,
                Step::End => {
                    connection.as_mut().end();
                    let now = Instant::now();
                    course.told_to_end = Some(now);
                    deadline = now + CLOSE_DEADLINE;
                }
                Step::Cut => return Outcome::Ended,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
