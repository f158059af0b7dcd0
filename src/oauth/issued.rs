//! Reads a token back that this tenant has issued.
//! Not for: whether it is good now (`introspect.rs`), or verifying one with fetched keys (`verify.rs`).

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::crypto::jws::{MAX_TOKEN_BYTES, Unverified};
use crate::crypto::sha256;
use crate::domain::issued::{Audience, IssuedToken};
use crate::domain::tenant::IssuerUrl;
use crate::domain::time::Timestamp;
use crate::domain::token::TokenProfile;
use crate::issuer::Issuer;
use crate::keys::PublishedKey;

/// What `typ` an access token has here: that of profile `ciam`, and that of RFC 9068 §2.1. Nothing else that is signed
/// with the same keys is one (RFC 8725 §3.11, RFC 9701 §8.1).
const ACCESS_TOKEN_TYPES: [(&str, TokenProfile); 2] =
    [("JWT", TokenProfile::Ciam), ("at+jwt", TokenProfile::Rfc9068)];

/// An access token of this tenant, signed with a key it publishes; nothing when the text is anything else. Its `iss` may
/// be a former one of the tenant's. A text that has verified before is not verified again, but its key must be published still.
pub(super) fn recognise(issuer: &Issuer, text: &str) -> Option<Arc<IssuedToken>> {
    if text.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let digest = sha256(text.as_bytes());
    if let Some(token) = issuer.verified_before(&digest) {
        let is_published = issuer.keys().published().iter().any(|key| key.id == token.key);
        return is_published.then_some(token);
    }
    let token = Arc::new(verify(issuer, text)?);
    issuer.note_verified(digest, &token);
    Some(token)
}

fn verify(issuer: &Issuer, text: &str) -> Option<IssuedToken> {
    let unverified = Unverified::parse(text).ok()?;
    let key_id = unverified.unverified_key_id()?;
    let is_named = |key: &&PublishedKey| key.id.encode(&mut [0; 36]) == key_id;
    let key = issuer.keys().published().iter().find(is_named)?;
    // RFC 8725 §3.1: a key verifies by its own algorithm only.
    if key.algorithm != unverified.unverified_algorithm() {
        return None;
    }
    let signed = unverified.verify(&key.public).ok()?;
    let kind = signed.header.get("typ").and_then(Value::as_str)?;
    let (_, profile) = ACCESS_TOKEN_TYPES.iter().find(|(name, _)| *name == kind)?;
    let claims = &signed.claims;
    let seconds = |name: &str| claims.get(name).map(|value| value.as_i64().map(Timestamp::from_seconds));
    Some(IssuedToken {
        id: text_of(claims, "jti")?.parse().ok()?,
        profile: *profile,
        key: key.id,
        issuer: IssuerUrl::parse(text_of(claims, "iss")?).ok()?,
        client_id: text_of(claims, "sub")?.to_owned(),
        audience: audience(claims.get("aud")?)?,
        scope: claims.get("scope").map_or(Some(String::new()), scope)?,
        issued_at: seconds("iat")??,
        not_before: match seconds("nbf") {
            None => None,
            Some(start) => Some(start?),
        },
        expires_at: seconds("exp")??,
    })
}

fn text_of<'claims>(claims: &'claims Map<String, Value>, name: &str) -> Option<&'claims str> {
    claims.get(name).and_then(Value::as_str)
}

fn audience(value: &Value) -> Option<Audience> {
    match value {
        Value::String(one) => Some(Audience::One(one.clone())),
        Value::Array(_) => texts(value).map(Audience::Several),
        _ => None,
    }
}

/// One string, as in RFC 9068 §2.2.3, or the array of profile `ciam`.
fn scope(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        _ => texts(value).map(|names| names.join(" ")),
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|one| one.as_str().map(str::to_owned)).collect()
}
