//! Public keys in JSON: what is accepted prints exactly as it came.
#![no_main]

use chancery::crypto::jwk::PublicKey;
use data_encoding::BASE64URL_NOPAD;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};

fn check(members: &Map<String, Value>) -> bool {
    let Ok(key) = PublicKey::from_members(members) else { return false };
    let printed = key.to_members();
    for (name, value) in &printed {
        assert_eq!(members.get(name), Some(value), "{name} has another spelling");
    }
    assert_eq!(PublicKey::from_members(&printed), Ok(key.clone()));
    assert_eq!(key.thumbprint().len(), 43);
    true
}

fn text(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// A key of these very numbers: the exponent in the first bytes, the modulus after it, or a long one made of it.
fn check_rsa(data: &[u8]) {
    let (exponent, modulus) = data.split_at(data.len().min(3));
    let long: Vec<u8> = [0xc5].iter().chain(modulus.iter().cycle().take(255)).copied().collect();
    for modulus in [modulus, &long] {
        let key = json!({ "kty": "RSA", "n": text(modulus), "e": text(exponent), "kid": "k" });
        let accepted = check(key.as_object().unwrap());
        if accepted {
            assert!(modulus.len() >= 256 && modulus[0] != 0 && exponent[0] != 0);
            assert!(exponent.last().unwrap() % 2 == 1 && exponent != [1]);
        }
    }
}

/// The bytes as they are, and as many as the type asks for.
fn check_others(data: &[u8]) {
    let filled = |length: usize| -> Vec<u8> { data.iter().copied().chain([0; 1952]).take(length).collect() };
    for (curve, length) in [("P-256", 32), ("P-384", 48), ("P-521", 66)] {
        let (first, second) = data.split_at(data.len() / 2);
        let long = filled(2 * length);
        for (x, y) in [(first, second), long.split_at(length)] {
            let key = json!({ "kty": "EC", "crv": curve, "x": text(x), "y": text(y) });
            let accepted = check(key.as_object().unwrap());
            assert!(!accepted || (x.len() == length && y.len() == length && curve != "P-521"));
        }
    }
    for bytes in [data, &filled(32), &filled(1952)] {
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": text(bytes) });
        assert_eq!(check(key.as_object().unwrap()), bytes.len() == 32);
        let key = json!({ "kty": "AKP", "alg": "ML-DSA-65", "pub": text(bytes) });
        assert_eq!(check(key.as_object().unwrap()), bytes.len() == 1952);
    }
}

fuzz_target!(|data: &[u8]| {
    if let Ok(Value::Object(members)) = serde_json::from_slice(data) {
        check(&members);
    }
    check_rsa(data);
    check_others(data);
});
