//! Hundreds of connections that are silent, slow or half done: others are served, and the places are not theirs for long.
//! Not for: one such connection at a time (`http/slow.rs`), or floods (`floods.rs`).

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::{scope, sleep};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use http_body_util::{Full, StreamBody};
use hyper::Request;
use hyper::body::{Bytes, Frame};
use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use super::floods::{frame, preface};
use super::{get, serve_with_tls};
use crate::support::binary::{Installation, PATIENCE, RunningServer};
use crate::support::http2::Http2;
use crate::support::tls::{Certificate, localhost, secure};
use crate::support::wire::{Connection, connect};

/// So many of each kind.
const EACH: usize = 40;

/// Less than any deadline by which the connections of these tests end anyway.
const SOON: Duration = Duration::from_secs(9);

/// The head of a request for a token whose body does not come.
const SLOW_BODY: &str = "POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\n\
    Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ngrant_type=";

/// A server with an application.
struct Site {
    server: RunningServer,
    certificate: Certificate,
    form: String,
    _installation: Installation,
}

impl Site {
    fn start(arguments: &[&str]) -> Self {
        Self::with(|installation| installation.serve(arguments))
    }

    fn start_with_tls() -> Self {
        Self::with(serve_with_tls)
    }

    fn with(serve: impl Fn(&Installation) -> RunningServer) -> Self {
        let (installation, certificate) = (Installation::new(), Certificate::new());
        certificate.write(installation.folder());
        let added = installation.json(&["app", "add", "--name", "Caller", "--client-id", "caller"]);
        let secret = added["client_secret"].as_str().unwrap();
        let form = format!("grant_type=client_credentials&client_id=caller&client_secret={secret}");
        Self { server: serve(&installation), certificate, form, _installation: installation }
    }

    fn request(&self) -> String {
        let (length, form) = (self.form.len(), &self.form);
        format!(
            "POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
        )
    }

    fn request_for_http2(&self, scheme: &str) -> Request<Full<Bytes>> {
        let request = Request::post(format!("{scheme}://localhost/oauth2/token"))
            .header("content-type", "application/x-www-form-urlencoded");
        request.body(Full::from(self.form.clone())).unwrap()
    }
}

/// A caller that has no room for what it is sent, and reads nothing.
fn connect_without_room(address: SocketAddr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(2048).unwrap();
    socket.connect(&address.into()).unwrap();
    socket.into()
}

/// Whether the other side has closed, without reading anything: it refuses what it is sent then.
fn is_refused(mut stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    match stream.write_all(b"\n") {
        Ok(()) => false,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}

/// `POST /oauth2/token` with a body to come (RFC 7541 §6.2.2).
fn head_with_a_body() -> Vec<u8> {
    frame(
        1,
        0x4,
        1,
        b"\x83\x86\x04\x0d/oauth2/token\x01\x09localhost\x5f\x21application/x-www-form-urlencoded",
    )
}

#[test]
fn whoever_is_slow_keeps_nobody_from_a_token_and_is_sent_away() {
    let site = Site::start(&[]);
    let http2_body = [preface(), head_with_a_body(), frame(0, 0, 1, b"grant_type=")].concat();
    let kinds: [&[u8]; 6] = [
        b"",
        b"POST /oauth2/token HTTP/1.1\r\nHost: local",
        SLOW_BODY.as_bytes(),
        b"PRI * HT",
        &preface(),
        &http2_body,
    ];
    let mut slow: Vec<Connection> = Vec::new();
    let mut unread: Vec<TcpStream> = Vec::new();
    for _ in 0..EACH {
        for kind in kinds {
            let mut connection = Connection::open(site.server.public);
            connection.send(kind);
            slow.push(connection);
        }
        let mut stream = connect_without_room(site.server.public);
        stream.write_all(get("/oauth2/jwks").repeat(1_000).as_bytes()).unwrap();
        unread.push(stream);
    }
    let mut kept = Connection::open(site.server.public);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for _ in 0..10 {
        for connection in [&mut kept, &mut Connection::open(site.server.public)] {
            connection.send(site.request());
            assert_eq!(connection.answer().status, 200);
        }
        runtime.block_on(async {
            let mut connection = Http2::open(site.server.public).await;
            assert_eq!(connection.ask(site.request_for_http2("http")).await.status, 200);
        });
    }
    for mut connection in slow {
        connection.rest();
    }
    let started = Instant::now();
    while !unread.iter().all(is_refused) {
        assert!(started.elapsed() < PATIENCE, "some are still there");
        sleep(Duration::from_millis(100));
    }
    assert!(!site.server.log().contains("panicked"), "{}", site.server.log());
}

#[test]
fn whoever_does_half_a_handshake_keeps_nobody_from_a_token_and_is_sent_away() {
    let site = Site::start_with_tls();
    let client = site.certificate.client(rustls::ALL_VERSIONS, &["http/1.1"]);
    let hello = |name: ServerName<'static>| {
        let mut hello = Vec::new();
        ClientConnection::new(Arc::clone(&client), name).unwrap().write_tls(&mut hello).unwrap();
        hello
    };
    let whole = hello(localhost());
    let kinds: [&[u8]; 3] = [b"", &whole[..50], &whole];
    let (mut half, mut silent) = (Vec::new(), Vec::new());
    for _ in 0..EACH {
        for kind in kinds {
            let mut connection = Connection::open(site.server.public);
            connection.send(kind);
            half.push(connection);
        }
        silent.push(secure(site.server.public, &client).unwrap());
    }
    let mut kept = secure(site.server.public, &client).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for _ in 0..10 {
        for connection in [&mut kept, &mut secure(site.server.public, &client).unwrap()] {
            connection.send(site.request());
            assert_eq!(connection.answer().status, 200);
        }
        runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(site.server.public).await.unwrap();
            let connector = TlsConnector::from(site.certificate.client(rustls::ALL_VERSIONS, &["h2"]));
            let mut connection = Http2::over(connector.connect(localhost(), stream).await.unwrap()).await;
            assert_eq!(connection.ask(site.request_for_http2("https")).await.status, 200);
        });
    }
    for connection in &mut half {
        connection.rest();
    }
    for connection in &mut silent {
        assert_eq!(connection.rest(), "");
    }
}

