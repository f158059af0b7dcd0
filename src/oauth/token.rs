//! The token request, top to bottom.
//! Not for: HTTP.

use std::sync::Arc;
use std::time::Duration;

use super::access_token;
use super::client_auth::{self, Authenticated};
use super::error::{ErrorCode, OAuthError};
use super::grant;
use super::quota;
use super::request::Incoming;
use crate::domain::api::Api;
use crate::domain::id::{KeyId, TokenId};
use crate::domain::scope::ScopeName;
use crate::domain::time::Timestamp;
use crate::issuer::Issuer;
use crate::issuer::quotas::Charged;

/// A token and what is said of it (RFC 6749 §5.1).
#[derive(Debug)]
pub struct TokenResponse {
    /// The signed JWT.
    pub access_token: String,
    /// What was granted, in the order asked.
    pub scopes: Vec<ScopeName>,
    /// The whole seconds the token still has, rounded down.
    pub expires_in: Duration,
    /// Whose it is.
    pub authenticated: Authenticated,
    /// The APIs that its `aud` names; none when it names the application itself.
    pub audience: Vec<Arc<Api>>,
    /// Its `jti`.
    pub id: TokenId,
    /// Its `kid`.
    pub key: KeyId,
    /// Its `exp`.
    pub expires_at: Timestamp,
    /// Its place in the quotas, if there are any; given back when it is not handed out.
    pub charged: Option<Charged>,
}

/// Answers a token request. Each step needs what the one before it returned, so their order cannot change: nothing
/// is minted for somebody who has not proved himself, and who has not learns nothing about grants and scopes (B26).
///
/// # Errors
/// The refusal the caller is to be told.
pub async fn issue(issuer: &Issuer, incoming: &Incoming) -> Result<TokenResponse, OAuthError> {
    let grant_type = incoming.form.grant_type.as_deref().ok_or(
        const { OAuthError::new(ErrorCode::InvalidRequest, "The parameter grant_type is missing.") },
    )?;

    let authenticated = client_auth::authenticate(issuer, incoming).await?;
    let grant = grant::find(grant_type, &authenticated)?;
    let authorization = grant.authorize(issuer, incoming, &authenticated)?;
    let charged = if issuer.has_quota(authenticated.application()) {
        // In a box of its own: a request that nothing limits is as small as without it.
        Some(Box::pin(quota::charge(issuer, authenticated.application())).await?)
    } else {
        None
    };
    let token = access_token::mint(issuer, &authenticated, &authorization).await?;

    Ok(TokenResponse {
        expires_in: token.expires_at.remaining(issuer.now()),
        expires_at: token.expires_at.at(),
        access_token: token.text,
        id: token.id,
        key: token.key,
        audience: access_token::audience(authorization.profile, authorization.apis),
        scopes: authorization.scopes,
        charged,
        authenticated,
    })
}
