//! Columns into values, and values into parameters: what is read is checked again, and what does not fit is damage.
//! Not for: SQL.

use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql};

use crate::domain::quota::{self, Quota, QuotaMode};
use crate::domain::time::Timestamp;
use crate::domain::token::{TokenProfile, TokenSettings};
use crate::store::StoreError;

/// A parameter of a statement.
pub(super) type Value = Box<dyn ToSql + Sync + Send>;

/// The parameters of a statement, in order.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        vec![$(Box::new($value) as $crate::store::postgres::row::Value),*]
    };
}
pub(super) use values;

/// A column as it is.
pub(super) fn get<'row, T: FromSql<'row>>(row: &'row Row, column: &str) -> Result<T, StoreError> {
    row.try_get(column).map_err(|_| unreadable(column))
}

/// A column of text that reads as a `T`.
pub(super) fn parse<T: FromStr>(row: &Row, column: &str) -> Result<T, StoreError> {
    checked(row, column, |text| text.parse().ok())
}

/// A column of text that `read` accepts.
pub(super) fn checked<T>(
    row: &Row,
    column: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, StoreError> {
    read(get(row, column)?).ok_or_else(|| unreadable(column))
}

/// A column of text that `read` accepts, or nothing.
pub(super) fn optional<T>(
    row: &Row,
    column: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    match get::<Option<&str>>(row, column)? {
        None => Ok(None),
        Some(text) => read(text).map(Some).ok_or_else(|| unreadable(column)),
    }
}

/// A column of names separated by spaces, each of which `read` accepts.
pub(super) fn names<T>(
    row: &Row,
    column: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, StoreError> {
    checked(row, column, |text| text.split_ascii_whitespace().map(read).collect())
}

/// A column that holds so many bytes.
pub(super) fn bytes<const COUNT: usize>(row: &Row, column: &str) -> Result<[u8; COUNT], StoreError> {
    get::<&[u8]>(row, column)?.try_into().map_err(|_| unreadable(column))
}

/// A column that holds an instant.
pub(super) fn time(row: &Row, column: &str) -> Result<Timestamp, StoreError> {
    get(row, column).map(Timestamp::from_millis)
}

/// A column that holds an instant or nothing.
pub(super) fn optional_time(row: &Row, column: &str) -> Result<Option<Timestamp>, StoreError> {
    get::<Option<i64>>(row, column).map(|millis| millis.map(Timestamp::from_millis))
}

/// A column that holds whole seconds or nothing.
pub(super) fn duration(row: &Row, column: &str) -> Result<Option<Duration>, StoreError> {
    let read = |seconds| u32::try_from(seconds).map(|seconds| Duration::from_secs(seconds.into()));
    get::<Option<i64>>(row, column)?.map(read).transpose().map_err(|_| unreadable(column))
}

/// A column that holds a whole number that `read` accepts, or nothing.
pub(super) fn number<T>(
    row: &Row,
    column: &str,
    read: impl FnOnce(u64) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    let number = get::<Option<i64>>(row, column)?;
    let read = |number| u64::try_from(number).ok().and_then(read).ok_or_else(|| unreadable(column));
    number.map(read).transpose()
}

/// The columns of a quota.
pub(super) fn quota(row: &Row) -> Result<Quota, StoreError> {
    let limit = |column| number(row, column, |tokens| quota::limit(tokens).ok());
    Ok(Quota {
        per_minute: limit("tokens_per_minute")?,
        per_hour: limit("tokens_per_hour")?,
        per_day: limit("tokens_per_day")?,
        mode: checked(row, "quota_mode", |text| QuotaMode::parse(text).ok())?,
    })
}

/// The columns of token settings.
pub(super) fn token_settings(row: &Row) -> Result<TokenSettings, StoreError> {
    Ok(TokenSettings {
        lifetime: duration(row, "token_lifetime")?,
        profile: optional(row, "profile", |text| TokenProfile::parse(text).ok())?,
        backdating: duration(row, "backdating")?,
    })
}

/// At most so many, as a parameter.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Damage in a column.
pub(super) fn unreadable(column: &str) -> StoreError {
    StoreError::Corrupt(format!("column {column} does not read as what it should be"))
}
