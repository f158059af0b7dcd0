//! The mark of a store that must not be changed any more.
//! Not for: putting it (`copy.rs`), or what is done then.

use rusqlite::{Connection, params};

use super::row;
use crate::store::StoreError;
use crate::store::copy::{Direction, Mark};

/// The mark, if there is one.
pub(super) fn find(connection: &Connection) -> Result<Option<Mark>, StoreError> {
    let found = row::rows(connection, "SELECT * FROM moved", [], |row| {
        Ok(Mark {
            at: row::time(row, "at")?,
            direction: row::checked(row, "direction", Direction::parse)?,
            place: row::get(row, "place")?,
        })
    })?;
    Ok(found.into_iter().next())
}

/// Refuses to go on where there is a mark.
pub(super) fn refuse(connection: &Connection) -> Result<(), StoreError> {
    let found = row::rows(connection, "SELECT 1 FROM moved", [], |_| Ok(()))?;
    if found.is_empty() { Ok(()) } else { Err(StoreError::Moved) }
}

/// Puts a mark in place of whichever is there, or takes it away.
pub(super) fn set(connection: &Connection, mark: Option<&Mark>) -> Result<(), StoreError> {
    match mark {
        None => row::execute(connection, "DELETE FROM moved", []),
        Some(mark) => row::execute(
            connection,
            "INSERT OR REPLACE INTO moved (only_one, at, direction, place) VALUES (1, ?1, ?2, ?3)",
            params![mark.at.as_millis(), mark.direction.as_str(), mark.place],
        ),
    }
    .map(|_| ())
}
