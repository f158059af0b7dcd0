//! Compact JWS (RFC 7515): parse to `Unverified`, verify to `Signed`, sign.
//! Not for: what the claims mean (`oauth`).

use std::cell::RefCell;

use data_encoding::BASE64URL_NOPAD;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::algorithm::{self, Algorithm, Signer, SigningFailed};
use super::jwk::PublicKey;

/// Longest token that is read, in bytes. Ours are below 4 KiB; others' may be longer.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

thread_local! {
    /// Where a signature lies before it is encoded: the same piece of memory for each token.
    static SIGNATURE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A token whose signature nobody has checked: only what is needed to find the key may be read.
#[derive(Debug)]
pub struct Unverified {
    header: Map<String, Value>,
    message: Vec<u8>,
    payload: Vec<u8>,
    signature: Vec<u8>,
    algorithm: &'static dyn Algorithm,
}

/// A token whose signature verified with a key the caller chose. Its claims are yet to be judged.
#[derive(Debug)]
pub struct Signed {
    /// The protected header.
    pub header: Map<String, Value>,
    /// The claims.
    pub claims: Map<String, Value>,
}

/// Why a token was refused before its claims were read. The texts hold nothing of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not three parts of strict base64url, or no JSON objects in them.
    #[error("it is not a compact JWS: three parts of base64url without padding, holding JSON objects")]
    Malformed,
    /// A member appears twice (RFC 7515 §4, RFC 7519 §4).
    #[error("a header member or a claim appears twice")]
    Duplicate,
    /// `alg` is absent, `none`, or not one of ours.
    #[error("its algorithm is not accepted")]
    Algorithm,
    /// `crit` or `b64` is present (RFC 7515 §4.1.11, RFC 7797): we implement no extension.
    #[error("it demands an extension that is not implemented")]
    Extension,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    Signature,
}

impl Unverified {
    /// Takes a compact JWS apart.
    ///
    /// # Errors
    /// When it is not strictly formed, or asks for an algorithm or an extension that is not accepted.
    pub fn parse(token: &str) -> Result<Self, Refused> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refused::Malformed);
        }
        let mut parts = token.split('.');
        let (Some(header_text), Some(payload_text), Some(signature_text), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refused::Malformed);
        };
        let header = object(&decode(header_text)?)?;
        if header.contains_key("crit") || header.contains_key("b64") {
            return Err(Refused::Extension);
        }
        let algorithm =
            header.get("alg").and_then(Value::as_str).and_then(algorithm::find).ok_or(Refused::Algorithm)?;
        Ok(Self {
            header,
            message: token
                .get(..header_text.len() + 1 + payload_text.len())
                .unwrap_or_default()
                .as_bytes()
                .to_vec(),
            payload: decode(payload_text)?,
            signature: decode(signature_text)?,
            algorithm,
        })
    }

    /// The key id, to choose a key by.
    #[must_use]
    pub fn unverified_key_id(&self) -> Option<&str> {
        self.header.get("kid").and_then(Value::as_str)
    }

    /// The algorithm the token claims; the caller compares it with the one its key is for.
    #[must_use]
    pub fn unverified_algorithm(&self) -> &'static str {
        self.algorithm.name()
    }

    /// The header, for showing only.
    #[must_use]
    pub fn unverified_header(&self) -> &Map<String, Value> {
        &self.header
    }

    /// The claims, for showing only.
    ///
    /// # Errors
    /// When the payload is not a JSON object.
    pub fn unverified_claims(&self) -> Result<Map<String, Value>, Refused> {
        object(&self.payload)
    }

    /// Verifies the signature with `key`.
    ///
    /// # Errors
    /// When it does not verify, or the payload is not a JSON object without duplicates.
    pub fn verify(self, key: &PublicKey) -> Result<Signed, Refused> {
        self.algorithm.verify(key, &self.message, &self.signature).map_err(|_| Refused::Signature)?;
        Ok(Signed { claims: object(&self.payload)?, header: self.header })
    }
}

