//! Signing keys: their states and what is kept of them.
//! Not for: the opened key (`keys`) or the arithmetic (`crypto`).

use std::time::Duration;

use super::Invalid;
use super::id::{KeyId, TenantId};
use super::time::Timestamp;
use crate::crypto::jwk::PublicKey;
use crate::crypto::seal::Sealed;

/// How long verifiers may keep the JWKS before they ask again.
pub const JWKS_MAX_AGE: Duration = Duration::from_mins(5);

/// For how long at most a server may go on with what it has in memory while it cannot reach the store: it may sign for so
/// long with a key that has retired elsewhere.
pub const LONGEST_OUTAGE: Duration = Duration::from_hours(24);

/// A key pair of a tenant, its private half sealed.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// The `kid`.
    pub id: KeyId,
    /// Whose it is. Tenants never share a key.
    pub tenant: TenantId,
    /// The algorithm it is for, and no other.
    pub algorithm: String,
    /// Where in its life it is.
    pub state: KeyState,
    /// The public half, published while the key is not gone.
    pub public: PublicKey,
    /// The private half, sealed under the master key and bound to this row. Empty when the key is gone.
    pub sealed: Sealed,
    /// The fingerprint of that master key.
    pub sealed_under: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it came into its present state.
    pub state_since: Timestamp,
}

impl SigningKey {
    /// What the sealed private key is bound to: its tenant, its id and its algorithm.
    #[must_use]
    pub fn row(tenant: TenantId, id: KeyId, algorithm: &str) -> String {
        format!("{tenant}/{id}/{algorithm}")
    }
}

/// The digest key of a former master key, sealed: secrets that were digested under it are good for as long as they live.
#[derive(Debug, Clone)]
pub struct KeptDigestKey {
    /// The fingerprint of the master key it belongs to.
    pub fingerprint: String,
    /// The key, sealed under another master key and bound to the fingerprint.
    pub sealed: Sealed,
    /// The fingerprint of that other master key.
    pub sealed_under: String,
}

impl KeptDigestKey {
    /// What the sealed digest key is bound to.
    #[must_use]
    pub fn row(fingerprint: &str) -> String {
        format!("digest key {fingerprint}")
    }
}

/// Where in its life a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Published, does not sign yet.
    Upcoming,
    /// Published, signs.
    Active,
    /// Published, signs no more; its last tokens still live.
    Retiring,
    /// Neither published nor used.
    Gone,
}

impl KeyState {
    /// Every state, in the order of a key's life.
    pub const ALL: [Self; 4] = [Self::Upcoming, Self::Active, Self::Retiring, Self::Gone];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upcoming => "upcoming",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Gone => "gone",
        }
    }

    /// Whether the public half is in the JWKS.
    #[must_use]
    pub const fn is_published(self) -> bool {
        !matches!(self, Self::Gone)
    }

    /// The state of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| Invalid(format!("{text:?} is not a key state")))
    }
}
