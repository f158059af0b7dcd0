//! The client credentials grant (RFC 6749 §4.4).
//! Not for: refresh tokens, which this grant should not have (§4.4.3).

use super::{Authorization, Grant};
use crate::domain::application::{Application, GrantType};
use crate::domain::scope::{NotGranted, ScopeName};
use crate::domain::token::DEFAULT_TOKEN_LIFETIME;
use crate::oauth::client_auth::Authenticated;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::form::ScopeParameter;
use crate::oauth::request::Incoming;

/// `client_credentials`.
pub(super) struct ClientCredentials;

impl Grant for ClientCredentials {
    fn grant_type(&self) -> GrantType {
        GrantType::ClientCredentials
    }

    fn authorize(
        &self,
        incoming: &Incoming,
        authenticated: &Authenticated,
    ) -> Result<Authorization, OAuthError> {
        let application = authenticated.application();
        let authorize = || {
            if incoming.form.has_authorization_details {
                // RFC 9396 §5: what is not supported is refused, never ignored.
                const UNSUPPORTED: &str = "This server supports no authorization_details.";
                return Err(OAuthError::new(ErrorCode::InvalidAuthorizationDetails, UNSUPPORTED));
            }
            if !incoming.form.resources.is_empty() {
                // RFC 8707 §2: the same goes for a resource that is not known.
                return Err(OAuthError::new(ErrorCode::InvalidTarget, "The resource is not known here."));
            }
            let scopes = grant_scopes(application, incoming.form.scope.as_ref())?;
            Ok(Authorization {
                scopes,
                lifetime: application.token.lifetime.unwrap_or(DEFAULT_TOKEN_LIFETIME),
            })
        };
        authorize().map_err(|error| error.of(&application.client_id))
    }
}

/// All that was asked, or nothing: silently dropping a scope would give a token that fails somewhere else.
fn grant_scopes(
    application: &Application,
    asked: Option<&ScopeParameter>,
) -> Result<Vec<ScopeName>, OAuthError> {
    const LONG: &str = "The scope is longer than any grant can be.";
    const MALFORMED: &str =
        "The scope is malformed: names separated by single spaces (RFC 6749 section 3.3).";
    const UNKNOWN: &str = "A scope is unknown, or not granted to the application.";
    let refuse = |description| OAuthError::new(ErrorCode::InvalidScope, description);
    match asked {
        None => Ok(application.default_scopes.as_ref().unwrap_or(&application.scopes).names().to_vec()),
        Some(ScopeParameter::TooLong) => Err(refuse(LONG)),
        Some(ScopeParameter::Text(text)) => {
            application.scopes.select(text).map_err(|not_granted| match not_granted {
                NotGranted::Malformed => refuse(MALFORMED),
                NotGranted::Unknown => refuse(UNKNOWN),
            })
        }
    }
}
