//! Connections to one address, taken in turn, and what an answer says.
//! Not for: what is asked (`door.rs`, `desk.rs`).

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::connection::Connection;

/// A connection that nobody has used for so long is not used again: the other end may be closing it just now.
const IDLE_FOR: Duration = Duration::from_secs(2);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The head in lower case.
    head: String,
    pub(crate) body: String,
}

impl Answer {
    fn read(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        Some(Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() })
    }

    /// Whether it has a header field.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.head.lines().any(|line| line.split(':').next() == Some(name))
    }

    /// The body, if it is JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The answer in a line, without what may be secret.
    pub(crate) fn shown(&self) -> String {
        let body: String = self.body.chars().take(200).collect();
        format!("{} {body}", self.status)
    }
}

/// Connections to one address.
pub(crate) struct Wire {
    address: SocketAddr,
    deadline: Duration,
    keeps_alive: bool,
    idle: Mutex<Vec<(Connection, Instant)>>,
}

impl Wire {
    /// No connection yet. Who has no answer when the deadline has passed waits no longer.
    pub(crate) fn new(address: SocketAddr, deadline: Duration) -> Self {
        Self { address, deadline, keeps_alive: true, idle: Mutex::default() }
    }

    /// From now on it is waited so long.
    pub(crate) fn set_deadline(&mut self, deadline: Duration) {
        self.deadline = deadline;
    }

    /// From now on each request has a connection of its own.
    pub(crate) fn set_single(&mut self) {
        self.keeps_alive = false;
    }

    /// Asks over a connection that nobody uses now, or a new one.
    pub(crate) async fn ask(&self, request: &str) -> Result<Answer, String> {
        timeout(self.deadline, self.ask_now(request))
            .await
            .unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }

    async fn ask_now(&self, request: &str) -> Result<Answer, String> {
        let mut connection = match self.take() {
            Some(connection) => connection,
            None => Connection::open(self.address).await?,
        };
        let answer = Answer::read(connection.ask(request).await?).ok_or("no HTTP")?;
        if self.keeps_alive && !answer.head.contains("connection: close") {
            self.with(|idle| idle.push((connection, Instant::now())));
        }
        Ok(answer)
    }

    fn take(&self) -> Option<Connection> {
        self.with(|idle| {
            idle.retain(|(_, since)| since.elapsed() < IDLE_FOR);
            idle.pop().map(|(connection, _)| connection)
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Vec<(Connection, Instant)>) -> T) -> T {
        work(&mut self.idle.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
