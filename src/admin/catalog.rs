//! What applications may be granted: the scopes and APIs of a tenant, read once and asked many times.
//! Not for: changing them (`scopes.rs`, `apis.rs`).

use std::collections::{BTreeMap, HashMap};

use super::{Admin, AdminError};
use crate::domain::api::{Api, ApiIdentifier};
use crate::domain::scope::{Scope, ScopeName};
use crate::domain::tenant::Tenant;

/// The scopes and APIs of a tenant.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// The scopes, by name.
    pub scopes: BTreeMap<ScopeName, Scope>,
    /// The APIs, by identifier.
    pub apis: BTreeMap<ApiIdentifier, Api>,
}

impl Catalog {
    /// Reads those there are.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn read(admin: &Admin, tenant: &Tenant) -> Result<Self, AdminError> {
        let scopes = admin.store.scopes(tenant.id).await?;
        let apis = admin.store.apis(tenant.id).await?;
        Ok(Self {
            scopes: scopes.into_iter().map(|scope| (scope.name.clone(), scope)).collect(),
            apis: apis.into_iter().map(|api| (api.identifier.clone(), api)).collect(),
        })
    }

    /// Which API defines which of these scopes; those that are the whole tenant's are absent.
    ///
    /// # Errors
    /// When there is no such scope.
    pub(super) fn apis_of<'name>(
        &self,
        names: impl IntoIterator<Item = &'name ScopeName>,
    ) -> Result<HashMap<ScopeName, ApiIdentifier>, AdminError> {
        let mut found = HashMap::new();
        for name in names {
            let scope = self.scopes.get(name).ok_or_else(|| missing_scope(name))?;
            found.extend(scope.api.clone().map(|api| (name.clone(), api)));
        }
        Ok(found)
    }

    /// The scopes that an API defines, by name.
    pub(super) fn scopes_of<'api>(
        &'api self,
        identifier: &'api ApiIdentifier,
    ) -> impl Iterator<Item = &'api Scope> {
        self.scopes.values().filter(move |scope| scope.api.as_ref() == Some(identifier))
    }
}

/// What is said when something refers to a scope that is not there.
fn missing_scope(name: &ScopeName) -> AdminError {
    AdminError::Conflict(format!(
        "there is no scope {:?} in this tenant: add it with 'chancery scope add' or 'chancery api add'",
        name.as_str()
    ))
}

/// What is said when something refers to an API that is not there.
pub(super) fn missing_api(identifier: &ApiIdentifier) -> AdminError {
    AdminError::Conflict(super::apis::no_api(identifier.as_str()).to_string())
}
