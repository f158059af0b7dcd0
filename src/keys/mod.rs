//! The life of signing keys: which one signs now, which are published, where signing happens.
//! Not for: storing them (`store`) or what is signed (`oauth`).

use std::sync::Arc;

use crate::crypto::algorithm::{self, Signer};
use crate::crypto::jwk::PublicKey;
use crate::crypto::jws;
use crate::domain::id::KeyId;
use crate::domain::signing_key::{KeyState, SigningKey};
use crate::domain::token::TokenProfile;

mod ahead;
mod error;
mod lines;
mod places;
pub mod rotate;
pub mod schedule;
pub mod signing;
#[cfg(test)]
mod simulation;
pub mod vault;

pub use error::CannotUse;
use vault::Vault;

/// A tenant's keys, opened and ready: parsed once, never again for a token.
pub struct KeyRing {
    /// The key that signs for whatever has no key of its own algorithm yet.
    stand_in: Arc<ReadyKey>,
    /// Every key that signs, the oldest first.
    active: Vec<Arc<ReadyKey>>,
    published: Vec<PublishedKey>,
}

/// A key that signs.
pub struct ReadyKey {
    /// Its id.
    pub id: KeyId,
    /// The name of its algorithm.
    pub algorithm: &'static str,
    /// What makes the signature.
    pub signer: Arc<dyn Signer>,
    /// The headers of its tokens, which are the same each time.
    headers: [String; TokenProfile::ALL.len()],
}

impl ReadyKey {
    fn new(id: KeyId, algorithm: &'static str, signer: Arc<dyn Signer>) -> Self {
        let headers = TokenProfile::ALL.map(|profile| {
            let typ = profile.typ();
            let mut header = String::new();
            jws::push_base64url(
                format!(r#"{{"kid":"{id}","typ":"{typ}","alg":"{algorithm}"}}"#).as_bytes(),
                &mut header,
            );
            header
        });
        Self { id, algorithm, signer, headers }
    }

    /// The header of a token of this shape, in base64url.
    #[must_use]
    pub fn header(&self, profile: TokenProfile) -> &str {
        let [ciam, rfc9068] = &self.headers;
        match profile {
            TokenProfile::Ciam => ciam,
            TokenProfile::Rfc9068 => rfc9068,
        }
    }
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
    /// Opens the active keys and lists those to publish. A key that `former` has open already is not opened again.
    ///
    /// # Errors
    /// When no key is active, or a published one does not open.
    pub fn open(vault: &Vault, keys: &[SigningKey], former: Option<&Self>) -> Result<Self, CannotUse> {
        let mut active = Vec::new();
        for key in keys.iter().filter(|key| key.state == KeyState::Active) {
            let is_known =
                |ready: &&Arc<ReadyKey>| ready.id == key.id && *ready.signer.public_key() == key.public;
            match former.and_then(|former| former.active.iter().find(is_known)) {
                Some(ready) => active.push(Arc::clone(ready)),
                None => active.push(Arc::new(Self::make_ready(vault, key)?)),
            }
        }
        let stand_in = Arc::clone(active.first().ok_or(CannotUse::NoActiveKey)?);
        // A key that does not sign is opened as well, once: whoever can write the store, but has no master key, must
        // not be able to publish a key of his own.
        for key in keys.iter().filter(|key| key.state.is_published() && key.state != KeyState::Active) {
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
        Ok(Self { stand_in, active, published })
    }

    /// While the tenant's algorithm is new and has no key that signs, its former one is what verifiers know: that of the
    /// oldest key whose algorithm no API has for itself.
    #[must_use]
    pub fn sparing(mut self, is_of_an_api: impl Fn(&str) -> bool) -> Self {
        if let Some(key) = self.active.iter().find(|key| !is_of_an_api(key.algorithm)) {
            self.stand_in = Arc::clone(key);
        }
        self
    }

    /// The key that signs now for whoever wants the first of these algorithms, or else the next, and so on. While there
    /// is a key for none of them, because it was published too short a time ago, another one stands in.
    #[must_use]
    pub fn active(&self, wanted: &[&str]) -> &Arc<ReadyKey> {
        let newest = |algorithm: &&str| self.active.iter().rfind(|key| key.algorithm == *algorithm);
        wanted.iter().find_map(newest).unwrap_or(&self.stand_in)
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
        Ok(ReadyKey::new(key.id, algorithm.name(), signer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::algorithm::SigningFailed;
    use crate::crypto::random::SystemRandom;

    struct Dummy(PublicKey);

    impl Signer for Dummy {
        fn sign(&self, _: &[u8], _: &mut Vec<u8>) -> Result<(), SigningFailed> {
            Err(SigningFailed)
        }

        fn signature_length(&self) -> usize {
            0
        }

        fn public_key(&self) -> &PublicKey {
            &self.0
        }
    }

    fn ring(algorithms: &[&'static str]) -> KeyRing {
        let ready = |algorithm: &&'static str| {
            let signer = Arc::new(Dummy(PublicKey::Rsa { n: vec![], e: vec![] }));
            Arc::new(ReadyKey::new(KeyId::new(&SystemRandom), algorithm, signer))
        };
        let active: Vec<_> = algorithms.iter().map(ready).collect();
        KeyRing { stand_in: Arc::clone(&active[0]), active, published: Vec::new() }
    }

    #[test]
    fn signs_with_what_is_wanted_or_else_with_what_verifiers_know() {
        let ring = ring(&["ES256", "RS256"]).sparing(|name| name == "ES256");
        let signs = |wanted: &[&str]| ring.active(wanted).algorithm;
        assert_eq!(signs(&["ES256", "EdDSA"]), "ES256");
        assert_eq!(signs(&["PS256", "RS256"]), "RS256");
        // The tenant was RS256 and is to be EdDSA; ES256 is for one API alone, although its key is older.
        assert_eq!(signs(&["EdDSA", "EdDSA"]), "RS256");
    }

    #[test]
    fn where_apis_have_every_algorithm_the_oldest_key_stands_in() {
        let ring = ring(&["ES256", "RS256"]).sparing(|_| true);
        assert_eq!(ring.active(&["EdDSA"]).algorithm, "ES256");
    }
}
