//! Adding, changing and removing scopes.
//! Not for: granting them (`applications.rs`).

use serde_json::json;

use super::catalog::missing_api;
use super::{Admin, AdminError, insist, view};
use crate::domain::Invalid;
use crate::domain::api::ApiIdentifier;
use crate::domain::scope::{Scope, ScopeName};
use crate::domain::tenant::Tenant;
use crate::store::{Conflict, Recorded, RegistryChange, StoreError};

/// Longest description, in characters.
const MAX_DESCRIPTION: usize = 500;

/// Adds a scope of the whole tenant.
///
/// # Errors
/// When its name is taken.
pub async fn add(
    admin: &Admin,
    tenant: &Tenant,
    name: ScopeName,
    description: String,
) -> Result<Scope, AdminError> {
    add_to(admin, tenant, name, description, None).await
}

/// Adds a scope, of an API if one is named.
///
/// # Errors
/// When its name is taken, or there is no such API.
pub async fn add_to(
    admin: &Admin,
    tenant: &Tenant,
    name: ScopeName,
    description: String,
    api: Option<ApiIdentifier>,
) -> Result<Scope, AdminError> {
    check_description(&description)?;
    if let Some(identifier) = &api {
        refuse_ours(Some(identifier))?;
        let apis = admin.store.apis(tenant.id).await?;
        if !apis.iter().any(|api| api.identifier == *identifier) {
            return Err(missing_api(identifier));
        }
    }
    let scope = Scope { tenant: tenant.id, name, description, api, created_at: admin.now(), version: 1 };
    match admin.create(vec![addition(admin, &scope)], &view::ScopeView::new(&scope)).await {
        Err(AdminError::Store(StoreError::Conflict(Conflict::Exists))) => Err(AdminError::Conflict(format!(
            "scope {:?} exists already in tenant {}",
            scope.name, tenant.name
        ))),
        answer => answer.map(|()| scope),
    }
}

/// The change that adds a scope.
pub(super) fn addition(admin: &Admin, scope: &Scope) -> Recorded {
    let detail = json!({
        "description": scope.description,
        "api": scope.api.as_ref().map(ApiIdentifier::as_str),
    });
    let event = admin.event(scope.tenant, "scope.add", scope.name.as_str(), detail);
    Recorded::new(RegistryChange::AddScope(scope.clone()), event)
}

/// The server's own APIs and their scopes are what they are.
pub(super) fn refuse_ours(api: Option<&ApiIdentifier>) -> Result<(), AdminError> {
    match api.filter(|api| api.is_ours()) {
        Some(api) => Err(AdminError::Conflict(format!(
            "{api} and its scopes are the server's own, and stay as they are"
        ))),
        None => Ok(()),
    }
}

/// A scope by its name.
///
/// # Errors
/// When there is none of that name.
pub async fn find(admin: &Admin, tenant: &Tenant, name: &str) -> Result<Scope, AdminError> {
    let scopes = admin.store.scopes(tenant.id).await?;
    scopes.into_iter().find(|scope| scope.name.as_str() == name).ok_or_else(|| AdminError::NotFound {
        what: "scope",
        name: name.to_owned(),
        mend: ": see 'chancery scope list', or add it with 'chancery scope add'",
    })
}

/// Changes the description of a scope.
///
/// # Errors
/// When it does not exist.
pub async fn change(
    admin: &Admin,
    tenant: &Tenant,
    name: &str,
    description: String,
) -> Result<Scope, AdminError> {
    check_description(&description)?;
    insist(admin, || async {
        let before = find(admin, tenant, name).await?;
        admin.check_version(before.version)?;
        refuse_ours(before.api.as_ref())?;
        if description == before.description {
            return Ok(before);
        }
        let mut after = Scope { description: description.clone(), ..before.clone() };
        admin.store.change_registry(vec![alteration(admin, &before, &after)]).await?;
        after.version += 1;
        Ok(after)
    })
    .await
}

/// The change that gives a scope another description.
pub(super) fn alteration(admin: &Admin, before: &Scope, after: &Scope) -> Recorded {
    let detail = json!({ "before": before.description, "after": after.description });
    let event = admin.event(before.tenant, "scope.set", before.name.as_str(), detail);
    Recorded::new(RegistryChange::ChangeScope(after.clone()), event)
}

/// Removes a scope that no application is granted.
///
/// # Errors
/// When it does not exist, or is still granted.
pub async fn remove(admin: &Admin, tenant: &Tenant, name: &str) -> Result<Scope, AdminError> {
    let scope = find(admin, tenant, name).await?;
    admin.check_version(scope.version)?;
    refuse_ours(scope.api.as_ref())?;
    match admin.store.change_registry(vec![removal(admin, &scope)]).await {
        Err(StoreError::Conflict(Conflict::InUse)) => Err(AdminError::Conflict(format!(
            "scope {name:?} is still granted to an application: take it away with 'chancery app set' first"
        ))),
        answer => Ok(answer.map(|()| scope)?),
    }
}

/// The change that removes a scope.
pub(super) fn removal(admin: &Admin, scope: &Scope) -> Recorded {
    let event = admin.event(scope.tenant, "scope.remove", scope.name.as_str(), json!({}));
    let change = RegistryChange::RemoveScope(scope.tenant, scope.name.clone(), admin.terms.version);
    Recorded::new(change, event)
}

pub(super) fn check_description(description: &str) -> Result<(), Invalid> {
    if description.is_empty() {
        Ok(())
    } else {
        crate::domain::check_label("description", description, MAX_DESCRIPTION)
    }
}
