//! Ed25519 signatures (RFC 8032), under both names they have in JOSE.
//! Not for: Ed448, which the crypto library does not have.

use std::sync::Arc;

use aws_lc_rs::signature::{ED25519 as VERIFYING, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use zeroize::Zeroizing;

use super::{Algorithm, BadSignature, PrivateKey, Signer, SigningFailed, UnusablePrivateKey};
use crate::crypto::jwk::PublicKey;

/// The name that every verifier knows (RFC 8037 §3.1). It would stand for Ed448 too, so the key has to tell the curve.
pub const EDDSA: Ed25519 = Ed25519 { name: "EdDSA" };

/// The name that says it all (RFC 9864 §2.2), for verifiers that know it.
pub const ED25519: Ed25519 = Ed25519 { name: "Ed25519" };

/// One name of the algorithm.
#[derive(Debug)]
pub struct Ed25519 {
    name: &'static str,
}

struct Ed25519Signer {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl Algorithm for Ed25519 {
    fn name(&self) -> &'static str {
        self.name
    }

    fn generate(&self) -> Result<PrivateKey, UnusablePrivateKey> {
        let pair = Ed25519KeyPair::generate().map_err(|_| UnusablePrivateKey)?;
        let document = pair.to_pkcs8v1().map_err(|_| UnusablePrivateKey)?;
        Ok(PrivateKey(Zeroizing::new(document.as_ref().to_vec())))
    }

    fn signer(&self, key: &PrivateKey) -> Result<Arc<dyn Signer>, UnusablePrivateKey> {
        let pair = Ed25519KeyPair::from_pkcs8(&key.0).map_err(|_| UnusablePrivateKey)?;
        let public = PublicKey::Ed25519 { x: pair.public_key().as_ref().to_vec() };
        Ok(Arc::new(Ed25519Signer { pair, public }))
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let PublicKey::Ed25519 { x } = key else { return Err(BadSignature) };
        UnparsedPublicKey::new(&VERIFYING, x).verify(message, signature).map_err(|_| BadSignature)
    }
}

impl Signer for Ed25519Signer {
    /// Not verified again: docs/decisions/0008-no-second-check-of-a-signature.md.
    fn sign(&self, message: &[u8], output: &mut Vec<u8>) -> Result<(), SigningFailed> {
        let signature = self.pair.try_sign(message).map_err(|_| SigningFailed)?;
        output.extend_from_slice(signature.as_ref());
        Ok(())
    }

    fn signature_length(&self) -> usize {
        64
    }

    fn is_quick(&self) -> bool {
        true
    }

    fn public_key(&self) -> &PublicKey {
        &self.public
    }
}
