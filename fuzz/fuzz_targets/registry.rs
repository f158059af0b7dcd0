//! Registry files: every mistake is one line, and what is accepted reads back from JSON as the same.
#![no_main]

use chancery::admin::registry::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| match read(bytes) {
    Ok(document) => {
        let json = serde_json::to_vec(&document).unwrap();
        let again = read(&json).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(again, document);
    }
    Err(mistakes) => {
        assert!(!mistakes.0.is_empty());
        let printed = mistakes.to_string();
        assert_eq!(
            printed.lines().count(),
            1 + mistakes.0.len().min(100) + usize::from(mistakes.0.len() > 100)
        );
        assert!(!printed.chars().any(|one| one.is_control() && one != '\n'), "{printed:?}");
    }
});
