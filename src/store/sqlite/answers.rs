//! Answers to creations, kept for whoever asks again.
//! Not for: opening them (`admin/once.rs`).

use rusqlite::{Connection, Transaction, params};

use super::row;
use crate::crypto::seal::Sealed;
use crate::domain::time::Timestamp;
use crate::store::{Conflict, FORGOTTEN_AT_ONCE, KeptAnswer, StoreError};

pub(super) fn find(
    connection: &Connection,
    caller: &str,
    key: &str,
    now: Timestamp,
) -> Result<Option<KeptAnswer>, StoreError> {
    let sql = "SELECT * FROM kept_answer WHERE caller = ?1 AND key = ?2 AND expires_at > ?3";
    let found = row::rows(connection, sql, params![caller, key, now.as_millis()], |row| {
        Ok(KeptAnswer {
            caller: row::get(row, "caller")?,
            key: row::get(row, "key")?,
            request: row::get(row, "request")?,
            sealed: Sealed::from_bytes(row::get(row, "sealed")?),
            sealed_under: row::get(row, "sealed_under")?,
            kept_at: row::time(row, "kept_at")?,
            expires_at: row::time(row, "expires_at")?,
        })
    })?;
    Ok(found.into_iter().next())
}

/// One that has expired makes room for the new one.
pub(super) fn keep(transaction: &Transaction<'_>, answer: &KeptAnswer) -> Result<(), StoreError> {
    let sql = "DELETE FROM kept_answer WHERE caller = ?1 AND key = ?2 AND expires_at <= ?3";
    row::execute(transaction, sql, params![answer.caller, answer.key, answer.kept_at.as_millis()])?;
    let kept = row::execute(
        transaction,
        "INSERT INTO kept_answer (caller, key, request, sealed, sealed_under, kept_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
        params![
            answer.caller,
            answer.key,
            answer.request,
            answer.sealed.as_bytes(),
            answer.sealed_under,
            answer.kept_at.as_millis(),
            answer.expires_at.as_millis(),
        ],
    )?;
    if kept == 0 { Err(StoreError::Conflict(Conflict::Answered)) } else { Ok(()) }
}

/// Forgets some of those that have expired, and says how many.
pub(super) fn forget(transaction: &Transaction<'_>, now: Timestamp) -> Result<usize, StoreError> {
    let sql = "DELETE FROM kept_answer WHERE (caller, key) IN
               (SELECT caller, key FROM kept_answer WHERE expires_at <= ?1 LIMIT ?2)";
    row::execute(transaction, sql, params![now.as_millis(), FORGOTTEN_AT_ONCE])
}
