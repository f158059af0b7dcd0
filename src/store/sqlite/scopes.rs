//! The scopes of a tenant.
//! Not for: which application is granted which (`applications.rs`).

use rusqlite::{Connection, Row, Transaction, params};

use super::row;
use crate::domain::api::ApiIdentifier;
use crate::domain::id::TenantId;
use crate::domain::scope::{Scope, ScopeName};
use crate::store::{AtVersion, StoreError};

pub(super) fn all(connection: &Connection, tenant: TenantId) -> Result<Vec<Scope>, StoreError> {
    row::rows(
        connection,
        "SELECT * FROM scope WHERE tenant_id = ?1 ORDER BY name",
        [tenant.to_string()],
        read,
    )
}

pub(super) fn add(transaction: &Transaction<'_>, scope: &Scope) -> Result<(), StoreError> {
    row::execute(
        transaction,
        "INSERT INTO scope (tenant_id, name, description, api, created_at, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            scope.tenant.to_string(),
            scope.name.as_str(),
            scope.description,
            scope.api.as_ref().map(ApiIdentifier::as_str),
            scope.created_at.as_millis(),
            scope.version,
        ],
    )
    .map(|_| ())
}

pub(super) fn change(transaction: &Transaction<'_>, scope: &Scope) -> Result<bool, StoreError> {
    let sql = "UPDATE scope SET description = ?3, version = version + 1
               WHERE tenant_id = ?1 AND name = ?2 AND version = ?4";
    let parameters = params![scope.tenant.to_string(), scope.name.as_str(), scope.description, scope.version];
    Ok(row::execute(transaction, sql, parameters)? > 0)
}

pub(super) fn remove(
    transaction: &Transaction<'_>,
    tenant: TenantId,
    name: &ScopeName,
    version: AtVersion,
) -> Result<bool, StoreError> {
    let sql = "DELETE FROM scope WHERE tenant_id = ?1 AND name = ?2 AND version = coalesce(?3, version)";
    row::in_use(row::execute(transaction, sql, params![tenant.to_string(), name.as_str(), version]))
}

fn read(row: &Row<'_>) -> Result<Scope, StoreError> {
    Ok(Scope {
        tenant: row::parse(row, "tenant_id")?,
        name: row::checked(row, "name", |text| ScopeName::parse(text).ok())?,
        description: row::get(row, "description")?,
        api: row::optional(row, "api", |text| ApiIdentifier::parse(text).ok())?,
        created_at: row::time(row, "created_at")?,
        version: row::get(row, "version")?,
    })
}
