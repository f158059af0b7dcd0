//! A stop that loses nothing: what was sent is answered, and whoever looks can see it coming.
//! Not for: what a killed server has kept (`crash`).

use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::once;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::Request;
use hyper::body::{Bytes, Frame};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{REFUSED, get};
use crate::support::binary::{Installation, RunningServer};
use crate::support::http2::Http2;
use crate::support::wire::{Connection, connect};

/// More requests than any caller comes to send before the server stops.
const ENDLESS: usize = 100_000;

fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    let happened = (0..1000).any(|_| {
        sleep(Duration::from_millis(5));
        is_so()
    });
    assert!(happened, "{what}");
}

/// A request that the server waits for: all of it but the end of its body.
struct Held(Connection);

impl Held {
    const SPLIT: usize = 20;

    fn begin(server: &RunningServer) -> Self {
        let mut connection = Connection::open(server.public);
        connection.send(&REFUSED[..REFUSED.len() - Self::SPLIT]);
        // It is in flight once the server has its head; an answer to another that came later shows that it has.
        assert_eq!(health(server, "ready"), 200);
        sleep(Duration::from_millis(50));
        Self(connection)
    }

    fn end(mut self) {
        self.0.send(&REFUSED[REFUSED.len() - Self::SPLIT..]);
        let answer = self.0.answer();
        assert_eq!((answer.status, answer.field("connection")), (401, Some("close")));
        assert_eq!(self.0.rest(), "");
    }
}

fn health(server: &RunningServer, what: &str) -> u16 {
    let mut connection = Connection::open(server.admin);
    connection.send(get(&format!("/health/{what}")));
    connection.answer().status
}

/// Sends one request after the other on one connection until it is told to stop, and counts the answers.
fn call_until_told_to_stop(address: SocketAddr, request: &str, status: u16, answered: &AtomicUsize) {
    let mut connection = Connection::open(address);
    for sent in 0..ENDLESS {
        if has_ended(&connection.stream) {
            // Closed while nothing was sent: on a busy machine this caller may have paused for longer than the
            // server waits.
            return;
        }
        connection.send(request);
        let answer = connection.try_answer().unwrap_or_else(|| panic!("request {sent} was lost"));
        assert_eq!(answer.status, status);
        answered.fetch_add(1, Ordering::Relaxed);
        if answer.field("connection") == Some("close") {
            assert_eq!(connection.rest(), "");
            return;
        }
    }
    panic!("nobody told this caller to stop");
}

fn has_ended(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let peeked = stream.peek(&mut [0]);
    stream.set_nonblocking(false).unwrap();
    !matches!(peeked, Err(error) if error.kind() == ErrorKind::WouldBlock)
}

