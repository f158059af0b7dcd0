//! The revocation request (RFC 7009).
//! Not for: revoking all that an application was given (`admin/applications.rs`).

use std::time::Duration;

use super::client_auth;
use super::error::{ErrorCode, OAuthError};
use super::introspect::MISSING_TOKEN;
use super::issued;
use super::request::Incoming;
use crate::domain::application::ClientId;
use crate::domain::id::TokenId;
use crate::issuer::Issuer;

/// By how much this server's clock may be ahead of others' without a revocation being lost.
const LATE_CLOCKS: Duration = Duration::from_mins(10);

/// A token that was revoked just now.
#[derive(Debug)]
pub struct Revoked {
    /// Its id.
    pub token: TokenId,
    /// Whose it was.
    pub application: ClientId,
}

/// Revokes a token of the caller; nothing when there is nothing to revoke. What is no token of this tenant, or is one no more, needs no revoking and is as good
/// as revoked (RFC 7009 §2.2).
///
/// # Errors
/// The refusal the caller is to be told.
pub async fn revoke(issuer: &Issuer, incoming: &Incoming<'_>) -> Result<Option<Revoked>, OAuthError> {
    let token = incoming.form.token.as_ref().ok_or(MISSING_TOKEN)?;
    let authenticated = client_auth::authenticate(issuer, incoming).await?;
    // A token that is not recognised may be of a key that only the store knows yet: it would not be revoked.
    issuer.check_store()?;
    let caller = &authenticated.application().client_id;
    issuer.note_use(authenticated.credential());
    let Some(token) = issued::recognise(issuer, token.expose()) else { return Ok(None) };
    let now = issuer.now();
    if token.client_id == caller.as_str() {
        // It may still be good where the clock is late.
        if token.has_ended(now.minus(LATE_CLOCKS)) {
            return Ok(None);
        }
    } else if token.has_ended(now) {
        return Ok(None);
    } else {
        // RFC 7009 §2.1: the request is refused, and the caller is told.
        const OTHERS: &str = "The token was issued to another client.";
        return Err(OAuthError::new(ErrorCode::InvalidGrant, OTHERS).of(caller));
    }
    let is_new = issuer.revoke(authenticated.application(), &token).await?;
    Ok(is_new.then(|| Revoked { token: token.id, application: caller.clone() }))
}
