//! What of a request the protocol reads: the form and the `Authorization` field.
//! Not for: HTTP; the fields come here as bytes.

use std::fmt;
use std::net::IpAddr;

use zeroize::Zeroizing;

use super::form::Form;

/// A request for a token or about one, read but not judged.
#[derive(Debug)]
pub struct Incoming<'body> {
    /// The parameters of the body. The query has no say (RFC 6749 §2.3.1, §3.2).
    pub form: Form<'body>,
    /// The `Authorization` field.
    pub authorization: Option<Authorization>,
    /// Where the request came from, for the log and for limits on guessing.
    pub source: Option<IpAddr>,
}

/// An `Authorization` field (RFC 9110 §11.4), which does not print.
pub struct Authorization(Zeroizing<Vec<u8>>);

impl Authorization {
    /// Takes the field's value.
    #[must_use]
    pub fn new(value: &[u8]) -> Self {
        Self(Zeroizing::new(value.to_vec()))
    }

    /// The credentials, if the scheme is this one: compared without regard to case, one or more spaces after it.
    #[must_use]
    pub fn of_scheme(&self, scheme: &str) -> Option<&[u8]> {
        let (name, rest) = self.0.split_at_checked(scheme.len())?;
        let matches = name.eq_ignore_ascii_case(scheme.as_bytes());
        match rest {
            [] if matches => Some(&[]),
            [b' ', ..] if matches => Some(rest.trim_ascii_start()),
            _ => None,
        }
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Authorization(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A32, A33
    #[test]
    fn finds_the_scheme_in_any_case_with_any_number_of_spaces() {
        let credentials =
            |field: &str| Authorization::new(field.as_bytes()).of_scheme("Basic").map(<[u8]>::to_vec);
        for field in ["Basic abc", "basic abc", "BASIC  abc", "bAsIc    abc"] {
            assert_eq!(credentials(field).unwrap(), b"abc", "{field}");
        }
        for field in ["Basicabc", "Bearer abc", "", "Bas", "Basic\tabc"] {
            assert_eq!(credentials(field), None, "{field}");
        }
        assert_eq!(credentials("Basic").unwrap(), b"");
    }
}
