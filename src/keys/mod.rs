//! The life of signing keys: which one signs now, which are published, where signing happens.
//! Not for: storing them (`store`) or what is signed (`oauth`).

use std::sync::Arc;

use crate::crypto::algorithm::{self, Signer};
use crate::crypto::jwk::PublicKey;
use crate::domain::id::KeyId;
use crate::domain::signing_key::{KeyState, SigningKey};

pub mod signing;
pub mod vault;

use vault::{CannotUse, Vault};

/// A tenant's keys, opened and ready: parsed once, never again for a token.
pub struct KeyRing {
    active: Arc<ReadyKey>,
    published: Vec<PublishedKey>,
}

/// The key that signs.
pub struct ReadyKey {
    /// Its id.
    pub id: KeyId,
    /// The name of its algorithm.
    pub algorithm: &'static str,
    /// What makes the signature.
    pub signer: Arc<dyn Signer>,
}

/// A key in the JWKS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedKey {
    /// Its id.
    pub id: KeyId,
    /// The name of its algorithm.
    pub algorithm: String,
    /// The key itself.
    pub public: PublicKey,
}

impl KeyRing {
    /// Opens the active key and lists those to publish. A key that `former` has open already is not opened again.
    ///
    /// # Errors
    /// When no key is active, or the active one does not open.
    pub fn open(vault: &Vault, keys: &[SigningKey], former: Option<&Self>) -> Result<Self, CannotUse> {
        let active = keys.iter().rfind(|key| key.state == KeyState::Active).ok_or(CannotUse::NoActiveKey)?;
        let ready = match former.map(|former| &former.active) {
            Some(ready) if ready.id == active.id && *ready.signer.public_key() == active.public => {
                Arc::clone(ready)
            }
            _ => Arc::new(Self::make_ready(vault, active)?),
        };
        // A key that does not sign is opened as well, once: whoever can write the store, but has no master key, must
        // not be able to publish a key of his own.
        for key in keys.iter().filter(|key| key.state.is_published() && key.id != active.id) {
            let is_known =
                |published: &PublishedKey| published.id == key.id && published.public == key.public;
            if !former.is_some_and(|former| former.published.iter().any(is_known)) {
                Self::make_ready(vault, key)?;
            }
        }
        let published = keys
            .iter()
            .filter(|key| key.state.is_published())
            .map(|key| PublishedKey {
                id: key.id,
                algorithm: key.algorithm.clone(),
                public: key.public.clone(),
            })
            .collect();
        Ok(Self { active: ready, published })
    }

    /// The key that signs now.
    #[must_use]
    pub fn active(&self) -> &Arc<ReadyKey> {
        &self.active
    }

    /// The keys of the JWKS, oldest first.
    #[must_use]
    pub fn published(&self) -> &[PublishedKey] {
        &self.published
    }

    fn make_ready(vault: &Vault, key: &SigningKey) -> Result<ReadyKey, CannotUse> {
        let algorithm = algorithm::find(&key.algorithm).ok_or(CannotUse::UnknownAlgorithm { key: key.id })?;
        let signer = algorithm.signer(&vault.open(key)?).map_err(|_| CannotUse::Damaged { key: key.id })?;
        if *signer.public_key() != key.public {
            // What verifiers fetch would not verify what we sign.
            return Err(CannotUse::Damaged { key: key.id });
        }
        Ok(ReadyKey { id: key.id, algorithm: algorithm.name(), signer })
    }
}
