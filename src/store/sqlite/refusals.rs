//! Refused requests, by their ids.
//! Not for: why a request is refused (`oauth`).

use std::borrow::Cow;

use rusqlite::{Connection, Row, Transaction, params};

use super::row;
use crate::domain::application::ClientId;
use crate::domain::id::RequestId;
use crate::domain::refusal::{Endpoint, Refusal};
use crate::domain::time::Timestamp;
use crate::store::{FORGOTTEN_AT_ONCE, REFUSALS_KEPT, REFUSALS_KEPT_FOR, StoreError};

pub(super) fn add(transaction: &Transaction<'_>, refusals: &[Refusal]) -> Result<(), StoreError> {
    for refusal in refusals {
        row::execute(
            transaction,
            "INSERT INTO refusal
                (request_id, at, tenant_id, client_id, endpoint, error, reason, hint, source)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
            params![
                refusal.request.to_string(),
                refusal.at.as_millis(),
                refusal.tenant.to_string(),
                refusal.application.as_ref().map(ClientId::as_str),
                refusal.endpoint.as_str(),
                refusal.error,
                refusal.reason,
                refusal.hint,
                refusal.source.map(|source| source.to_string()),
            ],
        )?;
    }
    // With the flood itself, not some minutes later: there are never more than are to be kept.
    let sql = "DELETE FROM refusal WHERE sequence <= (SELECT max(sequence) FROM refusal) - ?1";
    row::execute(transaction, sql, [REFUSALS_KEPT]).map(|_| ())
}

pub(super) fn find(connection: &Connection, request: RequestId) -> Result<Option<Refusal>, StoreError> {
    let sql = "SELECT * FROM refusal WHERE request_id = ?1";
    Ok(row::rows(connection, sql, [request.to_string()], read)?.pop())
}

/// Forgets some that have been kept for long enough, and says how many. Only the oldest are looked at, by the order in
/// which they were written.
pub(super) fn forget(transaction: &Transaction<'_>, now: Timestamp) -> Result<usize, StoreError> {
    let sql = "DELETE FROM refusal WHERE at < ?1
               AND sequence IN (SELECT sequence FROM refusal ORDER BY sequence LIMIT ?2)";
    row::execute(transaction, sql, params![now.minus(REFUSALS_KEPT_FOR).as_millis(), FORGOTTEN_AT_ONCE])
}

fn read(row: &Row<'_>) -> Result<Refusal, StoreError> {
    Ok(Refusal {
        request: row::parse(row, "request_id")?,
        at: row::time(row, "at")?,
        tenant: row::parse(row, "tenant_id")?,
        application: row::optional(row, "client_id", |text| ClientId::parse(text).ok())?,
        endpoint: row::checked(row, "endpoint", |text| Endpoint::parse(text).ok())?,
        error: row::get(row, "error").map(Cow::Owned)?,
        reason: row::get(row, "reason").map(Cow::Owned)?,
        hint: row::get(row, "hint")?,
        source: row::optional(row, "source", |text| text.parse().ok())?,
    })
}
