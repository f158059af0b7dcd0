//! The issuance stream: a line of JSON for each token that is issued and each request that is refused.
//! Not for: the log (`tracing`), or what operators change (audit events).

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};

use crate::domain::api::Api;
use crate::domain::application::ClientId;
use crate::domain::id::{CredentialId, KeyId, RequestId, TokenId};
use crate::domain::scope::ScopeName;
use crate::domain::time::Timestamp;

pub mod file;
mod line;
pub mod writer;

pub(super) use line::{issued_line, refused_line};

/// A token that is about to be handed out.
#[derive(Debug, Clone, Copy)]
pub struct Issued<'token> {
    /// When it was granted.
    pub at: Timestamp,
    /// The `X-Request-Id` of the answer.
    pub request: RequestId,
    /// Where the request came from, as far as the connection tells.
    pub source: Option<IpAddr>,
    /// Whom it is issued to.
    pub application: &'token ClientId,
    /// What the application proved itself with.
    pub credential: CredentialId,
    /// What it permits.
    pub scopes: &'token [ScopeName],
    /// The APIs that its `aud` names; none when it names the application itself.
    pub apis: &'token [Arc<Api>],
    /// Its `jti`.
    pub token: TokenId,
    /// Its `kid`.
    pub key: KeyId,
    /// Its `exp`.
    pub expires_at: Timestamp,
    /// Whether it was handed out before.
    pub is_reused: bool,
}

/// Where lines are put. They are written by somebody else, so that no request waits for a disk.
pub struct Issuance(Option<Queue>);

struct Queue {
    messages: SyncSender<Message>,
    /// How many lines found no room since that was last told.
    lost: Arc<AtomicU64>,
}

/// What goes to the writer.
enum Message {
    /// A line, without its end.
    Line(String),
    /// Nothing comes after this.
    End,
}

impl Issuance {
    /// No stream. It costs nothing.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Puts a line into the queue; one for which there is no room is lost, and counted.
    pub(super) fn note(&self, line: impl FnOnce() -> String) {
        let Some(queue) = &self.0 else { return };
        match queue.messages.try_send(Message::Line(line())) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                queue.lost.fetch_add(1, Ordering::AcqRel);
            }
        }
    }
}
