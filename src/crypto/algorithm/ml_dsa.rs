//! ML-DSA signatures (FIPS 204) as RFC 9964 has them in JOSE: experimental, off unless enabled.
//! Not for: tokens of at most 4 KiB; a signature alone has 3,309 bytes.

use std::sync::Arc;

use aws_lc_rs::signature::{
    self, KeyPair as _, PqdsaKeyPair, PqdsaSigningAlgorithm, PqdsaVerificationAlgorithm, UnparsedPublicKey,
};
use zeroize::Zeroizing;

use super::{Algorithm, BadSignature, PrivateKey, Signer, SigningFailed, UnusablePrivateKey};
use crate::crypto::jwk::PublicKey;

/// ML-DSA-65, over the message itself and with an empty context (RFC 9964 §4).
pub const ML_DSA_65: MlDsa =
    MlDsa { name: "ML-DSA-65", signing: &signature::ML_DSA_65_SIGNING, verifying: &signature::ML_DSA_65 };

/// One algorithm of the family.
#[derive(Debug)]
pub struct MlDsa {
    name: &'static str,
    signing: &'static PqdsaSigningAlgorithm,
    verifying: &'static PqdsaVerificationAlgorithm,
}

struct MlDsaSigner {
    pair: PqdsaKeyPair,
    public: PublicKey,
}

impl Algorithm for MlDsa {
    fn name(&self) -> &'static str {
        self.name
    }

    /// Few verifiers know it yet, and the crypto library has had it for a short time.
    fn is_experimental(&self) -> bool {
        true
    }

    fn generate(&self) -> Result<PrivateKey, UnusablePrivateKey> {
        let pair = PqdsaKeyPair::generate(self.signing).map_err(|_| UnusablePrivateKey)?;
        let document = pair.to_pkcs8v1().map_err(|_| UnusablePrivateKey)?;
        Ok(PrivateKey(Zeroizing::new(document.as_ref().to_vec())))
    }

    fn signer(&self, key: &PrivateKey) -> Result<Arc<dyn Signer>, UnusablePrivateKey> {
        let pair = PqdsaKeyPair::from_pkcs8(self.signing, &key.0).map_err(|_| UnusablePrivateKey)?;
        let public = PublicKey::Akp { algorithm: self.name, public: pair.public_key().as_ref().to_vec() };
        Ok(Arc::new(MlDsaSigner { pair, public }))
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        match key {
            PublicKey::Akp { algorithm, public } if *algorithm == self.name => {
                UnparsedPublicKey::new(self.verifying, public)
                    .verify(message, signature)
                    .map_err(|_| BadSignature)
            }
            _ => Err(BadSignature),
        }
    }
}

impl Signer for MlDsaSigner {
    /// Not verified again: docs/decisions/0008-no-second-check-of-a-signature.md.
    fn sign(&self, message: &[u8], output: &mut Vec<u8>) -> Result<(), SigningFailed> {
        let start = output.len();
        output.resize(start + self.signature_length(), 0);
        let space = output.get_mut(start..).ok_or(SigningFailed)?;
        self.pair.sign(message, space).map_err(|_| SigningFailed)?;
        Ok(())
    }

    fn signature_length(&self) -> usize {
        self.pair.algorithm().signature_len()
    }

    fn public_key(&self) -> &PublicKey {
        &self.public
    }
}
