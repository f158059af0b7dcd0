//! APIs and the scopes they define.
//! Not for: which application may call which (`applications.rs`).

use tokio_postgres::Row;

use super::error::Trouble;
use super::log::Ledger;
use super::row::{self, values};
use super::scopes;
use super::session::Link;
use super::step::Step;
use crate::domain::api::{Api, ApiIdentifier};
use crate::domain::id::TenantId;
use crate::domain::scope::Scope;
use crate::store::{AtVersion, Conflict, ScopeChange, StoreError, stored};

pub(super) async fn all(session: Link, tenant: TenantId) -> Result<Vec<Api>, Trouble> {
    let sql = "SELECT tenant_id, identifier, name, token_lifetime, profile, backdating, algorithm, created_at, updated_at,
                   version
               FROM api WHERE tenant_id = $1 ORDER BY identifier";
    session.newest_rows(sql, values![tenant.to_string()], read).await
}

pub(super) fn add(ledger: &mut Ledger, api: &Api, defined: &[Scope]) {
    ledger.add(Step::new(
        "INSERT INTO api
            (tenant_id, identifier, name, token_lifetime, profile, backdating, algorithm, updated_at, version, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        {
            let mut values = shared(api);
            values.push(Box::new(api.created_at.as_millis()));
            values
        },
    ));
    for scope in defined {
        scopes::add(ledger, scope);
    }
}

pub(super) fn change(ledger: &mut Ledger, api: &Api, change: &ScopeChange) {
    let sql = "UPDATE api SET name = $3, token_lifetime = $4, profile = $5, backdating = $6, algorithm = $7,
            updated_at = $8, version = version + 1
         WHERE tenant_id = $1 AND identifier = $2 AND version = $9";
    ledger.add(Step::new(sql, shared(api)).or(Conflict::Changed));
    for name in &change.removed {
        scopes::remove_any(ledger, api.tenant, name);
    }
    for scope in &change.added {
        scopes::add(ledger, scope);
    }
}

pub(super) fn remove(ledger: &mut Ledger, tenant: TenantId, identifier: &ApiIdentifier, version: AtVersion) {
    let names = || (tenant.to_string(), identifier.as_str().to_owned());
    let ((of, api), (tenant, identifier)) = (names(), names());
    let sql = "DELETE FROM scope WHERE tenant_id = $1 AND api = $2";
    ledger.add(Step::new(sql, values![of, api]).removing());
    let sql = "DELETE FROM api WHERE tenant_id = $1 AND identifier = $2 AND version = coalesce($3, version)";
    ledger.add(Step::new(sql, values![tenant, identifier, version]).removing().or(Conflict::Changed));
}

/// Adding and changing give these columns the same numbers.
fn shared(api: &Api) -> Vec<row::Value> {
    values![
        api.tenant.to_string(),
        api.identifier.as_str().to_owned(),
        api.name.clone(),
        stored::seconds(api.token.lifetime),
        stored::profile_name(&api.token),
        stored::seconds(api.token.backdating),
        api.algorithm.clone(),
        api.updated_at.as_millis(),
        api.version,
    ]
}

fn read(row: &Row) -> Result<Api, StoreError> {
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
