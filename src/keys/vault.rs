//! The vault: what the master key protects, and the only place where private keys are opened.
//! Not for: reading the master key from a file or the environment (`cli`).

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use zeroize::Zeroizing;

use super::CannotUse;
use crate::crypto::algorithm::{Algorithm, PrivateKey};
use crate::crypto::master::MasterKey;
use crate::crypto::random::Random;
use crate::crypto::seal::{Sealed, SealingKey};
use crate::crypto::secret::{DigestKey, QuickDigest, QuickKey, SecretDigest, SecretText};
use crate::domain::id::{ApplicationId, KeyId, OperatorId, TenantId};
use crate::domain::signing_key::{KeptDigestKey, KeyState, SigningKey};
use crate::domain::time::Timestamp;

/// Seals private keys and digests secrets, under keys derived from one master key. While the master key is being
/// changed it opens what is sealed under another one, too.
pub struct Vault {
    own: Derived,
    accepted: Option<Derived>,
    /// The digest keys of former master keys, by fingerprint.
    kept: ArcSwap<HashMap<String, DigestKey>>,
    quick: QuickKey,
    random: Arc<dyn Random>,
}

/// What a master key is good for.
struct Derived {
    sealing: SealingKey,
    digesting: DigestKey,
    fingerprint: String,
}

impl Derived {
    fn from(master: &MasterKey) -> Self {
        Self {
            sealing: master.sealing_key(),
            digesting: master.digest_key(),
            fingerprint: master.fingerprint(),
        }
    }
}

/// A key that is to be made.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewKey<'of> {
    /// Whose it is.
    pub(super) tenant: TenantId,
    /// What it is for.
    pub(super) algorithm: &'of dyn Algorithm,
    /// Where in its life it begins.
    pub(super) state: KeyState,
    /// The time.
    pub(super) now: Timestamp,
}

impl Vault {
    /// Opens the vault with its master key.
    #[must_use]
    pub fn new(master: &MasterKey, random: Arc<dyn Random>) -> Self {
        let quick = QuickKey::generate(random.as_ref());
        Self { own: Derived::from(master), accepted: None, kept: ArcSwap::default(), quick, random }
    }

    /// Lets it open what is sealed under this master key, too.
    #[must_use]
    pub fn accepting(self, master: &MasterKey) -> Self {
        Self { accepted: Some(Derived::from(master)), ..self }
    }

