//! The load generator: connections that each ask, wait for the answer, and ask again.
//! Not for: judging the answers beyond their status.

use std::error::Error;
use std::io::{Read, Write, stdout};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Outcome;
use super::connection::{Connection, post};
use super::registry::{CLIENT_ID, SCOPE, SECRET};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A token signed with RS256.
    Token,
    /// One signed with ES256.
    Es256,
    /// One signed with Ed25519.
    EdDsa,
    /// The request for a token, to a server whose answer is always the same.
    Constant,
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
    const ALL: [Self; 8] = [
        Self::Token,
        Self::Es256,
        Self::EdDsa,
        Self::Constant,
        Self::UnknownClient,
        Self::WrongSecret,
        Self::HugeScope,
        Self::Introspect,
    ];

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Constant => "constant",
            Self::UnknownClient => "unknown-client",
            Self::WrongSecret => "wrong-secret",
            Self::HugeScope => "huge-scope",
            Self::Introspect => "introspect",
        }
    }

    /// The kind of this name.
    pub(super) fn parse(name: &str) -> Outcome<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| "no such kind".into())
    }

    /// Whether an answer is the one that is expected.
    fn is_answered_by(self, answer: &[u8]) -> bool {
        let (start, part) = match self {
            Self::Token | Self::Es256 | Self::EdDsa | Self::Constant => ("HTTP/1.1 200", "access_token"),
            // 401, and 429 when too many have failed.
            Self::UnknownClient | Self::WrongSecret => ("HTTP/1.1 4", ""),
            Self::HugeScope => ("HTTP/1.1 400", ""),
            Self::Introspect => ("HTTP/1.1 200", r#"{"active":true"#),
        };
        answer.starts_with(start.as_bytes())
            && (part.is_empty() || answer.windows(part.len()).any(|window| window == part.as_bytes()))
    }

    /// The host whose tenant is asked.
    fn host(self) -> &'static str {
        match self {
            Self::Es256 => "es256.localhost",
            Self::EdDsa => "eddsa.localhost",
            _ => "localhost",
        }
    }

    /// The request. One about a token gets it first.
    fn request(self, address: SocketAddr) -> Outcome<String> {
        let host = self.host();
        if self == Self::Introspect {
            let token = once(address, Self::Token)?;
            let form = format!("client_id={CLIENT_ID}&client_secret={SECRET}&token={token}");
            return Ok(post(host, "/oauth2/introspect", &form));
        }
        let (client_id, secret) = match self {
            Self::UnknownClient => ("nobody", SECRET),
            Self::WrongSecret => (CLIENT_ID, "a-wrong-one-that-is-as-long-as-the-right-one-would-be"),
            _ => (CLIENT_ID, SECRET),
        };
        let scope = if self == Self::HugeScope { vec!["abcde"; 10_000].join("+") } else { SCOPE.to_owned() };
        let form = format!(
            "grant_type=client_credentials&client_id={client_id}&client_secret={secret}&scope={scope}"
        );
        Ok(post(host, "/oauth2/token", &form))
    }
}

/// Gets one token on a new connection.
pub(super) fn once(address: SocketAddr, kind: Kind) -> Outcome<String> {
    token(address, &kind.request(address)?)
}

/// Gets one token with a request.
pub(super) fn token(address: SocketAddr, request: &str) -> Outcome<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(request.as_bytes())?;
    let mut answer = [0; 4096];
    let count = stream.read(&mut answer)?;
    let answer = String::from_utf8_lossy(answer.get(..count).unwrap_or_default());
    let token = answer.split(r#""access_token":""#).nth(1).and_then(|rest| rest.split('"').next());
    token.map(str::to_owned).ok_or_else(|| format!("no token: {answer}").into())
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
