//! Master keys: whichever way one is written, it is written back in one, and is the same key.
#![no_main]

use chancery::crypto::master::MasterKey;
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXUPPER};
use libfuzzer_sys::fuzz_target;

fn check(text: &str) {
    let Ok(key) = MasterKey::parse(text) else { return };
    assert!([43, 44, 64].contains(&text.trim().len()));
    let written = key.expose();
    assert_eq!(written.len(), 64);
    let again = MasterKey::parse(&written).expect("what is written can be read");
    assert_eq!((again.expose(), again.fingerprint()), (written, key.fingerprint()));
    assert_eq!(format!("{key:?}"), "MasterKey(…)");
}

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        check(text);
    }
    for text in [HEXUPPER.encode(data), BASE64.encode(data), BASE64URL_NOPAD.encode(data)] {
        assert!(MasterKey::parse(&text).is_ok() || data.len() != 32, "{text:?}");
        check(&format!(" {text}\n"));
    }
});
