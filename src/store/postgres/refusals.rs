//! Refused requests, by their ids.
//! Not for: why a request is refused (`oauth`).

use std::borrow::Cow;

use tokio_postgres::Row;

use super::error::Trouble;
use super::row::{self, Value, values};
use super::session::{Link, Session};
use crate::domain::application::ClientId;
use crate::domain::id::RequestId;
use crate::domain::refusal::{Endpoint, Refusal};
use crate::domain::time::Timestamp;
use crate::store::{FORGOTTEN_AT_ONCE, REFUSALS_KEPT, REFUSALS_KEPT_FOR, StoreError};

pub(super) async fn add(session: &Session, refusals: &[Refusal]) -> Result<(), Trouble> {
    if refusals.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO refusal (request_id, at, tenant_id, client_id, endpoint, error, reason, hint, source)
               SELECT request_id, at, tenant_id, client_id, endpoint, error, reason, hint, source
               FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                       $8::text[], $9::text[])
                   WITH ORDINALITY AS one (request_id, at, tenant_id, client_id, endpoint, error, reason, hint, source,
                       place)
               ORDER BY place
               ON CONFLICT (request_id) DO NOTHING";
    session.execute(sql, columns(refusals)).await?;
    // With the flood itself, not some minutes later: there are never more than are to be kept.
    let sql = "DELETE FROM refusal WHERE sequence <= (SELECT max(sequence) FROM refusal) - $1";
    session.execute(sql, values![REFUSALS_KEPT]).await.map(drop)
}

pub(super) async fn find(session: Link, request: RequestId) -> Result<Option<Refusal>, Trouble> {
    let sql =
        "SELECT request_id, at, tenant_id, client_id, endpoint, error, reason, hint, source FROM refusal
               WHERE request_id = $1";
    Ok(session.rows(sql, values![request.to_string()], read).await?.pop())
}

/// Forgets some that have been kept for long enough, and says how many. Only the oldest are looked at, by the order in
/// which they were written.
pub(super) async fn forget(session: &Session, now: Timestamp) -> Result<u64, Trouble> {
    let sql = "DELETE FROM refusal WHERE at < $1 AND sequence = ANY (ARRAY(
                   SELECT sequence FROM refusal ORDER BY sequence LIMIT $2))";
    session.execute(sql, values![now.minus(REFUSALS_KEPT_FOR).as_millis(), FORGOTTEN_AT_ONCE]).await
}

/// Each column as a list.
fn columns(refusals: &[Refusal]) -> Vec<Value> {
    fn each<T>(refusals: &[Refusal], column: impl Fn(&Refusal) -> T) -> Vec<T> {
        refusals.iter().map(column).collect()
    }
    values![
        each(refusals, |one| one.request.to_string()),
        each(refusals, |one| one.at.as_millis()),
        each(refusals, |one| one.tenant.to_string()),
        each(refusals, |one| one.application.as_ref().map(ToString::to_string)),
        each(refusals, |one| one.endpoint.as_str()),
        each(refusals, |one| storable(&one.error)),
        each(refusals, |one| storable(&one.reason)),
        each(refusals, |one| one.hint.as_deref().map(storable)),
        each(refusals, |one| one.source.map(|source| source.to_string())),
    ]
}

/// PostgreSQL holds no NUL, and one of a caller must not take all other refusals with it.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

fn read(row: &Row) -> Result<Refusal, StoreError> {
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
