//! APIs: resource servers that tokens are meant for, and what their tokens are like.
//! Not for: who may have a token for one (`application.rs`, `oauth/grant`).

use std::fmt;
use std::sync::Arc;

use super::Invalid;
use super::id::TenantId;
use super::power::ADMIN_API;
use super::time::Timestamp;
use super::token::TokenSettings;

/// Longest identifier of an API, in bytes: a token holds it.
pub const MAX_API_IDENTIFIER_BYTES: usize = 256;

/// What identifiers begin with that only the server's own APIs have.
const OURS: &str = "urn:chancery:";

/// A resource server. The scopes it defines name it (`Scope::api`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// Whose it is.
    pub tenant: TenantId,
    /// What tokens for it say in `aud`, and what callers say in `resource`. It never changes.
    pub identifier: ApiIdentifier,
    /// Its name for people. May be empty.
    pub name: String,
    /// What its tokens are like.
    pub token: TokenSettings,
    /// The algorithm its tokens are signed with; the tenant's unless set. It is one of ours.
    pub algorithm: Option<String>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts its changes, so that two operators do not overwrite each other.
    pub version: i64,
}

/// What names an API: an absolute URI without a fragment (RFC 8707 §2, RFC 3986 §4.3). It is compared exactly and has
/// no character that JSON escapes. Cheap to copy.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiIdentifier(Arc<str>);

impl ApiIdentifier {
    /// Checks an identifier.
    ///
    /// # Errors
    /// When it is no absolute URI, has a fragment, or is longer than 256 bytes.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let is_absolute =
            text.split_once(':').is_some_and(|(scheme, rest)| is_scheme(scheme) && is_rest(rest));
        if !is_absolute || text.len() > MAX_API_IDENTIFIER_BYTES {
            return Err(Invalid(format!(
                "that is not an API's identifier: an absolute URI without a fragment, at most \
                 {MAX_API_IDENTIFIER_BYTES} characters, such as https://api.example.com/orders (RFC 8707 §2)"
            )));
        }
        Ok(Self(text.into()))
    }

    /// Whether it is one that only the server's own APIs may have.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.0.get(..OURS.len()).is_some_and(|start| start.eq_ignore_ascii_case(OURS))
    }

    /// The one of the API that administers this server.
    #[must_use]
    pub fn admin() -> Self {
        Self(ADMIN_API.into())
    }

    /// Whether it is that of the API that administers this server.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        &*self.0 == ADMIN_API
    }

    /// The identifier.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiIdentifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Display for ApiIdentifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Lets a map be searched by text that has not been checked.
impl std::borrow::Borrow<str> for ApiIdentifier {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// RFC 3986 §3.1.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// What may follow the scheme but for a fragment: unreserved and reserved characters and escapes (RFC 3986 §2).
fn is_rest(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let is_fine = match byte {
            b'%' => {
                [bytes.next(), bytes.next()].iter().flatten().filter(|byte| byte.is_ascii_hexdigit()).count()
                    == 2
            }
            b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'?' | b'[' | b']' | b'@' | b'!' | b'$' | b'&'
            | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' => true,
            other => other.is_ascii_alphanumeric(),
        };
        if !is_fine {
            return false;
        }
    }
    !text.is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// N01
    #[test]
    fn an_identifier_is_an_absolute_uri_without_a_fragment() {
        for good in [
            "https://api.example.com",
            "https://api.example.com/orders?v=1&x=%2F",
            "urn:example:orders",
            "api://default",
            "https://[2001:db8::1]:8443/a;b=(c)",
            "x:y",
        ] {
            assert_eq!(ApiIdentifier::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "orders",
            "/orders",
            "//api.example.com",
            "https:",
            ":a",
            "1a:b",
            "https://api.example.com#a",
            "https://api.example.com/#",
            "https://api example.com",
            "https://api.example.com/\"",
            "https://api.example.com/\\",
            "https://bücher.example",
            "https://a/%4",
            "https://a/%zz",
            "https://a/<b>",
            "https://a\n",
            "ht tp:a",
        ] {
            assert!(ApiIdentifier::parse(bad).is_err(), "{bad:?}");
        }
        assert!(ApiIdentifier::parse(&format!("urn:{}", "a".repeat(253))).is_err());
        assert!(ApiIdentifier::parse("URN:Chancery:admin").unwrap().is_ours());
    }

    proptest! {
        #[test]
        fn never_panics_and_needs_no_escaping(text in ".*", uri in "[a-z]{1,3}:[!-~]{1,20}") {
            for text in [text, uri] {
                if let Ok(identifier) = ApiIdentifier::parse(&text) {
                    prop_assert_eq!(serde_json::Value::from(identifier.as_str()).to_string(), format!("\"{text}\""));
                }
            }
        }
    }
}
