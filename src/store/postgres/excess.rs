//! Which applications fetched far more tokens than they need.
//! Not for: how many of them there were when (`statistics.rs`).

use tokio_postgres::Row;

use super::error::Trouble;
use super::row::{self, values};
use super::session::Link;
use crate::domain::application::ClientId;
use crate::domain::excess::{ExcessQuery, Fetched};
use crate::domain::token::DEFAULT_TOKEN_LIFETIME;
use crate::store::{StoreError, stored};

/// Sums by application, of which only those that may be too many are looked up. A sum of `BIGINT` is none itself.
const FIND: &str = "
    WITH fetched AS (
        SELECT client_id, coalesce(sum(count) FILTER (WHERE reason = ''), 0)::bigint AS issued,
            coalesce(sum(count) FILTER (WHERE reason = $1), 0)::bigint AS reused, sum(count)::bigint AS fetched
        FROM statistic
        WHERE period = $2 AND start >= $3 AND start < $4 AND tenant_id = $5 AND client_id <> ''
            AND reason IN ('', $1)
        GROUP BY client_id HAVING sum(count) > $6::bigint
    ), judged AS (
        SELECT fetched.*,
            ($7::bigint + coalesce(token_lifetime, $8::bigint) - 1) / coalesce(token_lifetime, $8::bigint) AS needed
        FROM fetched JOIN application
            ON application.tenant_id = $5 AND application.client_id = fetched.client_id
    )
    SELECT client_id, issued, reused FROM judged
    WHERE fetched > $6::bigint * needed
    ORDER BY fetched::double precision / needed DESC, client_id LIMIT $9";

pub(super) async fn find(session: Link, query: ExcessQuery) -> Result<Vec<Fetched>, Trouble> {
    let values = values![
        stored::REUSED,
        query.span.counted_by().as_str(),
        query.from.as_millis(),
        query.from.plus(query.span.length()).as_millis(),
        query.tenant.to_string(),
        i64::from(query.factor),
        stored::seconds(Some(query.span.length())),
        stored::seconds(Some(DEFAULT_TOKEN_LIFETIME)),
        row::limit(query.limit),
    ];
    session.rows(FIND, values, read).await
}

fn read(row: &Row) -> Result<Fetched, StoreError> {
    let count = |column| row::get::<i64>(row, column).map(|count| u64::try_from(count).unwrap_or(0));
    Ok(Fetched {
        application: row::checked(row, "client_id", |text| ClientId::parse(text).ok())?,
        issued: count("issued")?,
        reused: count("reused")?,
    })
}
