//! The two logs that every change is written to in its own transaction: audit events for people, changes for servers.
//! Not for: the change itself.

use std::borrow::Cow;
use std::fmt::Write;

use tokio_postgres::Row;

use super::error::Trouble;
use super::row::{self, Value, values};
use super::session::{Link, Session};
use super::step::Step;
use crate::domain::application::ClientId;
use crate::domain::audit::{AuditEvent, AuditFilter, ChainHash, RecordedEvent};
use crate::domain::id::{ApplicationId, TenantId};
use crate::domain::time::Timestamp;
use crate::store::{CHANGES_KEPT, Changes, FORGOTTEN_AT_ONCE, StoreError};

/// More changes than this are not listed, although they may not be forgotten yet: a server that starts after a million
/// applications were added has nothing in memory that they could tell it to forget.
const LISTED_AT_MOST: i64 = 2 * CHANGES_KEPT;

/// Only one transaction has it at a time, and has it until it is over.
const LOCK: &str = "SELECT revision, sequence, hash FROM head FOR UPDATE";

/// A change that is being put together, with its places in both logs. Nothing else is changed meanwhile.
pub(super) struct Ledger {
    found: i64,
    revision: i64,
    sequence: i64,
    hash: ChainHash,
    steps: Vec<Step>,
}

impl Ledger {
    /// Begins a transaction in which something is changed, after all others that did.
    pub(super) async fn open(session: &Session) -> Result<Self, Trouble> {
        let heads = session.begin(LOCK, values![]).await?;
        Ok(Self::read(heads.first().ok_or_else(no_head)?)?)
    }

    /// The same in a transaction that was begun already.
    pub(super) async fn join(session: &Session) -> Result<Self, Trouble> {
        let heads = session.rows(LOCK, values![], Self::read).await?;
        Ok(heads.into_iter().next().ok_or_else(no_head)?)
    }

    fn read(head: &Row) -> Result<Self, StoreError> {
        let revision = row::get(head, "revision")?;
        Ok(Self {
            found: revision,
            revision,
            sequence: row::get(head, "sequence")?,
            hash: row::bytes(head, "hash")?,
            steps: Vec::new(),
        })
    }

    /// Something to be done.
    pub(super) fn add(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Records a change for people, bound to all events before it.
    pub(super) fn record(&mut self, event: &AuditEvent) {
        self.hash = event.hash_after(&self.hash);
        self.sequence += 1;
        self.add(Step::new(
            "INSERT INTO audit_event (sequence, at, tenant_id, actor, source, request, action, subject, detail, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            values![
                self.sequence,
                event.at.as_millis(),
                event.tenant.map(|tenant| tenant.to_string()),
                event.actor.clone(),
                event.source.clone(),
                event.request.clone(),
                event.action.to_string(),
                event.subject.clone(),
                event.detail.to_string(),
                self.hash.to_vec(),
            ],
        ));
    }

    /// Records a change for servers: of a tenant, or of one of its applications.
    pub(super) fn note(&mut self, tenant: TenantId, client_id: Option<&ClientId>) {
        self.revision += 1;
        self.add(Step::new(
            "INSERT INTO change (revision, tenant_id, client_id) VALUES ($1, $2, $3)",
            values![self.revision, tenant.to_string(), client_id.map(ToString::to_string)],
        ));
    }

    /// The same for an application that is known by its id. It must be there.
    pub(super) fn note_application(&mut self, application: ApplicationId) {
        self.revision += 1;
        self.add(
            Step::new(
                "INSERT INTO change (revision, tenant_id, client_id)
                 SELECT $1, tenant_id, client_id FROM application WHERE id = $2",
                values![self.revision, application.to_string()],
            )
            .or(crate::store::Conflict::Changed),
        );
    }

    /// Does all that is to be done; it counts when the transaction is committed.
    pub(super) async fn close(mut self, session: &Session) -> Result<(), Trouble> {
        let hash = self.hash.to_vec();
        let sql = "UPDATE head SET revision = $1, sequence = $2, hash = $3";
        self.steps.push(Step::new(sql, values![self.revision, self.sequence, hash]));
        if self.revision > self.found {
            let sql = "SELECT pg_notify('chancery', $1)";
            self.steps.push(Step::new(sql, values![self.revision.to_string()]));
        }
        session.run(&self.steps).await
    }
}

fn no_head() -> StoreError {
    StoreError::Corrupt("the table head is empty".to_owned())
}

