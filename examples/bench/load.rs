//! The load generator: connections that each ask, wait for the answer, and ask again.
//! Not for: judging the answers beyond their status.

use std::error::Error;
use std::io::{Read, Write, stdout};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chancery::crypto::algorithm;

use super::Outcome;
use super::connection::{Connection, is_whole, post};
use super::registry::{self, CLIENT_ID, NEIGHBOUR, REUSING, SCOPE, SECRET};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A token signed with RS256.
    Token,
    /// The same, for another application.
    Neighbour,
    /// The same, for an application whose tokens are reused.
    Reused,
    /// A token of the tenant that signs with this algorithm.
    Signed(&'static str),
    /// The request for a token, to a server whose answer is always the same.
    Constant,
    /// A token of another project's server.
    Peer,
    /// A token for an application that does not exist.
    UnknownClient,
    /// A token with a wrong secret.
    WrongSecret,
    /// A token for ten thousand scopes.
    HugeScope,
    /// Whether a token is active, asked by its owner again and again.
    Introspect,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Token,
        Self::Neighbour,
        Self::Reused,
        Self::Constant,
        Self::Peer,
        Self::UnknownClient,
        Self::WrongSecret,
        Self::HugeScope,
        Self::Introspect,
    ];

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Neighbour => "neighbour",
            Self::Reused => "reused",
            Self::Signed(algorithm) => algorithm,
            Self::Constant => "constant",
            Self::Peer => "peer",
            Self::UnknownClient => "unknown-client",
            Self::WrongSecret => "wrong-secret",
            Self::HugeScope => "huge-scope",
            Self::Introspect => "introspect",
        }
    }

    /// The kind of this name.
    pub(super) fn parse(name: &str) -> Outcome<Self> {
        let signed = algorithm::find(name).map(|algorithm| Self::Signed(algorithm.name()));
        let kind = Self::ALL.into_iter().find(|kind| kind.name() == name).or(signed);
        kind.ok_or_else(|| "no such kind".into())
    }

    /// Whether an answer is the one that is expected.
    pub(super) fn is_answered_by(self, answer: &[u8]) -> bool {
        let (start, part) = match self {
            Self::UnknownClient | Self::WrongSecret => ("HTTP/1.1 401", ""),
            Self::HugeScope => ("HTTP/1.1 400", ""),
            Self::Introspect => ("HTTP/1.1 200", r#"{"active":true"#),
            _ => ("HTTP/1.1 200", "access_token"),
        };
        answer.starts_with(start.as_bytes()) && memchr::memmem::find(answer, part.as_bytes()).is_some()
    }

    /// The host whose tenant is asked.
    fn host(self) -> String {
        match self {
            Self::Signed(algorithm) => registry::host(algorithm),
            _ => "localhost".to_owned(),
        }
    }

    /// The form of a request for a token.
    pub(super) fn form(self) -> String {
        let (client_id, secret) = match self {
            Self::UnknownClient => ("nobody", SECRET),
            // Of the form of the right one: one of another form is soon not judged any more.
            Self::WrongSecret => (CLIENT_ID, "chy_AnotherSecretThatIsNobodysInTheBenchmark000a4KcJ2"),
            Self::Neighbour => (NEIGHBOUR, SECRET),
            Self::Reused => (REUSING, SECRET),
            _ => (CLIENT_ID, SECRET),
        };
        let scope = if self == Self::HugeScope { vec!["abcde"; 10_000].join("+") } else { SCOPE.to_owned() };
        // Without a resource one of them issues no JWT.
        let resource = if self == Self::Peer { "&resource=https%3A%2F%2Fapi.example.com" } else { "" };
        format!(
            "grant_type=client_credentials&client_id={client_id}&client_secret={secret}&scope={scope}{resource}"
        )
    }

    /// The request. One about a token gets it first.
    pub(super) fn request(self, address: SocketAddr) -> Outcome<String> {
        let host = self.host();
        if self == Self::Introspect {
            let token = once(address, Self::Token)?;
            let form = format!("client_id={CLIENT_ID}&client_secret={SECRET}&token={token}");
            return Ok(post(&host, "/oauth2/introspect", &form));
        }
        let path = if self == Self::Peer { "/token" } else { "/oauth2/token" };
        Ok(post(&host, path, &self.form()))
    }
}

/// Gets one token on a new connection.
pub(super) fn once(address: SocketAddr, kind: Kind) -> Outcome<String> {
    token(address, &kind.request(address)?)
}

/// Gets one token with a request.
pub(super) fn token(address: SocketAddr, request: &str) -> Outcome<String> {
    let answer = answer(address, request)?;
    // Others write a space after the colon.
    let token = answer.split(r#""access_token":"#).nth(1).and_then(|rest| rest.split('"').nth(1));
    token.map(str::to_owned).ok_or_else(|| format!("no token: {answer}").into())
}

/// Gets one answer on a new connection.
pub(super) fn answer(address: SocketAddr, request: &str) -> Outcome<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(request.as_bytes())?;
    let (mut answer, mut part) = (Vec::new(), [0; 16 * 1024]);
    while !is_whole(&answer) {
        let count = stream.read(&mut part)?;
        if count == 0 {
            return Err("the server closed the connection".into());
        }
        answer.extend_from_slice(part.get(..count).unwrap_or_default());
    }
    Ok(String::from_utf8(answer)?)
}

/// Asks for `seconds` and prints: answers, seconds, median and 99th percentile in microseconds.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub(super) fn run(address: SocketAddr, kind: Kind, connections: usize, seconds: u64) -> Outcome {
    let request: Arc<str> = kind.request(address)?.into();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut times, elapsed) = runtime.block_on(async {
        let started = Instant::now();
        let end = started + Duration::from_secs(seconds);
        let tasks: Vec<_> =
            (0..connections).map(|_| tokio::spawn(ask(address, kind, Arc::clone(&request), end))).collect();
        // Never asleep, so that no answer has to wake this processor up: that would be counted as work of the server's, and
        // the more the longer its answers take.
        tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        let mut times = Vec::new();
        for task in tasks {
            times.extend(task.await?.map_err(|why| format!("{}: {why}", kind.name()))?);
        }
        Ok::<_, Box<dyn Error>>((times, started.elapsed()))
    })?;
    times.sort_unstable();
    let percentile = |percent: usize| times.get(times.len() * percent / 100).map_or(0, Duration::as_micros);
    writeln!(stdout(), "{} {} {} {}", times.len(), elapsed.as_secs_f64(), percentile(50), percentile(99))?;
    Ok(())
}

/// One connection.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
async fn ask(
    address: SocketAddr,
    kind: Kind,
    request: Arc<str>,
    end: Instant,
) -> Result<Vec<Duration>, String> {
    let mut connection = Connection::open(address).await?;
    let mut times = Vec::new();
    while Instant::now() < end {
        let asked = Instant::now();
        let answer = connection.ask(&request).await?;
        if !kind.is_answered_by(answer) {
            return Err(String::from_utf8_lossy(answer).into_owned());
        }
        times.push(asked.elapsed());
    }
    Ok(times)
}
