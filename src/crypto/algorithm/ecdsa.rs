//! ECDSA signatures: ES256 and ES384 (RFC 7518 §3.4).
//! Not for: other curves; a curve has one algorithm, and an algorithm one curve.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, KeyPair as _, UnparsedPublicKey,
};
use zeroize::Zeroizing;

use super::{Algorithm, BadSignature, PrivateKey, Signer, SigningFailed, UnusablePrivateKey};
use crate::crypto::jwk::{Curve, PublicKey};

/// ECDSA on P-256 with SHA-256.
pub const ES256: Ecdsa = Ecdsa {
    name: "ES256",
    curve: Curve::P256,
    signing: &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
    verifying: &signature::ECDSA_P256_SHA256_FIXED,
};

/// ECDSA on P-384 with SHA-384.
pub const ES384: Ecdsa = Ecdsa {
    name: "ES384",
    curve: Curve::P384,
    signing: &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
    verifying: &signature::ECDSA_P384_SHA384_FIXED,
};

/// One algorithm of the family. Its signatures are r and s at full length, one after the other, and not DER.
#[derive(Debug)]
pub struct Ecdsa {
    name: &'static str,
    curve: Curve,
    signing: &'static EcdsaSigningAlgorithm,
    verifying: &'static EcdsaVerificationAlgorithm,
}

struct EcdsaSigner {
    pair: EcdsaKeyPair,
    curve: Curve,
    public: PublicKey,
}

impl Algorithm for Ecdsa {
    fn name(&self) -> &'static str {
        self.name
    }

    fn generate(&self) -> Result<PrivateKey, UnusablePrivateKey> {
        let pair = EcdsaKeyPair::generate(self.signing).map_err(|_| UnusablePrivateKey)?;
        let document = pair.to_pkcs8v1().map_err(|_| UnusablePrivateKey)?;
        Ok(PrivateKey(Zeroizing::new(document.as_ref().to_vec())))
    }

    fn signer(&self, key: &PrivateKey) -> Result<Arc<dyn Signer>, UnusablePrivateKey> {
        let pair = EcdsaKeyPair::from_pkcs8(self.signing, &key.0).map_err(|_| UnusablePrivateKey)?;
        let public =
            PublicKey::from_point(self.curve, pair.public_key().as_ref()).map_err(|_| UnusablePrivateKey)?;
        Ok(Arc::new(EcdsaSigner { pair, curve: self.curve, public }))
    }

    /// The library refuses every length but that of r and s together, and an r or s that is zero or not below the
    /// order of the curve.
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        match key {
            PublicKey::Ec { curve, x, y } if *curve == self.curve => {
                let point = Curve::point(x, y);
                UnparsedPublicKey::new(self.verifying, point)
                    .verify(message, signature)
                    .map_err(|_| BadSignature)
            }
            _ => Err(BadSignature),
        }
    }
}

impl Signer for EcdsaSigner {
    /// Not verified again: docs/decisions/0008-no-second-check-of-a-signature.md.
    #[expect(clippy::disallowed_methods, reason = "the library demands it, and uses its own generator")]
    fn sign(&self, message: &[u8], output: &mut Vec<u8>) -> Result<(), SigningFailed> {
        let signature = self.pair.sign(&SystemRandom::new(), message).map_err(|_| SigningFailed)?;
        output.extend_from_slice(signature.as_ref());
        Ok(())
    }

    fn signature_length(&self) -> usize {
        2 * self.curve.coordinate_length()
    }

    fn is_quick(&self) -> bool {
        true
    }

    fn public_key(&self) -> &PublicKey {
        &self.public
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    /// The orders of the two groups (FIPS 186-4 D.1.2.3, D.1.2.4).
    const ORDERS: [&str; 2] = [
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    ];

    /// G21
    #[test]
    fn refuses_every_length_but_its_own_and_numbers_out_of_range() {
        for (algorithm, order) in [ES256, ES384].iter().zip(ORDERS) {
            let order = HEXLOWER.decode(order.as_bytes()).unwrap();
            let signer = algorithm.signer(&algorithm.generate().unwrap()).unwrap();
            let mut good = Vec::new();
            signer.sign(b"message", &mut good).unwrap();
            let verify = |signature: &[u8]| algorithm.verify(signer.public_key(), b"message", signature);
            assert_eq!(verify(&good), Ok(()));
            for length in (0..good.len()).chain([good.len() + 1, good.len() + 8]) {
                let mut other = good.clone();
                other.resize(length, 0);
                assert_eq!(verify(&other), Err(BadSignature), "{length} bytes");
            }
            let (r, s) = good.split_at(order.len());
            for number in [vec![0; order.len()], order.clone(), vec![0xff; order.len()]] {
                assert_eq!(verify(&[r, &number].concat()), Err(BadSignature), "s is {number:?}");
                assert_eq!(verify(&[&number, s].concat()), Err(BadSignature), "r is {number:?}");
                assert_eq!(
                    verify(&[&number[..], &number].concat()),
                    Err(BadSignature),
                    "both are {number:?}"
                );
            }
        }
    }

    /// G21
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the library demands a generator")]
    fn refuses_a_good_signature_in_der() {
        let private = ES256.generate().unwrap();
        let signer = ES256.signer(&private).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, &private.0).unwrap();
        // Both numbers have their highest bit set in one signature of four: then DER needs all of 72 bytes.
        let der = loop {
            let der = pair.sign(&SystemRandom::new(), b"message").unwrap();
            if der.as_ref().len() == 72 {
                break der;
            }
        };
        assert_eq!(ES256.verify(signer.public_key(), b"message", der.as_ref()), Err(BadSignature));
    }
}