/// Signs in place: `token` holds header and payload joined by a dot, and becomes the whole compact JWS.
///
/// # Errors
/// When the signature could not be made.
pub fn sign(signer: &dyn Signer, token: &mut String) -> Result<(), SigningFailed> {
    SIGNATURE.with_borrow_mut(|signature| {
        signature.clear();
        signer.sign(token.as_bytes(), signature)?;
        token.push('.');
        push_base64url(signature, token);
        Ok(())
    })
}

/// Appends `bytes` to `text` as base64url without padding.
pub fn push_base64url(bytes: &[u8], text: &mut String) {
    base64_simd::URL_SAFE_NO_PAD.encode_append(bytes, text);
}

/// Strict: no padding, no white space, no `+` or `/`, no stray bits at the end (RFC 7515 §2).
fn decode(text: &str) -> Result<Vec<u8>, Refused> {
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| Refused::Malformed)
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, Refused> {
    match serde_json::from_slice::<Distinct>(bytes) {
        Ok(Distinct(map)) => Ok(map),
        Err(error) if error.to_string().starts_with(DUPLICATE) => Err(Refused::Duplicate),
        Err(_) => Err(Refused::Malformed),
    }
}

const DUPLICATE: &str = "duplicate member";

/// A JSON object in which no name appears twice; `serde_json` alone would keep the last.
struct Distinct(Map<String, Value>);

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Distinct;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Distinct, A::Error> {
                let mut map = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if map.insert(name, value).is_some() {
                        return Err(A::Error::custom(DUPLICATE));
                    }
                }
                Ok(Distinct(map))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, LazyLock};

    use proptest::prelude::*;

    use super::*;
    use crate::crypto::algorithm::ALGORITHMS;

    /// A key for each algorithm; that of RS256 is the first.
    static SIGNERS: LazyLock<Vec<Arc<dyn Signer>>> = LazyLock::new(|| {
        let signer = |algorithm: &&dyn Algorithm| algorithm.signer(&algorithm.generate().unwrap()).unwrap();
        ALGORITHMS.iter().map(signer).collect()
    });

    fn token(header: &str, payload: &str) -> String {
        token_by(SIGNERS[0].as_ref(), header, payload)
    }

    fn token_by(signer: &dyn Signer, header: &str, payload: &str) -> String {
        let mut text = format!(
            "{}.{}",
            BASE64URL_NOPAD.encode(header.as_bytes()),
            BASE64URL_NOPAD.encode(payload.as_bytes())
        );
        sign(signer, &mut text).unwrap();
        text
    }

    fn verify(token: &str) -> Result<Signed, Refused> {
        Unverified::parse(token)?.verify(SIGNERS[0].public_key())
    }

    #[test]
    fn verifies_what_it_signed() {
        let signed = verify(&token(r#"{"alg":"RS256","kid":"k"}"#, r#"{"sub":"a"}"#)).unwrap();
        assert_eq!(signed.claims["sub"], "a");
        assert_eq!(signed.header["kid"], "k");
    }

    /// G15, G18, G19
    #[test]
    fn refuses_other_algorithms_extensions_and_duplicates() {
        let refused = |header: &str, payload: &str| verify(&token(header, payload)).unwrap_err();
        for alg in ["none", "nOnE", "", "HS256", "rs256", "ES512", "ES256K", "Ed448", "ML-DSA-44"] {
            assert_eq!(refused(&format!(r#"{{"alg":"{alg}"}}"#), "{}"), Refused::Algorithm, "{alg}");
        }
        assert_eq!(refused("{}", "{}"), Refused::Algorithm);
        assert_eq!(refused(r#"{"alg":["RS256"]}"#, "{}"), Refused::Algorithm);
        assert_eq!(refused(r#"{"alg":"RS256","crit":[]}"#, "{}"), Refused::Extension);
        assert_eq!(refused(r#"{"alg":"RS256","b64":false}"#, "{}"), Refused::Extension);
        assert_eq!(refused(r#"{"alg":"RS256","alg":"RS256"}"#, "{}"), Refused::Duplicate);
        assert_eq!(refused(r#"{"alg":"RS256"}"#, r#"{"a":1,"a":1}"#), Refused::Duplicate);
        assert_eq!(refused(r#"{"alg":"RS256"}"#, "[]"), Refused::Malformed);
    }

    #[test]
    fn each_algorithm_verifies_only_with_the_key_that_signed() {
        for (algorithm, signer) in ALGORITHMS.iter().zip(SIGNERS.iter()) {
            let name = algorithm.name();
            let good = token_by(signer.as_ref(), &format!(r#"{{"alg":"{name}"}}"#), r#"{"sub":"a"}"#);
            for key in SIGNERS.iter().map(|signer| signer.public_key()) {
                let verified = Unverified::parse(&good).unwrap().verify(key);
                let expected = if key == signer.public_key() { Ok(()) } else { Err(Refused::Signature) };
                assert_eq!(verified.map(|_| ()), expected, "{name}");
            }
            let (message, signature) = good.rsplit_once('.').unwrap();
            let mut bytes = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
            bytes[7] ^= 0x10;
            let altered = format!("{message}.{}", BASE64URL_NOPAD.encode(&bytes));
            let verified = Unverified::parse(&altered).unwrap().verify(signer.public_key());
            assert_eq!(verified.unwrap_err(), Refused::Signature, "{name}");
        }
    }

    /// A token cannot choose how its signature is looked at. The two names of Ed25519 (RFC 9864) are one algorithm:
    /// there the caller, who knows which of them the key is for, has to tell.
    #[test]
    fn a_signature_of_one_algorithm_is_none_of_another() {
        for (algorithm, signer) in ALGORITHMS.iter().zip(SIGNERS.iter()) {
            for other in ALGORITHMS.iter().map(|other| other.name()) {
                let token = token_by(signer.as_ref(), &format!(r#"{{"alg":"{other}"}}"#), "{}");
                let verified = Unverified::parse(&token).unwrap().verify(signer.public_key());
                let names = [algorithm.name(), other];
                let are_one =
                    names[0] == other || names.iter().all(|name| ["EdDSA", "Ed25519"].contains(name));
                assert_eq!(verified.is_ok(), are_one, "{names:?}");
            }
        }
    }

    /// G20
    #[test]
    fn refuses_every_other_spelling_of_a_good_token() {
        let good = token(r#"{"alg":"RS256"}"#, "{}");
        let spellings = [
            format!("{good}="),
            format!("{good}."),
            format!(" {good}"),
            format!("{good}\n"),
            format!("{good}.x"),
            good.replacen('.', "..", 1),
            good.rsplit_once('.').unwrap().0.to_owned(),
            String::new(),
            ".".repeat(10_000),
        ];
        for spelling in spellings {
            assert!(verify(&spelling).is_err(), "{spelling}");
        }
        assert!(verify(&good).is_ok());
    }

    /// K06
    #[test]
    fn refuses_altered_padding_bits() {
        let good = token(r#"{"alg":"RS256"}"#, "{}");
        let last = good.chars().last().unwrap();
        for other in
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars().filter(|c| *c != last)
        {
            let mut changed = good.clone();
            changed.pop();
            changed.push(other);
            assert!(verify(&changed).is_err());
        }
    }

    proptest! {
        #[test]
        fn never_panics_on_arbitrary_text(text in ".*") {
            prop_assert!(verify(&text).is_err());
        }

        #[test]
        fn reads_back_any_claims(value in ".*") {
            let payload = serde_json::json!({ "value": value });
            let signed = verify(&token(r#"{"alg":"RS256"}"#, &payload.to_string())).unwrap();
            prop_assert_eq!(signed.claims["value"].as_str(), Some(value.as_str()));
        }
    }
}
