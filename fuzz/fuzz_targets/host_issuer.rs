//! Hosts and issuers: what is accepted reads back as itself, and an issuer is whole when it is put together again.
#![no_main]

use chancery::domain::tenant::{Host, IssuerUrl};
use libfuzzer_sys::fuzz_target;

fn check_host(text: &str) {
    let Ok(host) = Host::parse(text) else { return };
    assert_eq!(Host::parse(host.as_str()).as_ref(), Ok(&host), "{text:?}");
    assert!(host.as_str().len() <= text.len());
    assert!(host.as_str().bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase()));
    assert!(host.as_str().bytes().all(|byte| !b"/?#@,\"'<>\\".contains(&byte)), "{text:?}");
    assert_eq!(Host::parse(&text.to_ascii_uppercase()).as_ref(), Ok(&host));
    let without = host.clone().without_default_port(true);
    assert!(without == host || format!("{without}:443") == host.as_str());
}

fn check_issuer(text: &str) {
    let Ok(issuer) = IssuerUrl::parse(text) else { return };
    assert_eq!(issuer.as_str(), text);
    assert_eq!(format!("{}{}", issuer.origin(), issuer.path()), text);
    assert!(issuer.path().is_empty() || issuer.path().starts_with('/'));
    assert!(!text.ends_with('/') && !text.contains(['?', '#', '@', '%', ' ']));
    let host = issuer.host();
    assert_eq!(Host::parse(host.as_str()).as_ref(), Ok(&host));
    assert!(issuer.origin().ends_with(&format!("://{host}")));
    assert!(issuer.is_https() || host.is_loopback());
}

fuzz_target!(|text: &str| {
    check_host(text);
    check_issuer(text);
    check_issuer(&format!("https://{text}"));
    check_issuer(&format!("http://{text}"));
});