    /// Names the master key without revealing it.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.own.fingerprint
    }

    /// The digest of a secret of one application, under the digest key of the master key `under`. When that is unknown
    /// the digest is made all the same, and matches nothing.
    #[must_use]
    pub fn digest(&self, under: &str, application: ApplicationId, secret: &SecretText<'_>) -> SecretDigest {
        self.digest_of(under, application.as_bytes(), secret)
    }

    /// What may be kept in memory of a secret of one application that was proved.
    #[must_use]
    pub fn quick_digest(&self, application: ApplicationId, secret: &SecretText<'_>) -> QuickDigest {
        self.quick.digest(application.as_bytes(), secret)
    }

    /// Takes in the digest keys of former master keys, all there are. One that is open already stays open, so that
    /// resealing it under a master key that this server has not yet been told of does no harm.
    ///
    /// # Errors
    /// When one does not open; the others are taken in nevertheless.
    pub fn keep(&self, keys: &[KeptDigestKey]) -> Result<(), CannotUse> {
        let former = self.kept.load();
        let mut kept = HashMap::with_capacity(keys.len());
        let mut failed = Ok(());
        for key in keys {
            match self.open_digest_key(key) {
                Ok(opened) => drop(kept.insert(key.fingerprint.clone(), opened)),
                Err(why) => {
                    if let Some(open) = former.get(&key.fingerprint) {
                        kept.insert(key.fingerprint.clone(), open.clone());
                    }
                    failed = Err(why);
                }
            }
        }
        self.kept.store(Arc::new(kept));
        failed
    }

    /// Whether it opens what is sealed under the master key of this key's row.
    ///
    /// # Errors
    /// When the key is sealed under another one.
    pub fn check(&self, key: &SigningKey) -> Result<(), CannotUse> {
        self.derived_for(key).map(|_| ())
    }

    /// Seals a key that this vault opens under the master key of another.
    ///
    /// # Errors
    /// When the key does not open.
    pub fn reseal(&self, key: &SigningKey, to: &Self) -> Result<SigningKey, CannotUse> {
        let private = self.open(key)?;
        let row = SigningKey::row(key.tenant, key.id, &key.algorithm);
        let sealed = to.own.sealing.seal(&row, private.as_pkcs8(), to.random.as_ref());
        Ok(SigningKey { sealed, sealed_under: to.own.fingerprint.clone(), ..key.clone() })
    }

    /// The digest keys that must be written down, sealed under the master key of another vault, so that it can judge
    /// every secret this one can: those of this vault's master keys, and those kept so far.
    ///
    /// # Errors
    /// When one that was kept does not open.
    pub fn digest_keys_for(
        &self,
        kept: &[KeptDigestKey],
        to: &Self,
    ) -> Result<Vec<KeptDigestKey>, CannotUse> {
        let under = to.fingerprint();
        let mut keys = Vec::new();
        for derived in std::iter::once(&self.own).chain(&self.accepted) {
            let is_kept = kept.iter().any(|key| key.fingerprint == derived.fingerprint);
            if derived.fingerprint != under && !is_kept {
                keys.push(to.seal_digest_key(&derived.fingerprint, &derived.digesting));
            }
        }
        for key in kept.iter().filter(|key| key.sealed_under != under) {
            keys.push(to.seal_digest_key(&key.fingerprint, &self.open_digest_key(key)?));
        }
        Ok(keys)
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
        let private = algorithm.generate().map_err(|_| CannotUse::NotMade)?;
        self.seal_new(NewKey { tenant, algorithm, state, now }, &private)
    }

    /// Seals a private key that was just made.
    ///
    /// # Errors
    /// When it cannot be used with its algorithm.
    pub(super) fn seal_new(&self, new: NewKey<'_>, private: &PrivateKey) -> Result<SigningKey, CannotUse> {
        let NewKey { tenant, algorithm, state, now } = new;
        let id = KeyId::new(self.random.as_ref());
        let public = algorithm.signer(private).map_err(|_| CannotUse::NotMade)?.public_key().clone();
        let row = SigningKey::row(tenant, id, algorithm.name());
        Ok(SigningKey {
            id,
            tenant,
            algorithm: algorithm.name().to_owned(),
            state,
            public,
            sealed: self.own.sealing.seal(&row, private.as_pkcs8(), self.random.as_ref()),
            sealed_under: self.own.fingerprint.clone(),
            created_at: now,
            state_since: now,
        })
    }

    /// Opens a sealed key. Only `keys` asks for this.
    pub(super) fn open(&self, key: &SigningKey) -> Result<PrivateKey, CannotUse> {
        let row = SigningKey::row(key.tenant, key.id, &key.algorithm);
        let opened = self.derived_for(key)?.sealing.open(&row, &key.sealed);
        Ok(PrivateKey::from_pkcs8(opened.map_err(|_| CannotUse::Damaged { key: key.id })?))
    }

    fn derived_for(&self, key: &SigningKey) -> Result<&Derived, CannotUse> {
        self.derived_from(&key.sealed_under).ok_or_else(|| CannotUse::OtherMasterKey {
            key: key.id,
            sealed_under: key.sealed_under.clone(),
            here: self.own.fingerprint.clone(),
        })
    }

    fn derived_from(&self, fingerprint: &str) -> Option<&Derived> {
        std::iter::once(&self.own).chain(&self.accepted).find(|derived| derived.fingerprint == fingerprint)
    }

    /// Seals an answer that may hold a secret, for `row` alone.
    #[must_use]
    pub fn seal_answer(&self, row: &str, answer: &[u8]) -> Sealed {
        self.own.sealing.seal(row, answer, self.random.as_ref())
    }

    /// Opens an answer that was sealed for `row` under the master key of this fingerprint.
    ///
    /// # Errors
    /// When it does not open.
    pub fn open_answer(
        &self,
        row: &str,
        sealed: &Sealed,
        under: &str,
    ) -> Result<Zeroizing<Vec<u8>>, CannotUse> {
        let derived = self.derived_from(under);
        derived.and_then(|derived| derived.sealing.open(row, sealed).ok()).ok_or(CannotUse::LostAnswer)
    }

    /// The digest of an operator's secret, under the digest key of the master key `under`. What stands before the id
    /// keeps it apart from that of any application.
    #[must_use]
    pub fn operator_digest(
        &self,
        under: &str,
        operator: OperatorId,
        secret: &SecretText<'_>,
    ) -> SecretDigest {
        let context = [b"operator".as_slice(), operator.as_bytes()].concat();
        self.digest_of(under, &context, secret)
    }

    fn digest_of(&self, under: &str, owner: &[u8], secret: &SecretText<'_>) -> SecretDigest {
        if let Some(derived) = self.derived_from(under) {
            return derived.digesting.digest(owner, secret);
        }
        let kept = self.kept.load();
        kept.get(under).unwrap_or(&self.own.digesting).digest(owner, secret)
    }

    fn open_digest_key(&self, key: &KeptDigestKey) -> Result<DigestKey, CannotUse> {
        let opened = self.derived_from(&key.sealed_under).and_then(|derived| {
            let opened = derived.sealing.open(&KeptDigestKey::row(&key.fingerprint), &key.sealed).ok()?;
            DigestKey::from_bytes(&opened)
        });
        opened.ok_or_else(|| CannotUse::FormerDigestKey {
            of: key.fingerprint.clone(),
            sealed_under: key.sealed_under.clone(),
            here: self.own.fingerprint.clone(),
        })
    }

    fn seal_digest_key(&self, fingerprint: &str, key: &DigestKey) -> KeptDigestKey {
        let row = KeptDigestKey::row(fingerprint);
        KeptDigestKey {
            fingerprint: fingerprint.to_owned(),
            sealed: self.own.sealing.seal(&row, key.as_bytes(), self.random.as_ref()),
            sealed_under: self.own.fingerprint.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::algorithm::rsa::RS256;
    use crate::crypto::random::SystemRandom;
    use crate::crypto::secret::Secret;
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

    fn secrets() -> (ApplicationId, Secret) {
        (ApplicationId::new(&SystemRandom), Secret::new("secret".to_owned()))
    }

    #[test]
    fn a_key_and_the_digests_survive_several_changes_of_the_master_key() {
        let masters: Vec<_> = (0..4).map(|_| MasterKey::generate(&SystemRandom)).collect();
        let new = |index: usize| Vault::new(&masters[index], Arc::new(SystemRandom));
        let (application, secret) = secrets();
        let first = new(0);
        let (mut key, mut kept) = (key(&first, KeyState::Active), Vec::<KeptDigestKey>::new());
        let mut digests = Vec::new();
        for (index, next) in masters.iter().enumerate().skip(1) {
            let (before, after) = (new(index - 1), new(index));
            before.keep(&kept).unwrap();
            let under = before.fingerprint().to_owned();
            digests.push((before.digest(&under, application, &secret), under));
            for resealed in before.digest_keys_for(&kept, &after).unwrap() {
                kept.retain(|key| key.fingerprint != resealed.fingerprint);
                kept.push(resealed);
            }
            key = before.reseal(&key, &after).unwrap();
            assert!(before.check(&key).is_err() && before.keep(&kept).is_err());
            let both = new(index - 1).accepting(next);
            for vault in [after, both] {
                vault.keep(&kept).unwrap();
                assert!(KeyRing::open(&vault, std::slice::from_ref(&key), None).is_ok());
                for (digest, under) in &digests {
                    assert!(vault.digest(under, application, &secret).matches(digest));
                }
            }
        }
        let last = new(3);
        assert!(last.digest_keys_for(&kept, &last).unwrap().is_empty());
    }

    #[test]
    fn a_digest_under_an_unknown_master_key_matches_nothing() {
        let (one, other) = (vault(), vault());
        let (application, secret) = secrets();
        let digest = one.digest(one.fingerprint(), application, &secret);
        assert!(one.digest(one.fingerprint(), application, &secret).matches(&digest));
        assert!(!other.digest(one.fingerprint(), application, &secret).matches(&digest));
        let moved = KeptDigestKey {
            fingerprint: "00000000".to_owned(),
            ..other.digest_keys_for(&[], &one).unwrap().remove(0)
        };
        assert!(matches!(one.keep(&[moved]).unwrap_err(), CannotUse::FormerDigestKey { .. }));
    }
}
