//! The issuer's keys, kept for as long as the issuer allows and fetched again, seldom, when one is unknown.
//! Not for: judging tokens (`guard.rs`).

use std::io::{Write, stderr};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use chancery::domain::signing_key::JWKS_MAX_AGE;
use chancery::http::client::Issuer;
use chancery::oauth::jwks::VerificationKey;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long to wait between two fetches. A token may name any key: without it, callers could make this server ask
/// the issuer as often as they like.
const PAUSE: Duration = Duration::from_secs(10);

/// The keys, and whom to ask for them.
pub(super) struct Keys {
    issuer: Issuer,
    held: ArcSwap<Held>,
    /// When the issuer was last asked. Whoever asks it holds the lock, so that one asks for all.
    asked: Mutex<Option<Instant>>,
}

/// Keys as they were fetched at one time.
pub(super) struct Held {
    /// The keys.
    pub(super) keys: Vec<VerificationKey>,
    fetched: Option<Instant>,
}

/// The issuer did not answer, and what is held is too old.
pub(super) struct Unavailable;

impl Keys {
    /// No keys yet.
    pub(super) fn new(issuer: Issuer) -> Self {
        let nothing = Held { keys: Vec::new(), fetched: None };
        Self { issuer, held: ArcSwap::from_pointee(nothing), asked: Mutex::new(None) }
    }

    /// Keys that are not too old.
    pub(super) async fn fresh(&self) -> Result<Arc<Held>, Unavailable> {
        let held = self.held.load_full();
        if held.is_fresh() { Ok(held) } else { self.newer_than(&held).await }
    }

    /// Keys that were fetched after these, or these again if the issuer was asked a moment ago.
    pub(super) async fn newer_than(&self, known: &Arc<Held>) -> Result<Arc<Held>, Unavailable> {
        let mut asked = self.asked.lock().await;
        let is_known = Arc::ptr_eq(&self.held.load(), known);
        if is_known && asked.is_none_or(|asked| asked.elapsed() >= PAUSE) {
            // Before, not after: a caller that goes away meanwhile ends this call, and must not undo the pause.
            *asked = Some(Instant::now());
            match self.issuer.keys().await {
                Ok(keys) => self.held.store(Arc::new(Held { keys, fetched: Some(Instant::now()) })),
                Err(error) => drop(writeln!(stderr(), "the keys were not fetched: {error}")),
            }
        }
        let held = self.held.load_full();
        if held.is_fresh() { Ok(held) } else { Err(Unavailable) }
    }
}

impl Held {
    fn is_fresh(&self) -> bool {
        self.fetched.is_some_and(|fetched| fetched.elapsed() < JWKS_MAX_AGE)
    }
}
