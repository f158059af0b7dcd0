//! Public keys in JSON (RFC 7517) and their thumbprints (RFC 7638).
//! Not for: private keys, which have no JSON form here.

use aws_lc_rs::signature::{self, EcdsaVerificationAlgorithm, ParsedPublicKey};
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
    /// A point of an elliptic curve (RFC 7518 §6.2): its coordinates, big-endian, at full length.
    Ec {
        /// The curve.
        curve: Curve,
        /// The first coordinate.
        x: Vec<u8>,
        /// The second.
        y: Vec<u8>,
    },
    /// An Ed25519 key (RFC 8037 §2).
    Ed25519 {
        /// The key as RFC 8032 §5.1.5 encodes it.
        x: Vec<u8>,
    },
    /// A key that is for one algorithm by its type: `AKP`, algorithm key pair (RFC 9964 §3).
    Akp {
        /// The algorithm's name.
        algorithm: &'static str,
        /// The key as the algorithm's standard encodes it.
        public: Vec<u8>,
    },
}

/// A curve of `EC` keys (RFC 7518 §6.2.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// P-256, which is for ES256.
    P256,
    /// P-384, which is for ES384.
    P384,
}

/// A JWK was not one we can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key is not a public signing key of a supported type and size")]
pub struct UnusableKey;

/// Smallest and largest RSA modulus accepted, in bits (RFC 7518 §3.3 asks for 2048 or more).
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Length of an Ed25519 key, in bytes.
const ED25519_BYTES: usize = 32;

/// The algorithms that have `AKP` keys, and how many bytes such a key has (FIPS 204 §4, table 2).
const AKP: [(&str, usize); 1] = [("ML-DSA-65", 1952)];

/// First byte of a point at full length (SEC 1 §2.3.3).
const UNCOMPRESSED: u8 = 4;

impl PublicKey {
    /// The key as the members of a JWK that name its material: `kty` and the numbers.
    #[must_use]
    pub fn to_members(&self) -> Map<String, Value> {
        let bytes = |bytes: &[u8]| Value::from(BASE64URL_NOPAD.encode(bytes));
        let members = match self {
            Self::Rsa { n, e } => vec![("kty", "RSA".into()), ("n", bytes(n)), ("e", bytes(e))],
            Self::Ec { curve, x, y } => {
                vec![("kty", "EC".into()), ("crv", curve.name().into()), ("x", bytes(x)), ("y", bytes(y))]
            }
            Self::Ed25519 { x } => vec![("kty", "OKP".into()), ("crv", "Ed25519".into()), ("x", bytes(x))],
            Self::Akp { algorithm, public } => {
                vec![("kty", "AKP".into()), ("alg", (*algorithm).into()), ("pub", bytes(public))]
            }
        };
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Reads the key material of a JWK; other members are the caller's to judge.
    ///
    /// # Errors
    /// When the type is unknown, a number is missing, padded or has leading zeros (RFC 7518 §6.3.1), the modulus
    /// is shorter than 2048 bits, the exponent is even or below 3, a coordinate is not of its curve's length
    /// (RFC 7518 §6.2.1.2), the point is not on the curve, or a key is not of its algorithm's length.
    pub fn from_members(members: &Map<String, Value>) -> Result<Self, UnusableKey> {
        match text(members, "kty")? {
            "RSA" => Self::rsa(members),
            "EC" => {
                let curve = Curve::find(text(members, "crv")?)?;
                let (x, y) = (bytes(members, "x")?, bytes(members, "y")?);
                // Without the lengths, one coordinate could lend a byte to the other.
                if [&x, &y].iter().any(|coordinate| coordinate.len() != curve.coordinate_length()) {
                    return Err(UnusableKey);
                }
                Self::from_point(curve, &Curve::point(&x, &y))
            }
            "OKP" if text(members, "crv")? == "Ed25519" => {
                let x = bytes(members, "x")?;
                if x.len() == ED25519_BYTES { Ok(Self::Ed25519 { x }) } else { Err(UnusableKey) }
            }
            "AKP" => {
                let (name, public) = (text(members, "alg")?, bytes(members, "pub")?);
                let known =
                    AKP.iter().find(|(algorithm, length)| *algorithm == name && *length == public.len());
                known.map(|(algorithm, _)| Self::Akp { algorithm, public }).ok_or(UnusableKey)
            }
            _ => Err(UnusableKey),
        }
    }

    /// The RFC 7638 thumbprint: base64url of SHA-256 over the required members in order. Those are the members we
    /// print, for each type (RFC 7638 §3.2, RFC 8037 §2, RFC 9964 §6), and none has a character that JSON escapes.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let mut members = self.to_members();
        members.sort_keys();
        BASE64URL_NOPAD.encode(&super::sha256(Value::Object(members).to_string().as_bytes()))
    }

