//! `issuer`: the default tenant's issuer, and when it must be given.
//! Other tenants' issuers are in the store.

use super::listen::is_loopback;
use super::reader::Reader;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

const LONGEST_ISSUER_BYTES: usize = 255;

/// Reads the setting; `public` is absent when the `listen` section is a mistake itself.
pub(super) fn read(reader: &mut Reader<'_>, public: Option<SocketAddr>) -> Option<String> {
    let serves_beyond_loopback = public.is_some_and(|public| !is_loopback(public));
    if serves_beyond_loopback && !reader.is_given("issuer") {
        reader.refuse(
            "issuer",
            "is required when listen.public is beyond loopback; set it to the https URL that callers use",
        );
    }
    reader.text("issuer", |text| {
        check_issuer(text)?;
        if serves_beyond_loopback && !text.starts_with("https://") {
            return Err("must be https when listen.public is beyond loopback".to_owned());
        }
        Ok(text.to_owned())
    })
}

/// Issuers are compared byte by byte (RFC 8414 §3.3), so there must be only one way to write each.
fn check_issuer(text: &str) -> Result<(), String> {
    if text.len() > LONGEST_ISSUER_BYTES {
        return Err(format!("is longer than {LONGEST_ISSUER_BYTES} bytes"));
    }
    let (is_https, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return Err("must begin with https:// (or http:// on loopback), in lower case".to_owned()),
    };
    if text.contains(['?', '#']) {
        return Err("must have no query and no fragment".to_owned());
    }
    if text.ends_with('/') {
        return Err("must not end with /".to_owned());
    }
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, Some(path)),
        None => (rest, None),
    };
    if authority.contains('@') {
        return Err("must contain no user name and no password".to_owned());
    }
    let is_loopback = check_authority(authority)?;
    if !is_https && !is_loopback {
        return Err("must be https; http is only for localhost, 127.0.0.0/8 and [::1]".to_owned());
    }
    path.map_or(Ok(()), check_path)
}

/// Whether the host is this machine, or what is wrong with host and port.
fn check_authority(authority: &str) -> Result<bool, String> {
    let split = authority.rfind(']').map_or(0, |end| end + 1);
    let (bracketed, after) = authority.split_at_checked(split).unwrap_or((authority, ""));
    let (name, port) = match after.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (after, None),
    };
    if let Some(port) = port
        && (port.starts_with(['+', '0']) || port.parse::<u16>().is_err())
    {
        return Err("must have a port from 1 to 65535, or none".to_owned());
    }
    let wrong_host = || "must have a host name or an IP address, in lower case".to_owned();
    if bracketed.is_empty() {
        return check_host_name(name).ok_or_else(wrong_host);
    }
    let address =
        bracketed.strip_prefix('[').and_then(|text| text.strip_suffix(']')).filter(|_| name.is_empty());
    let address =
        address.and_then(|text| text.parse::<Ipv6Addr>().ok().filter(|address| address.to_string() == text));
    address.map(|address| address.is_loopback()).ok_or_else(wrong_host)
}

/// Whether the name means this machine; `None` if it is no host name.
fn check_host_name(name: &str) -> Option<bool> {
    if let Ok(address) = name.parse::<Ipv4Addr>() {
        return Some(address.is_loopback());
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
    };
    // Names such as 127.1 are addresses to some programs and names to others.
    let ends_in_number =
        name.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    (name.split('.').all(is_label) && !ends_in_number).then_some(name == "localhost")
}

/// Only what RFC 3986 §3.3 leaves as it is, and no segment that a client would take out.
fn check_path(path: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte);
    let is_segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(is_plain);
    if path.split('/').all(is_segment) {
        return Ok(());
    }
    Err("must have a path of plain ASCII segments, without //, . and %".to_owned())
}

#[cfg(test)]
mod tests {
    use super::check_issuer;
    use crate::config::example::{from_file, mistakes_of_file};
    use proptest::prelude::*;

    #[test]
    fn takes_https_anywhere_and_http_on_loopback() {
        for text in [
            "https://id.example",
            "https://id.example:8443/tenants/a",
            "https://xn--bcher-kva.example/a.b~c",
            "https://10.0.0.1",
            "https://[2001:db8::1]:443",
            "http://localhost:8080",
            "http://127.0.0.1",
            "http://127.1.2.3:80/a",
            "http://[::1]:8080",
        ] {
            assert_eq!(check_issuer(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "id.example",
            "https://",
            "https:///a",
            "https:id.example",
            "HTTPS://id.example",
            "https://Id.example",
            "ftp://id.example",
            "https://id.example/",
            "https://id.example?a",
            "https://id.example/a#b",
            "https://me@id.example",
            "https://me:hunter2@id.example",
            "https://id.example:0",
            "https://id.example:",
            "https://id.example:65536",
            "https://id.example:+1",
            "https://id.example:080",
            "https://bücher.example",
            "https://id..example",
            "https://-id.example",
            "https://id.example.",
            "https://id.example/a//b",
            "https://id.example/../a",
            "https://id.example/%41",
            "https://id.example/a b",
            "https://id.example\\a",
            "https://[::1",
            "https://::1",
            "https://[::1]a",
            "https://[0::1]",
            "https://a[::1]",
            "https://[fe80::1%1]",
            "http://id.example",
            "http://localhost.example",
            "http://127.1",
            "http://10.0.0.1",
            "http://127.0.0.1.example",
            "https://1.2.3",
            "https://é]",
            "http://0.0.0.0",
            "http://[::]",
        ] {
            assert!(check_issuer(text).is_err(), "{text}");
        }
        assert!(check_issuer(&format!("https://id.example/{}", "a".repeat(255))).is_err());
    }

    #[test]
    fn is_required_and_https_beyond_loopback() -> Result<(), String> {
        let listen = "listen.behind_proxy = true\nlisten.public = '0.0.0.0:80'\n";
        assert!(mistakes_of_file(listen).starts_with("issuer: is required"));
        assert!(
            mistakes_of_file(&format!("{listen}issuer = 'http://localhost'"))
                .starts_with("issuer: must be https")
        );
        let settings = from_file(&format!("{listen}issuer = 'https://id.example'"))?;
        assert_eq!(settings.issuer.as_deref(), Some("https://id.example"));
        Ok(())
    }

    #[test]
    fn a_wrong_issuer_is_one_mistake_and_not_shown() {
        let shown = mistakes_of_file(
            "listen.behind_proxy = true\nlisten.public = '0.0.0.0:80'\nissuer = 'https://me:hunter2@x'",
        );
        assert_eq!(shown, "issuer: must contain no user name and no password (chancery.toml, line 3)");
    }

    proptest! {
        #[test]
        fn never_panics_and_takes_nothing_that_could_be_written_twice(text in r"https?://[a-z0-9.:@/?#%\[\]é-]{0,40}") {
            if check_issuer(&text).is_ok() {
                prop_assert!(text.is_ascii() && !text.ends_with('/') && !text.contains(['?', '#', '%', ' ']));
            }
        }
    }
}
