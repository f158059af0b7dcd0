//! Credentials: what an application may prove itself with.
//! Not for: the proof itself (`oauth/client_auth`).

use super::id::{ApplicationId, CredentialId};
use super::time::Timestamp;
use crate::crypto::secret::SecretDigest;

/// A client secret, as it is kept. Several may be live at once.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Its identity.
    pub id: CredentialId,
    /// Whose it is.
    pub application: ApplicationId,
    /// What the operator calls it. May be empty.
    pub label: String,
    /// The keyed digest of the secret.
    pub digest: SecretDigest,
    /// The fingerprint of the master key the digest was made under.
    pub digested_under: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// From when on it proves nothing; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// When it last proved an application, to within the interval at which the server writes it down.
    pub last_used_at: Option<Timestamp>,
}

impl Credential {
    /// Whether it proves anything at `now`. It stops at its very instant.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expiry| now < expiry)
    }
}
