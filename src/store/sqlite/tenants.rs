//! Tenants and their hosts.
//! Not for: their signing keys (`keys.rs`), beyond the first.

use std::time::Duration;

use rusqlite::{Connection, Row, Transaction, params};

use super::{keys, row};
use crate::domain::id::TenantId;
use crate::domain::signing_key::SigningKey;
use crate::domain::tenant::{Host, IssuerUrl, Tenant};
use crate::store::{AtVersion, Conflict, StoreError, stored};

pub(super) fn all(connection: &Connection) -> Result<Vec<Tenant>, StoreError> {
    let mut tenants = row::rows(connection, "SELECT * FROM tenant ORDER BY name", [], read)?;
    for tenant in &mut tenants {
        tenant.hosts = row::rows(
            connection,
            "SELECT host FROM tenant_host WHERE tenant_id = ?1 ORDER BY position",
            [tenant.id.to_string()],
            |row| row::checked(row, "host", |text| Host::parse(text).ok()),
        )?;
    }
    Ok(tenants)
}

pub(super) fn add(
    transaction: &Transaction<'_>,
    tenant: &Tenant,
    key: &SigningKey,
) -> Result<(), StoreError> {
    row::execute(
        transaction,
        "INSERT INTO tenant (id, name, issuer, enabled, algorithm, key_period, created_at, updated_at, version,
            tokens_per_minute, tokens_per_hour, tokens_per_day, quota_mode)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        params![
            tenant.id.to_string(),
            tenant.name,
            tenant.issuer.as_str(),
            tenant.enabled,
            tenant.algorithm,
            stored::seconds(Some(tenant.key_period)),
            tenant.created_at.as_millis(),
            tenant.updated_at.as_millis(),
            tenant.version,
            stored::limit(tenant.quota.per_minute),
            stored::limit(tenant.quota.per_hour),
            stored::limit(tenant.quota.per_day),
            tenant.quota.mode.as_str(),
        ],
    )?;
    add_hosts(transaction, tenant)?;
    keys::add(transaction, key)
}

pub(super) fn change(transaction: &Transaction<'_>, tenant: &Tenant) -> Result<(), StoreError> {
    let changed = row::execute(
        transaction,
        "UPDATE tenant SET name = ?3, issuer = ?4, enabled = ?5, algorithm = ?6, key_period = ?7, updated_at = ?8,
            version = version + 1, tokens_per_minute = ?9, tokens_per_hour = ?10, tokens_per_day = ?11, quota_mode = ?12
         WHERE id = ?1 AND version = ?2",
        params![
            tenant.id.to_string(),
            tenant.version,
            tenant.name,
            tenant.issuer.as_str(),
            tenant.enabled,
            tenant.algorithm,
            stored::seconds(Some(tenant.key_period)),
            tenant.updated_at.as_millis(),
            stored::limit(tenant.quota.per_minute),
            stored::limit(tenant.quota.per_hour),
            stored::limit(tenant.quota.per_day),
            tenant.quota.mode.as_str(),
        ],
    )?;
    if changed == 0 {
        return Err(StoreError::Conflict(Conflict::Changed));
    }
    row::execute(transaction, "DELETE FROM tenant_host WHERE tenant_id = ?1", [tenant.id.to_string()])?;
    add_hosts(transaction, tenant)
}

pub(super) fn remove(
    transaction: &Transaction<'_>,
    tenant: TenantId,
    version: AtVersion,
) -> Result<bool, StoreError> {
    let id = tenant.to_string();
    // Applications go first: what they are granted refers to the tenant's scopes.
    row::execute(transaction, "DELETE FROM application WHERE tenant_id = ?1", [&id])?;
    let sql = "DELETE FROM tenant WHERE id = ?1 AND version = coalesce(?2, version)";
    Ok(row::execute(transaction, sql, params![id, version])? > 0)
}

fn add_hosts(transaction: &Transaction<'_>, tenant: &Tenant) -> Result<(), StoreError> {
    for (position, host) in (0_i64..).zip(&tenant.hosts) {
        row::execute(
            transaction,
            "INSERT INTO tenant_host (host, tenant_id, position) VALUES (?1, ?2, ?3)",
            params![host.as_str(), tenant.id.to_string(), position],
        )?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Tenant, StoreError> {
    Ok(Tenant {
        id: row::parse(row, "id")?,
        name: row::get(row, "name")?,
        hosts: Vec::new(),
        issuer: row::checked(row, "issuer", |text| IssuerUrl::parse(text).ok())?,
        enabled: row::get(row, "enabled")?,
        algorithm: row::get(row, "algorithm")?,
        key_period: Duration::from_secs(row::get::<u32>(row, "key_period")?.into()),
        quota: row::quota(row)?,
        created_at: row::time(row, "created_at")?,
        updated_at: row::time(row, "updated_at")?,
        version: row::get(row, "version")?,
    })
}
