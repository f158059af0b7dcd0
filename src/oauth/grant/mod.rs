//! The grants: one file each, and the list that is the only thing that knows them all.
//! Not for: who the caller is (`client_auth`).

use super::client_auth::Authenticated;
use super::error::{ErrorCode, OAuthError};
use super::request::Incoming;
use crate::domain::application::GrantType;
use crate::issuer::Issuer;

pub use crate::domain::authorization::Authorization;

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
        incoming: &Incoming<'_>,
        authenticated: &Authenticated,
    ) -> Result<Authorization, OAuthError>;
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
