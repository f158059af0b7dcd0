//! One connection: its protocol, its deadlines, its end.
//! Not for: accepting it (`server.rs`) or answering on it (`front.rs`).

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::front::MAX_FIELDS;
use super::server::Answers;
use super::stop::Stop;
use super::wire::GuardedStream;

/// How long a new connection may be silent, in its TLS handshake too, and how long the head of a request may take.
const HEADER_DEADLINE: Duration = Duration::from_secs(10);

/// How long a connection may stay between requests.
const IDLE_DEADLINE: Duration = Duration::from_secs(75);

/// How long a stop waits for a request that may be on its way on an idle connection.
pub(super) const LINGER: Duration = Duration::from_millis(500);

/// How long a connection may take to close once it was told to.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

/// How soon to look again at a connection that something is in flight on.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Largest header section of a request, in bytes.
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// Most requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;

/// What is spoken on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Waits for what a new caller has to do first: not for ever, and when the server stops only for what may be on its
/// way. `None` when it is not done in time.
pub(super) async fn first<T>(deed: impl Future<Output = T>, mut stop: Stop) -> Option<T> {
    let stopped = async {
        stop.said().await;
        sleep(LINGER).await;
    };
    tokio::select! {
        done = timeout(HEADER_DEADLINE, deed) => done.ok(),
        () = stopped => None,
    }
}

/// Finds out what a connection without TLS speaks by looking at its first bytes (RFC 9113 §3.4). `None` when it ends
/// before it says anything.
pub(super) async fn detect(stream: &TcpStream) -> Option<Protocol> {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0";
    let mut seen = [0; PREFACE.len()];
    loop {
        let count = stream.peek(&mut seen).await.ok()?;
        let start = seen.get(..count).unwrap_or_default();
        match (start.is_empty(), PREFACE.starts_with(start)) {
            (true, _) => return None,
            (false, false) => return Some(Protocol::Http1),
            (false, true) if count == PREFACE.len() => return Some(Protocol::Http2),
            // A part of it; the rest is on its way, and looking does not wait for more.
            (false, true) => sleep(Duration::from_millis(5)).await,
        }
    }
}

/// Serves a connection to its end.
pub(super) async fn drive<S, A: Answers>(
    stream: S,
    protocol: Protocol,
    front: Arc<A>,
    source: IpAddr,
    stop: Stop,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Arc::new(Activity::default());
    let noted = Arc::clone(&activity);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (front, busy) = (Arc::clone(&front), noted.begin());
        async move {
            let response = front.answer(request.map(Body::new), Some(source)).await;
            drop(busy);
            Ok::<_, Infallible>(response)
        }
    });
    match protocol {
        Protocol::Http1 => {
            let io = TokioIo::new(GuardedStream::new(stream, HEADER_DEADLINE));
            let connection = http1::Builder::new()
                .header_read_timeout(None)
                .max_headers(MAX_FIELDS)
                .max_header_size(MAX_HEADER_BYTES)
                .max_buf_size(2 * MAX_HEADER_BYTES)
                .serve_connection(io, service);
            supervise(connection, &activity, stop, LINGER).await;
        }
        Protocol::Http2 => {
            let io = TokioIo::new(GuardedStream::unguarded(stream));
            let connection = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_concurrent_streams(MAX_STREAMS)
                .max_header_list_size(16 * 1024)
                .keep_alive_interval(Duration::from_secs(20))
                .keep_alive_timeout(Duration::from_secs(10))
                .serve_connection(io, service);
            // A GOAWAY lets requests on their way be answered; there is nothing to wait for before it.
            supervise(connection, &activity, stop, Duration::ZERO).await;
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
    S: hyper::service::HttpService<Incoming, ResBody = Body>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn end(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, S, E> Graceful for http2::Connection<I, S, E>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    S: hyper::service::HttpService<Incoming, ResBody = Body>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    E: hyper::rt::bounds::Http2ServerConnExec<S::Future, Body>,
{
    fn end(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Runs a connection until it ends by itself, is idle too long, or the server stops.
async fn supervise(connection: impl Graceful, activity: &Activity, mut stop: Stop, linger: Duration) {
    let mut connection = pin!(connection);
    let mut deadline = Instant::now() + HEADER_DEADLINE;
    let (mut stopping, mut told_to_end) = (false, None);
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
                return;
            }
            () = stop.said(), if !stopping => {
                stopping = true;
                deadline = Instant::now() + linger;
            }
            () = sleep_until(deadline) => match (activity.idle_since(), told_to_end) {
                // Something is in flight; `stop` has a deadline of its own for it.
                (None, Some(_)) => deadline = Instant::now() + LOOK_AGAIN,
                (None, None) if !stopping => deadline = Instant::now() + LOOK_AGAIN,
                (Some(Some(since)), None) if !stopping && since.elapsed() < IDLE_DEADLINE => {
                    deadline = since + IDLE_DEADLINE;
                }
                // What is in flight is answered nevertheless.
                (_, None) => {
                    connection.as_mut().end();
                    told_to_end = Some(Instant::now());
                    deadline = Instant::now() + CLOSE_DEADLINE;
                }
                // The last answer may still be on its way out.
                (Some(since), Some(told)) if since.unwrap_or(told).max(told).elapsed() < CLOSE_DEADLINE => {
                    deadline = since.unwrap_or(told).max(told) + CLOSE_DEADLINE;
                }
                (Some(_), Some(_)) => return,
            },
        }
    }
}

/// What happens on a connection.
#[derive(Default)]
struct Activity {
    in_flight: AtomicUsize,
    last_ended: Mutex<Option<Instant>>,
}

impl Activity {
    fn begin(self: &Arc<Self>) -> Busy {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        Busy(Arc::clone(self))
    }

    /// `None` while a request is in flight, else when the last one ended, if there was one.
    #[expect(
        clippy::option_option,
        reason = "in flight, never used and idle since are three different things"
    )]
    fn idle_since(&self) -> Option<Option<Instant>> {
        (self.in_flight.load(Ordering::Acquire) == 0)
            .then(|| *self.last_ended.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One request in flight.
struct Busy(Arc<Activity>);

impl Drop for Busy {
    fn drop(&mut self) {
        *self.0.last_ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}
