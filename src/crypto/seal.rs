//! Sealing private keys at rest: AES-256-GCM, bound to the row they belong to.
//! Not for: secrets of applications, of which only a digest is kept.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::random::Random;

const VERSION: u8 = 1;
const TAG_BYTES: usize = 16;

/// The key under which private keys are sealed, derived from the master key.
pub struct SealingKey(LessSafeKey);

/// A sealed private key: version, 96-bit nonce, ciphertext and tag. Safe to store; useless without the master key.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

/// What was sealed did not open: another master key, another row, or damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed key does not open under this master key, or it is damaged")]
pub struct CannotOpen;

impl SealingKey {
    pub(super) fn new(bytes: &[u8; 32]) -> Self {
        match UnboundKey::new(&AES_256_GCM, bytes) {
            Ok(key) => Self(LessSafeKey::new(key)),
            // 32 bytes always make an AES-256 key; going on without one is no option.
            Err(_) => std::process::abort(),
        }
    }

    /// Seals `plaintext` so that it opens only with the same `row`.
    #[must_use]
    pub fn seal(&self, row: &str, plaintext: &[u8], random: &dyn Random) -> Sealed {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        let mut body = plaintext.to_vec();
        let sealing = self.0.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(row.as_bytes()),
            &mut body,
        );
        if sealing.is_err() {
            // Only a text of gigabytes can fail, and an unsealed key must not be stored in its place.
            std::process::abort();
        }
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + body.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.append(&mut body);
        Sealed(sealed)
    }

    /// Opens what was sealed for `row`.
    ///
    /// # Errors
    /// When the key, the row or a single bit differs.
    pub fn open(&self, row: &str, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        let (&VERSION, rest) = sealed.0.split_first().ok_or(CannotOpen)? else {
            return Err(CannotOpen);
        };
        let (nonce, body) = rest.split_at_checked(NONCE_LEN).ok_or(CannotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CannotOpen)?;
        let mut buffer = Zeroizing::new(body.to_vec());
        self.0.open_in_place(nonce, Aad::from(row.as_bytes()), &mut buffer).map_err(|_| CannotOpen)?;
        let length = buffer.len().saturating_sub(TAG_BYTES);
        buffer.truncate(length);
        Ok(buffer)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SealingKey(…)")
    }
}

impl Sealed {
    /// As it was read from the store.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// As it is to be stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sealed(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::random::SystemRandom;

    fn key(byte: u8) -> SealingKey {
        SealingKey::new(&[byte; 32])
    }

    #[test]
    fn opens_only_with_the_same_key_and_row() {
        let sealed = key(1).seal("tenant/key", b"private", &SystemRandom);
        assert_eq!(key(1).open("tenant/key", &sealed).unwrap().as_slice(), b"private");
        assert_eq!(key(2).open("tenant/key", &sealed), Err(CannotOpen));
        assert_eq!(key(1).open("tenant/other", &sealed), Err(CannotOpen));
    }

    #[test]
    fn refuses_every_changed_bit() {
        let sealed = key(1).seal("row", b"private", &SystemRandom);
        for position in 0..sealed.0.len() * 8 {
            let mut changed = sealed.clone();
            changed.0[position / 8] ^= 1 << (position % 8);
            assert_eq!(key(1).open("row", &changed), Err(CannotOpen), "bit {position}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_on_arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(key(1).open("row", &Sealed::from_bytes(bytes)).is_err());
        }
    }
}