    /// A point as SEC 1 §2.3.3 writes it without compression.
    pub(super) fn from_point(curve: Curve, point: &[u8]) -> Result<Self, UnusableKey> {
        let (_, coordinates) =
            point.split_first().filter(|(first, _)| **first == UNCOMPRESSED).ok_or(UnusableKey)?;
        let (x, y) = coordinates.split_at_checked(curve.coordinate_length()).ok_or(UnusableKey)?;
        // The library reads a point only if it is on the curve.
        ParsedPublicKey::new(curve.verifying(), point).map_err(|_| UnusableKey)?;
        Ok(Self::Ec { curve, x: x.to_vec(), y: y.to_vec() })
    }

    fn rsa(members: &Map<String, Value>) -> Result<Self, UnusableKey> {
        let (n, e) = (bytes(members, "n")?, bytes(members, "e")?);
        if [&n, &e].iter().any(|number| number.first().is_none_or(|first| *first == 0)) {
            return Err(UnusableKey);
        }
        let leading = n.first().map_or(0, |first| first.leading_zeros() as usize);
        let odd = e.last().is_some_and(|last| last & 1 == 1);
        let tiny = e.as_slice() == [1];
        if !RSA_BITS.contains(&(n.len() * 8 - leading)) || !odd || tiny || e.len() > 8 {
            return Err(UnusableKey);
        }
        Ok(Self::Rsa { n, e })
    }
}

impl Curve {
    /// Its name in `crv`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
        }
    }

    /// How many bytes a coordinate has, and a number of a signature.
    #[must_use]
    pub fn coordinate_length(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }

    /// The point of these coordinates, without compression (SEC 1 §2.3.3).
    pub(super) fn point(x: &[u8], y: &[u8]) -> Vec<u8> {
        [&[UNCOMPRESSED], x, y].concat()
    }

    fn find(name: &str) -> Result<Self, UnusableKey> {
        [Self::P256, Self::P384].into_iter().find(|curve| curve.name() == name).ok_or(UnusableKey)
    }

    fn verifying(self) -> &'static EcdsaVerificationAlgorithm {
        match self {
            Self::P256 => &signature::ECDSA_P256_SHA256_FIXED,
            Self::P384 => &signature::ECDSA_P384_SHA384_FIXED,
        }
    }
}

fn text<'of>(members: &'of Map<String, Value>, name: &str) -> Result<&'of str, UnusableKey> {
    members.get(name).and_then(Value::as_str).ok_or(UnusableKey)
}

