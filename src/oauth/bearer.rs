//! A token presented at this server's own API (RFC 6750, RFC 9068 §4): who has it, and what it permits there.
//! Not for: tokens presented to other resource servers; those verify them, or ask (`introspect.rs`).

use super::issued;
use crate::crypto::jws::Unverified;
use crate::domain::power::{ADMIN_API, Powers};
use crate::domain::token::TokenProfile;
use crate::issuer::Issuer;
use crate::store::StoreError;

/// Who presents a token that is good here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The application it was issued to.
    pub client_id: String,
    /// What its scopes permit; none that the application has lost since.
    pub powers: Powers,
}

/// Whose token a text says it is. Nothing of it is verified yet.
#[must_use]
pub fn unverified_issuer(text: &str) -> Option<String> {
    let claims = Unverified::parse(text).ok()?.unverified_claims().ok()?;
    claims.get("iss").and_then(serde_json::Value::as_str).map(str::to_owned)
}

/// Who presents this token, if it is one of the tenant's for the admin API, and good at this moment: its signature, type,
/// issuer, audience and time, and that neither it nor its application was revoked, disabled or removed.
///
/// # Errors
/// When the store does not answer.
pub async fn find_administrator(issuer: &Issuer, text: &str) -> Result<Option<Bearer>, StoreError> {
    let Some(token) = issued::recognise(issuer, text) else { return Ok(None) };
    let is_ours = token.issuer == issuer.tenant().issuer && token.profile == TokenProfile::Rfc9068;
    // One that other resource servers are given as well is not one that only the caller has.
    let is_for_us_alone = token.audience.names() == [ADMIN_API];
    if !is_ours || !is_for_us_alone || !token.is_due(issuer.now()) {
        return Ok(None);
    }
    let Some(owner) = issuer.application(&token.client_id).await? else { return Ok(None) };
    if owner.check_live(issuer.tenant()).is_err() || owner.application.disowns(token.issued_at) {
        return Ok(None);
    }
    if issuer.is_revoked(&token).await? {
        return Ok(None);
    }
    let powers = Powers::of(token.scope.split(' ')).and(owner.powers());
    Ok(Some(Bearer { client_id: token.client_id.clone(), powers }))
}
