//! Searching applications by the beginning of a name or a `client_id`, along indexes, however many there are.
//! Not for: listing all of them (`applications.rs`).

use std::sync::Arc;

use rusqlite::{Connection, Params, Row, params};

use super::{applications, row};
use crate::domain::application::{ClientId, Registered};
use crate::domain::id::TenantId;
use crate::store::{Match, StoreError};

/// Stands behind every text that begins with the same letters.
const LAST: char = '\u{10FFFF}';

type Found = (Match, Arc<Registered>);

const BY_CLIENT_ID: &str = "SELECT * FROM application
    WHERE tenant_id = ?1 AND client_id COLLATE NOCASE >= ?2 AND client_id COLLATE NOCASE < ?3
        AND (client_id COLLATE NOCASE, client_id) > (?4, ?4)
    ORDER BY client_id COLLATE NOCASE, client_id LIMIT ?5";

const BY_NAME: &str = "SELECT * FROM application
    WHERE tenant_id = ?1 AND name COLLATE NOCASE >= ?2 AND name COLLATE NOCASE < ?3
        AND (name COLLATE NOCASE, client_id) > (?4, ?5)
        AND NOT (client_id COLLATE NOCASE >= ?2 AND client_id COLLATE NOCASE < ?3)
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
        Some(Match::ClientId(last)) => {
            let parameters = params![tenant, text, end, last.as_str(), number(limit)];
            read(connection, BY_CLIENT_ID, parameters, |id, _| Match::ClientId(id))?
        }
        None => {
            let parameters = params![tenant, text, end, "", number(limit)];
            read(connection, BY_CLIENT_ID, parameters, |id, _| Match::ClientId(id))?
        }
    };
    if found.len() < limit {
        let (name, client_id) = match after {
            Some(Match::Name(name, client_id)) => (name.as_str(), client_id.as_str()),
            Some(Match::ClientId(_)) | None => ("", ""),
        };
        let parameters = params![tenant, text, end, name, client_id, number(limit - found.len())];
        found.extend(read(connection, BY_NAME, parameters, |id, name| Match::Name(name, id))?);
    }
    Ok(found)
}

fn read(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    place: impl Fn(ClientId, String) -> Match,
) -> Result<Vec<Found>, StoreError> {
    let applications = row::rows(connection, sql, parameters, |row: &Row<'_>| applications::read(row))?;
    let complete = |application| {
        let registered = applications::complete(connection, application)?;
        let (client_id, name) = (&registered.application.client_id, &registered.application.name);
        Ok((place(client_id.clone(), name.clone()), registered))
    };
    applications.into_iter().map(complete).collect()
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
    fn both_searches_go_along_an_index() {
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
        assert!(
            by_id.contains("USING INDEX application_by_any_client_id (tenant_id=? AND client_id>"),
            "{by_id}"
        );
        let by_name = plan(BY_NAME, params![1, 2, 3, 4, 5, 6]);
        assert!(by_name.contains("USING INDEX application_by_name (tenant_id=? AND name>"), "{by_name}");
        assert!(!by_id.contains("TEMP") && !by_name.contains("TEMP"), "{by_id} {by_name}");
    }
}
