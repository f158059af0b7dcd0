//! The vault: what the master key protects, and the only place where private keys are opened.
//! Not for: reading the master key from a file or the environment (`cli`).

use std::sync::Arc;

use crate::crypto::algorithm::{Algorithm, PrivateKey};
use crate::crypto::master::MasterKey;
use crate::crypto::random::Random;
use crate::crypto::seal::SealingKey;
use crate::crypto::secret::{DigestKey, Secret, SecretDigest};
use crate::domain::id::{ApplicationId, KeyId, TenantId};
use crate::domain::signing_key::{KeyState, SigningKey};
use crate::domain::time::Timestamp;

/// Seals private keys and digests secrets, under keys derived from one master key.
pub struct Vault {
    sealing: SealingKey,
    digesting: DigestKey,
    fingerprint: String,
    random: Arc<dyn Random>,
}

/// Why a signing key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotUse {
    /// The tenant has no key that signs.
    #[error("no signing key is active")]
    NoActiveKey,
    /// The key is sealed under another master key.
    #[error(
        "key {key} is sealed under master key {sealed_under}, but keys.master is {here}: give the server the right one"
    )]
    OtherMasterKey {
        /// Which key.
        key: KeyId,
        /// The fingerprint of the master key it was sealed under.
        sealed_under: String,
        /// The fingerprint of the one at hand.
        here: String,
    },
    /// The key does not open, or is not the one that was published.
    #[error("key {key} is damaged: restore the store from a backup")]
    Damaged {
        /// Which key.
        key: KeyId,
    },
    /// The key is for an algorithm this program does not know.
    #[error("key {key} is for an algorithm that this program does not know")]
    UnknownAlgorithm {
        /// Which key.
        key: KeyId,
    },
    /// A key could not be made.
    #[error("the crypto library could not make a key")]
    NotMade,
}

impl Vault {
    /// Opens the vault with its master key.
    #[must_use]
    pub fn new(master: &MasterKey, random: Arc<dyn Random>) -> Self {
        Self {
            sealing: master.sealing_key(),
            digesting: master.digest_key(),
            fingerprint: master.fingerprint(),
            random,
        }
    }

    /// Names the master key without revealing it.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The digest of a secret of one application.
    #[must_use]
    pub fn digest(&self, application: ApplicationId, secret: &Secret) -> SecretDigest {
        self.digesting.digest(application.as_bytes(), secret)
    }

    /// Makes a key for a tenant and seals it.
    ///
    /// # Errors
    /// When the crypto library cannot make one.
    pub fn make_key(
        &self,
        tenant: TenantId,
        algorithm: &dyn Algorithm,
        state: KeyState,
        now: Timestamp,
    ) -> Result<SigningKey, CannotUse> {
        let id = KeyId::new(self.random.as_ref());
        let private = algorithm.generate().map_err(|_| CannotUse::NotMade)?;
        let public = algorithm.signer(&private).map_err(|_| CannotUse::NotMade)?.public_key().clone();
        let row = SigningKey::row(tenant, id, algorithm.name());
        Ok(SigningKey {
            id,
            tenant,
            algorithm: algorithm.name().to_owned(),
            state,
            public,
            sealed: self.sealing.seal(&row, private.as_pkcs8(), self.random.as_ref()),
            sealed_under: self.fingerprint.clone(),
            created_at: now,
            state_since: now,
        })
    }

    /// Opens a sealed key. Only `keys` asks for this.
    pub(super) fn open(&self, key: &SigningKey) -> Result<PrivateKey, CannotUse> {
        if key.sealed_under != self.fingerprint {
            return Err(CannotUse::OtherMasterKey {
                key: key.id,
                sealed_under: key.sealed_under.clone(),
                here: self.fingerprint.clone(),
            });
        }
        let row = SigningKey::row(key.tenant, key.id, &key.algorithm);
        let opened = self.sealing.open(&row, &key.sealed).map_err(|_| CannotUse::Damaged { key: key.id })?;
        Ok(PrivateKey::from_pkcs8(opened))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::algorithm::rsa::RS256;
    use crate::crypto::random::SystemRandom;
    use crate::keys::KeyRing;

    fn vault() -> Vault {
        Vault::new(&MasterKey::generate(&SystemRandom), Arc::new(SystemRandom))
    }

    fn key(vault: &Vault, state: KeyState) -> SigningKey {
        let tenant = TenantId::new(&SystemRandom);
        vault.make_key(tenant, &RS256, state, Timestamp::from_seconds(0)).unwrap()
    }

    #[test]
    fn opens_what_it_made() {
        let vault = vault();
        let key = key(&vault, KeyState::Active);
        let ring = KeyRing::open(&vault, std::slice::from_ref(&key), None).unwrap();
        assert_eq!(ring.active(&[]).id, key.id);
        assert_eq!(ring.published().len(), 1);
    }

    #[test]
    fn tells_a_wrong_master_key_from_damage_and_from_another_row() {
        let vault = vault();
        let mut key = key(&vault, KeyState::Active);
        let other = Vault::new(&MasterKey::generate(&SystemRandom), Arc::new(SystemRandom));
        let opened = |vault: &Vault, key: &SigningKey| {
            KeyRing::open(vault, std::slice::from_ref(key), None).err().unwrap()
        };
        assert!(matches!(opened(&other, &key), CannotUse::OtherMasterKey { .. }));
        key.tenant = TenantId::new(&SystemRandom);
        assert!(matches!(opened(&vault, &key), CannotUse::Damaged { .. }));
    }

    /// I11: whoever can write the store, but has no master key, gets no key of his own published.
    #[test]
    fn publishes_no_key_that_it_cannot_open() {
        let vault = vault();
        let (active, forged) = (key(&vault, KeyState::Active), key(&vault, KeyState::Retiring));
        let former = KeyRing::open(&vault, std::slice::from_ref(&active), None).unwrap();
        let replaced = SigningKey { public: forged.public.clone(), ..active.clone() };
        let added = SigningKey { sealed: active.sealed.clone(), ..forged };
        for keys in [vec![replaced], vec![added, active]] {
            for former in [None, Some(&former)] {
                let refused = KeyRing::open(&vault, &keys, former).err().unwrap();
                assert!(matches!(refused, CannotUse::Damaged { .. }));
            }
        }
    }

    #[test]
    fn publishes_all_but_gone_keys_and_signs_with_the_active_one() {
        let vault = vault();
        let keys: Vec<_> = KeyState::ALL.into_iter().map(|state| key(&vault, state)).collect();
        let ring = KeyRing::open(&vault, &keys, None).unwrap();
        assert_eq!(ring.active(&[]).id, keys[1].id);
        assert_eq!(
            ring.published().iter().map(|key| key.id).collect::<Vec<_>>(),
            [keys[0].id, keys[1].id, keys[2].id]
        );
        assert_eq!(KeyRing::open(&vault, &keys[2..], None).err().unwrap(), CannotUse::NoActiveKey);
    }
}
