//! APIs and the scopes they define.
//! Not for: which application may call which (`applications.rs`).

use rusqlite::{Connection, Row, Transaction, params};

use super::{row, scopes};
use crate::domain::api::{Api, ApiIdentifier};
use crate::domain::id::TenantId;
use crate::domain::scope::Scope;
use crate::store::{AtVersion, Conflict, ScopeChange, StoreError, stored};

pub(super) fn all(connection: &Connection, tenant: TenantId) -> Result<Vec<Api>, StoreError> {
    let sql = "SELECT * FROM api WHERE tenant_id = ?1 ORDER BY identifier";
    row::rows(connection, sql, [tenant.to_string()], read)
}

pub(super) fn add(transaction: &Transaction<'_>, api: &Api, scopes: &[Scope]) -> Result<(), StoreError> {
    let sql = "INSERT INTO api
            (tenant_id, identifier, name, token_lifetime, profile, backdating, algorithm, created_at, updated_at, version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    write(transaction, sql, api)?;
    scopes.iter().try_for_each(|scope| scopes::add(transaction, scope))
}

pub(super) fn change(
    transaction: &Transaction<'_>,
    api: &Api,
    change: &ScopeChange,
) -> Result<(), StoreError> {
    let sql = "UPDATE api SET name = ?3, token_lifetime = ?4, profile = ?5, backdating = ?6, algorithm = ?7,
            updated_at = ?9, version = version + 1
         WHERE tenant_id = ?1 AND identifier = ?2 AND version = ?10";
    if write(transaction, sql, api)? == 0 {
        return Err(StoreError::Conflict(Conflict::Changed));
    }
    for name in &change.removed {
        scopes::remove(transaction, api.tenant, name, None)?;
    }
    change.added.iter().try_for_each(|scope| scopes::add(transaction, scope))
}

pub(super) fn remove(
    transaction: &Transaction<'_>,
    tenant: TenantId,
    identifier: &ApiIdentifier,
    version: AtVersion,
) -> Result<bool, StoreError> {
    let (tenant, identifier) = (tenant.to_string(), identifier.as_str());
    let sql = "DELETE FROM scope WHERE tenant_id = ?1 AND api = ?2";
    let scopes = row::execute(transaction, sql, [tenant.as_str(), identifier]);
    let sql = "DELETE FROM api WHERE tenant_id = ?1 AND identifier = ?2 AND version = coalesce(?3, version)";
    row::in_use(scopes.and_then(|_| row::execute(transaction, sql, params![tenant, identifier, version])))
}

/// Adding and changing give the columns the same numbers; those that never change have no part in a change.
fn write(transaction: &Transaction<'_>, sql: &str, api: &Api) -> Result<usize, StoreError> {
    let values = params![
        api.tenant.to_string(),
        api.identifier.as_str(),
        api.name,
        stored::seconds(api.token.lifetime),
        stored::profile_name(&api.token),
        stored::seconds(api.token.backdating),
        api.algorithm,
        api.created_at.as_millis(),
        api.updated_at.as_millis(),
        api.version,
    ];
    row::execute(transaction, sql, values)
}

fn read(row: &Row<'_>) -> Result<Api, StoreError> {
    Ok(Api {
        tenant: row::parse(row, "tenant_id")?,
        identifier: row::checked(row, "identifier", |text| ApiIdentifier::parse(text).ok())?,
        name: row::get(row, "name")?,
        token: row::token_settings(row)?,
        algorithm: row::get(row, "algorithm")?,
        created_at: row::time(row, "created_at")?,
        updated_at: row::time(row, "updated_at")?,
        version: row::get(row, "version")?,
    })
}
