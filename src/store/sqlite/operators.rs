//! Operators.
//! Not for: what they may do (`domain/power.rs`).

use rusqlite::{Connection, Row, Transaction, params};

use super::row;
use crate::crypto::secret::SecretDigest;
use crate::domain::id::OperatorId;
use crate::domain::operator::Operator;
use crate::store::{AtVersion, StoreError};

pub(super) fn all(connection: &Connection) -> Result<Vec<Operator>, StoreError> {
    row::rows(connection, "SELECT * FROM operator ORDER BY name", [], read)
}

pub(super) fn add(transaction: &Transaction<'_>, operator: &Operator) -> Result<(), StoreError> {
    row::execute(
        transaction,
        "INSERT INTO operator
            (id, name, tenant_id, scopes, enabled, digest, digested_under, created_at, updated_at, version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            operator.id.to_string(),
            operator.name,
            operator.tenant.map(|tenant| tenant.to_string()),
            operator.scopes.join(" "),
            operator.enabled,
            operator.digest.as_bytes(),
            operator.digested_under,
            operator.created_at.as_millis(),
            operator.updated_at.as_millis(),
            operator.version,
        ],
    )
    .map(|_| ())
}

pub(super) fn change(transaction: &Transaction<'_>, operator: &Operator) -> Result<bool, StoreError> {
    let changed = row::execute(
        transaction,
        "UPDATE operator SET scopes = ?3, enabled = ?4, digest = ?5, digested_under = ?6, updated_at = ?7,
            version = version + 1
         WHERE id = ?1 AND version = ?2",
        params![
            operator.id.to_string(),
            operator.version,
            operator.scopes.join(" "),
            operator.enabled,
            operator.digest.as_bytes(),
            operator.digested_under,
            operator.updated_at.as_millis(),
        ],
    )?;
    Ok(changed > 0)
}

pub(super) fn remove(
    transaction: &Transaction<'_>,
    operator: OperatorId,
    version: AtVersion,
) -> Result<bool, StoreError> {
    let sql = "DELETE FROM operator WHERE id = ?1 AND version = coalesce(?2, version)";
    Ok(row::execute(transaction, sql, params![operator.to_string(), version])? > 0)
}

fn read(row: &Row<'_>) -> Result<Operator, StoreError> {
    Ok(Operator {
        id: row::parse(row, "id")?,
        name: row::get(row, "name")?,
        tenant: row::optional(row, "tenant_id", |text| text.parse().ok())?,
        scopes: row::names(row, "scopes", |text| Some(text.to_owned()))?,
        enabled: row::get(row, "enabled")?,
        digest: SecretDigest::from_bytes(row::get(row, "digest")?),
        digested_under: row::get(row, "digested_under")?,
        created_at: row::time(row, "created_at")?,
        updated_at: row::time(row, "updated_at")?,
        version: row::get(row, "version")?,
    })
}
