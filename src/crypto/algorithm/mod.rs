//! The signature algorithms: one file a family, and the list that is the only thing that knows them all.
//! Not for: which key signs now (`keys`).

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::jwk::PublicKey;

pub mod ecdsa;
pub mod ed25519;
pub mod ml_dsa;
pub mod rsa;

/// Every algorithm, the default first.
pub const ALGORITHMS: &[&dyn Algorithm] = &[
    &rsa::RS256,
    &rsa::RS384,
    &rsa::RS512,
    &rsa::PS256,
    &rsa::PS384,
    &rsa::PS512,
    &ecdsa::ES256,
    &ecdsa::ES384,
    &ed25519::EDDSA,
    &ed25519::ED25519,
    &ml_dsa::ML_DSA_65,
];

/// One signature algorithm (RFC 7518 §3.1).
pub trait Algorithm: Send + Sync + fmt::Debug {
    /// Its name in `alg`.
    fn name(&self) -> &'static str;

    /// Whether it is for trying only: whoever makes keys refuses it unless it was enabled.
    fn is_experimental(&self) -> bool {
        false
    }

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

    /// Whether a signature takes so little time that it needs no place in the queue: less than the rest of a request.
    fn is_quick(&self) -> bool {
        false
    }

    /// Whether one of the next signatures will take longer than others unless [`Self::prepare`] is called.
    fn is_to_prepare(&self) -> bool {
        false
    }

    /// Does what that one would have to do, which takes as long as a few signatures; others can be made meanwhile.
    fn prepare(&self) {}

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

#[cfg(test)]
mod tests {
    use data_encoding::BASE64URL_NOPAD;
    use serde_json::Value;

    use super::*;

    /// H13
    #[test]
    fn each_verifies_what_it_signs_and_nothing_else() {
        for algorithm in ALGORITHMS {
            let name = algorithm.name();
            let private = algorithm.generate().unwrap();
            let signer = algorithm.signer(&private).unwrap();
            let mut signature = b"before".to_vec();
            signer.sign(b"message", &mut signature).unwrap();
            let mut signature = signature.split_off(6);
            let verify =
                |message: &[u8], signature: &[u8]| algorithm.verify(signer.public_key(), message, signature);
            assert_eq!(signature.len(), signer.signature_length(), "{name}");
            assert_eq!(verify(b"message", &signature), Ok(()), "{name}");
            assert_eq!(verify(b"massage", &signature), Err(BadSignature), "{name}");
            assert_eq!(verify(b"message", &[]), Err(BadSignature), "{name}");
            assert_eq!(verify(b"message", &signature[1..]), Err(BadSignature), "{name}");
            assert_eq!(verify(b"message", &[&signature[..], &[0]].concat()), Err(BadSignature), "{name}");
            for position in [0, signature.len() / 2, signature.len() - 1] {
                signature[position] ^= 1;
                assert_eq!(verify(b"message", &signature), Err(BadSignature), "{name}, byte {position}");
                signature[position] ^= 1;
            }
        }
    }

    #[test]
    fn a_key_that_was_kept_is_the_same_key() {
        for algorithm in ALGORITHMS {
            let private = algorithm.generate().unwrap();
            let kept = PrivateKey::from_pkcs8(Zeroizing::new(private.as_pkcs8().to_vec()));
            let [before, after] = [private, kept].map(|key| algorithm.signer(&key).unwrap());
            assert_eq!(before.public_key(), after.public_key(), "{}", algorithm.name());
        }
    }

    #[test]
    fn none_takes_bytes_that_are_no_key_or_the_key_of_another_family() {
        for algorithm in ALGORITHMS {
            assert!(algorithm.signer(&PrivateKey::from_pkcs8(Zeroizing::new(vec![0; 64]))).is_err());
            let private = algorithm.generate().unwrap();
            let kind = |public: &PublicKey| {
                let members = public.to_members();
                (members["kty"].clone(), members.get("crv").cloned())
            };
            let own = kind(algorithm.signer(&private).unwrap().public_key());
            for other in ALGORITHMS {
                if let Ok(signer) = other.signer(&private) {
                    assert_eq!(kind(signer.public_key()), own, "{} {}", algorithm.name(), other.name());
                }
            }
        }
    }

    #[test]
    fn names_are_distinct_and_only_the_newest_is_experimental() {
        for (position, algorithm) in ALGORITHMS.iter().enumerate() {
            let first = ALGORITHMS.iter().position(|other| other.name() == algorithm.name());
            assert_eq!(first, Some(position));
            assert_eq!(algorithm.is_experimental(), algorithm.name() == "ML-DSA-65");
        }
        assert_eq!(ALGORITHMS[0].name(), "RS256");
    }

    /// Keys and signatures that others made: of the RFCs' appendices, and of the working group that wrote RFC 9964.
    #[test]
    fn verifies_the_examples_of_those_who_wrote_the_standards() {
        for text in [
            include_str!("../../../tests/vectors/rfc7515-a2-rs256.json"),
            include_str!("../../../tests/vectors/rfc7515-a3-es256.json"),
            include_str!("../../../tests/vectors/rfc8037-a4-eddsa.json"),
            include_str!("../../../tests/vectors/cose-wg-ml-dsa-65.json"),
        ] {
            let example: Value = serde_json::from_str(text).unwrap();
            let key = PublicKey::from_members(example["key"].as_object().unwrap()).unwrap();
            let (message, signature) = example["jws"].as_str().unwrap().rsplit_once('.').unwrap();
            let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
            let algorithm = find(example["alg"].as_str().unwrap()).unwrap();
            assert_eq!(algorithm.verify(&key, message.as_bytes(), &signature), Ok(()), "{algorithm:?}");
            for other in ALGORITHMS.iter().filter(|other| !same(**other, algorithm)) {
                assert!(other.verify(&key, message.as_bytes(), &signature).is_err(), "{other:?}");
            }
        }
    }

    /// Ed25519 has two names (RFC 9864 §2.2).
    fn same(one: &dyn Algorithm, other: &dyn Algorithm) -> bool {
        let [one, other] = [one, other].map(|algorithm| algorithm.name().replace("Ed25519", "EdDSA"));
        one == other
    }
}
