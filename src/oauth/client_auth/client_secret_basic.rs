//! The secret by HTTP Basic (RFC 6749 §2.3.1): id and secret form-encoded, then RFC 7617.
//! Not for: the same pair sent raw; a server that tries both spellings accepts two secrets (C07).

use std::borrow::Cow;

use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::{ClientAuthMethod, Found, Presented};
use crate::crypto::secret::Secret;
use crate::domain::application::AuthMethod;
use crate::oauth::form;
use crate::oauth::request::Incoming;

/// `client_secret_basic`.
pub(super) struct ClientSecretBasic;

impl ClientAuthMethod for ClientSecretBasic {
    fn method(&self) -> AuthMethod {
        AuthMethod::ClientSecretBasic
    }

    fn find<'request>(&self, incoming: &'request Incoming<'_>) -> Found<'request> {
        let Some(encoded) = incoming.authorization.as_ref().and_then(|field| field.of_scheme("Basic")) else {
            return Found::NotMine;
        };
        match read(encoded) {
            Ok(presented) => Found::Presented(presented),
            Err(reason) => Found::Broken(reason),
        }
    }
}

fn read(encoded: &[u8]) -> Result<Presented<'static>, &'static str> {
    let decoded = Zeroizing::new(BASE64.decode(encoded).map_err(|_| "the Basic credentials are not base64")?);
    // RFC 7617 §2: the first colon splits; a secret may hold more of them.
    let colon = memchr::memchr(b':', &decoded).ok_or("the Basic credentials have no colon")?;
    let (id, secret) = decoded.split_at_checked(colon).unwrap_or_default();
    let text = |encoded: &[u8]| {
        let text = form::utf8(encoded).and_then(form::decode);
        let text = text.map_err(|_| "the Basic credentials are not form-encoded")?;
        if text.expose().is_empty() {
            return Err("the Basic credentials have an empty part");
        }
        Ok(Secret::new(text.into_plain().into_owned()))
    };
    Ok(Presented {
        unverified_client_id: Cow::Owned(text(id)?.into_plain().into_owned()),
        proof: text(secret.get(1..).unwrap_or_default())?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pair(text: &str) -> Result<(String, String), &'static str> {
        let presented = read(BASE64.encode(text.as_bytes()).as_bytes())?;
        Ok((presented.unverified_client_id.into_owned(), presented.proof.expose().to_owned()))
    }

    /// C06, C08, C09
    #[test]
    fn decodes_id_and_secret_each_by_itself() {
        let expected = ("we ird%+x".to_owned(), "p:a&s=s+w %25".to_owned());
        assert_eq!(pair("we+ird%25%2Bx:p%3Aa%26s%3Ds%2Bw+%2525"), Ok(expected));
        assert_eq!(pair("a%2Db%5Fc%7Ed:x:y"), Ok(("a-b_c~d".to_owned(), "x:y".to_owned())));
    }

    /// C10
    #[test]
    fn refuses_what_is_broken() {
        for text in ["nocolon", ":secret", "id:", ":", "", "a%zz:b", "a:b%", "a:%ff"] {
            assert!(pair(text).is_err(), "{text}");
        }
        for encoded in ["", "!!!!", "YTpi=", "YTpi\n", "YTpi YTpi", "YTpiYQ"] {
            assert!(encoded.is_empty() || read(encoded.as_bytes()).is_err(), "{encoded}");
        }
        assert!(read(b"").is_err());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = read(&bytes);
            let _ = read(BASE64.encode(&bytes).as_bytes());
        }
    }
}
