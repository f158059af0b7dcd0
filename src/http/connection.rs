//! One connection: its protocol, its deadlines, its end.
//! Not for: accepting it (`server.rs`), answering on it (`front.rs`) or watching it (`course.rs`).

use std::convert::Infallible;
use std::future::{poll_fn, ready};
use std::io;
use std::mem::MaybeUninit;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use futures_util::future::Either;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::server::TlsStream;

use super::course::{Course, Outcome, supervise};
use super::front::MAX_FIELDS;
use super::guest::Guest;
use super::server::Answers;
use super::stop::Stop;
use super::unfinished::{self, Crowded};
use super::wire::GuardedStream;

/// How long a new connection may be silent, in its TLS handshake too, and how long the head of a request may take.
pub(super) const HEADER_DEADLINE: Duration = Duration::from_secs(10);

/// How long a connection may stay between requests.
pub(super) const IDLE_DEADLINE: Duration = Duration::from_secs(75);

/// How long a caller may take nothing of what it is sent.
pub(super) const SEND_DEADLINE: Duration = Duration::from_secs(10);

/// How long a stop waits for a request that may be on its way on an idle connection.
pub(super) const LINGER: Duration = Duration::from_millis(500);

/// How long a connection may take to close once it was told to.
pub(super) const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

/// After so long without a request an HTTP/1.1 connection keeps nothing but its socket and its TLS session.
pub(super) const REST_AFTER: Duration = Duration::from_millis(250);

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
    /// Whether it tells when its caller hangs up without reading what came before.
    const TELLS_END: bool = false;

    /// Waits until there is.
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Waits until its caller has hung up, or the connection is broken. While there is something to read, nobody knows.
    fn poll_end(&self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Line for TcpStream {
    const TELLS_END: bool = true;

    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_read_ready(context)
    }

    fn poll_end(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut byte = [MaybeUninit::uninit()];
        match std::task::ready!(self.poll_peek(context, &mut ReadBuf::uninit(&mut byte))) {
            Ok(1..) => Poll::Pending,
            Ok(0) | Err(_) => Poll::Ready(()),
        }
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
        let (front, busy) = (Arc::clone(&front), noted.begin(cost));
        // What there is no room for is gone before its answer is.
        let busy = match busy {
            Ok(busy) => busy,
            Err(Crowded) => return Either::Left(ready(Ok(front.refuse(&request)))),
        };
        let mut request = request.map(|body| Body::new(busy.watch(body, protocol)));
        // What it takes along is used where it lies: hyper moves it with everything in it.
        Either::Right(async move {
            let response = front.answer(&mut request, Some(source)).await;
            // A body that was not read is given up before its request is over.
            drop(request);
            drop(busy);
            Ok::<_, Infallible>(response)
        })
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
                // Otherwise hyper finds out by reading, into a new buffer for each request: the last one is in use.
                .half_close(S::TELLS_END)
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::pin::pin;
    use std::task::Waker;

    use axum::extract::Request;
    use axum::response::Response;
    use http_body_util::BodyExt;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;
    use tokio::task::yield_now;

    use super::super::wake::tests::Task;
    use super::*;

    /// Answers with what it was sent.
    struct Echo;

    impl Answers for Echo {
        async fn answer(&self, request: &mut Request, _: Option<IpAddr>) -> Response {
            Response::new(Body::from(request.body_mut().collect().await.unwrap().to_bytes()))
        }

        fn refuse<B>(&self, _: &hyper::Request<B>) -> Response {
            Response::new(Body::empty())
        }

        fn stop(&self) {}
    }

    /// A request is looked at once when it came whole, and read into the same buffer as the one before:
    /// docs/decisions/0032-a-connection-is-polled-once-for-a-request.md
    #[tokio::test]
    async fn a_request_wakes_its_connection_once_and_takes_no_new_buffer() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let mut caller = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, peer) = listener.accept().await.unwrap();
        let ((_stopper, stop), task) = (Stop::new(), Arc::new(Task::default()));
        let party = (Arc::new(Echo), Arc::new(Guest::new(Arc::default())));
        let mut driving = pin!(drive(stream, Protocol::Http1, party, peer.ip(), stop));
        let waker = Waker::from(Arc::clone(&task));
        let mut poll = || {
            let mut context = Context::from_waker(&waker);
            let memory = allocation_counter::measure(|| {
                assert!(driving.as_mut().poll(&mut context).is_pending());
            });
            memory.bytes_total
        };
        poll();
        for count in 1..=3 {
            caller.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na=b").await.unwrap();
            while task.woken() < count {
                yield_now().await;
            }
            let taken = poll();
            assert!(taken < 4_096, "{taken} bytes for request {count}");
            let mut answer = [0; 1024];
            let length = caller.read(&mut answer).await.unwrap();
            assert!(answer[..length].ends_with(b"\r\n\r\na=b"));
            assert_eq!(task.woken(), count, "woken more often than there were requests");
        }
    }
}
