//! Form bodies (`application/x-www-form-urlencoded`, RFC 6749 App. B) into the parameters we know.
//! Not for: what the parameters mean.

use std::borrow::Cow;

use zeroize::Zeroizing;

use crate::crypto::secret::{Secret, SecretText};

use super::error::{ErrorCode, OAuthError};

/// Most parameters a form may have.
const MAX_PARAMETERS: usize = 100;

/// Longest `scope` parameter. A token of 4 KiB has no room for more.
const MAX_SCOPE_BYTES: usize = 4096;

/// The parameters of a request to the token, introspection or revocation endpoint, where they lie in its body. One that is sent without a value is as if it were not sent (RFC 6749 §3.2).
#[derive(Debug, Default)]
pub struct Form<'body> {
    /// `grant_type`.
    pub grant_type: Option<Cow<'body, str>>,
    /// `client_id`, unchecked.
    pub client_id: Option<Cow<'body, str>>,
    /// `client_secret`.
    pub client_secret: Option<SecretText<'body>>,
    /// `scope`.
    pub scope: Option<ScopeParameter<'body>>,
    /// `token`, which is as secret as what it gives access to (RFC 7009 §2.1, RFC 7662 §2.1).
    pub token: Option<SecretText<'body>>,
    /// `resource`, each time it was sent (RFC 8707).
    pub resources: Vec<Cow<'body, str>>,
    /// Whether an assertion was sent (RFC 7521 §4.2).
    pub has_assertion: bool,
    /// Whether rich authorization details were sent (RFC 9396).
    pub has_authorization_details: bool,
}

/// A `scope` parameter as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScopeParameter<'body> {
    /// Its text, unchecked.
    Text(Cow<'body, str>),
    /// It was longer than any grant can be, and was not read.
    TooLong,
}

impl<'body> Form<'body> {
    /// Reads a form body.
    ///
    /// # Errors
    /// `invalid_request` when the encoding is broken, a parameter we know is there twice, or there are too many.
    pub fn parse(body: &'body [u8]) -> Result<Self, OAuthError> {
        let mut form = Self::default();
        let mut seen = Seen::default();
        let is_plain = is_plain(body);
        for (count, pair) in Pairs(Some(utf8(body)?)).enumerate() {
            if count >= MAX_PARAMETERS {
                return Err(refuse("The form has too many parameters."));
            }
            let equals = memchr::memchr(b'=', pair.as_bytes()).unwrap_or(pair.len());
            let (name, value) = pair.split_at_checked(equals).unwrap_or((pair, ""));
            let value = value.get(1..).unwrap_or_default();
            let parameter = match Parameter::named(name) {
                None => Parameter::named(decode(name)?.expose()),
                named => named,
            };
            if let Some(parameter) = parameter {
                seen.note(parameter)?;
            }
            form.take(parameter, value, is_plain)?;
        }
        Ok(form)
    }

    fn take(
        &mut self,
        parameter: Option<Parameter>,
        value: &'body str,
        is_plain: bool,
    ) -> Result<(), OAuthError> {
        if parameter == Some(Parameter::Scope) && value.len() > 3 * MAX_SCOPE_BYTES {
            self.scope = Some(ScopeParameter::TooLong);
            return Ok(());
        }
        // What it is decides whether it is a secret; until then it is taken for one.
        let decoded = if is_plain { SecretText::in_place(value) } else { decode(value)? };
        let text = decoded.expose();
        let may_hold_control_characters =
            matches!(parameter, Some(Parameter::Scope | Parameter::ClientId | Parameter::Token));
        if !is_plain && !may_hold_control_characters && holds_control_character(text.as_bytes()) {
            return Err(refuse("A parameter holds a control character."));
        }
        if text.is_empty() {
            return Ok(());
        }
        match parameter {
            Some(Parameter::GrantType) => self.grant_type = Some(decoded.into_plain()),
            Some(Parameter::ClientId) => self.client_id = Some(decoded.into_plain()),
            Some(Parameter::ClientSecret) => self.client_secret = Some(decoded),
            Some(Parameter::Scope) if text.len() > MAX_SCOPE_BYTES => {
                self.scope = Some(ScopeParameter::TooLong);
            }
            Some(Parameter::Scope) => self.scope = Some(ScopeParameter::Text(decoded.into_plain())),
            Some(Parameter::Resource) => self.resources.push(decoded.into_plain()),
            Some(Parameter::ClientAssertion | Parameter::ClientAssertionType) => self.has_assertion = true,
            Some(Parameter::AuthorizationDetails) => self.has_authorization_details = true,
            Some(Parameter::Token) => self.token = Some(decoded),
            // RFC 7009 §2.1, RFC 7662 §2.1: a server that finds a token without a hint ignores it.
            Some(Parameter::TokenTypeHint) | None => {}
        }
        Ok(())
    }
}

