//! Verifies an access token as a resource server would (RFC 9068 §4, RFC 8725).
//! Not for: asking whether it was revoked since.

use serde_json::{Map, Value};

use super::jwks::VerificationKey;
use crate::crypto::jws::{Refused, Unverified};
use crate::domain::time::Timestamp;

/// Header and claims of a token that may be relied on.
#[derive(Debug)]
pub struct Verified {
    /// The protected header.
    pub header: Map<String, Value>,
    /// The claims.
    pub claims: Map<String, Value>,
}

/// What a resource server expects of a token.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'of> {
    /// Who must have issued it.
    pub issuer: &'of str,
    /// Whom it must be meant for, if the caller says.
    pub audience: Option<&'of str>,
    /// The time.
    pub now: Timestamp,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAccepted {
    /// It is no sound JWS.
    #[error(transparent)]
    Jws(#[from] Refused),
    /// No published key has its `kid`.
    #[error("no key of the issuer has its kid")]
    UnknownKey,
    /// Its key is for another algorithm (RFC 8725 §3.1).
    #[error("its algorithm is not the one its key is for")]
    AlgorithmMismatch,
    /// `typ` is neither `at+jwt` nor `JWT`: it is some other kind of token (RFC 8725 §3.11).
    #[error("its typ is not that of an access token")]
    WrongType,
    /// `iss` is another's.
    #[error("it was issued by somebody else: its iss is not the issuer asked")]
    WrongIssuer,
    /// `aud` does not name the audience asked.
    #[error("it is meant for somebody else: its aud does not hold the audience asked")]
    WrongAudience,
    /// `exp` is absent or no number.
    #[error("it has no expiry")]
    NoExpiry,
    /// `exp` is past.
    #[error("it has expired")]
    Expired,
    /// `nbf` is to come.
    #[error("it is not valid yet")]
    NotYet,
}

/// Verifies a compact JWT.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn verify(
    token: &str,
    keys: &[VerificationKey],
    expected: Expected<'_>,
) -> Result<Verified, NotAccepted> {
    let unverified = Unverified::parse(token)?;
    let key_id = unverified.unverified_key_id().ok_or(NotAccepted::UnknownKey)?;
    let key = keys.iter().find(|key| key.id == key_id).ok_or(NotAccepted::UnknownKey)?;
    if key.algorithm != unverified.unverified_algorithm() {
        return Err(NotAccepted::AlgorithmMismatch);
    }
    let signed = unverified.verify(&key.public)?;
    let kind = signed.header.get("typ").and_then(Value::as_str).unwrap_or_default();
    if !["JWT", "at+jwt", "application/at+jwt"].iter().any(|accepted| accepted.eq_ignore_ascii_case(kind)) {
        return Err(NotAccepted::WrongType);
    }
    judge_claims(&signed.claims, expected)?;
    Ok(Verified { header: signed.header, claims: signed.claims })
}

fn judge_claims(claims: &Map<String, Value>, expected: Expected<'_>) -> Result<(), NotAccepted> {
    if claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
        return Err(NotAccepted::WrongIssuer);
    }
    let meant_for = |audience: &str| match claims.get("aud") {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(several)) => several.iter().any(|one| one == audience),
        _ => false,
    };
    if expected.audience.is_some_and(|audience| !meant_for(audience)) {
        return Err(NotAccepted::WrongAudience);
    }
    let now = expected.now.as_seconds();
    match claims.get("exp").and_then(Value::as_i64) {
        None => return Err(NotAccepted::NoExpiry),
        Some(expiry) if expiry <= now => return Err(NotAccepted::Expired),
        Some(_) => {}
    }
    match claims.get("nbf") {
        Some(start) if start.as_i64().is_none_or(|start| start > now) => Err(NotAccepted::NotYet),
        _ => Ok(()),
    }
}
