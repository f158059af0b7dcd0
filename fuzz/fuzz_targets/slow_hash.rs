//! Other servers' hashes: whatever is read says what it is, and does not print.
#![no_main]

use chancery::crypto::slow_hash::{Exported, FORMATS, SlowHash};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    match Exported::parse(data) {
        Ok(Exported::Plain(secret)) => assert_eq!(data.strip_prefix("{noop}"), Some(secret.expose())),
        Ok(Exported::Hash(hash)) => {
            assert_eq!(hash.as_str(), data);
            assert!(FORMATS.iter().any(|format| format.name() == hash.name()));
            assert_eq!(format!("{hash:?}"), format!("SlowHash({} …)", hash.name()));
            assert!(SlowHash::parse(data).is_ok());
        }
        Err(refused) => assert!(refused.to_string().starts_with("that ")),
    }
});
