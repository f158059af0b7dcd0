//! The token request, top to bottom.
//! Not for: HTTP.

use std::sync::Arc;
use std::time::Duration;

use super::access_token::{self, AccessToken};
use super::client_auth::{self, Authenticated};
use super::error::{ErrorCode, OAuthError};
use super::grant;
use super::quota;
use super::request::Incoming;
use super::reuse;
use crate::domain::authorization::{Authorization, GrantedToken};
use crate::domain::time::Timestamp;
use crate::issuer::Issuer;
use crate::issuer::quotas::Charged;
use crate::issuer::reuse::ReusedToken;

/// What an application is answered.
#[derive(Debug)]
pub struct TokenResponse {
    /// The token.
    pub token: Granted,
    /// When it was granted.
    pub at: Timestamp,
    /// The whole seconds the token still has, rounded down.
    pub expires_in: Duration,
    /// Whose it is.
    pub authenticated: Authenticated,
    /// Whether the token was made for somebody else, who asked for the same.
    pub is_reused: bool,
    /// Its place in the quotas, if there are any; given back when it is not handed out.
    pub charged: Option<Box<Charged>>,
}

/// A token that is granted.
#[derive(Debug)]
pub enum Granted {
    /// To nobody else.
    Once(GrantedToken),
    /// To whoever asks for the same, for some time.
    Again(Arc<ReusedToken>),
}

impl Granted {
    /// The token itself.
    #[must_use]
    pub fn token(&self) -> &GrantedToken {
        match self {
            Self::Once(token) => token,
            Self::Again(reused) => &reused.token,
        }
    }
}

/// Answers a token request. Each step needs what the one before it returned, so their order cannot change: nothing
/// is minted for somebody who has not proved himself, and who has not learns nothing about grants and scopes (B26).
///
/// # Errors
/// The refusal the caller is to be told.
pub async fn issue(issuer: &Issuer, incoming: &Incoming<'_>) -> Result<TokenResponse, OAuthError> {
    let Some(grant_type) = incoming.form.grant_type.as_deref() else {
        return Err(OAuthError::new(ErrorCode::InvalidRequest, "The parameter grant_type is missing."));
    };

    let authenticated = client_auth::authenticate(issuer, incoming).await?;
    let grant = grant::find(grant_type, &authenticated)?;
    let authorization = grant.authorize(issuer, incoming, &authenticated)?;
    if authenticated.application().token_reuse.is_none() {
        let (token, charged) = make(issuer, &authenticated, &authorization).await?;
        let (made_at, token) = (token.made_at, Granted::Once(token.granted(authorization)));
        return Ok(TokenResponse::new(token, made_at, authenticated, charged));
    }
    let now = issuer.now();
    if let Some(token) = issuer.reused_token(authenticated.registered(), &authorization, now) {
        let response = TokenResponse::new(Granted::Again(token), now, authenticated, None);
        return Ok(TokenResponse { is_reused: true, ..response });
    }
    // In a box of its own: a request that finds its token is as small as without it.
    let (token, is_reused, charged) = Box::pin(reuse::obtain(issuer, &authenticated, authorization)).await?;
    let response = TokenResponse::new(Granted::Again(token), issuer.now(), authenticated, charged);
    Ok(TokenResponse { is_reused, ..response })
}

impl TokenResponse {
    fn new(
        token: Granted,
        at: Timestamp,
        authenticated: Authenticated,
        charged: Option<Box<Charged>>,
    ) -> Self {
        let expires_in = access_token::remaining(token.token().expires_at, at);
        Self { token, at, expires_in, authenticated, is_reused: false, charged }
    }

    /// Whether it may be handed out although it took long: the application is the very one in memory, and what it proved itself
    /// with has not expired. What is said of time is then as of now.
    pub fn is_true_still(&mut self, issuer: &Issuer) -> bool {
        self.at = issuer.now();
        self.expires_in = access_token::remaining(self.token.token().expires_at, self.at);
        let (registered, credential) = (self.authenticated.registered(), self.authenticated.credential());
        let in_memory = issuer.application_in_memory(registered.application.client_id.as_str());
        in_memory.is_some_and(|one| Arc::ptr_eq(&one, registered))
            && registered.credentials.iter().any(|one| one.id == credential && one.is_live(self.at))
    }
}

/// Makes a token, which takes a place in the quotas, if there are any.
pub(super) async fn make(
    issuer: &Issuer,
    authenticated: &Authenticated,
    authorization: &Authorization,
) -> Result<(AccessToken, Option<Box<Charged>>), OAuthError> {
    let charged = if issuer.has_quota(authenticated.application()) {
        // In a box of its own: a request that nothing limits is as small as without it.
        Some(Box::pin(quota::charge(issuer, authenticated.application())).await?)
    } else {
        None
    };
    Ok((access_token::mint(issuer, authenticated, authorization).await?, charged))
}
