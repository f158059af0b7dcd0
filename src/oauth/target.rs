//! Which APIs a token is for and which scopes it has: what was asked, and which API defines which scope (RFC 8707).
//! Not for: what tokens for them are like (`grant/client_credentials.rs`).

use std::borrow::Cow;
use std::sync::Arc;

use super::error::{ErrorCode, OAuthError};
use super::form::ScopeParameter;
use crate::domain::api::{Api, ApiIdentifier};
use crate::domain::application::Registered;
use crate::domain::scope::{NotGranted, ScopeName};
use crate::issuer::Issuer;

/// What a token is for.
#[derive(Debug)]
pub struct Target {
    /// The scopes, in the order asked.
    pub scopes: Vec<ScopeName>,
    /// The APIs, in the order asked, each once. None when the token is for none in particular.
    pub apis: Vec<Arc<Api>>,
}

/// Chooses: the APIs that `resource` names; else the one whose scopes are asked for; else the application's default API;
/// else the one whose scopes it has by default; else none. All that is asked, or nothing: silently dropping a scope would
/// give a token that fails somewhere else.
///
/// # Errors
/// `invalid_target` when a resource is malformed, unknown or not allowed; `invalid_scope` when a scope is malformed,
/// unknown, not granted, or of another API; our own trouble when an API is too new to be known here.
pub fn choose(
    issuer: &Issuer,
    registered: &Registered,
    scope: Option<&ScopeParameter<'_>>,
    resources: &[Cow<'_, str>],
) -> Result<Target, OAuthError> {
    let application = &registered.application;
    let named = resources.iter().try_fold(Vec::new(), |mut named, resource| {
        let identifier = allowed(registered, resource)?;
        if !named.contains(&identifier) {
            named.push(identifier);
        }
        Ok::<_, OAuthError>(named)
    })?;
    let asked = scope.map(|scope| select(registered, scope)).transpose()?;
    let by_default = application.default_scopes.as_ref().unwrap_or(&application.scopes).names();
    let chosen = match (named.is_empty(), &asked, &application.default_api) {
        (false, _, _) => named,
        (true, None, Some(api)) => vec![api.clone()],
        (true, asked, default) => {
            let of_scopes = only_api(registered, asked.as_deref().unwrap_or(by_default))?;
            of_scopes.or_else(|| default.clone()).into_iter().collect()
        }
    };
    let fits =
        |name: &ScopeName| registered.scope_apis.get(name).is_none_or(|defines| chosen.contains(defines));
    let scopes = match asked {
        Some(asked) if !asked.iter().all(fits) => {
            return Err(refuse_scope("A scope belongs to an API that the resource does not name."));
        }
        Some(asked) => asked,
        None => by_default.iter().filter(|name| fits(name)).cloned().collect(),
    };
    let known = |api: &ApiIdentifier| issuer.api(api.as_str()).cloned().ok_or_else(OAuthError::not_yet);
    Ok(Target { scopes, apis: chosen.iter().map(known).collect::<Result<_, _>>()? })
}

/// An API that a `resource` names, if the application may have tokens for it.
fn allowed(registered: &Registered, resource: &str) -> Result<ApiIdentifier, OAuthError> {
    const MALFORMED: &str = "A resource must be an absolute URI without a fragment (RFC 8707 section 2).";
    const UNKNOWN: &str = "A resource is unknown, or the application may not have tokens for it.";
    let refuse = |description| OAuthError::new(ErrorCode::InvalidTarget, description);
    let identifier = ApiIdentifier::parse(resource).map_err(|_| refuse(MALFORMED))?;
    if registered.may_call(&identifier) { Ok(identifier) } else { Err(refuse(UNKNOWN)) }
}

/// The scopes a `scope` parameter asks for, all of them granted.
fn select(registered: &Registered, asked: &ScopeParameter<'_>) -> Result<Vec<ScopeName>, OAuthError> {
    const LONG: &str = "The scope is longer than any grant can be.";
    const MALFORMED: &str =
        "The scope is malformed: names separated by single spaces (RFC 6749 section 3.3).";
    const UNKNOWN: &str = "A scope is unknown, or not granted to the application.";
    match asked {
        ScopeParameter::TooLong => Err(refuse_scope(LONG)),
        ScopeParameter::Text(text) => {
            registered.application.scopes.select(text).map_err(|not_granted| match not_granted {
                NotGranted::Malformed => refuse_scope(MALFORMED),
                NotGranted::Unknown => refuse_scope(UNKNOWN),
            })
        }
    }
}

/// The one API that defines scopes among these, if one does (RFC 9068 §3).
fn only_api(registered: &Registered, scopes: &[ScopeName]) -> Result<Option<ApiIdentifier>, OAuthError> {
    let mut apis = scopes.iter().filter_map(|name| registered.scope_apis.get(name));
    let first = apis.next();
    if apis.any(|other| Some(other) != first) {
        return Err(refuse_scope("The scopes belong to several APIs. Say with resource which are meant."));
    }
    Ok(first.cloned())
}

fn refuse_scope(description: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidScope, description)
}
