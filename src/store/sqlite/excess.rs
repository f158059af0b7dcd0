//! Which applications fetched far more tokens than they need.
//! Not for: how many of them there were when (`statistics.rs`).

use rusqlite::{Connection, Row, params};

use super::row;
use crate::domain::application::ClientId;
use crate::domain::excess::{ExcessQuery, Fetched};
use crate::domain::token::DEFAULT_TOKEN_LIFETIME;
use crate::store::{StoreError, stored};

/// Sums by application along the index; only those that may be too many are looked up.
const FIND: &str = "
    WITH fetched AS (
        SELECT client_id, sum(count) FILTER (WHERE reason = '') AS issued,
            sum(count) FILTER (WHERE reason = ?1) AS reused, sum(count) AS fetched
        FROM statistic
        WHERE period = ?2 AND start >= ?3 AND start < ?4 AND tenant_id = ?5 AND client_id <> ''
            AND reason IN ('', ?1)
        GROUP BY client_id HAVING sum(count) > ?6
    ), judged AS (
        SELECT fetched.*, (?7 + coalesce(token_lifetime, ?8) - 1) / coalesce(token_lifetime, ?8) AS needed
        FROM fetched CROSS JOIN application
            ON application.tenant_id = ?5 AND application.client_id = fetched.client_id
    )
    SELECT client_id, coalesce(issued, 0) AS issued, coalesce(reused, 0) AS reused FROM judged
    WHERE fetched > ?6 * needed
    ORDER BY CAST(fetched AS REAL) / needed DESC, client_id LIMIT ?9";

pub(super) fn find(connection: &Connection, query: &ExcessQuery) -> Result<Vec<Fetched>, StoreError> {
    let parameters = params![
        stored::REUSED,
        query.span.counted_by().as_str(),
        query.from.as_millis(),
        query.from.plus(query.span.length()).as_millis(),
        query.tenant.to_string(),
        query.factor,
        stored::seconds(Some(query.span.length())),
        stored::seconds(Some(DEFAULT_TOKEN_LIFETIME)),
        i64::try_from(query.limit).unwrap_or(i64::MAX),
    ];
    row::rows(connection, FIND, parameters, read)
}

fn read(row: &Row<'_>) -> Result<Fetched, StoreError> {
    let count = |column| row::get::<i64>(row, column).map(|count| u64::try_from(count).unwrap_or(0));
    Ok(Fetched {
        application: row::checked(row, "client_id", |text| ClientId::parse(text).ok())?,
        issued: count("issued")?,
        reused: count("reused")?,
    })
}
