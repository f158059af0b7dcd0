//! A token that an application asks for again: the same one, as long as its operator wants it to be.
//! Not for: which tokens those are (`issuer/reuse.rs`).

use std::sync::Arc;

use super::client_auth::Authenticated;
use super::error::OAuthError;
use super::token::make;
use crate::domain::authorization::Authorization;
use crate::issuer::Issuer;
use crate::issuer::reuse::ReusedToken;

/// The token of an application whose tokens are reused. Whether it was made for somebody else: before, or for one of
/// those who ask at this moment, of whom one makes it.
///
/// # Errors
/// When it has to be made, and cannot be.
pub(super) async fn obtain(
    issuer: &Issuer,
    authenticated: &Authenticated,
    authorization: Authorization,
) -> Result<(Arc<ReusedToken>, bool), OAuthError> {
    match issuer.reused_token(authenticated.registered(), &authorization) {
        Some(token) => Ok((token, true)),
        // In a box of its own: a request that finds its token is as small as without it.
        None => Box::pin(obtain_new(issuer, authenticated, authorization)).await,
    }
}

async fn obtain_new(
    issuer: &Issuer,
    authenticated: &Authenticated,
    authorization: Authorization,
) -> Result<(Arc<ReusedToken>, bool), OAuthError> {
    let registered = authenticated.registered();
    let place = issuer.place_for(registered, &authorization);
    issuer.token_in(&place, registered, || make(issuer, authenticated, authorization)).await
}
