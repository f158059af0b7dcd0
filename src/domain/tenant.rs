//! Tenants: one user directory each, with its host names and issuer.
//! Not for: its keys (`signing_key.rs`) or finding it at run time (`issuer`).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::Invalid;
use super::id::TenantId;
use super::quota::Quota;
use super::time::{Timestamp, format_duration};

/// The tenant that commands mean when none is named.
pub const DEFAULT_TENANT: &str = "default";

/// Longest issuer, in bytes: it is part of every token.
pub const MAX_ISSUER_BYTES: usize = 255;

/// One user directory. Nothing is shared between tenants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its identity inside.
    pub id: TenantId,
    /// What operators call it.
    pub name: String,
    /// The host names that reach it, as they stand in `Host`.
    pub hosts: Vec<Host>,
    /// What its tokens say in `iss`.
    pub issuer: IssuerUrl,
    /// A disabled tenant issues nothing.
    pub enabled: bool,
    /// The algorithm its tokens are signed with unless an API asks for another. It is one of ours.
    pub algorithm: String,
    /// How long a signing key signs before the next one takes its place.
    pub key_period: Duration,
    /// How many tokens all its applications together may have.
    pub quota: Quota,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts its changes, so that two operators do not overwrite each other.
    pub version: i64,
}

/// How long a signing key signs unless the tenant says otherwise.
pub const DEFAULT_KEY_PERIOD: Duration = Duration::from_hours(90 * 24);

/// Periods a tenant may choose, in seconds: a day to ten years. A shorter one would have more keys retiring than active.
const KEY_PERIOD_SECONDS: RangeInclusive<u64> = 86_400..=10 * 366 * 86_400;

/// Checks how long a signing key is to sign.
///
/// # Errors
/// When it is shorter than a day or longer than ten years.
pub fn check_key_period(period: Duration) -> Result<(), Invalid> {
    if KEY_PERIOD_SECONDS.contains(&period.as_secs()) {
        return Ok(());
    }
    Err(Invalid(format!("a key signs for 1d to 3660d, not {}", format_duration(period))))
}

/// Checks a tenant's name: lower-case letters, digits and hyphens, at most 63, beginning with a letter or digit.
///
/// # Errors
/// Says what is wrong.
pub fn check_tenant_name(name: &str) -> Result<(), Invalid> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > 63 || name.starts_with('-') || !name.bytes().all(allowed) {
        return Err(Invalid(format!(
            "{name:?} is not a tenant name: 1 to 63 lower-case letters, digits and hyphens"
        )));
    }
    Ok(())
}

/// An issuer identifier (RFC 8414 §2): https without query and fragment; http on loopback only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IssuerUrl {
    text: String,
    authority_end: usize,
}

impl IssuerUrl {
    /// Checks an issuer. It is kept character by character, since verifiers compare it so (RFC 8414 §3.3).
    ///
    /// # Errors
    /// Says what is wrong and how to mend it.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        const HOST: &str = "its host is a lower-case name or address, with a port if need be";
        // The text is not repeated: what is wrong with it may be a password in it.
        let wrong = |why: &str| Err(Invalid(format!("that is not an issuer: {why}")));
        if text.len() > MAX_ISSUER_BYTES {
            return Err(Invalid(format!("the issuer is too long: at most {MAX_ISSUER_BYTES} characters")));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return wrong("write it as https://host or https://host/path");
        };
        if rest.contains(['?', '#']) {
            return wrong("it has no query and no fragment (RFC 8414 §2)");
        }
        if text.ends_with('/') {
            return wrong("leave out the slash at the end");
        }
        let authority_length = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(authority_length);
        if !path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte))
            || path.contains("//")
        {
            return wrong("its path is letters, digits and - . _ ~ between single slashes");
        }
        if path.split('/').any(|segment| segment == "." || segment == "..") {
            return wrong("its path has no dot segments");
        }
        let Ok(host) = Host::parse(authority) else {
            return wrong(HOST);
        };
        if !host.is_written_in_one_way() {
            return wrong(HOST);
        }
        match scheme {
            "https" => {}
            "http" if host.is_loopback() => {}
            "http" => return wrong("beyond loopback it must be https"),
            _ => return wrong("it begins with https://"),
        }
        if host.as_str() != authority || authority.ends_with(if scheme == "https" { ":443" } else { ":80" }) {
            return wrong("write its host in lower case, without a final dot or the default port");
        }
        Ok(Self { authority_end: scheme.len() + 3 + authority_length, text: text.to_owned() })
    }

    /// The whole identifier.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme and authority: where the endpoints are.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.text.get(..self.authority_end).unwrap_or_default()
    }

    /// Its path, empty or beginning with a slash.
    #[must_use]
    pub fn path(&self) -> &str {
        self.text.get(self.authority_end..).unwrap_or_default()
    }

    /// The host a request for this issuer names.
    #[must_use]
    pub fn host(&self) -> Host {
        let authority = self.origin().split_once("://").map_or("", |(_, authority)| authority);
        Host(authority.to_owned())
    }

    /// Whether it is https.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https://")
    }
}

