//! The bytes of a connection on their way to hyper: no ambiguous message length and no slow head in HTTP/1, and a note of
//! whether anything is on its way.
//! Not for: where requests end (`framing.rs`), or deadlines of bodies, answers and of idling (`connection.rs`).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::connection::Line;
use super::framing::{Ambiguous, Framing};
use super::guest::Guest;

/// What hyper reads in place of a refused head. No field may hold a NUL, and hyper looks at a head that came
/// in pieces only once it has seen an empty line.
const POISON: &[u8] = b"\0\n\n";

/// A stream that refuses what hyper would let pass. hyper drops Content-Length when Transfer-Encoding is there
/// too, so that nothing above it can see that both were, and its deadline for a head also runs while idle.
pub(super) struct GuardedStream<S> {
    stream: S,
    guard: Option<Guard>,
    guest: Arc<Guest>,
    /// Whether all was read that has come.
    is_read: bool,
    /// Whether the stream has taken bytes that it may not have sent.
    is_unsent: bool,
}

#[derive(Debug)]
struct Guard {
    framing: Framing,
    header_deadline: Duration,
    /// The head it was set for, by its number, and the end of that head's time.
    timer: Option<(u64, Pin<Box<Sleep>>)>,
    /// Once a head was refused: what hyper has yet to read, and then only the end.
    poison: Option<&'static [u8]>,
}

impl<S> GuardedStream<S> {
    /// Guards HTTP/1: a head with both lengths becomes one that hyper answers with 400 (RFC 9112 §6.1), and a
    /// head that is not complete in time becomes [`io::ErrorKind::TimedOut`] (RFC 9112 §9.5).
    pub(super) fn new(stream: S, header_deadline: Duration, guest: Arc<Guest>) -> Self {
        let guard = Guard { framing: Framing::default(), header_deadline, timer: None, poison: None };
        Self { guard: Some(guard), ..Self::unguarded(stream, guest) }
    }

    /// Guards nothing: HTTP/2 delimits its messages by frames (RFC 9113 §8.1).
    pub(super) fn unguarded(stream: S, guest: Arc<Guest>) -> Self {
        Self { stream, guard: None, guest, is_read: false, is_unsent: false }
    }

    /// The stream without its guard.
    pub(super) fn into_inner(self) -> S {
        self.stream
    }

    fn note_read(&mut self, is_read: bool) {
        self.is_read = is_read;
        self.note_rest();
    }

    fn note_sent<T>(&mut self, sent: &Poll<T>, is_unsent: bool) {
        self.guest.note_stuck(sent.is_pending());
        self.is_unsent = is_unsent || sent.is_pending();
        self.note_rest();
    }

    fn note_rest(&self) {
        self.guest.note_rest(self.is_between() && self.is_read && !self.is_unsent);
    }

    /// Whether no request has come in part.
    fn is_between(&self) -> bool {
        self.guard.as_ref().is_some_and(|guard| guard.poison.is_none() && guard.framing.is_idle())
    }

    /// Whether the caller has nothing to do but wait for its answer.
    fn is_waited_for(&self) -> bool {
        self.is_between() && self.guest.idle_since().is_none()
    }
}

impl Guard {
    fn poll_read<S: AsyncRead + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut S,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if self.poison.is_none() {
            match Pin::new(stream).poll_read(context, buffer) {
                Poll::Pending => return self.poll_deadline(context),
                Poll::Ready(read) => read?,
            }
            let new = buffer.filled().get(before..).unwrap_or_default();
            match self.framing.feed(new) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err(Ambiguous { position }) => buffer.set_filled(before + position),
            }
        }
        let poison = self.poison.unwrap_or(POISON);
        let (now, later) = poison.split_at_checked(buffer.remaining()).unwrap_or((poison, &[]));
        buffer.put_slice(now);
        self.poison = Some(later);
        Poll::Ready(Ok(()))
    }

    /// A head that arrives at once never comes here, so that it costs no timer.
    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.framing.in_head() {
            return Poll::Pending;
        }
        let (head, deadline) = (self.framing.heads(), self.header_deadline);
        let (timed_head, timer) = self.timer.get_or_insert_with(|| (head, Box::pin(sleep(deadline))));
        if *timed_head != head {
            *timed_head = head;
            timer.set(sleep(deadline));
        }
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for GuardedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, guard, .. } = &mut *self;
        let read = match guard {
            Some(guard) => guard.poll_read(context, stream, buffer),
            None => Pin::new(stream).poll_read(context, buffer),
        };
        self.note_read(read.is_pending());
        read
    }
}