pub(super) async fn events(session: Link, after: i64, limit: usize) -> Result<Vec<RecordedEvent>, Trouble> {
    let sql = format!("{EVENTS} WHERE sequence > $1 ORDER BY sequence LIMIT $2");
    session.rows(&sql, values![after, row::limit(limit)], read).await
}

pub(super) async fn changes_since(session: Link, revision: i64) -> Result<Changes, Trouble> {
    // One statement, so that the list ends with the newest revision. Nothing is read when nothing is to be listed.
    let sql = "SELECT EXISTS (SELECT FROM moved) AS is_moved,
                   head.revision AS newest, since.revision, since.tenant_id, since.client_id
               FROM head LEFT JOIN LATERAL (
                   SELECT revision, tenant_id, client_id FROM change
                   WHERE revision > $1 AND head.revision - $1 BETWEEN 1 AND $2) AS since ON true
               ORDER BY since.revision";
    let found = session
        .newest_rows(sql, values![revision, LISTED_AT_MOST], |row| {
            if row::get(row, "is_moved")? {
                return Err(StoreError::Moved);
            }
            let client_id = row::optional(row, "client_id", |text| ClientId::parse(text).ok())?;
            let tenant = row::optional(row, "tenant_id", |text| text.parse().ok())?;
            Ok((row::get::<i64>(row, "newest")?, tenant.map(|tenant| (tenant, client_id))))
        })
        .await?;
    let newest = found.first().ok_or_else(no_head)?.0;
    let list: Vec<_> = found.into_iter().filter_map(|(_, change)| change).collect();
    // Fewer rows than revisions means that some were forgotten, or that the store was replaced by an older one.
    let whole = i64::try_from(list.len()).is_ok_and(|count| count == newest.saturating_sub(revision));
    Ok(Changes { revision: newest, list: whole.then_some(list) })
}

/// Forgets some of the changes that are too old to be followed, the oldest first, and says how many.
pub(super) async fn forget(session: &Session) -> Result<u64, Trouble> {
    let sql = "DELETE FROM change WHERE revision = ANY (ARRAY(
                   SELECT revision FROM change WHERE revision <= (SELECT revision FROM head) - $1
                   ORDER BY revision LIMIT $2))";
    session.execute(sql, values![CHANGES_KEPT, FORGOTTEN_AT_ONCE]).await
}

/// Those that a filter lets through, the newest first. What is no condition is left out.
pub(super) async fn find(
    session: Link,
    filter: AuditFilter,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<RecordedEvent>, Trouble> {
    let mut sql = format!("{EVENTS} WHERE sequence < $1 AND at >= $2 AND at < $3");
    let mut values: Vec<Value> = values![
        before.unwrap_or(i64::MAX),
        filter.since.map_or(i64::MIN, Timestamp::as_millis),
        filter.until.map_or(i64::MAX, Timestamp::as_millis),
    ];
    let conditions = [
        ("tenant_id", filter.tenant.map(|tenant| tenant.to_string())),
        ("actor", filter.actor),
        ("action", filter.action),
        ("subject", filter.subject),
    ];
    for (column, value) in conditions {
        if let Some(value) = value {
            if value.contains('\0') {
                return Ok(Vec::new());
            }
            values.push(Box::new(value));
            let _ = write!(sql, " AND {column} = ${}", values.len());
        }
    }
    values.push(Box::new(row::limit(limit)));
    let _ = write!(sql, " ORDER BY sequence DESC LIMIT ${}", values.len());
    session.rows(&sql, values, read).await
}

const EVENTS: &str = "SELECT sequence, at, tenant_id, actor, source, request, action, subject, detail, hash
    FROM audit_event";

fn read(row: &Row) -> Result<RecordedEvent, StoreError> {
    Ok(RecordedEvent {
        sequence: row::get(row, "sequence")?,
        hash: row::bytes(row, "hash")?,
        event: AuditEvent {
            at: row::time(row, "at")?,
            tenant: row::get::<Option<&str>>(row, "tenant_id")?.and_then(|text| text.parse().ok()),
            actor: row::get(row, "actor")?,
            source: row::get(row, "source")?,
            request: row::get(row, "request")?,
            action: Cow::Owned(row::get(row, "action")?),
            subject: row::get(row, "subject")?,
            detail: row::checked(row, "detail", |text| serde_json::from_str(text).ok())?,
        },
    })
}
