//! The scopes of a tenant.
//! Not for: which application is granted which (`applications.rs`).

use tokio_postgres::Row;

use super::error::Trouble;
use super::log::Ledger;
use super::row::{self, values};
use super::session::Link;
use super::step::Step;
use crate::domain::api::ApiIdentifier;
use crate::domain::id::TenantId;
use crate::domain::scope::{Scope, ScopeName};
use crate::store::{AtVersion, Conflict, StoreError};

pub(super) async fn all(session: Link, tenant: TenantId) -> Result<Vec<Scope>, Trouble> {
    let sql = "SELECT tenant_id, name, description, api, created_at, version FROM scope
               WHERE tenant_id = $1 ORDER BY name";
    session.rows(sql, values![tenant.to_string()], read).await
}

pub(super) fn add(ledger: &mut Ledger, scope: &Scope) {
    ledger.add(Step::new(
        "INSERT INTO scope (tenant_id, name, description, api, created_at, version) VALUES ($1, $2, $3, $4, $5, $6)",
        values![
            scope.tenant.to_string(),
            scope.name.as_str().to_owned(),
            scope.description.clone(),
            scope.api.as_ref().map(|api| api.as_str().to_owned()),
            scope.created_at.as_millis(),
            scope.version,
        ],
    ));
}

pub(super) fn change(ledger: &mut Ledger, scope: &Scope) {
    let sql = "UPDATE scope SET description = $3, version = version + 1
               WHERE tenant_id = $1 AND name = $2 AND version = $4";
    let (tenant, name) = (scope.tenant.to_string(), scope.name.as_str().to_owned());
    let values = values![tenant, name, scope.description.clone(), scope.version];
    ledger.add(Step::new(sql, values).or(Conflict::Changed));
}

/// Removes a scope at a version, which has to be there.
pub(super) fn remove(ledger: &mut Ledger, tenant: TenantId, name: &ScopeName, version: AtVersion) {
    ledger.add(removal(tenant, name, version).or(Conflict::Changed));
}

/// Removes a scope if it is there.
pub(super) fn remove_any(ledger: &mut Ledger, tenant: TenantId, name: &ScopeName) {
    ledger.add(removal(tenant, name, None));
}

fn removal(tenant: TenantId, name: &ScopeName, version: AtVersion) -> Step {
    let sql = "DELETE FROM scope WHERE tenant_id = $1 AND name = $2 AND version = coalesce($3, version)";
    Step::new(sql, values![tenant.to_string(), name.as_str().to_owned(), version]).removing()
}

fn read(row: &Row) -> Result<Scope, StoreError> {
    Ok(Scope {
        tenant: row::parse(row, "tenant_id")?,
        name: row::checked(row, "name", |text| ScopeName::parse(text).ok())?,
        description: row::get(row, "description")?,
        api: row::optional(row, "api", |text| ApiIdentifier::parse(text).ok())?,
        created_at: row::time(row, "created_at")?,
        version: row::get(row, "version")?,
    })
}
