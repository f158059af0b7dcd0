//! The two logs that every change is written to in its own transaction: audit events for people, changes for servers.
//! Not for: the change itself.

use std::borrow::Cow;
use std::fmt::Write;

use rusqlite::{Connection, Row, ToSql, Transaction, params};

use super::{moved, row};
use crate::domain::application::ClientId;
use crate::domain::audit::{AuditEvent, AuditFilter, CHAIN_START, ChainHash, RecordedEvent};
use crate::domain::id::TenantId;
use crate::domain::time::Timestamp;
use crate::store::{CHANGES_KEPT, Changes, FORGOTTEN_AT_ONCE, StoreError};

/// More changes than this are not listed, although they may not be forgotten yet: a server that starts after a million
/// applications were added has nothing in memory that they could tell it to forget.
const LISTED_AT_MOST: i64 = 2 * CHANGES_KEPT;

/// Records a change for people, bound to all events before it. Only one transaction writes at a time.
pub(super) fn record(transaction: &Transaction<'_>, event: &AuditEvent) -> Result<(), StoreError> {
    let previous = "SELECT hash FROM audit_event ORDER BY sequence DESC LIMIT 1";
    let previous = row::rows(transaction, previous, [], |row| row::get::<ChainHash>(row, "hash"))?;
    let hash = event.hash_after(previous.first().unwrap_or(&CHAIN_START));
    row::execute(
        transaction,
        "INSERT INTO audit_event (at, tenant_id, actor, source, request, action, subject, detail, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            event.at.as_millis(),
            event.tenant.map(|tenant| tenant.to_string()),
            event.actor,
            event.source,
            event.request,
            event.action,
            event.subject,
            event.detail.to_string(),
            hash,
        ],
    )
    .map(|_| ())
}

/// Records a change for servers: of a tenant, or of one of its applications.
pub(super) fn note(
    transaction: &Transaction<'_>,
    tenant: TenantId,
    client_id: Option<&ClientId>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO change (tenant_id, client_id) VALUES (?1, ?2)";
    let parameters = params![tenant.to_string(), client_id.map(ClientId::as_str)];
    row::execute(transaction, sql, parameters).map(|_| ())
}

/// Binds the events that an older program wrote, which had no hashes.
pub(super) fn bind_all(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    const PAGE: usize = 1_000;
    let mut walk = (0, CHAIN_START);
    loop {
        let sql = "SELECT * FROM audit_event WHERE sequence > ?1 ORDER BY sequence LIMIT ?2";
        let events =
            row::rows(transaction, sql, params![walk.0, i64::try_from(PAGE).unwrap_or(i64::MAX)], |row| {
                Ok((row::get::<i64>(row, "sequence")?, read_event(row)?))
            })?;
        for (sequence, event) in &events {
            walk = (*sequence, event.hash_after(&walk.1));
            let sql = "UPDATE audit_event SET hash = ?2 WHERE sequence = ?1";
            row::execute(transaction, sql, params![walk.0, walk.1])?;
        }
        if events.len() < PAGE {
            return Ok(());
        }
    }
}

pub(super) fn events(
    connection: &Connection,
    after: i64,
    limit: usize,
) -> Result<Vec<RecordedEvent>, StoreError> {
    let sql = "SELECT * FROM audit_event WHERE sequence > ?1 ORDER BY sequence LIMIT ?2";
    row::rows(connection, sql, params![after, i64::try_from(limit).unwrap_or(i64::MAX)], read)
}

pub(super) fn changes_since(connection: &Connection, revision: i64) -> Result<Changes, StoreError> {
    moved::refuse(connection)?;
    let newest = row::rows(connection, "SELECT seq FROM sqlite_sequence WHERE name = 'change'", [], |row| {
        row::get::<i64>(row, "seq")
    })?
    .into_iter()
    .next()
    .unwrap_or(0);
    if newest == revision {
        return Ok(Changes { revision, list: Some(Vec::new()) });
    }
    if newest > revision.saturating_add(LISTED_AT_MOST) {
        return Ok(Changes { revision: newest, list: None });
    }
    let sql = "SELECT tenant_id, client_id FROM change WHERE revision > ?1 ORDER BY revision";
    let list = row::rows(connection, sql, [revision], |row| {
        let client_id = row::get::<Option<String>>(row, "client_id")?;
        let client_id = client_id
            .map(|text| {
                ClientId::parse(&text)
                    .map_err(|_| StoreError::Corrupt("a change names no client id".to_owned()))
            })
            .transpose()?;
        Ok((row::parse(row, "tenant_id")?, client_id))
    })?;
    // Fewer rows than revisions means that some were forgotten, or that the store was replaced by an older one.
    let whole = i64::try_from(list.len()).is_ok_and(|count| count == newest - revision);
    Ok(Changes { revision: newest, list: whole.then_some(list) })
}

/// Forgets some of the changes that are too old to be followed, the oldest first, and says how many.
pub(super) fn forget(transaction: &Transaction<'_>) -> Result<usize, StoreError> {
    let sql = "DELETE FROM change WHERE revision IN
               (SELECT revision FROM change WHERE revision <= (SELECT max(revision) FROM change) - ?1
                ORDER BY revision LIMIT ?2)";
    row::execute(transaction, sql, params![CHANGES_KEPT, FORGOTTEN_AT_ONCE])
}

/// Those that a filter lets through, the newest first. What is no condition is null.
pub(super) fn find(
    connection: &Connection,
    filter: &AuditFilter,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<RecordedEvent>, StoreError> {
    let mut sql = "SELECT * FROM audit_event WHERE sequence < ?1 AND at >= ?2 AND at < ?3".to_owned();
    let tenant = filter.tenant.map(|tenant| tenant.to_string());
    let before = before.unwrap_or(i64::MAX);
    let since = filter.since.map_or(i64::MIN, Timestamp::as_millis);
    let until = filter.until.map_or(i64::MAX, Timestamp::as_millis);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut values: Vec<&dyn ToSql> = vec![&before, &since, &until];
    let conditions = [
        ("tenant_id", &tenant),
        ("actor", &filter.actor),
        ("action", &filter.action),
        ("subject", &filter.subject),
    ];
    for (column, value) in &conditions {
        if let Some(value) = value {
            values.push(value);
            let _ = write!(sql, " AND {column} = ?{}", values.len());
        }
    }
    values.push(&limit);
    let _ = write!(sql, " ORDER BY sequence DESC LIMIT ?{}", values.len());
    row::rows(connection, &sql, values.as_slice(), read)
}

fn read(row: &Row<'_>) -> Result<RecordedEvent, StoreError> {
    Ok(RecordedEvent {
        sequence: row::get(row, "sequence")?,
        hash: row::get(row, "hash")?,
        event: read_event(row)?,
    })
}

fn read_event(row: &Row<'_>) -> Result<AuditEvent, StoreError> {
    Ok(AuditEvent {
        at: row::time(row, "at")?,
        tenant: row::get::<Option<String>>(row, "tenant_id")?.and_then(|text| text.parse().ok()),
        actor: row::get(row, "actor")?,
        source: row::get(row, "source")?,
        request: row::get(row, "request")?,
        action: Cow::Owned(row::get(row, "action")?),
        subject: row::get(row, "subject")?,
        detail: row::checked(row, "detail", |text| serde_json::from_str(text).ok())?,
    })
}
