//! SQLite's errors in the words of the contract.
//! Not for: deciding whether to try again.

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::store::{Conflict, StoreError};

/// Translates an error of the database.
#[expect(clippy::needless_pass_by_value, reason = "it is the argument of map_err")]
pub(super) fn from(error: rusqlite::Error) -> StoreError {
    match &error {
        rusqlite::Error::SqliteFailure(failure, _) => match (failure.code, failure.extended_code) {
            (_, ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_UNIQUE) => {
                StoreError::Conflict(Conflict::Exists)
            }
            (_, ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => StoreError::Conflict(Conflict::Missing),
            (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation, _) => {
                StoreError::Corrupt(error.to_string())
            }
            // There is no such table: somebody has changed the schema, and the store is not away.
            (_, ffi::SQLITE_ERROR) => StoreError::Corrupt(error.to_string()),
            _ => StoreError::Unavailable(error.to_string()),
        },
        rusqlite::Error::SqlInputError { .. }
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::Utf8Error(..)
        | rusqlite::Error::IntegralValueOutOfRange(..) => StoreError::Corrupt(error.to_string()),
        _ => StoreError::Unavailable(error.to_string()),
    }
}
