//! `Authorization` fields: the spelling of the scheme changes nothing, and a pair that was encoded is found again.
#![no_main]

use chancery::oauth::client_auth::{Found, METHODS};
use chancery::oauth::form::Form;
use chancery::oauth::request::{Authorization, Incoming};
use data_encoding::BASE64;
use libfuzzer_sys::fuzz_target;

/// What the methods find: each `None`, or what it prints of what it found.
fn found(field: &[u8]) -> Vec<Option<String>> {
    let incoming =
        Incoming { form: Form::default(), authorization: Some(Authorization::new(field)), source: None };
    let look = |found| match found {
        Found::NotMine => None,
        found => Some(format!("{found:?}")),
    };
    METHODS.iter().map(|method| look(method.find(&incoming))).collect()
}

fn of_scheme(scheme: &[u8], credentials: &[u8]) -> Vec<Option<String>> {
    found(&[scheme, credentials].concat())
}

fuzz_target!(|data: &[u8]| {
    found(data);
    let encoded = BASE64.encode(data);
    for credentials in [data, encoded.as_bytes()] {
        let plain = of_scheme(b"Basic ", credentials);
        assert_eq!(of_scheme(b"bASIC   ", credentials), plain);
        assert_eq!(plain.iter().flatten().count(), 1, "one method, and one alone, has this scheme");
        assert!(of_scheme(b"Basi ", credentials).iter().flatten().next().is_none());
    }

    // A pair, separated by a zero byte.
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some((id, secret)) = text.split_once('\0') else { return };
    if id.is_empty() || secret.is_empty() {
        return;
    }
    let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pair = format!("{}:{}", escape(id), escape(secret));
    let printed =
        of_scheme(b"Basic ", BASE64.encode(pair.as_bytes()).as_bytes()).into_iter().flatten().next();
    let printed = printed.expect("a sound pair is found");
    assert!(printed.contains("Presented") && printed.contains(&format!("{id:?}")), "{printed}");
    // The secret is the one that never prints, unless it is in the id as well.
    let hidden = format!("{secret:?}");
    assert!(secret.len() < 20 || id.contains(secret) || !printed.contains(&hidden), "the secret was printed");
});
