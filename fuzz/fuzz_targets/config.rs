//! Settings files: every mistake is one line about a setting, and what is accepted keeps the promises of the settings.
#![no_main]

use std::iter::empty;

use chancery::config::{Source, load};
use chancery::domain::tenant::IssuerUrl;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let source = Source::new(Some(text), "chancery.toml", empty::<(String, String)>(), empty());
    match load(&source) {
        Ok(settings) => {
            let listen = &settings.listen;
            let is_loopback = listen.public.ip().to_canonical().is_loopback();
            assert!(is_loopback || listen.tls.is_some() || listen.behind_proxy, "plain HTTP beyond loopback");
            assert!(is_loopback || settings.issuer.is_some(), "no issuer beyond loopback");
            assert!(listen.public != listen.admin || listen.public.port() == 0);
            assert!((1..=1_000_000).contains(&listen.max_connections));
            let issuer = settings.issuer.as_ref();
            assert!(
                issuer.is_none_or(|issuer| is_loopback || issuer.is_https()),
                "plain http beyond loopback"
            );
            assert!(issuer.is_none_or(|issuer| IssuerUrl::parse(issuer.as_str()).as_ref() == Ok(issuer)));
        }
        Err(mistakes) => {
            assert!(!mistakes.0.is_empty());
            let printed = mistakes.to_string();
            assert_eq!(printed.lines().count(), mistakes.0.len(), "{printed}");
            assert!(!printed.chars().any(|one| one.is_control() && one != '\n'), "{printed:?}");
        }
    }
});
