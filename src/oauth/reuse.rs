//! A token that an application asks for again: the same one, as long as its operator wants it to be.
//! Not for: which tokens those are (`issuer/reuse.rs`).

use std::sync::Arc;

use super::client_auth::Authenticated;
use super::error::OAuthError;
use super::token::make;
use crate::domain::authorization::Authorization;
use crate::issuer::Issuer;
use crate::issuer::quotas::Charged;
use crate::issuer::reuse::ReusedToken;

/// A token, whether it was made for somebody else, and the place in the quotas that making it took.
type Obtained = (Arc<ReusedToken>, bool, Option<Box<Charged>>);

/// The token of an application whose tokens are reused, where it is not there yet. Whether it was made for somebody else:
/// of those who ask at this moment one makes it.
///
/// # Errors
/// When it has to be made, and cannot be.
pub(super) async fn obtain(
    issuer: &Issuer,
    authenticated: &Authenticated,
    authorization: Authorization,
) -> Result<Obtained, OAuthError> {
    let registered = authenticated.registered();
    let place = issuer.place_for(registered, &authorization);
    let mut charged = None;
    let made = async || {
        let (token, place_in_quotas) = make(issuer, authenticated, &authorization).await?;
        charged = place_in_quotas;
        Ok::<_, OAuthError>(token.granted(authorization))
    };
    let (token, is_reused) = issuer.token_in(&place, registered, made).await?;
    Ok((token, is_reused, charged))
}
