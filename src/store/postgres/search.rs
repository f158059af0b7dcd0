//! Searching applications by the beginning of a name or a `client_id`, along indexes, however many there are.
//! Not for: listing all of them (`applications.rs`).

use std::sync::Arc;

use super::applications::COLUMNS;
use super::error::Trouble;
use super::row::{Value, limit as number, values};
use super::session::{Link, Session};
use super::{registered, row};
use crate::domain::application::{ClientId, Registered};
use crate::domain::id::TenantId;
use crate::store::{Match, StoreError};

/// Stands behind every text that begins with the same letters.
const LAST: char = '\u{10FFFF}';

type Found = (Match, Arc<Registered>);

/// Names and ids are put in lower case by the index; what they are compared with has to be so already.
pub(super) const BY_CLIENT_ID: &str = "FROM application
    WHERE tenant_id = $1 AND (lower(client_id), client_id) > ($2, $3) AND lower(client_id) < $4
    ORDER BY lower(client_id), client_id LIMIT $5";

pub(super) const BY_NAME: &str = "FROM application
    WHERE tenant_id = $1 AND (lower(name), client_id) > ($2, $3) AND lower(name) < $4
        AND NOT (lower(client_id) >= $5 AND lower(client_id) < $4)
    ORDER BY lower(name), client_id LIMIT $6";

pub(super) async fn find(
    session: Link,
    tenant: TenantId,
    text: String,
    after: Option<Match>,
    limit: usize,
) -> Result<Vec<Found>, Trouble> {
    if text.contains('\0') {
        return Ok(Vec::new());
    }
    let (tenant, text) = (tenant.to_string(), text.to_ascii_lowercase());
    let end = format!("{text}{LAST}");
    let mut found = match &after {
        Some(Match::Name(..)) => Vec::new(),
        Some(Match::ClientId(_)) | None => {
            let last = after.as_ref().map(|last| (last.client_id().as_str(), last.client_id()));
            let (from, client_id) = start(&text, last);
            let values = values![tenant.clone(), from, client_id, end.clone(), number(limit)];
            read(&session, BY_CLIENT_ID, values, |id, _| Match::ClientId(id)).await?
        }
    };
    let last = match &after {
        Some(Match::Name(name, client_id)) => Some((name.as_str(), client_id)),
        Some(Match::ClientId(_)) | None => None,
    };
    if found.len() < limit {
        let (from, client_id) = start(&text, last);
        let values = values![tenant, from, client_id, end, text, number(limit - found.len())];
        found.extend(read(&session, BY_NAME, values, |id, name| Match::Name(name, id)).await?);
    }
    Ok(found)
}

/// Behind what to begin: the last one of the page before or, when that is before all that begins with the text, right
/// before those. No `client_id` is empty.
fn start(text: &str, last: Option<(&str, &ClientId)>) -> (String, String) {
    match last.map(|(last, client_id)| (last.to_ascii_lowercase(), client_id)) {
        Some((last, client_id)) if last.as_str() >= text => (last, client_id.to_string()),
        Some(_) | None => (text.to_owned(), String::new()),
    }
}

async fn read(
    session: &Session,
    which: &str,
    values: Vec<Value>,
    place: impl Fn(ClientId, String) -> Match,
) -> Result<Vec<Found>, Trouble> {
    let order = if which == BY_NAME { "lower(name), client_id" } else { "lower(client_id), client_id" };
    let sql = registered::with_everything(&format!("SELECT {COLUMNS} {which}"), order);
    let placed = |row: &_| -> Result<Found, StoreError> {
        let one = registered::read(row)?;
        let (client_id, name) = (one.application.client_id.clone(), row::get(row, "name")?);
        Ok((place(client_id, name), one))
    };
    session.rows(&sql, values, placed).await
}