#[test]
fn a_stop_under_load_answers_every_request_that_was_sent() {
    let installation = Installation::new();
    let secret = installation.json(&["app", "add", "--name", "Caller", "--client-id", "caller"]);
    let secret = secret["client_secret"].as_str().unwrap();
    let mut server = installation.serve(&[]);
    let form = format!("grant_type=client_credentials&client_id=caller&client_secret={secret}");
    let head = REFUSED.split_once("Content-Length").unwrap().0;
    let token = format!("{head}Content-Length: {}\r\n\r\n{form}", form.len());
    let requests =
        [(token, 200), (REFUSED.to_owned(), 401), (get("/oauth2/jwks"), 200), (get("/nowhere"), 404)];
    let answered = AtomicUsize::new(0);
    scope(|scope| {
        for (request, status) in requests.iter().chain(&requests).chain(&requests) {
            scope.spawn(|| call_until_told_to_stop(server.public, request, *status, &answered));
        }
        soon("the callers are at work", || answered.load(Ordering::Relaxed) > 300);
        server.signal("TERM");
    });
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
    assert!(server.log().contains(r#""message":"stopped""#), "{}", server.log());
}

#[test]
fn a_stop_under_load_answers_every_request_of_http_2_that_was_taken() {
    let installation = Installation::new();
    let mut server = installation.serve(&[]);
    let answered = AtomicUsize::new(0);
    let call = async |mut connection: Http2<UnsyncBoxBody<Bytes, Infallible>>| {
        for _ in 0..ENDLESS {
            let request =
                Request::get("http://localhost/oauth2/jwks").body(Empty::new().boxed_unsync()).unwrap();
            match connection.ask_unless_closed(request).await {
                Some(answer) => assert_eq!(answer.status, 200),
                None => return,
            }
            answered.fetch_add(1, Ordering::Relaxed);
        }
        panic!("nobody told this caller to stop");
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        // One connection has a request whose body is yet to come, the other is now and then without any.
        let (busy, quiet) = (Http2::open(server.public).await, Http2::open(server.public).await);
        let (go_on, told_to_go_on) = oneshot::channel::<()>();
        let body = once(async move {
            told_to_go_on.await.unwrap();
            Ok(Frame::data(Bytes::from("grant_type=client_credentials")))
        });
        let held = Request::post("http://localhost/oauth2/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(StreamBody::new(body).boxed_unsync())
            .unwrap();
        let mut holder = busy.again();
        let calls = async {
            tokio::join!(join_all((0..16).map(|_| call(busy.again()))), call(quiet), async {
                while answered.load(Ordering::Relaxed) < 200 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                server.signal("TERM");
            });
            go_on.send(()).unwrap();
        };
        let (answer, ()) = tokio::join!(holder.ask(held), calls);
        assert_eq!(answer.status, 401);
    });
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
    assert!(!server.log().contains("cut"), "{}", server.log());
}

#[test]
fn callers_that_come_on_a_new_connection_each_time_cannot_hold_a_stop_up() {
    let installation = Installation::new();
    let mut server = installation.serve(&[]);
    let address = server.public;
    let answered = AtomicUsize::new(0);
    let call = || {
        for _ in 0..ENDLESS {
            let Ok(stream) = TcpStream::connect(address) else { return };
            let mut connection = Connection::over(stream);
            connection.send(get("/oauth2/jwks"));
            match connection.try_answer() {
                Some(answer) => assert_eq!(answer.status, 200),
                // The system had let it in, and then nobody was there.
                None => return,
            }
            answered.fetch_add(1, Ordering::Relaxed);
        }
        panic!("nobody told this caller to stop");
    };
    scope(|scope| {
        let callers = [(); 6].map(|()| scope.spawn(call));
        soon("the callers are at work", || answered.load(Ordering::Relaxed) > 300);
        server.signal("TERM");
        assert_eq!(server.wait().code(), Some(0), "{}", server.log());
        for caller in callers {
            caller.join().unwrap();
        }
    });
    assert!(!server.log().contains("cut"), "{}", server.log());
}

#[test]
fn what_is_on_its_way_when_the_stop_comes_is_answered_and_probes_see_why() {
    let installation = Installation::new();
    let mut server = installation.serve(&[]);
    let held = Held::begin(&server);
    let (mut idle, mut fresh, mut begun) =
        (Connection::open(server.public), Connection::open(server.public), Connection::open(server.public));
    idle.send(get("/oauth2/jwks"));
    assert_eq!(idle.answer().field("connection"), None);
    let request = get("/oauth2/jwks");
    let (start, end) = request.split_at(30);
    begun.send(start);

    server.signal("TERM");
    soon("the server is not ready any more", || health(&server, "ready") == 503);
    for connection in [&mut idle, &mut fresh] {
        connection.send(&request);
    }
    begun.send(end);
    for mut connection in [idle, fresh, begun] {
        let answer = connection.answer();
        assert_eq!((answer.status, answer.field("connection")), (200, Some("close")));
        assert_eq!(connection.rest(), "");
    }
    soon("nobody new is let in", || TcpStream::connect(server.public).is_err());
    // The request in flight holds the stop up.
    assert_eq!((health(&server, "ready"), health(&server, "live")), (503, 200));
    held.end();
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
}

#[test]
fn an_idle_server_stops_soon_after_either_signal() {
    let installation = Installation::new();
    for signal in ["TERM", "INT"] {
        let mut server = installation.serve(&[]);
        let mut silent = connect(server.public);
        let started = Instant::now();
        server.signal(signal);
        assert_eq!(server.wait().code(), Some(0), "{}", server.log());
        // Silence is patiently listened to for 10 s, but not by a server that is to stop.
        assert!(started.elapsed() < Duration::from_secs(8));
        assert!(std::io::Read::read(&mut silent, &mut [0]).is_ok_and(|count| count == 0));
        // Whoever copies the file of a server that has stopped has all of it.
        assert!(!installation.data().join("chancery.db-wal").exists(), "the store was not closed");
    }
}

#[test]
fn a_second_signal_does_not_wait() {
    let installation = Installation::new();
    let mut server = installation.serve(&[]);
    let held = Held::begin(&server);
    server.signal("TERM");
    soon("the server is stopping", || health(&server, "ready") == 503);
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(130), "{}", server.log());
    drop(held);
}
