//! Adding, changing and removing scopes.
//! Not for: granting them (`applications.rs`).

use serde_json::json;

use super::{Admin, AdminError};
use crate::domain::Invalid;
use crate::domain::api::ApiIdentifier;
use crate::domain::scope::{Scope, ScopeName};
use crate::domain::tenant::Tenant;
use crate::store::{Conflict, StoreError};

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
        super::apis::find(admin, tenant, identifier.as_str()).await?;
    }
    let scope = Scope { tenant: tenant.id, name, description, api, created_at: admin.now() };
    let detail = json!({
        "description": scope.description,
        "api": scope.api.as_ref().map(ApiIdentifier::as_str),
    });
    let event = admin.event(tenant.id, "scope.add", scope.name.as_str(), detail);
    match admin.store.add_scope(scope.clone(), event).await {
        Err(StoreError::Conflict(Conflict::Exists)) => Err(AdminError::Conflict(format!(
            "scope {:?} exists already in tenant {}",
            scope.name, tenant.name
        ))),
        answer => Ok(answer.map(|()| scope)?),
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
    let before = find(admin, tenant, name).await?;
    let after = Scope { description, ..before.clone() };
    let detail = json!({ "before": before.description, "after": after.description });
    let event = admin.event(tenant.id, "scope.set", name, detail);
    if !admin.store.change_scope(after.clone(), event).await? {
        return Err(StoreError::Conflict(Conflict::Changed).into());
    }
    Ok(after)
}

/// Removes a scope that no application is granted.
///
/// # Errors
/// When it does not exist, or is still granted.
pub async fn remove(admin: &Admin, tenant: &Tenant, name: &str) -> Result<Scope, AdminError> {
    let scope = find(admin, tenant, name).await?;
    let event = admin.event(tenant.id, "scope.remove", name, json!({}));
    match admin.store.remove_scope(tenant.id, scope.name.clone(), event).await {
        Err(StoreError::Conflict(Conflict::InUse)) => Err(AdminError::Conflict(format!(
            "scope {name:?} is still granted to an application: take it away with 'chancery app set' first"
        ))),
        answer => Ok(answer.map(|_| scope)?),
    }
}

fn check_description(description: &str) -> Result<(), Invalid> {
    if description.is_empty() {
        Ok(())
    } else {
        crate::domain::check_label("description", description, MAX_DESCRIPTION)
    }
}
