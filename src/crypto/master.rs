//! The master key: the one secret an installation keeps outside its store.
//! Not for: reading it from a file or the environment (`config`, `cli`).

use std::fmt;

use aws_lc_rs::hkdf;
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use zeroize::Zeroizing;

use super::random::Random;
use super::seal::SealingKey;
use super::secret::DigestKey;

/// 256 bits from which the sealing key and the digest key are derived (HKDF-SHA-256, RFC 5869).
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// The text was not a 256-bit key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a master key is 256 bits, written as 64 hexadecimal digits or as base64")]
pub struct NotAMasterKey;

impl MasterKey {
    /// A new key.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(bytes.as_mut_slice());
        Self(bytes)
    }

    /// Reads 64 hexadecimal digits, or base64 in either alphabet. White space around it is ignored.
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn parse(text: &str) -> Result<Self, NotAMasterKey> {
        let text = text.trim().as_bytes();
        let encoding = match text.len() {
            64 => HEXLOWER_PERMISSIVE,
            44 => BASE64,
            43 if text.iter().any(|byte| matches!(byte, b'-' | b'_')) => BASE64URL_NOPAD,
            43 => BASE64_NOPAD,
            _ => return Err(NotAMasterKey),
        };
        let decoded = Zeroizing::new(encoding.decode(text).map_err(|_| NotAMasterKey)?);
        let mut bytes = Zeroizing::new([0; 32]);
        if decoded.len() != bytes.len() {
            return Err(NotAMasterKey);
        }
        bytes.copy_from_slice(&decoded);
        Ok(Self(bytes))
    }

    /// The text to keep in a file that only the server may read.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(data_encoding::HEXLOWER.encode(self.0.as_slice()))
    }

    /// The key under which private keys are sealed.
    #[must_use]
    pub fn sealing_key(&self) -> SealingKey {
        SealingKey::new(&self.derive("chancery signing key seal 1"))
    }

    /// The key of the secret digests.
    #[must_use]
    pub fn digest_key(&self) -> DigestKey {
        DigestKey::new(&self.derive("chancery secret digest 1"))
    }

    /// Names this key without revealing it: eight hexadecimal digits. Written beside what the key protects, so that
    /// a wrong master key is told from damaged data.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let derived = self.derive("chancery master key fingerprint 1");
        data_encoding::HEXLOWER.encode(derived.get(..4).unwrap_or_default())
    }

    fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let mut output = Zeroizing::new([0; 32]);
        let filled = hkdf::Salt::new(hkdf::HKDF_SHA256, b"chancery")
            .extract(self.0.as_slice())
            .expand(&[purpose.as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|material| material.fill(output.as_mut_slice()));
        if filled.is_err() {
            // Asking HKDF for one block cannot fail; a key of zeros must never be used if it does.
            std::process::abort();
        }
        output
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MasterKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::SystemRandom;

    #[test]
    fn reads_what_it_writes_and_base64() {
        let key = MasterKey::generate(&SystemRandom);
        let again = MasterKey::parse(&format!("{}\n", key.expose().as_str())).unwrap();
        assert_eq!(key.fingerprint(), again.fingerprint());
        let base64 = BASE64.encode(key.0.as_slice());
        assert_eq!(MasterKey::parse(&base64).unwrap().fingerprint(), key.fingerprint());
        assert_eq!(MasterKey::parse(base64.trim_end_matches('=')).unwrap().fingerprint(), key.fingerprint());
    }

    #[test]
    fn refuses_short_long_and_garbled_keys() {
        for text in
            ["", "00", &"0".repeat(63), &"0".repeat(65), &"x".repeat(64), &"é".repeat(32), &"!".repeat(43)]
        {
            assert_eq!(MasterKey::parse(text).unwrap_err(), NotAMasterKey, "{text}");
        }
    }
}
