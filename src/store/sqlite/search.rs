//! Searching applications by the beginning of a name or a `client_id`, along indexes, however many there are.
//! Not for: listing all of them (`applications.rs`).

use std::sync::Arc;

use rusqlite::{Connection, Params, Row, params};

use super::{applications, registered, row};
use crate::domain::application::{ClientId, Registered};
use crate::domain::id::TenantId;
use crate::store::{Match, StoreError};

/// Stands behind every text that begins with the same letters.
const LAST: char = '\u{10FFFF}';

type Found = (Match, Arc<Registered>);

// SQLite goes along an index from one lower bound, which is no pair: the beginning of the text and the place after which
// to go on are one value, or a late page would read all pages before it.
const BY_CLIENT_ID: &str = "SELECT * FROM application
    WHERE tenant_id = ?1 AND client_id COLLATE NOCASE >= ?2 AND client_id COLLATE NOCASE < ?4
        AND (client_id COLLATE NOCASE > ?2 OR client_id > ?3)
    ORDER BY client_id COLLATE NOCASE, client_id LIMIT ?5";

/// Any number of applications may have the same name.
const BY_SAME_NAME: &str = "SELECT * FROM application
    WHERE tenant_id = ?1 AND name COLLATE NOCASE = ?2 AND client_id > ?3 AND name COLLATE NOCASE < ?4
        AND NOT (client_id COLLATE NOCASE >= ?5 AND client_id COLLATE NOCASE < ?4)
    ORDER BY client_id LIMIT ?6";

const BY_LATER_NAME: &str = "SELECT * FROM application
    WHERE tenant_id = ?1 AND name COLLATE NOCASE > ?2 AND name COLLATE NOCASE < ?4
        AND NOT (client_id COLLATE NOCASE >= ?5 AND client_id COLLATE NOCASE < ?4)
    ORDER BY name COLLATE NOCASE, client_id LIMIT ?6";

pub(super) fn find(
    connection: &Connection,
    tenant: TenantId,
    text: &str,
    after: Option<&Match>,
    limit: usize,
) -> Result<Vec<Found>, StoreError> {
    let (tenant, end) = (tenant.to_string(), format!("{text}{LAST}"));
    let mut found = match after {
        Some(Match::Name(..)) => Vec::new(),
        Some(Match::ClientId(_)) | None => {
            let last = after.map(|last| (last.client_id().as_str(), last.client_id()));
            let (from, client_id) = start(text, last);
            let parameters = params![tenant, from, client_id, end, number(limit)];
            read(connection, BY_CLIENT_ID, parameters, |id, _| Match::ClientId(id))?
        }
    };
    let last = match after {
        Some(Match::Name(name, client_id)) => Some((name.as_str(), client_id)),
        Some(Match::ClientId(_)) | None => None,
    };
    let (from, client_id) = start(text, last);
    for sql in [BY_SAME_NAME, BY_LATER_NAME] {
        if found.len() < limit {
            let parameters = params![tenant, from, client_id, end, text, number(limit - found.len())];
            found.extend(read(connection, sql, parameters, |id, name| Match::Name(name, id))?);
        }
    }
    Ok(found)
}

/// Behind what to begin: the last one of the page before or, when that is before all that begins with the text, right
/// before those. No `client_id` is empty.
fn start<'text>(text: &'text str, last: Option<(&'text str, &'text ClientId)>) -> (&'text str, &'text str) {
    let is_within = |last: &str| last.to_ascii_lowercase() >= text.to_ascii_lowercase();
    match last {
        Some((last, client_id)) if is_within(last) => (last, client_id.as_str()),
        Some(_) | None => (text, ""),
    }
}

fn read(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    place: impl Fn(ClientId, String) -> Match,
) -> Result<Vec<Found>, StoreError> {
    let found = row::rows(connection, sql, parameters, |row: &Row<'_>| applications::read(row))?;
    let placed = |one: Arc<Registered>| {
        let (client_id, name) = (one.application.client_id.clone(), one.application.name.clone());
        (place(client_id, name), one)
    };
    Ok(registered::complete(connection, found)?.into_iter().map(placed).collect())
}

fn number(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use rusqlite::params;

    use super::*;
    use crate::store::sqlite::Sqlite;

    /// A search that sorts or reads everything is slow where it matters.
    #[test]
    fn searches_go_along_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store.db");
        drop(Sqlite::open(&file).unwrap());
        let connection = Connection::open(&file).unwrap();
        let plan = |sql: &str, parameters: &[&dyn rusqlite::ToSql]| -> String {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let steps = statement.query_map(parameters, |row| row.get::<_, String>(3)).unwrap();
            steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
        };
        let by_id = plan(BY_CLIENT_ID, params![1, 2, 3, 4, 5]);
        let place = "application_by_any_client_id (tenant_id=? AND client_id>? AND client_id<?)";
        assert!(by_id.ends_with(place), "{by_id}");
        let by_name = |sql| plan(sql, params![1, 2, 3, 4, 5, 6]);
        let (same, later) = (by_name(BY_SAME_NAME), by_name(BY_LATER_NAME));
        assert!(same.ends_with("application_by_name (tenant_id=? AND name=? AND client_id>?)"), "{same}");
        assert!(later.ends_with("application_by_name (tenant_id=? AND name>? AND name<?)"), "{later}");
    }
}
