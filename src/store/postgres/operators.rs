//! Operators.
//! Not for: what they may do (`domain/power.rs`).

use tokio_postgres::Row;

use super::error::Trouble;
use super::log::Ledger;
use super::row::{self, values};
use super::session::Link;
use super::step::Step;
use crate::crypto::secret::SecretDigest;
use crate::domain::id::OperatorId;
use crate::domain::operator::Operator;
use crate::store::{AtVersion, Conflict, StoreError};

pub(super) async fn all(session: Link) -> Result<Vec<Operator>, Trouble> {
    let sql =
        "SELECT id, name, tenant_id, scopes, enabled, digest, digested_under, created_at, updated_at, version
               FROM operator ORDER BY name";
    session.rows(sql, values![], read).await
}

pub(super) fn add(ledger: &mut Ledger, operator: &Operator) {
    ledger.add(Step::new(
        "INSERT INTO operator
            (id, name, tenant_id, scopes, enabled, digest, digested_under, created_at, updated_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        values![
            operator.id.to_string(),
            operator.name.clone(),
            operator.tenant.map(|tenant| tenant.to_string()),
            operator.scopes.join(" "),
            operator.enabled,
            operator.digest.as_bytes().to_vec(),
            operator.digested_under.clone(),
            operator.created_at.as_millis(),
            operator.updated_at.as_millis(),
            operator.version,
        ],
    ));
}

pub(super) fn change(ledger: &mut Ledger, operator: &Operator) {
    let change = Step::new(
        "UPDATE operator SET scopes = $3, enabled = $4, digest = $5, digested_under = $6, updated_at = $7,
            version = version + 1
         WHERE id = $1 AND version = $2",
        values![
            operator.id.to_string(),
            operator.version,
            operator.scopes.join(" "),
            operator.enabled,
            operator.digest.as_bytes().to_vec(),
            operator.digested_under.clone(),
            operator.updated_at.as_millis(),
        ],
    );
    ledger.add(change.or(Conflict::Changed));
}

pub(super) fn remove(ledger: &mut Ledger, operator: OperatorId, version: AtVersion) {
    let sql = "DELETE FROM operator WHERE id = $1 AND version = coalesce($2, version)";
    ledger.add(Step::new(sql, values![operator.to_string(), version]).or(Conflict::Changed));
}

fn read(row: &Row) -> Result<Operator, StoreError> {
    Ok(Operator {
        id: row::parse(row, "id")?,
        name: row::get(row, "name")?,
        tenant: row::optional(row, "tenant_id", |text| text.parse().ok())?,
        scopes: row::names(row, "scopes", |text| Some(text.to_owned()))?,
        enabled: row::get(row, "enabled")?,
        digest: SecretDigest::from_bytes(row::bytes(row, "digest")?),
        digested_under: row::get(row, "digested_under")?,
        created_at: row::time(row, "created_at")?,
        updated_at: row::time(row, "updated_at")?,
        version: row::get(row, "version")?,
    })
}