impl<S: Line> AsyncWrite for GuardedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note_sent(&sent, true);
        sent
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note_sent(&sent, true);
        sent
    }

    /// Head and body of an answer on HTTP/1 are small: to copy them together costs less than to send two pieces of memory.
    fn is_write_vectored(&self) -> bool {
        self.guard.is_none() && self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.stream).poll_flush(context);
        self.note_sent(&sent, false);
        // hyper asks for this whenever it has done what it could.
        if sent.is_ready() && self.is_waited_for() && self.stream.poll_end(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        sent
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http_body_util::{BodyExt, Empty};
    use hyper::body::{Bytes, Incoming};
    use hyper::service::service_fn;
    use hyper::{Request, Response};
    use hyper_util::rt::TokioIo;

    use super::*;

    const DEADLINE: Duration = Duration::from_millis(40);
    const BOTH: [&str; 2] = [
        "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n",
    ];
    const CHUNKED: &str =
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nA: b\r\n\r\n";

    /// A client that sends what it was given, read by read, and then nothing.
    #[derive(Default)]
    struct Client {
        sends: VecDeque<Vec<u8>>,
        received: Vec<u8>,
    }

    impl AsyncRead for Client {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            match self.sends.pop_front() {
                Some(bytes) => {
                    buffer.put_slice(&bytes);
                    Poll::Ready(Ok(()))
                }
                None => Poll::Pending,
            }
        }
    }

    impl Line for Client {
        fn poll_readable(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Client {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.received.extend_from_slice(bytes);
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// Serves what a client sends in pieces of a size. Returns what it was answered, whether the connection
    /// ended for it, how often the handler was called, and whether there was a timer.
    async fn serve(sent: &str, size: usize) -> (String, bool, usize, bool) {
        let sends = sent.as_bytes().chunks(size).map(<[u8]>::to_vec).collect();
        let client = Client { sends, ..Client::default() };
        let mut io = TokioIo::new(GuardedStream::new(client, DEADLINE, Arc::new(Guest::new(Arc::default()))));
        let calls = AtomicUsize::new(0);
        let service = service_fn(async |request: Request<Incoming>| {
            calls.fetch_add(1, Ordering::Relaxed);
            request.into_body().collect().await.map(|_| Response::new(Empty::<Bytes>::new()))
        });
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(&mut io, service);
        let has_ended = tokio::time::timeout(DEADLINE * 2, connection).await.is_ok();
        let GuardedStream { stream, guard, .. } = io.into_inner();
        let had_timer = guard.is_some_and(|guard| guard.timer.is_some());
        let received = String::from_utf8(stream.received).unwrap();
        (received, has_ended, calls.into_inner(), had_timer)
    }

    /// A16
    #[tokio::test]
    async fn both_lengths_are_answered_with_400_and_a_closed_connection_however_they_arrive() {
        for both in BOTH {
            for (before, calls_before) in [("", 0), ("GET / HTTP/1.1\r\n\r\n", 1), (CHUNKED, 1)] {
                for size in [1, 2, 7, 4096] {
                    let (received, has_ended, calls, _) =
                        serve(&format!("{before}{both}{CHUNKED}"), size).await;
                    assert_eq!(received.matches("HTTP/1.1 ").count(), calls_before + 1, "{received}");
                    assert_eq!(received.matches("HTTP/1.1 400 ").count(), 1, "{received}");
                    assert!(has_ended);
                    assert_eq!(calls, calls_before);
                }
            }
        }
    }

    #[tokio::test]
    async fn both_lengths_are_refused_before_the_head_is_complete() {
        for size in [1, 4096] {
            let (head, _) = BOTH[0].split_once("\r\n\r\n").unwrap();
            let (received, has_ended, calls, _) = serve(&format!("{head}\r\n"), size).await;
            assert!(received.starts_with("HTTP/1.1 400 "), "{received}");
            assert_eq!((has_ended, calls), (true, 0));
        }
    }

    #[tokio::test]
    async fn a_head_that_comes_at_once_sets_no_timer_and_one_that_does_not_is_not_waited_for() {
        let whole = "GET / HTTP/1.1\r\n\r\n";
        for (part, calls_expected) in [("G", 0), ("GET / HTTP/1.1\r\nA: b\r", 0), (&format!("{whole}\nG"), 1)]
        {
            let (_, has_ended, calls, had_timer) = serve(part, 4096).await;
            assert_eq!((has_ended, calls, had_timer), (true, calls_expected, true), "{part}");
        }
        for idle in ["", "\r\n", whole, CHUNKED, &CHUNKED[..60]] {
            let (_, has_ended, _, had_timer) = serve(idle, 4096).await;
            assert_eq!((has_ended, had_timer), (false, false), "{idle}");
        }
    }

    #[tokio::test]
    async fn each_head_has_a_deadline_of_its_own() {
        let mut stream =
            GuardedStream::new(Client::default(), DEADLINE, Arc::new(Guest::new(Arc::default())));
        for _ in 0..2 {
            stream.stream.sends.push_back(b"GET".to_vec());
            let started = tokio::time::Instant::now();
            let read = async {
                loop {
                    let mut space = [0; 64];
                    let mut buffer = ReadBuf::new(&mut space);
                    std::future::poll_fn(|context| Pin::new(&mut stream).poll_read(context, &mut buffer))
                        .await?;
                }
            };
            let error: io::Result<()> = read.await;
            assert_eq!(error.unwrap_err().kind(), io::ErrorKind::TimedOut);
            assert!(started.elapsed() >= DEADLINE);
            stream.stream.sends.push_back(b" / HTTP/1.1\n\n".to_vec());
        }
    }
}
