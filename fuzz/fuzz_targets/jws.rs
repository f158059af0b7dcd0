//! Compact JWS: only the one strict spelling is read, and nothing verifies that the key did not sign.
#![no_main]

use std::sync::LazyLock;

use chancery::crypto::algorithm::{self, ALGORITHMS};
use chancery::crypto::jwk::PublicKey;
use chancery::crypto::jws::{MAX_TOKEN_BYTES, Unverified};
use data_encoding::BASE64URL_NOPAD;
use libfuzzer_sys::fuzz_target;

/// A key of each type. The private halves of those that are made here are gone with the process.
static KEYS: LazyLock<Vec<PublicKey>> = LazyLock::new(|| {
    let members = serde_json::from_str(include_str!("../../tests/vectors/rfc7638-jwk.json")).unwrap();
    let made = ["ES256", "ES384", "EdDSA", "ML-DSA-65"].map(|name| {
        let algorithm = algorithm::find(name).unwrap();
        algorithm.signer(&algorithm.generate().unwrap()).unwrap().public_key().clone()
    });
    [PublicKey::from_members(&members).unwrap()].into_iter().chain(made).collect()
});

fn check(text: &str) {
    let Ok(token) = Unverified::parse(text) else { return };
    assert!(text.len() <= MAX_TOKEN_BYTES);
    let parts: Vec<&str> = text.split('.').collect();
    assert_eq!(parts.len(), 3);
    for part in &parts {
        let bytes = BASE64URL_NOPAD.decode(part.as_bytes()).expect("strict base64url");
        assert_eq!(BASE64URL_NOPAD.encode(&bytes), *part);
    }
    let header = token.unverified_header();
    assert_eq!(header["alg"], token.unverified_algorithm());
    assert!(!header.contains_key("crit") && !header.contains_key("b64"));
    assert_eq!(header.get("kid").and_then(|id| id.as_str()), token.unverified_key_id());
    assert_eq!(token.unverified_claims().ok(), token.unverified_claims().ok());
    for key in KEYS.iter() {
        let token = Unverified::parse(text).expect("it was read before");
        assert!(token.verify(key).is_err(), "nobody has the private key");
    }
}

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        check(text);
    }
    // Parts separated by zero bytes, encoded here, so that what they hold is reached.
    let parts: Vec<String> = data.split(|byte| *byte == 0).map(|part| BASE64URL_NOPAD.encode(part)).collect();
    check(&parts.join("."));
    if let [payload, signature] = parts.as_slice() {
        for name in ALGORITHMS.iter().map(|algorithm| algorithm.name()) {
            let header = format!(r#"{{"alg":"{name}"}}"#);
            check(&format!("{}.{payload}.{signature}", BASE64URL_NOPAD.encode(header.as_bytes())));
        }
    }
});
