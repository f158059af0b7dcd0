//! Form bodies: nothing comes out that is longer than what went in, and what was read can be written and read again.
#![no_main]

use chancery::oauth::form::{Form, ScopeParameter};
use libfuzzer_sys::fuzz_target;

/// Every parameter that is kept, by its name on the wire.
fn parameters<'form>(form: &'form Form<'_>) -> Vec<(&'static str, &'form str)> {
    let scope = match &form.scope {
        Some(ScopeParameter::Text(text)) => Some(text.as_ref()),
        Some(ScopeParameter::TooLong) | None => None,
    };
    let single = [
        ("grant_type", form.grant_type.as_deref()),
        ("client_id", form.client_id.as_deref()),
        ("client_secret", form.client_secret.as_ref().map(|secret| secret.expose())),
        ("scope", scope),
        ("token", form.token.as_ref().map(|token| token.expose())),
    ];
    let resources = form.resources.iter().map(|resource| ("resource", resource.as_ref()));
    single.into_iter().filter_map(|(name, value)| Some((name, value?))).chain(resources).collect()
}

fuzz_target!(|body: &[u8]| {
    let Ok(form) = Form::parse(body) else { return };
    let read = parameters(&form);
    let length: usize = read.iter().map(|(name, value)| name.len() + 1 + value.len()).sum();
    assert!(length <= body.len() + 1, "more came out than went in");
    assert!(read.iter().all(|(_, value)| !value.is_empty()), "an empty value is as if it were not sent");

    let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let pairs: Vec<String> =
        read.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    let written = pairs.join("&");
    let again = Form::parse(written.as_bytes()).expect("what was read can be written");
    assert_eq!(parameters(&again), read);
});
