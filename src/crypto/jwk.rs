//! Public keys in JSON (RFC 7517) and their thumbprints (RFC 7638).
//! Not for: private keys, which have no JSON form here.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};

/// The public half of a key, by key type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// An RSA key (RFC 7518 §6.3): modulus and exponent, big-endian, without leading zeros.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The public exponent.
        e: Vec<u8>,
    },
}

/// A JWK was not one we can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key is not a public signing key of a supported type and size")]
pub struct UnusableKey;

/// Smallest and largest RSA modulus accepted, in bits (RFC 7518 §3.3 asks for 2048 or more).
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

impl PublicKey {
    /// The key as the members of a JWK that name its material: `kty` and the numbers.
    #[must_use]
    pub fn to_members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        match self {
            Self::Rsa { n, e } => {
                members.insert("kty".to_owned(), "RSA".into());
                members.insert("n".to_owned(), BASE64URL_NOPAD.encode(n).into());
                members.insert("e".to_owned(), BASE64URL_NOPAD.encode(e).into());
            }
        }
        members
    }

    /// Reads the key material of a JWK; other members are the caller's to judge.
    ///
    /// # Errors
    /// When the type is unknown, a number is missing, padded or has leading zeros (RFC 7518 §6.3.1), the modulus
    /// is shorter than 2048 bits, or the exponent is even or below 3.
    pub fn from_members(members: &Map<String, Value>) -> Result<Self, UnusableKey> {
        let text = |name: &str| members.get(name).and_then(Value::as_str).ok_or(UnusableKey);
        let number = |name: &str| {
            let bytes = BASE64URL_NOPAD.decode(text(name)?.as_bytes()).map_err(|_| UnusableKey)?;
            if bytes.first().is_none_or(|first| *first == 0) { Err(UnusableKey) } else { Ok(bytes) }
        };
        match text("kty")? {
            "RSA" => {
                let (n, e) = (number("n")?, number("e")?);
                let leading = n.first().map_or(0, |first| first.leading_zeros() as usize);
                let odd = e.last().is_some_and(|last| last & 1 == 1);
                let tiny = e.as_slice() == [1];
                if !RSA_BITS.contains(&(n.len() * 8 - leading)) || !odd || tiny || e.len() > 8 {
                    return Err(UnusableKey);
                }
                Ok(Self::Rsa { n, e })
            }
            _ => Err(UnusableKey),
        }
    }

    /// The RFC 7638 thumbprint: base64url of SHA-256 over the required members in order.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let canonical = match self {
            Self::Rsa { n, e } => format!(
                r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
                BASE64URL_NOPAD.encode(e),
                BASE64URL_NOPAD.encode(n)
            ),
        };
        BASE64URL_NOPAD.encode(&super::sha256(canonical.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc7638_key() -> Map<String, Value> {
        let text = include_str!("../../tests/vectors/rfc7638-jwk.json");
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn computes_the_thumbprint_of_rfc_7638() {
        let key = PublicKey::from_members(&rfc7638_key()).unwrap();
        assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn prints_what_it_read() {
        let key = PublicKey::from_members(&rfc7638_key()).unwrap();
        assert_eq!(PublicKey::from_members(&key.to_members()).unwrap(), key);
    }

    /// G22, I12
    #[test]
    fn refuses_small_even_and_zero_padded_numbers() {
        let good = rfc7638_key();
        let with = |name: &str, value: String| {
            let mut changed = good.clone();
            changed.insert(name.to_owned(), value.into());
            PublicKey::from_members(&changed)
        };
        let text = BASE64URL_NOPAD;
        assert_eq!(with("n", text.encode(&[0xff; 255])), Err(UnusableKey));
        assert_eq!(with("n", text.encode(&[&[0][..], &[0xff; 256]].concat())), Err(UnusableKey));
        assert_eq!(with("e", text.encode(&[1])), Err(UnusableKey));
        assert_eq!(with("e", text.encode(&[4])), Err(UnusableKey));
        assert_eq!(with("e", "AQAB=".to_owned()), Err(UnusableKey));
        assert_eq!(with("kty", "EC".to_owned()), Err(UnusableKey));
        assert!(with("e", text.encode(&[3])).is_ok());
    }
}
