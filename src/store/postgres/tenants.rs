//! Tenants and their hosts.
//! Not for: their signing keys (`keys.rs`), beyond the first.

use tokio_postgres::Row;

use super::error::Trouble;
use super::keys;
use super::log::Ledger;
use super::row::{self, values};
use super::session::Link;
use super::step::Step;
use crate::domain::id::TenantId;
use crate::domain::signing_key::SigningKey;
use crate::domain::tenant::{Host, IssuerUrl, Tenant};
use crate::store::{AtVersion, Conflict, StoreError, stored};

pub(super) async fn all(session: Link) -> Result<Vec<Tenant>, Trouble> {
    let sql = "SELECT id, name, issuer, enabled, algorithm, key_period, created_at, updated_at, version,
                   tokens_per_minute, tokens_per_hour, tokens_per_day, quota_mode,
                   ARRAY(SELECT host FROM tenant_host WHERE tenant_id = id ORDER BY position) AS hosts
               FROM tenant ORDER BY name";
    session.newest_rows(sql, values![], read).await
}

pub(super) fn add(ledger: &mut Ledger, tenant: &Tenant, key: &SigningKey) {
    ledger.add(Step::new(
        "INSERT INTO tenant (id, name, issuer, enabled, algorithm, key_period, created_at, updated_at, version,
            tokens_per_minute, tokens_per_hour, tokens_per_day, quota_mode)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        values![
            tenant.id.to_string(),
            tenant.name.clone(),
            tenant.issuer.as_str().to_owned(),
            tenant.enabled,
            tenant.algorithm.clone(),
            stored::seconds(Some(tenant.key_period)),
            tenant.created_at.as_millis(),
            tenant.updated_at.as_millis(),
            tenant.version,
            stored::limit(tenant.quota.per_minute),
            stored::limit(tenant.quota.per_hour),
            stored::limit(tenant.quota.per_day),
            tenant.quota.mode.as_str(),
        ],
    ));
    add_hosts(ledger, tenant);
    keys::add(ledger, key);
}

pub(super) fn change(ledger: &mut Ledger, tenant: &Tenant) {
    let change = Step::new(
        "UPDATE tenant SET name = $3, issuer = $4, enabled = $5, algorithm = $6, key_period = $7, updated_at = $8,
            version = version + 1, tokens_per_minute = $9, tokens_per_hour = $10, tokens_per_day = $11, quota_mode = $12
         WHERE id = $1 AND version = $2",
        values![
            tenant.id.to_string(),
            tenant.version,
            tenant.name.clone(),
            tenant.issuer.as_str().to_owned(),
            tenant.enabled,
            tenant.algorithm.clone(),
            stored::seconds(Some(tenant.key_period)),
            tenant.updated_at.as_millis(),
            stored::limit(tenant.quota.per_minute),
            stored::limit(tenant.quota.per_hour),
            stored::limit(tenant.quota.per_day),
            tenant.quota.mode.as_str(),
        ],
    );
    ledger.add(change.or(Conflict::Changed));
    ledger.add(Step::new("DELETE FROM tenant_host WHERE tenant_id = $1", values![tenant.id.to_string()]));
    add_hosts(ledger, tenant);
}

/// Applications go first, then scopes: what they refer to goes after them.
pub(super) fn remove(ledger: &mut Ledger, tenant: TenantId, version: AtVersion) {
    for sql in [
        "DELETE FROM application WHERE tenant_id = $1",
        "DELETE FROM scope WHERE tenant_id = $1",
        "DELETE FROM api WHERE tenant_id = $1",
    ] {
        ledger.add(Step::new(sql, values![tenant.to_string()]));
    }
    let sql = "DELETE FROM tenant WHERE id = $1 AND version = coalesce($2, version)";
    ledger.add(Step::new(sql, values![tenant.to_string(), version]).or(Conflict::Changed));
}

fn add_hosts(ledger: &mut Ledger, tenant: &Tenant) {
    for (position, host) in (0_i64..).zip(&tenant.hosts) {
        ledger.add(Step::new(
            "INSERT INTO tenant_host (host, tenant_id, position) VALUES ($1, $2, $3)",
            values![host.as_str().to_owned(), tenant.id.to_string(), position],
        ));
    }
}

fn read(row: &Row) -> Result<Tenant, StoreError> {
    let hosts: Vec<&str> = row::get(row, "hosts")?;
    let hosts = hosts.into_iter().map(|text| Host::parse(text).ok()).collect::<Option<_>>();
    Ok(Tenant {
        id: row::parse(row, "id")?,
        name: row::get(row, "name")?,
        hosts: hosts.ok_or_else(|| row::unreadable("host"))?,
        issuer: row::checked(row, "issuer", |text| IssuerUrl::parse(text).ok())?,
        enabled: row::get(row, "enabled")?,
        algorithm: row::get(row, "algorithm")?,
        key_period: row::duration(row, "key_period")?.ok_or_else(|| row::unreadable("key_period"))?,
        quota: row::quota(row)?,
        created_at: row::time(row, "created_at")?,
        updated_at: row::time(row, "updated_at")?,
        version: row::get(row, "version")?,
    })
}