/// Fills every place with connections that send this, opens another whenever one is closed, and asks for tokens.
fn asks_while_full(sent: &[u8], answers: usize) -> Duration {
    const PLACES: usize = 20;
    let site = Site::start(&["--listen-max-connections", &PLACES.to_string()]);
    let address = site.server.public;
    let begin = || {
        let mut connection = Connection::open(address);
        connection.send(sent);
        connection
    };
    let mut crowd: Vec<_> = (0..PLACES).map(|_| begin()).collect();
    for connection in &mut crowd {
        for _ in 0..answers {
            assert_eq!(connection.answer().status, 404);
        }
    }
    scope(|scope| {
        for mut connection in crowd {
            scope.spawn(move || {
                let mut end = [0];
                // As many come as go, for as long as anybody asks.
                let _ = connection.stream.read(&mut end);
                let Ok(mut again) = TcpStream::connect(address) else { return };
                let _ = again.write_all(sent);
                let _ = again.read(&mut end);
            });
        }
        let started = Instant::now();
        let mut honest = connect(address);
        honest.write_all(site.request().as_bytes()).unwrap();
        assert_eq!(Connection::over(honest).answer().status, 200);
        let waited = started.elapsed();
        // What is still open would be waited for.
        site.server.signal("KILL");
        waited
    })
}

#[test]
fn silent_connections_cannot_take_all_places() {
    let waited = asks_while_full(b"", 0);
    assert!(waited < SOON, "{waited:?}");
}

#[test]
fn slow_bodies_cannot_take_all_places() {
    let waited = asks_while_full(SLOW_BODY.as_bytes(), 0);
    assert!(waited < SOON, "{waited:?}");
}

/// The time they may idle is longer than this test has patience.
#[test]
fn idle_connections_cannot_take_all_places() {
    asks_while_full(get("/nowhere").as_bytes(), 1);
}

/// So many tokens are asked for while others try to fill the memory.
#[cfg(target_os = "linux")]
const ASKED: usize = 20;

/// Asks for tokens, each with its body in two parts, for about two seconds. Returns the most memory that the server had in
/// use meanwhile, in bytes, and how many were given; all others were refused for now.
#[cfg(target_os = "linux")]
async fn most_memory_while_asking(site: &Site) -> (u64, usize) {
    let (mut most, mut answered) = (0, 0);
    let (start, end) = site.form.split_at(20);
    for _ in 0..ASKED {
        let parts = [start, end].map(|part| Bytes::from(part.to_owned()));
        let parts = stream::iter(parts).then(|part| async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok::<_, Infallible>(Frame::data(part))
        });
        let request = site.request_for_http2("http").map(|_| StreamBody::new(Box::pin(parts)));
        let answer = Http2::open(site.server.public).await.ask(request).await;
        assert!([200, 503].contains(&answer.status), "{}", answer.status);
        answered += usize::from(answer.status == 200);
        most = most.max(super::memory(site.server.id()));
    }
    (most, answered)
}

