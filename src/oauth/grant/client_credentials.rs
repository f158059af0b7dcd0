//! The client credentials grant (RFC 6749 §4.4).
//! Not for: refresh tokens, which this grant should not have (§4.4.3).

use std::time::Duration;

use super::{Authorization, Grant};
use crate::domain::application::{Application, GrantType};
use crate::domain::token::{DEFAULT_TOKEN_LIFETIME, TokenProfile};
use crate::issuer::Issuer;
use crate::oauth::client_auth::Authenticated;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::request::Incoming;
use crate::oauth::target::{self, Target};

/// `client_credentials`.
pub(super) struct ClientCredentials;

impl Grant for ClientCredentials {
    fn grant_type(&self) -> GrantType {
        GrantType::ClientCredentials
    }

    fn authorize(
        &self,
        issuer: &Issuer,
        incoming: &Incoming<'_>,
        authenticated: &Authenticated,
    ) -> Result<Authorization, OAuthError> {
        let application = authenticated.application();
        let authorize = || {
            let form = &incoming.form;
            if form.has_authorization_details {
                // RFC 9396 §5: what is not supported is refused, never ignored.
                const UNSUPPORTED: &str = "This server supports no authorization_details.";
                return Err(OAuthError::new(ErrorCode::InvalidAuthorizationDetails, UNSUPPORTED));
            }
            let registered = authenticated.registered();
            let target = target::choose(issuer, registered, form.scope.as_ref(), &form.resources)?;
            agree(application, target)
        };
        authorize().map_err(|error| error.of(&application.client_id))
    }
}

/// What application and APIs want their tokens to be like. The application has the first word on the shape; of the
/// lifetimes the shortest holds. APIs of one token must agree on the rest.
fn agree(application: &Application, target: Target) -> Result<Authorization, OAuthError> {
    let Target { scopes, apis } = target;
    let settings = || std::iter::once(&application.token).chain(apis.iter().map(|api| &api.token));
    // Whatever the application's other tokens are like, this server's own API takes those of RFC 9068 only (§4), which no
    // other resource server is given.
    let is_admin = apis.iter().any(|api| api.identifier.is_admin());
    if is_admin && apis.len() > 1 {
        return Err(OAuthError::new(ErrorCode::InvalidTarget, DIFFERENT));
    }
    let profile = match application.token.profile {
        _ if is_admin => TokenProfile::Rfc9068,
        Some(profile) => profile,
        None => same(apis.iter().map(|api| api.token.profile.unwrap_or(TokenProfile::Rfc9068)))?
            .unwrap_or(TokenProfile::Ciam),
    };
    if profile == TokenProfile::Rfc9068 && apis.is_empty() {
        // RFC 9068 §3: such a token always says whom it is for.
        const WHICH: &str = "Say with resource or scope which API the token is for: there is no default one.";
        return Err(OAuthError::new(ErrorCode::InvalidTarget, WHICH));
    }
    Ok(Authorization {
        profile,
        lifetime: settings().filter_map(|one| one.lifetime).min().unwrap_or(DEFAULT_TOKEN_LIFETIME),
        backdating: settings().filter_map(|one| one.backdating).max().unwrap_or(Duration::ZERO),
        algorithm: same(apis.iter().map(|api| api.algorithm.clone()))?.flatten(),
        scopes,
        apis,
    })
}

const DIFFERENT: &str = "These resources want tokens of different kinds. Ask for one at a time.";

/// What all APIs want, if they want the same.
fn same<T: PartialEq>(mut wanted: impl Iterator<Item = T>) -> Result<Option<T>, OAuthError> {
    let first = wanted.next();
    if wanted.all(|other| Some(&other) == first.as_ref()) {
        Ok(first)
    } else {
        Err(OAuthError::new(ErrorCode::InvalidTarget, DIFFERENT))
    }
}
