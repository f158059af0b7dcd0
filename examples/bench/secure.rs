//! Loads over TLS 1.3 and HTTP/2: tokens on connections that are kept alive, and connections that are made for one request.
//! Not for: HTTP/1.1 without TLS (`load.rs`).

use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::connection::Connection;
use super::load::Kind;
use super::{BUSY, Outcome};

/// Connections that `BUSY` streams of HTTP/2 are spread over.
const SHARED: usize = 4;

/// What is asked once on each new connection: something that takes no time.
const ONCE: &str = "GET /oauth2/jwks HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Times of answers, and how many connections were resumed.
type Times = (Vec<Duration>, u64);

type Done<T> = Result<T, String>;

/// Asks for `seconds` and prints: answers, seconds, median and 99th percentile in microseconds, connections resumed.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub(super) fn run(address: SocketAddr, how: &str, folder: &Path, seconds: u64) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ((mut times, resumed), elapsed) = runtime.block_on(async {
        // Never asleep (`load.rs`).
        tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        let started = Instant::now();
        let end = started + Duration::from_secs(seconds);
        let mut tasks = Vec::new();
        for number in 0..BUSY {
            let caller = Caller { address, tls: connector(folder, how)?, end };
            match how {
                "plain" => tasks.push(tokio::spawn(caller.connect_without_tls())),
                "full" | "resumed" => tasks.push(tokio::spawn(caller.connect())),
                "tls" => tasks.push(tokio::spawn(caller.keep())),
                "h2" | "h2c" if number < SHARED => tasks.push(tokio::spawn(caller.share(how == "h2"))),
                "h2" | "h2c" => {}
                _ => return Err("no such way".into()),
            }
        }
        let (mut times, mut resumed) = (Vec::new(), 0);
        for task in tasks {
            let (further, count) = task.await??;
            times.extend(further);
            resumed += count;
        }
        Ok::<_, Box<dyn std::error::Error>>(((times, resumed), started.elapsed()))
    })?;
    times.sort_unstable();
    let percentile = |percent: usize| times.get(times.len() * percent / 100).map_or(0, Duration::as_micros);
    let (count, elapsed) = (times.len(), elapsed.as_secs_f64());
    writeln!(stdout(), "{count} {elapsed} {} {} {resumed}", percentile(50), percentile(99))?;
    Ok(())
}

/// A client that trusts the server's certificate.
fn connector(folder: &Path, how: &str) -> Outcome<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("certificate.pem"))?)?;
    let mut config = ClientConfig::builder_with_provider(chancery::http::tls::provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    if how != "resumed" {
        config.resumption = Resumption::disabled();
    }
    config.alpn_protocols = vec![if how == "h2" { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Opens a connection with TLS.
pub(super) async fn open(
    tls: &TlsConnector,
    address: SocketAddr,
    is_short: bool,
) -> Done<TlsStream<TcpStream>> {
    let failed = |error: std::io::Error| error.to_string();
    let name = ServerName::try_from("localhost").map_err(|error| error.to_string())?;
    tls.connect(name, tcp(address, is_short).await?).await.map_err(failed)
}

/// Opens one without.
pub(super) async fn tcp(address: SocketAddr, is_short: bool) -> Done<TcpStream> {
    let failed = |error: std::io::Error| error.to_string();
    let stream = TcpStream::connect(address).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    if is_short {
        // So many short connections would soon use up all ports.
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).map_err(failed)?;
    }
    Ok(stream)
}

/// A client of one or more connections for a generator of its own kind.
pub(super) fn client(folder: &Path) -> Outcome<TlsConnector> {
    connector(folder, "tls")
}

/// One of those that ask.
struct Caller {
    address: SocketAddr,
    tls: TlsConnector,
    end: Instant,
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
impl Caller {
    /// Asks once on each of many connections.
    async fn connect(self) -> Done<Times> {
        let (mut times, mut resumed) = (Vec::new(), 0);
        while Instant::now() < self.end {
            let began = Instant::now();
            let stream = open(&self.tls, self.address, true).await?;
            if stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed) {
                resumed += 1;
            }
            ask(&mut Connection::over(stream), ONCE, "keys").await?;
            times.push(began.elapsed());
        }
        Ok((times, resumed))
    }

    /// The same without TLS.
    async fn connect_without_tls(self) -> Done<Times> {
        let mut times = Vec::new();
        while Instant::now() < self.end {
            let began = Instant::now();
            ask(&mut Connection::over(tcp(self.address, true).await?), ONCE, "keys").await?;
            times.push(began.elapsed());
        }
        Ok((times, 0))
    }

    /// Asks for tokens on one connection.
    async fn keep(self) -> Done<Times> {
        let request = Kind::Token.request(self.address).map_err(|error| error.to_string())?;
        let mut connection = Connection::over(open(&self.tls, self.address, false).await?);
        let mut times = Vec::new();
        while Instant::now() < self.end {
            let began = Instant::now();
            ask(&mut connection, &request, "access_token").await?;
            times.push(began.elapsed());
        }
        Ok((times, 0))
    }

    /// Asks for tokens on several streams of one connection.
    async fn share(self, has_tls: bool) -> Done<Times> {
        let failed = |error: hyper::Error| error.to_string();
        let sender = if has_tls {
            let io = TokioIo::new(open(&self.tls, self.address, false).await?);
            let (sender, connection) = handshake(TokioExecutor::new(), io).await.map_err(failed)?;
            tokio::spawn(connection);
            sender
        } else {
            let io = TokioIo::new(tcp(self.address, false).await?);
            let (sender, connection) = handshake(TokioExecutor::new(), io).await.map_err(failed)?;
            tokio::spawn(connection);
            sender
        };
        let streams: Vec<_> =
            (0..BUSY / SHARED).map(|_| tokio::spawn(stream(sender.clone(), self.end))).collect();
        let mut times = Vec::new();
        for stream in streams {
            times.extend(stream.await.map_err(|error| error.to_string())??);
        }
        Ok((times, 0))
    }
}

async fn ask<S>(connection: &mut Connection<S>, request: &str, part: &str) -> Done<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let answer = connection.ask(request).await?;
    let is_good =
        answer.starts_with(b"HTTP/1.1 200") && memchr::memmem::find(answer, part.as_bytes()).is_some();
    if is_good { Ok(()) } else { Err(String::from_utf8_lossy(answer).into_owned()) }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
async fn stream(mut sender: SendRequest<Full<Bytes>>, end: Instant) -> Done<Vec<Duration>> {
    let form = Bytes::from(Kind::Token.form());
    let mut times = Vec::new();
    while Instant::now() < end {
        let began = Instant::now();
        let request = http::Request::post("https://localhost/oauth2/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::new(form.clone()))
            .map_err(|error| error.to_string())?;
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        if status != http::StatusCode::OK || memchr::memmem::find(&body, b"access_token").is_none() {
            return Err(format!("{status} {}", String::from_utf8_lossy(&body)));
        }
        times.push(began.elapsed());
    }
    Ok(times)
}