/// Strict: base64url without padding, and no stray bits at the end (RFC 7515 §2).
fn bytes(members: &Map<String, Value>, name: &str) -> Result<Vec<u8>, UnusableKey> {
    BASE64URL_NOPAD.decode(text(members, name)?.as_bytes()).map_err(|_| UnusableKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc7638_key() -> Map<String, Value> {
        let text = include_str!("../../tests/vectors/rfc7638-jwk.json");
        serde_json::from_str(text).unwrap()
    }

    /// The keys of the examples in `tests/vectors/`, with the thumbprints that are told.
    fn examples() -> [(Map<String, Value>, Option<String>); 3] {
        [
            include_str!("../../tests/vectors/rfc7515-a3-es256.json"),
            include_str!("../../tests/vectors/rfc8037-a4-eddsa.json"),
            include_str!("../../tests/vectors/cose-wg-ml-dsa-65.json"),
        ]
        .map(|text| {
            let example: Value = serde_json::from_str(text).unwrap();
            let key = example["key"].as_object().unwrap().clone();
            (key, example["thumbprint"].as_str().map(str::to_owned))
        })
    }

    #[test]
    fn computes_the_thumbprint_of_rfc_7638() {
        let key = PublicKey::from_members(&rfc7638_key()).unwrap();
        assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    /// RFC 8037 A.3, and the `kid` in the example of the working group that wrote RFC 9964.
    #[test]
    fn computes_the_thumbprints_of_newer_key_types() {
        let [_, (ed25519, expected), (akp, kid)] = examples();
        let thumbprint =
            |members: &Map<String, Value>| PublicKey::from_members(members).unwrap().thumbprint();
        assert_eq!(Some(thumbprint(&ed25519)), expected);
        assert_eq!(Some(thumbprint(&akp)), kid);
    }

    #[test]
    fn prints_what_it_read() {
        let key = PublicKey::from_members(&rfc7638_key()).unwrap();
        assert_eq!(PublicKey::from_members(&key.to_members()).unwrap(), key);
        for (members, _) in examples() {
            assert_eq!(PublicKey::from_members(&members).unwrap().to_members(), members);
        }
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

    #[test]
    fn refuses_other_lengths_spellings_types_and_curves() {
        for (good, _) in examples() {
            let refused = |name: &str, value: Value| {
                let mut changed = good.clone();
                changed.insert(name.to_owned(), value);
                assert_eq!(PublicKey::from_members(&changed), Err(UnusableKey), "{changed:?}");
            };
            for name in ["x", "y", "pub"].into_iter().filter(|name| good.contains_key(*name)) {
                let text = good[name].as_str().unwrap();
                let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).unwrap();
                let encode = |bytes: &[u8]| Value::from(BASE64URL_NOPAD.encode(bytes));
                refused(name, encode(&bytes[1..]));
                refused(name, encode(&bytes[..bytes.len() - 1]));
                refused(name, encode(&[&[0][..], &bytes].concat()));
                refused(name, encode(&[&bytes[..], &[0]].concat()));
                for spelling in [format!("{text}="), format!(" {text}"), text.replace(['-', '_'], "+")] {
                    if spelling != text {
                        refused(name, spelling.into());
                    }
                }
                refused(name, Value::Null);
                refused(name, "".into());
            }
            for kind in
                ["RSA", "EC", "OKP", "AKP", "oct", "ec"].into_iter().filter(|kind| good["kty"] != *kind)
            {
                refused("kty", kind.into());
            }
            if good.contains_key("crv") {
                for curve in ["P-384", "P-521", "secp256k1", "X25519", "Ed448", "p-256", ""] {
                    refused("crv", curve.into());
                }
            }
        }
        let mut akp = examples()[2].0.clone();
        akp.insert("alg".to_owned(), "ML-DSA-44".into());
        assert_eq!(PublicKey::from_members(&akp), Err(UnusableKey));
    }

    #[test]
    fn refuses_points_off_the_curve() {
        let good = examples()[0].0.clone();
        for (name, value) in [("x", vec![0; 32]), ("y", vec![1; 32]), ("x", vec![0xff; 32])] {
            let mut changed = good.clone();
            changed.insert(name.to_owned(), BASE64URL_NOPAD.encode(&value).into());
            assert_eq!(PublicKey::from_members(&changed), Err(UnusableKey), "{changed:?}");
        }
        let mut swapped = good.clone();
        swapped.insert("x".to_owned(), good["y"].clone());
        swapped.insert("y".to_owned(), good["x"].clone());
        assert_eq!(PublicKey::from_members(&swapped), Err(UnusableKey));
    }
}