/// What stands between `&`, found a word at a time: a body of 64 KiB must not cost more than the request deserves.
struct Pairs<'body>(Option<&'body str>);

impl<'body> Iterator for Pairs<'body> {
    type Item = &'body str;

    fn next(&mut self) -> Option<&'body str> {
        let rest = self.0?;
        let end = memchr::memchr(b'&', rest.as_bytes());
        self.0 = end.and_then(|end| rest.get(end + 1..));
        rest.get(..end.unwrap_or(rest.len()))
    }
}

/// A parameter that means something here; all others are ignored (RFC 6749 §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parameter {
    GrantType,
    ClientId,
    ClientSecret,
    Scope,
    Resource,
    ClientAssertion,
    ClientAssertionType,
    AuthorizationDetails,
    Token,
    TokenTypeHint,
}

impl Parameter {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "grant_type" => Self::GrantType,
            "client_id" => Self::ClientId,
            "client_secret" => Self::ClientSecret,
            "scope" => Self::Scope,
            "resource" => Self::Resource,
            "client_assertion" => Self::ClientAssertion,
            "client_assertion_type" => Self::ClientAssertionType,
            "authorization_details" => Self::AuthorizationDetails,
            "token" => Self::Token,
            "token_type_hint" => Self::TokenTypeHint,
            _ => return None,
        })
    }
}

/// Which parameters were there already.
#[derive(Default)]
struct Seen(u16);

impl Seen {
    fn note(&mut self, parameter: Parameter) -> Result<(), OAuthError> {
        let bit = 1 << parameter as u16;
        // RFC 8707 §2 lets `resource` repeat; all others must not (RFC 6749 §3.2).
        if self.0 & bit != 0 && parameter != Parameter::Resource {
            return Err(refuse("A parameter is there twice."));
        }
        self.0 |= bit;
        Ok(())
    }
}

/// Whether nothing in a body is escaped, and nothing is a control character: looked at once for all of it, since most
/// are like that.
fn is_plain(body: &[u8]) -> bool {
    memchr::memchr2(b'%', b'+', body).is_none() && !holds_control_character(body)
}

/// Without an early end, so that many bytes are looked at in one step.
fn holds_control_character(text: &[u8]) -> bool {
    text.iter().fold(false, |holds, byte| holds | byte.is_ascii_control())
}

/// Decodes one name or value: `+` is a space, `%` and two hexadecimal digits a byte, and the whole is UTF-8. Most have
/// neither and stay where they lie.
///
/// # Errors
/// `invalid_request` when it is not.
pub(super) fn decode(encoded: &str) -> Result<SecretText<'_>, OAuthError> {
    const BROKEN: &str = "The form has a % that two hexadecimal digits do not follow.";
    let mut rest = encoded.as_bytes();
    if memchr::memchr2(b'%', b'+', rest).is_none() {
        return Ok(SecretText::in_place(encoded));
    }
    // At its full length at once: what would be left behind when it grew would not be wiped.
    let mut decoded = Zeroizing::new(Vec::with_capacity(rest.len()));
    while let Some(position) = memchr::memchr2(b'%', b'+', rest) {
        let (before, from) = rest.split_at_checked(position).unwrap_or_default();
        decoded.extend_from_slice(before);
        match from {
            [b'+', after @ ..] => {
                decoded.push(b' ');
                rest = after;
            }
            [_, high, low, after @ ..] => {
                let digit =
                    |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let (Some(high), Some(low)) = (digit(*high), digit(*low)) else {
                    return Err(refuse(BROKEN));
                };
                decoded.push(high * 16 + low);
                rest = after;
            }
            _ => return Err(refuse(BROKEN)),
        }
    }
    decoded.extend_from_slice(rest);
    // It is taken out only if it is text, and wiped in either case.
    utf8(&decoded)?;
    String::from_utf8(std::mem::take(&mut *decoded)).map(Secret::new).map_err(|_| refuse(NOT_UTF8))
}