/// Bodies of which most has come, and the rest does not: 114 MiB.
#[cfg(target_os = "linux")]
#[test]
fn bodies_that_are_never_complete_do_not_fill_the_memory() {
    const CONNECTIONS: usize = 20;
    const BODIES: usize = 100;
    const PART: usize = 60_000;
    let site = Site::start(&[]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let before = super::memory(site.server.id());
    let (most, answered) = runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..CONNECTIONS {
            let connection = Http2::open(site.server.public).await;
            for _ in 0..BODIES {
                let part = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b'x'; PART])))]);
                let request = Request::post("http://localhost/oauth2/token")
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(StreamBody::new(part.chain(stream::pending())))
                    .unwrap();
                let mut connection = connection.again();
                tasks.spawn(async move { connection.try_ask(request).await });
            }
        }
        most_memory_while_asking(&site).await
    });
    assert_eq!(answered, ASKED);
    let grown = most.saturating_sub(before);
    assert!(grown < 64 * 1024 * 1024, "{grown} bytes more");
}

/// The same for requests that are nothing but a head: 290 MiB.
#[cfg(target_os = "linux")]
#[test]
fn heads_without_their_bodies_do_not_fill_the_memory() {
    const CONNECTIONS: usize = 200;
    const HEADS: u32 = 100;
    // A field of its own with 15,000 bytes (RFC 7541 §6.2.2, §5.1).
    let field = [b"\x00\x07x-other\x7f\x99\x74".as_slice(), &[b'x'; 15_000]].concat();
    let block = [&head_with_a_body()[9..], &field].concat();
    let heads = (0..HEADS).map(|number| frame(1, 0x4, 2 * number + 1, &block));
    let sent = [preface(), heads.collect::<Vec<_>>().concat()].concat();
    let site = Site::start(&[]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let before = super::memory(site.server.id());
    let (most, answered) = scope(|scope| {
        let open = scope.spawn(|| {
            let open = |_| {
                let mut stream = connect(site.server.public);
                // It may be refused in the midst of it.
                let _ = stream.write_all(&sent);
                stream
            };
            (0..CONNECTIONS).map(open).collect::<Vec<_>>()
        });
        let asked = runtime.block_on(most_memory_while_asking(&site));
        drop(open.join().unwrap());
        asked
    });
    // The processor may be busy with the others for a moment.
    assert!(answered > ASKED / 2, "{answered} of {ASKED}");
    // A connection that is at work costs its own. Kept as they come, the heads would take 600 MiB.
    let grown = most.saturating_sub(before);
    assert!(grown < 200 * 1024 * 1024, "{grown} bytes more");
}

/// A request that comes after a rest is a request like any other, also when it comes in pieces.
#[test]
fn a_connection_that_rested_goes_on() {
    let (plain, secured) = (Site::start(&[]), Site::start_with_tls());
    let mut connection = Connection::open(plain.server.public);
    let mut secure = secured.certificate.connect(secured.server.public);
    for _ in 0..3 {
        sleep(Duration::from_millis(600));
        for piece in [&plain.request()[..9], &plain.request()[9..]] {
            connection.send(piece);
        }
        secure.send(secured.request().repeat(2));
        assert_eq!(connection.answer().status, 200);
        assert_eq!((secure.answer().status, secure.answer().status), (200, 200));
    }
    // An empty line before a request is none.
    connection.send("\r\n");
    sleep(Duration::from_millis(600));
    connection.send(plain.request());
    assert_eq!(connection.answer().status, 200);
}

/// 27 KiB each while they are at work; the row of the benchmark is 200 MiB for ten thousand.
#[cfg(target_os = "linux")]
#[test]
fn idle_connections_cost_little_memory() {
    let site = Site::start(&[]);
    let ask = |connection: &mut Connection| {
        connection.send(get("/oauth2/jwks"));
        assert_eq!(connection.answer().status, 200);
    };
    let mut first = Connection::open(site.server.public);
    ask(&mut first);
    let before = super::memory(site.server.id());
    let mut connections = Vec::new();
    for _ in 0..10 {
        for _ in 0..80 {
            let mut connection = Connection::open(site.server.public);
            ask(&mut connection);
            connections.push(connection);
        }
        // Those before are at rest when the next ones come.
        sleep(Duration::from_millis(400));
    }
    let each = super::memory(site.server.id()).saturating_sub(before) / connections.len() as u64;
    assert!(each < 12 * 1024, "{each} bytes for each idle connection");
    connections.iter_mut().for_each(ask);
}
