//! The two logs that every change is written to in its own transaction: audit events for people, changes for servers.
//! Not for: the change itself.

use rusqlite::{Connection, Row, Transaction, params};

use super::row;
use crate::domain::application::ClientId;
use crate::domain::audit::{AuditEvent, RecordedEvent};
use crate::domain::id::TenantId;
use crate::store::{CHANGES_KEPT, Changes, FORGOTTEN_AT_ONCE, StoreError};

type Changed<'name> = (TenantId, Option<&'name ClientId>);

/// Records a change for people, and for servers when it is one they keep in memory.
pub(super) fn record(
    transaction: &Transaction<'_>,
    event: &AuditEvent,
    changed: Option<Changed<'_>>,
) -> Result<(), StoreError> {
    row::execute(
        transaction,
        "INSERT INTO audit_event (at, tenant_id, actor, action, subject, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            event.at.as_millis(),
            event.tenant.map(|tenant| tenant.to_string()),
            event.actor,
            event.action,
            event.subject,
            event.detail.to_string(),
        ],
    )?;
    if let Some((tenant, client_id)) = changed {
        row::execute(
            transaction,
            "INSERT INTO change (tenant_id, client_id) VALUES (?1, ?2)",
            params![tenant.to_string(), client_id.map(ClientId::as_str)],
        )?;
    }
    Ok(())
}

/// Records a change if there was one, and says whether there was.
pub(super) fn record_if(
    happened: bool,
    transaction: &Transaction<'_>,
    event: &AuditEvent,
    changed: Option<Changed<'_>>,
) -> Result<bool, StoreError> {
    if happened {
        record(transaction, event, changed)?;
    }
    Ok(happened)
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
    let newest = row::rows(connection, "SELECT seq FROM sqlite_sequence WHERE name = 'change'", [], |row| {
        row::get::<i64>(row, "seq")
    })?
    .into_iter()
    .next()
    .unwrap_or(0);
    if newest == revision {
        return Ok(Changes { revision, list: Some(Vec::new()) });
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

fn read(row: &Row<'_>) -> Result<RecordedEvent, StoreError> {
    Ok(RecordedEvent {
        sequence: row::get(row, "sequence")?,
        at: row::time(row, "at")?,
        tenant: row::get::<Option<String>>(row, "tenant_id")?.and_then(|text| text.parse().ok()),
        actor: row::get(row, "actor")?,
        action: row::get(row, "action")?,
        subject: row::get(row, "subject")?,
        detail: row::checked(row, "detail", |text| serde_json::from_str(text).ok())?,
    })
}
