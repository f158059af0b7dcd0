//! Credentials: what an application may prove itself with.
//! Not for: the proof itself (`oauth/client_auth`).

use std::sync::OnceLock;

use super::id::{ApplicationId, CredentialId};
use super::time::Timestamp;
use crate::crypto::secret::{QuickDigest, SecretDigest};
use crate::crypto::slow_hash::SlowHash;

/// A client secret, as it is kept. Several may be live at once.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Its identity.
    pub id: CredentialId,
    /// Whose it is.
    pub application: ApplicationId,
    /// What the operator calls it. May be empty.
    pub label: String,
    /// What a presented secret is compared with.
    pub verifier: Verifier,
    /// When it was added.
    pub created_at: Timestamp,
    /// From when on it proves nothing; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// When it last proved an application, to within the interval at which the server writes it down.
    pub last_used_at: Option<Timestamp>,
}

/// What is kept of a secret.
#[derive(Debug, Clone)]
pub enum Verifier {
    /// Our digest of it.
    Keyed(KeyedDigest),
    /// The hash that another server made of it, until it is used here for the first time.
    Imported(SlowHash),
}

/// A digest that only whoever has the master key can make.
#[derive(Debug, Clone)]
pub struct KeyedDigest {
    /// The digest.
    pub digest: SecretDigest,
    /// The fingerprint of the master key it was made under.
    pub under: String,
    /// Nothing before the secret was proved to this process.
    proved: OnceLock<QuickDigest>,
}

impl KeyedDigest {
    /// A digest under the master key of this fingerprint.
    #[must_use]
    pub fn new(digest: SecretDigest, under: String) -> Self {
        Self { digest, under, proved: OnceLock::new() }
    }

    /// Whether a secret with this quick digest was proved to this process before.
    #[must_use]
    pub fn was_proved(&self, quick: &QuickDigest) -> bool {
        self.proved.get().is_some_and(|proved| proved.matches(quick))
    }

    /// Remembers that the secret with this quick digest was proved.
    pub fn note_proved(&self, quick: QuickDigest) {
        // One who was quicker has noted the same.
        let _ = self.proved.set(quick);
    }
}

impl Credential {
    /// Whether it proves anything at `now`. It stops at its very instant.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expiry| now < expiry)
    }

    /// Our digest of the secret, if it is kept so.
    #[must_use]
    pub fn keyed(&self) -> Option<&KeyedDigest> {
        match &self.verifier {
            Verifier::Keyed(keyed) => Some(keyed),
            Verifier::Imported(_) => None,
        }
    }

    /// The hash that another server made of the secret, if it is kept so.
    #[must_use]
    pub fn imported(&self) -> Option<&SlowHash> {
        match &self.verifier {
            Verifier::Keyed(_) => None,
            Verifier::Imported(hash) => Some(hash),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::SystemRandom;
    use crate::crypto::secret::{QuickKey, SecretText};

    #[test]
    fn what_was_proved_is_known_and_nothing_else() {
        let key = QuickKey::generate(&SystemRandom);
        let quick = |secret| key.digest(&[1; 16], &SecretText::in_place(secret));
        let keyed = KeyedDigest::new(SecretDigest::from_bytes([0; 32]), "0123abcd".to_owned());
        assert!(!keyed.was_proved(&quick("right")));
        keyed.note_proved(quick("right"));
        assert!(keyed.was_proved(&quick("right")) && !keyed.was_proved(&quick("wrong")));
        // A copy is of the same secret.
        assert!(keyed.clone().was_proved(&quick("right")));
    }
}
