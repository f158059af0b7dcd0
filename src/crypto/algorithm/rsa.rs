//! RSA signatures: RS256 and its kin (RFC 7518 §3.3), PS256 and its kin (RFC 7518 §3.5).
//! Not for: encryption, which this server has no use for.

use std::sync::Arc;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{self, KeyPair as _, RsaEncoding, RsaParameters};
use zeroize::Zeroizing;

use super::{Algorithm, BadSignature, PrivateKey, Signer, SigningFailed, UnusablePrivateKey};
use crate::crypto::blinding::BlindedPair;
use crate::crypto::jwk::PublicKey;

/// RSASSA-PKCS1-v1_5 with SHA-256.
pub const RS256: Rsa = Rsa {
    name: "RS256",
    signing: &signature::RSA_PKCS1_SHA256,
    verifying: &signature::RSA_PKCS1_2048_8192_SHA256,
};

/// RSASSA-PKCS1-v1_5 with SHA-384.
pub const RS384: Rsa = Rsa {
    name: "RS384",
    signing: &signature::RSA_PKCS1_SHA384,
    verifying: &signature::RSA_PKCS1_2048_8192_SHA384,
};

/// RSASSA-PKCS1-v1_5 with SHA-512.
pub const RS512: Rsa = Rsa {
    name: "RS512",
    signing: &signature::RSA_PKCS1_SHA512,
    verifying: &signature::RSA_PKCS1_2048_8192_SHA512,
};

/// RSASSA-PSS with SHA-256, MGF1 with the same and a salt of the digest's length.
pub const PS256: Rsa = Rsa {
    name: "PS256",
    signing: &signature::RSA_PSS_SHA256,
    verifying: &signature::RSA_PSS_2048_8192_SHA256,
};

/// RSASSA-PSS with SHA-384, likewise.
pub const PS384: Rsa = Rsa {
    name: "PS384",
    signing: &signature::RSA_PSS_SHA384,
    verifying: &signature::RSA_PSS_2048_8192_SHA384,
};

/// RSASSA-PSS with SHA-512, likewise.
pub const PS512: Rsa = Rsa {
    name: "PS512",
    signing: &signature::RSA_PSS_SHA512,
    verifying: &signature::RSA_PSS_2048_8192_SHA512,
};

/// One algorithm of the family.
#[derive(Debug)]
pub struct Rsa {
    name: &'static str,
    signing: &'static dyn RsaEncoding,
    verifying: &'static RsaParameters,
}

struct RsaSigner {
    pair: BlindedPair,
    encoding: &'static dyn RsaEncoding,
    public: PublicKey,
}

impl Algorithm for Rsa {
    fn name(&self) -> &'static str {
        self.name
    }

    fn generate(&self) -> Result<PrivateKey, UnusablePrivateKey> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| UnusablePrivateKey)?;
        let document = pair.as_der().map_err(|_| UnusablePrivateKey)?;
        Ok(PrivateKey(Zeroizing::new(document.as_ref().to_vec())))
    }

    fn signer(&self, key: &PrivateKey) -> Result<Arc<dyn Signer>, UnusablePrivateKey> {
        let pair = KeyPair::from_pkcs8(&key.0).map_err(|_| UnusablePrivateKey)?;
        let public = PublicKey::Rsa {
            n: pair.public_key().modulus().big_endian_without_leading_zero().to_vec(),
            e: pair.public_key().exponent().big_endian_without_leading_zero().to_vec(),
        };
        Ok(Arc::new(RsaSigner { pair: BlindedPair::new(pair), encoding: self.signing, public }))
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let PublicKey::Rsa { n, e } = key else { return Err(BadSignature) };
        PublicKeyComponents { n, e }.verify(self.verifying, message, signature).map_err(|_| BadSignature)
    }
}

impl Signer for RsaSigner {
    fn sign(&self, message: &[u8], output: &mut Vec<u8>) -> Result<(), SigningFailed> {
        let start = output.len();
        output.resize(start + self.signature_length(), 0);
        let space = output.get_mut(start..).ok_or(SigningFailed)?;
        self.pair.sign(self.encoding, message, space).map_err(|_| SigningFailed)
    }

    fn signature_length(&self) -> usize {
        self.pair.pair().public_modulus_len()
    }

    fn is_to_prepare(&self) -> bool {
        self.pair.is_to_prepare()
    }

    fn prepare(&self) {
        self.pair.prepare(self.encoding);
    }

    fn public_key(&self) -> &PublicKey {
        &self.public
    }
}