impl fmt::Display for IssuerUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// A host as it stands in a `Host` header: lower-case, one final dot removed, with its port if it has one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host(String);

/// The port that adds nothing to a host, after a colon (RFC 9110 §4.2).
pub const fn default_port(https: bool) -> &'static str {
    if https { ":443" } else { ":80" }
}

/// Lets hosts be searched by text that has not been checked.
impl std::borrow::Borrow<str> for Host {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Host {
    /// Reads `host` or `host:port` (RFC 9110 §7.2): a name of letters, digits, hyphens, dots and underscores, an IPv4
    /// address or an IPv6 address in brackets.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid(format!("{text:?} is not a host: a name or address, with :port if need be"));
        if text.is_empty() || text.len() > 260 || !text.is_ascii() {
            return Err(wrong());
        }
        let port_start = match text.rfind(']') {
            Some(end) => end + 1,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (name, port) = text.split_at(port_start);
        if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
            return Err(wrong());
        }
        let name = if name.starts_with('[') { name } else { name.strip_suffix('.').unwrap_or(name) };
        let valid = match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => is_name(name),
        };
        if !valid {
            return Err(wrong());
        }
        let mut host = [name, port].concat();
        host.make_ascii_lowercase();
        Ok(Self(host))
    }

    /// Whether no other text names the same host and port: no port with leading zeros, no address that some programs
    /// read as a name, none that can be shortened.
    fn is_written_in_one_way(&self) -> bool {
        let (name, port) = match self.0.rfind(']') {
            Some(end) => self.0.split_at(end + 1),
            None => self.0.split_at(self.0.find(':').unwrap_or(self.0.len())),
        };
        if port.starts_with(":0") {
            return false;
        }
        if let Some(address) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return address.parse::<Ipv6Addr>().is_ok_and(|parsed| parsed.to_string() == address);
        }
        let is_label = |label: &str| label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-');
        let ends_in_number =
            name.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
        name.parse::<Ipv4Addr>().is_ok() || (name.split('.').all(is_label) && !ends_in_number)
    }

    /// The same host without the default port of its scheme, which adds nothing.
    #[must_use]
    pub fn without_default_port(mut self, https: bool) -> Self {
        if let Some(shorter) = self.0.strip_suffix(default_port(https)) {
            self.0.truncate(shorter.len());
        }
        self
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names this very machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let name = match self.0.rfind(']') {
            Some(end) => self.0.get(1..end).unwrap_or_default(),
            None => self.0.split(':').next().unwrap_or_default(),
        };
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !name.is_empty()
        && name.len() <= 253
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
        && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accepts_issuers_and_takes_them_apart() {
        let issuer = IssuerUrl::parse("https://id.example.com:8443/one/two").unwrap();
        assert_eq!((issuer.origin(), issuer.path()), ("https://id.example.com:8443", "/one/two"));
        assert_eq!(issuer.host().as_str(), "id.example.com:8443");
        for good in [
            "https://id.example",
            "https://id.example:8443/tenants/a",
            "https://xn--bcher-kva.example/a.b~c",
            "https://10.0.0.1",
            "https://[2001:db8::1]:8443",
            "http://localhost:8080",
            "http://127.0.0.1",
            "http://127.1.2.3:81/a",
            "http://[::1]:8080",
            "https://sample.portal.tencentciam.com",
            "http://[::1]:1",
        ] {
            assert_eq!(IssuerUrl::parse(good).unwrap().as_str(), good);
        }
    }

    /// I03
    #[test]
    fn refuses_issuers_that_verifiers_could_read_in_two_ways() {
        for bad in [
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
            "https://x:443",
            "http://localhost:80",
            "https://x.",
        ] {
            assert!(IssuerUrl::parse(bad).is_err(), "{bad}");
        }
        assert!(IssuerUrl::parse(&format!("https://{}", "a".repeat(255))).is_err());
    }

    /// R01
    #[test]
    fn compares_hosts_after_lower_case_final_dot_and_default_port() {
        let host = |text: &str| Host::parse(text).unwrap().without_default_port(true);
        assert_eq!(host("Sample.Example."), host("sample.example"));
        assert_eq!(host("sample.example:443"), host("sample.example"));
        assert_eq!(host("sample.example.:443"), host("sample.example"));
        assert_ne!(host("sample.example:8443"), host("sample.example"));
        assert_ne!(host("sample.example..".trim_end_matches('.')), host("sample.exampl"));
    }

    #[test]
    fn refuses_what_is_no_host() {
        for bad in [
            "", ":80", "a..b", "a..", "a b", "a/b", "a@b", "a:b", "a:1:2", "[::1", "::1", "[x]", "a:", "é",
            ".", "a\0",
        ] {
            assert!(Host::parse(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn parsing_is_stable_and_never_panics(text in ".*") {
            if let Ok(host) = Host::parse(&text) {
                prop_assert_eq!(Host::parse(host.as_str()).unwrap(), host);
            }
            if let Ok(issuer) = IssuerUrl::parse(&text) {
                prop_assert_eq!(issuer.as_str(), text);
            }
        }
    }
}
