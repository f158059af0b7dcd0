//! The grants: one file each, and the list that is the only thing that knows them all.
//! Not for: who the caller is (`client_auth`).

use std::sync::Arc;
use std::time::Duration;

use super::client_auth::Authenticated;
use super::error::{ErrorCode, OAuthError};
use super::request::Incoming;
use crate::domain::api::Api;
use crate::domain::application::GrantType;
use crate::domain::scope::ScopeName;
use crate::domain::token::TokenProfile;
use crate::issuer::Issuer;

mod client_credentials;

/// Every grant served.
pub const GRANTS: &[&dyn Grant] = &[&client_credentials::ClientCredentials];

/// One grant: what an authenticated application gets for its request.
pub trait Grant: Sync {
    /// Which it is.
    fn grant_type(&self) -> GrantType;

    /// Decides what the token may say, from its arguments and what is in memory.
    ///
    /// # Errors
    /// The refusal the caller is to be told.
    fn authorize(
        &self,
        issuer: &Issuer,
        incoming: &Incoming,
        authenticated: &Authenticated,
    ) -> Result<Authorization, OAuthError>;
}

/// What a token may say.
#[derive(Debug)]
pub struct Authorization {
    /// The scopes granted, in the order asked.
    pub scopes: Vec<ScopeName>,
    /// The APIs it is for.
    pub apis: Vec<Arc<Api>>,
    /// Its shape.
    pub profile: TokenProfile,
    /// How long it lives.
    pub lifetime: Duration,
    /// How long before `iat` its `nbf` lies.
    pub backdating: Duration,
    /// What it is signed with, if the APIs ask for something other than the tenant.
    pub algorithm: Option<String>,
}

/// The grant that was asked for, if the application may use it.
///
/// # Errors
/// `unsupported_grant_type` or `unauthorized_client`.
pub fn find(grant_type: &str, authenticated: &Authenticated) -> Result<&'static dyn Grant, OAuthError> {
    let application = authenticated.application();
    let refuse = |code, description| Err(OAuthError::new(code, description).of(&application.client_id));
    let Some(grant) = GRANTS.iter().copied().find(|grant| grant.grant_type().as_str() == grant_type) else {
        return refuse(
            ErrorCode::UnsupportedGrantType,
            "This server serves the grant client_credentials only.",
        );
    };
    if !application.grants.contains(&grant.grant_type()) {
        return refuse(ErrorCode::UnauthorizedClient, "The application may not use this grant.");
    }
    Ok(grant)
}
