//! What an application must be, whatever it was before.
//! Not for: changing one (`applications.rs`).

use std::collections::HashMap;

use super::AdminError;
use super::applications::MAX_NAME;
use super::catalog::{Catalog, missing_api};
use crate::domain::api::ApiIdentifier;
use crate::domain::application::{Application, GrantType};
use crate::domain::scope::{ScopeName, ScopeSet};
use crate::domain::{Invalid, check_label};

/// Everything an application must be, whatever it was before. Which API defines which of its scopes.
pub(super) fn check(
    catalog: &Catalog,
    application: &Application,
) -> Result<HashMap<ScopeName, ApiIdentifier>, AdminError> {
    check_label("name", &application.name, MAX_NAME)?;
    application.token.check()?;
    check_type(application)?;
    let scope_apis = catalog.apis_of(application.scopes.names())?;
    for name in application.default_scopes.iter().flat_map(ScopeSet::names) {
        if !application.scopes.contains(name) {
            let name = name.as_str();
            return Err(
                Invalid(format!("default scope {name:?} is not among the application's scopes")).into()
            );
        }
    }
    check_apis(catalog, application, &scope_apis)?;
    Ok(scope_apis)
}

/// What follows from an application's type.
fn check_type(application: &Application) -> Result<(), Invalid> {
    let kind = application.kind.as_str();
    let invalid = |text: String| Err(Invalid(text));
    if application.kind.is_confidential() {
        if application.auth_methods.is_empty() {
            return invalid(format!("type {kind} needs at least one authentication method"));
        }
        return Ok(());
    }
    if application.grants.contains(&GrantType::ClientCredentials) {
        return invalid(format!(
            "type {kind} is a public client and may not use client_credentials (RFC 6749 §4.4)"
        ));
    }
    if !application.auth_methods.is_empty() {
        return invalid(format!("type {kind} is a public client and cannot authenticate"));
    }
    Ok(())
}

/// The APIs an application has to do with exist, and it may call the one its tokens are for by default.
fn check_apis(
    catalog: &Catalog,
    application: &Application,
    scope_apis: &HashMap<ScopeName, ApiIdentifier>,
) -> Result<(), AdminError> {
    let mut named = application.apis.iter().chain(&application.acts_for).chain(&application.default_api);
    if let Some(unknown) = named.find(|identifier| !catalog.apis.contains_key(*identifier)) {
        return Err(missing_api(unknown));
    }
    match &application.default_api {
        Some(api) if !application.apis.contains(api) && !scope_apis.values().any(|one| one == api) => {
            Err(Invalid(format!(
                "the application may not call its default API {api}: give it --api {api} or one of its scopes"
            ))
            .into())
        }
        _ => Ok(()),
    }
}
