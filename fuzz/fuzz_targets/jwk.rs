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

fuzz_target!(|data: &[u8]| {
    if let Ok(Value::Object(members)) = serde_json::from_slice(data) {
        check(&members);
    }
    // A key of these very numbers: the exponent in the first bytes, the modulus after it, or a long one made of it.
    let (exponent, modulus) = data.split_at(data.len().min(3));
    let long: Vec<u8> = [0xc5].iter().chain(modulus.iter().cycle().take(255)).copied().collect();
    for modulus in [modulus, &long] {
        let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        let key = json!({ "kty": "RSA", "n": text(modulus), "e": text(exponent), "kid": "k" });
        let accepted = check(key.as_object().unwrap());
        if accepted {
            assert!(modulus.len() >= 256 && modulus[0] != 0 && exponent[0] != 0);
            assert!(exponent.last().unwrap() % 2 == 1 && exponent != [1]);
        }
    }
});
