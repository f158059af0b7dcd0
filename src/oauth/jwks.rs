//! The published keys (RFC 7517).
//! Not for: choosing them; the key ring has done so.

use serde_json::{Value, json};

use crate::crypto::jwk::PublicKey;
use crate::issuer::Issuer;
use crate::issuer::document::Document;

/// A JWK that may verify tokens, as read from a JWKS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerificationKey {
    /// Its `kid`.
    pub id: String,
    /// The one algorithm it is for.
    pub algorithm: String,
    /// The key.
    pub public: PublicKey,
}

/// The JWKS of a tenant. Private members have no way into it: they are not in the type it is made from.
#[must_use]
pub fn document(issuer: &Issuer) -> &Document {
    issuer.documents().jwks.get_or_init(|| {
        let keys = issuer.keys().published().iter().map(|key| {
            let mut members = key.public.to_members();
            members.insert("kid".to_owned(), key.id.to_string().into());
            members.insert("use".to_owned(), "sig".into());
            members.insert("alg".to_owned(), key.algorithm.clone().into());
            Value::Object(members)
        });
        Document::new(&json!({ "keys": keys.collect::<Vec<_>>() }))
    })
}

/// Reads the keys of a JWKS that can verify signatures; those it cannot use are passed over (RFC 7517 §5).
/// `None` when it is no JWKS.
#[must_use]
pub fn read(document: &Value) -> Option<Vec<VerificationKey>> {
    let keys = document.get("keys")?.as_array()?;
    let read_one = |key: &Value| {
        let members = key.as_object()?;
        let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
        if text("use").is_some_and(|usage| usage != "sig") {
            return None;
        }
        let public = PublicKey::from_members(members).ok()?;
        Some(VerificationKey { id: text("kid")?, algorithm: text("alg")?, public })
    };
    Some(keys.iter().filter_map(read_one).collect())
}
