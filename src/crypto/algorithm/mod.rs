//! The signature algorithms: one file a family, and the list that is the only thing that knows them all.
//! Not for: which key signs now (`keys`).

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::jwk::PublicKey;

pub mod rsa;

/// Every algorithm, the default first.
pub const ALGORITHMS: &[&dyn Algorithm] = &[&rsa::RS256];

/// One signature algorithm (RFC 7518 §3.1).
pub trait Algorithm: Send + Sync + fmt::Debug {
    /// Its name in `alg`.
    fn name(&self) -> &'static str;

    /// Makes a key pair.
    ///
    /// # Errors
    /// When the crypto library could not.
    fn generate(&self) -> Result<PrivateKey, UnusablePrivateKey>;

    /// Parses a private key, once, into something that signs.
    ///
    /// # Errors
    /// When the key is not of this algorithm, or not sound.
    fn signer(&self, key: &PrivateKey) -> Result<Arc<dyn Signer>, UnusablePrivateKey>;

    /// Verifies `signature` over `message`.
    ///
    /// # Errors
    /// When it does not verify, or the key is of another type.
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), BadSignature>;
}

/// A private key ready to sign. It holds no text and does not print.
pub trait Signer: Send + Sync {
    /// Appends the signature of `message` to `output`.
    ///
    /// # Errors
    /// When the crypto library finds its own result wrong.
    fn sign(&self, message: &[u8], output: &mut Vec<u8>) -> Result<(), SigningFailed>;

    /// How many bytes its signatures have.
    fn signature_length(&self) -> usize;

    /// The public half.
    fn public_key(&self) -> &PublicKey;
}

/// A private key as PKCS #8 (RFC 5958). It does not print, and its memory is wiped when it is dropped.
pub struct PrivateKey(pub(super) Zeroizing<Vec<u8>>);

impl PrivateKey {
    /// Takes over PKCS #8 bytes that were sealed.
    #[must_use]
    pub fn from_pkcs8(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The bytes to be sealed.
    #[must_use]
    pub fn as_pkcs8(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PrivateKey(…)")
    }
}

/// The algorithm of this name, compared exactly (RFC 7515 §4.1.1).
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Algorithm> {
    ALGORITHMS.iter().copied().find(|algorithm| algorithm.name() == name)
}

/// A private key could not be made or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the private key cannot be used with its algorithm")]
pub struct UnusablePrivateKey;

/// A signature could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature could not be made")]
pub struct SigningFailed;

/// A signature did not verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;