/// Text as it came, which must be UTF-8.
///
/// # Errors
/// `invalid_request` when it is not.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, OAuthError> {
    std::str::from_utf8(bytes).map_err(|_| refuse(NOT_UTF8))
}

const NOT_UTF8: &str = "The form is not UTF-8.";

fn refuse(description: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, description)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(encoded: &str) -> Option<String> {
        decode(encoded).ok().map(|text| text.expose().to_owned())
    }

    /// B15
    #[test]
    fn decodes_the_vector_of_rfc_6749_appendix_b() {
        assert_eq!(text("+%25%26%2B%C2%A3%E2%82%AC").unwrap(), "\u{20}\u{25}\u{26}\u{2b}\u{a3}\u{20ac}");
        assert_eq!(text("a%2Bb+c").unwrap(), "a+b c");
    }

    /// B16, B17
    #[test]
    fn refuses_broken_escapes_and_what_is_not_utf_8() {
        for bad in ["%zz", "%2", "%", "a%", "%%41", "%+1", "%ff", "%C2", "%c3%28"] {
            assert_eq!(text(bad), None, "{bad}");
        }
        assert!(Form::parse(b"scope=\xff").is_err());
        assert!(Form::parse(b"unknown=%zz").is_err());
    }

    /// B02, B03
    #[test]
    fn refuses_known_parameters_twice_and_ignores_unknown_ones() {
        for name in [
            "grant_type",
            "scope",
            "client_id",
            "client_secret",
            "client_assertion",
            "client_assertion_type",
            "token",
            "token_type_hint",
        ] {
            for body in [format!("{name}=a&{name}=a"), format!("{name}=&{name}=a"), format!("{name}&{name}")]
            {
                assert_eq!(
                    Form::parse(body.as_bytes()).unwrap_err().code,
                    ErrorCode::InvalidRequest,
                    "{body}"
                );
            }
        }
        assert!(Form::parse(b"foo=1&foo=1").is_ok());
        assert_eq!(Form::parse(b"resource=a&resource=b").unwrap().resources, ["a", "b"]);
    }

    /// B20
    #[test]
    fn names_are_case_sensitive_and_a_semicolon_separates_nothing() {
        let form = Form::parse(b"Scope=a&client_id=x;scope=b&grant_type").unwrap();
        assert_eq!((form.scope, form.client_id.as_deref(), form.grant_type), (None, Some("x;scope=b"), None));
    }

    /// B19
    #[test]
    fn refuses_more_than_a_hundred_parameters() {
        assert!(Form::parse("a=1&".repeat(99).trim_end_matches('&').as_bytes()).is_ok());
        assert!(Form::parse("a=1&".repeat(101).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn never_panics(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Form::parse(&body);
        }

        #[test]
        fn decodes_what_was_encoded(value in "[^\\x00-\\x1f\\x7f]{1,40}") {
            let encoded: String = value.bytes().fold(String::new(), |text, byte| format!("{text}%{byte:02X}"));
            let body = format!("client_id={encoded}");
            let form = Form::parse(body.as_bytes()).unwrap();
            prop_assert_eq!(form.client_id.as_deref(), Some(value.as_str()));
        }
    }
}
