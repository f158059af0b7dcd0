//! On which terms a change is asked for: at a version (`If-Match`, RFC 9110 §13.1.1), or once (`Idempotency-Key`).
//! Not for: holding to them (`admin`).

use axum::http::header::{HeaderMap, IF_MATCH};
use axum::http::request::Parts;
use bytes::Bytes;

use super::guard::Caller;
use super::problem::{Kind, Problem};
use super::route::{Route, Taken};
use crate::admin::{Once, Terms};
use crate::crypto::sha256;

pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A version that nothing has.
const NO_VERSION: i64 = -1;

/// The terms of a request.
///
/// # Errors
/// When a field does not read as what it should be, or is absent where it must be given.
pub(super) fn read(route: &Route, (head, body): (&Parts, &Bytes), caller: &Caller) -> Result<Terms, Problem> {
    match route.about.terms {
        Taken::AsItIs => Ok(Terms::default()),
        terms @ (Taken::AtVersion | Taken::AtVersionIfGiven) => {
            const WHICH: &str = "send If-Match with the ETag that was read, or *";
            let given = field(&head.headers, IF_MATCH.as_str())?;
            if given.is_none() && terms == Taken::AtVersion {
                return Err(Problem::new(Kind::VersionRequired, WHICH));
            }
            Ok(Terms { version: given.and_then(version), once: None })
        }
        Taken::Once(_) => {
            let key = field(&head.headers, IDEMPOTENCY_KEY)?;
            let once = key.map(|key| once(key, (head, body), caller)).transpose()?;
            Ok(Terms { version: None, once })
        }
    }
}

/// A field that may be there once.
fn field<'headers>(headers: &'headers HeaderMap, name: &str) -> Result<Option<&'headers str>, Problem> {
    let mut fields = headers.get_all(name).iter();
    let wrong =
        |what: &str| Err(Problem::malformed("a header field is not what it should be").at(name, what));
    match (fields.next(), fields.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => wrong("it is there twice"),
        (Some(field), None) => field.to_str().map(Some).or_else(|_| wrong("it is not ASCII")),
    }
}

/// The version an entity tag names; `None` for whatever there is. What is no tag of ours is the version of nothing.
fn version(text: &str) -> Option<i64> {
    let text = text.trim_matches([' ', '\t']);
    if text == "*" {
        return None;
    }
    // A weak tag never matches (RFC 9110 §8.8.3.2).
    let digits = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
    let is_plain = digits.starts_with(|first: char| matches!(first, '1'..='9'));
    Some(digits.parse().ok().filter(|_| is_plain).unwrap_or(NO_VERSION))
}

fn once(key: &str, (head, body): (&Parts, &Bytes), caller: &Caller) -> Result<Once, Problem> {
    let is_plain = !key.is_empty() && key.len() <= 255 && key.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_plain {
        return Err(Problem::malformed("a header field is not what it should be")
            .at(IDEMPOTENCY_KEY, "it is 1 to 255 printable ASCII characters without spaces"));
    }
    let request =
        [head.uri.path().as_bytes(), b"?", head.uri.query().unwrap_or_default().as_bytes(), b"\n", body];
    Ok(Once { caller: caller.identity(), key: key.to_owned(), request: sha256(&request.concat()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_tag_as_the_version_it_names() {
        assert_eq!(version("\"12\""), Some(12));
        assert_eq!(version(" * "), None);
        for nothing in [
            "",
            "12",
            "\"\"",
            "\"x\"",
            "W/\"12\"",
            "\"012\"",
            "\"+1\"",
            "\"99999999999999999999\"",
            "\"1\", \"2\"",
            "**",
        ] {
            assert_eq!(version(nothing), Some(NO_VERSION), "{nothing}");
        }
    }
}
