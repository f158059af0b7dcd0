//! Listening: limits, deadlines, and a stop that loses no request.
//! Not for: what is answered (`Answers`; in the server itself that is `front.rs`).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

use super::connection::{self, LINGER, Protocol, SEND_DEADLINE};
use super::guest::Guest;
use super::room::{Place, Room};
use super::stop::Stop;
use super::tls::Certificates;
use crate::threads::Workers;

/// How long a stop waits for requests in flight before it gives up on them.
const STOP_DEADLINE: Duration = Duration::from_secs(20);

/// How long to wait when the system gives no more connections.
const PAUSE: Duration = Duration::from_millis(50);

/// How much the system keeps of answers that a caller has not taken, in bytes; Linux keeps twice of what it is told.
const SEND_BUFFER: usize = 64 * 1024;

/// What answers the requests of a listener.
pub trait Answers: Send + Sync + 'static {
    /// Answers a request, which came from `source` as far as the connection tells. It may take parts out of the request;
    /// nobody looks at it afterwards.
    fn answer(&self, request: &mut Request, source: Option<IpAddr>) -> impl Future<Output = Response> + Send;

    /// Answers a request that there is no room for.
    fn refuse<B>(&self, request: &Request<B>) -> Response;

    /// From now on each answer asks its caller to come back on another connection.
    fn stop(&self);
}

/// A listener at work.
pub struct Server<A> {
    /// What answers.
    pub front: Arc<A>,
    /// TLS, unless it ends elsewhere.
    pub certificates: Option<Arc<Certificates>>,
    /// Most connections at once; a further one waits until one ends, or those that are idle have made room.
    pub max_connections: usize,
    /// Who serves them.
    pub workers: Workers,
}

/// Opens a listening socket.
///
/// # Errors
/// When the address cannot be had.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    use socket2::{Domain, Protocol, Socket, Type};
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A server that starts again must not wait for connections of its former life to be forgotten.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    // Its connections have all this from it. Left to itself the system would keep megabytes for a caller that reads nothing.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(SEND_DEADLINE))?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    TcpListener::from_std(socket.into())
}

