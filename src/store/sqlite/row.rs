//! Columns into values: what is read is checked again, and what does not fit is damage.
//! Not for: SQL.

use std::str::FromStr;
use std::time::Duration;

use rusqlite::Row;
use rusqlite::types::FromSql;

use super::error;
use crate::domain::quota::{self, Quota, QuotaMode};
use crate::domain::time::Timestamp;
use crate::domain::token::{TokenProfile, TokenSettings};
use crate::store::{Conflict, StoreError};

/// A column as it is.
pub(super) fn get<T: FromSql>(row: &Row<'_>, column: &str) -> Result<T, StoreError> {
    row.get(column).map_err(error::from)
}

/// A column of text that reads as a `T`.
pub(super) fn parse<T: FromStr>(row: &Row<'_>, column: &str) -> Result<T, StoreError> {
    checked(row, column, |text| text.parse().ok())
}

/// A column of text that `read` accepts.
pub(super) fn checked<T>(
    row: &Row<'_>,
    column: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, StoreError> {
    let text: String = get(row, column)?;
    read(&text).ok_or_else(|| unreadable(column))
}

/// A column of text that `read` accepts, or nothing.
pub(super) fn optional<T>(
    row: &Row<'_>,
    column: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    match get::<Option<String>>(row, column)? {
        None => Ok(None),
        Some(_) => checked(row, column, read).map(Some),
    }
}

/// A column of names separated by spaces, each of which `read` accepts.
pub(super) fn names<T>(
    row: &Row<'_>,
    column: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, StoreError> {
    checked(row, column, |text| text.split_ascii_whitespace().map(read).collect())
}

/// A column that holds an instant.
pub(super) fn time(row: &Row<'_>, column: &str) -> Result<Timestamp, StoreError> {
    get(row, column).map(Timestamp::from_millis)
}

/// A column that holds an instant or nothing.
pub(super) fn optional_time(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>, StoreError> {
    get::<Option<i64>>(row, column).map(|millis| millis.map(Timestamp::from_millis))
}

/// A column that holds a whole number that `read` accepts, or nothing.
pub(super) fn number<T>(
    row: &Row<'_>,
    column: &str,
    read: impl FnOnce(u64) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    let number = get::<Option<i64>>(row, column)?;
    let read = |number| u64::try_from(number).ok().and_then(read).ok_or_else(|| unreadable(column));
    number.map(read).transpose()
}

/// The columns of a quota.
pub(super) fn quota(row: &Row<'_>) -> Result<Quota, StoreError> {
    let limit = |column| number(row, column, |tokens| quota::limit(tokens).ok());
    Ok(Quota {
        per_minute: limit("tokens_per_minute")?,
        per_hour: limit("tokens_per_hour")?,
        per_day: limit("tokens_per_day")?,
        mode: checked(row, "quota_mode", |text| QuotaMode::parse(text).ok())?,
    })
}

/// The columns of token settings.
pub(super) fn token_settings(row: &Row<'_>) -> Result<TokenSettings, StoreError> {
    let duration = |column| {
        get::<Option<u32>>(row, column)
            .map(|seconds| seconds.map(|seconds| Duration::from_secs(seconds.into())))
    };
    Ok(TokenSettings {
        lifetime: duration("token_lifetime")?,
        profile: optional(row, "profile", |text| TokenProfile::parse(text).ok())?,
        backdating: duration("backdating")?,
    })
}

/// Whether something was removed. A reference that this broke is somebody else's to it.
pub(super) fn in_use(removed: Result<usize, StoreError>) -> Result<bool, StoreError> {
    match removed {
        Err(StoreError::Conflict(Conflict::Missing)) => Err(StoreError::Conflict(Conflict::InUse)),
        answer => answer.map(|removed| removed > 0),
    }
}

/// Damage in a column.
fn unreadable(column: &str) -> StoreError {
    StoreError::Corrupt(format!("column {column} does not read as what it should be"))
}

/// Runs a question and reads each row of the answer.
pub(super) fn rows<T>(
    connection: &rusqlite::Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(error::from)?;
    let mut rows = statement.query(parameters).map_err(error::from)?;
    let mut values = Vec::new();
    while let Some(row) = rows.next().map_err(error::from)? {
        values.push(read(row)?);
    }
    Ok(values)
}

/// Runs a change and returns how many rows it touched.
pub(super) fn execute(
    connection: &rusqlite::Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<usize, StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute(parameters))
        .map_err(error::from)
}
