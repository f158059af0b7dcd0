//! The `scope` parameter: exactly what was asked is selected, in the order asked, or nothing.
#![no_main]

use chancery::domain::scope::{NotGranted, ScopeName, ScopeSet};
use libfuzzer_sys::fuzz_target;

fn is_well_formed(token: &str) -> bool {
    !token.is_empty()
        && token.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && byte != b'"' && byte != b'\\')
}

fuzz_target!(|data: &str| {
    let (registered, requested) = data.split_once('\n').unwrap_or(("read write", data));
    let set = ScopeSet::new(registered.split(' ').filter_map(|name| ScopeName::parse(name).ok()));
    let is_known = |token: &str| set.names().iter().any(|name| name.as_str() == token);
    let mut tokens = requested.split(' ');
    match set.select(requested) {
        Ok(selected) => {
            let mut wanted: Vec<&str> = Vec::new();
            for token in tokens {
                if !wanted.contains(&token) {
                    wanted.push(token);
                }
            }
            let selected: Vec<&str> = selected.iter().map(ScopeName::as_str).collect();
            assert_eq!(selected, wanted);
            assert!(selected.iter().all(|name| is_known(name) && is_well_formed(name)));
        }
        Err(NotGranted::Malformed) => assert!(tokens.any(|token| !is_well_formed(token))),
        Err(NotGranted::Unknown) => assert!(tokens.any(|token| is_well_formed(token) && !is_known(token))),
    }
    if let Ok(name) = ScopeName::parse(requested) {
        assert_eq!(name.as_str(), requested);
        assert!(is_well_formed(requested));
    }
});