impl<A: Answers> Server<A> {
    /// Serves until `stop` says true, then lets every request in flight end.
    pub async fn serve(self, listener: TcpListener, stop: Stop) {
        let mut stopping = stop.clone();
        let room = Room::new(self.max_connections);
        let server = Arc::new(self);
        let mut left_over = None;
        loop {
            let (stream, peer) = tokio::select! {
                () = stopping.said() => break,
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        let now = Instant::now();
                        room.say(now, || tracing::error!(%error, "a connection could not be accepted"));
                        // Most likely there are no more open files to be had.
                        room.make_room(now);
                        sleep(PAUSE).await;
                        continue;
                    }
                },
            };
            tokio::select! {
                place = room.place() => server.start(stream, peer, place, stop.clone()),
                () = stopping.said() => {
                    left_over = Some((stream, peer));
                    break;
                }
            }
        }
        server.front.stop();
        // Connections the system has accepted for us already have callers waiting on them. More may keep coming.
        let end = Instant::now() + LINGER;
        while Instant::now() < end {
            let next = match left_over.take() {
                Some(next) => Ok(Ok(next)),
                None => timeout(Duration::from_millis(1), listener.accept()).await,
            };
            let (Ok(Ok((stream, peer))), Some(place)) = (next, room.free_place()) else {
                break;
            };
            server.start(stream, peer, place, stop.clone());
        }
        drop(listener);
        if timeout(STOP_DEADLINE, room.emptied()).await.is_err() {
            tracing::warn!("some connections did not end in time and were cut");
        }
    }

    fn start(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr, place: Place, stop: Stop) {
        let (server, post) = (Arc::clone(self), self.workers.post());
        // Each runtime looks at its own sockets.
        let stream = if post.is_here() { Ok(stream) } else { Err(stream.into_std()) };
        self.workers.spawn(post.number(), async move {
            match stream.or_else(|moved| TcpStream::from_std(moved?)) {
                Ok(stream) => server.drive(stream, peer, Arc::clone(&place.guest), stop).await,
                Err(error) => tracing::error!(%error, "a connection could not be handed to its worker"),
            }
            drop((place, post));
        });
    }

    async fn drive(&self, stream: TcpStream, peer: SocketAddr, guest: Arc<Guest>, stop: Stop) {
        // Answers are small and written at once; waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        let source = peer.ip().to_canonical();
        let party = (Arc::clone(&self.front), Arc::clone(&guest));
        match &self.certificates {
            None => {
                let first = connection::first(connection::detect(&stream), &guest, stop.clone()).await;
                if let Some(protocol) = first.flatten() {
                    connection::drive(stream, protocol, party, source, stop).await;
                }
            }
            // What a handshake needs is of no use afterwards, and does not stay with the connection.
            Some(certificates) => {
                let handshake = Box::pin(certificates.accept(stream));
                match connection::first(handshake, &guest, stop.clone()).await {
                    Some(Ok(stream)) => {
                        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                        let protocol = if is_http2 { Protocol::Http2 } else { Protocol::Http1 };
                        connection::drive(stream, protocol, party, source, stop).await;
                    }
                    Some(Err(error)) => tracing::debug!(%source, %error, "a TLS handshake failed"),
                    None => tracing::debug!(%source, "a TLS handshake did not end in time"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http_body_util::BodyExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Notify;

    use super::*;

    /// Begins to answer and never has an answer.
    struct Never {
        reads_body: bool,
        begun: Notify,
        given_up: Notify,
    }

    struct Trying<'of>(&'of Notify);

    impl Drop for Trying<'_> {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }

    impl Answers for Never {
        async fn answer(&self, request: &mut Request, _: Option<IpAddr>) -> Response {
            if self.reads_body {
                request.body_mut().collect().await.unwrap();
            }
            let _trying = Trying(&self.given_up);
            self.begun.notify_one();
            std::future::pending().await
        }

        fn refuse<B>(&self, _: &Request<B>) -> Response {
            Response::new(Body::empty())
        }

        fn stop(&self) {}
    }

    const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";

    fn serve(reads_body: bool) -> (SocketAddr, Arc<Never>) {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let front = Arc::new(Never { reads_body, begun: Notify::new(), given_up: Notify::new() });
        let (address, (stopper, stop)) = (listener.local_addr().unwrap(), Stop::new());
        let workers = Workers::alone();
        let server = Server { front: Arc::clone(&front), certificates: None, max_connections: 10, workers };
        tokio::spawn(async move {
            let _stopper = stopper;
            server.serve(listener, stop).await;
        });
        (address, front)
    }

    /// What would otherwise never come, on a machine however slow.
    async fn soon<T>(what: impl Future<Output = T>) -> T {
        timeout(Duration::from_mins(1), what).await.expect("it never came")
    }

    /// Whoever hangs up while the answer is on its way gets none, and nobody goes on with it.
    #[tokio::test]
    async fn nobody_works_for_a_caller_that_has_hung_up() {
        for (reads_body, pieces) in [(true, &["a=b"][..]), (true, &["a", "=b"]), (false, &["a=b"])] {
            let (address, front) = serve(reads_body);
            let mut caller = TcpStream::connect(address).await.unwrap();
            caller.write_all(REQUEST).await.unwrap();
            for piece in pieces {
                caller.write_all(piece.as_bytes()).await.unwrap();
                tokio::task::yield_now().await;
            }
            soon(front.begun.notified()).await;
            drop(caller);
            soon(front.given_up.notified()).await;
        }
    }

    /// One that says it sends nothing more has hung up as well, and its connection is closed.
    #[tokio::test]
    async fn half_a_connection_is_none() {
        let (address, front) = serve(true);
        let mut caller = TcpStream::connect(address).await.unwrap();
        caller.write_all(&[REQUEST, b"a=b"].concat()).await.unwrap();
        soon(front.begun.notified()).await;
        caller.shutdown().await.unwrap();
        soon(front.given_up.notified()).await;
        assert_eq!(caller.read(&mut [0]).await.unwrap(), 0);
    }
}
