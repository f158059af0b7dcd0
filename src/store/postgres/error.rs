//! PostgreSQL's errors in the words of the contract, and whether asking once more may help.
//! Not for: asking once more (`mod.rs`).

use std::error::Error;

use tokio_postgres::error::SqlState;

use crate::store::{Conflict, StoreError};

/// What the trigger says that guards a store that was moved (migrations/postgres/0007).
const MOVED: &str = "CHMVD";

/// A question that had no answer, to whoever may ask it again.
#[derive(Debug)]
pub(super) struct Trouble {
    /// What is told if nobody does.
    pub(super) error: StoreError,
    /// The connection is gone, or not to be used again.
    pub(super) lost: bool,
    /// The database gave up something that did not happen at all, and may happen the next time.
    pub(super) again: bool,
}

impl Trouble {
    /// A connection that must not be used any more. What was asked over it may be asked over another.
    pub(super) fn lost(why: impl Into<String>) -> Self {
        Self { error: StoreError::Unavailable(why.into()), lost: true, again: true }
    }

    /// Whether a reference led nowhere.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self.error, StoreError::Conflict(Conflict::Missing))
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self { error, lost: false, again: false }
    }
}

impl From<Conflict> for Trouble {
    fn from(conflict: Conflict) -> Self {
        StoreError::Conflict(conflict).into()
    }
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(code) = error.code() else {
            // It is no answer of the server: the connection broke, or what came over it made no sense.
            return Self::lost(told(&error));
        };
        match code {
            &SqlState::UNIQUE_VIOLATION => return Conflict::Exists.into(),
            // Text with a NUL is nothing that PostgreSQL could hold, so nothing of that name exists.
            &SqlState::FOREIGN_KEY_VIOLATION | &SqlState::CHARACTER_NOT_IN_REPERTOIRE => {
                return Conflict::Missing.into();
            }
            code if code.code() == MOVED => return StoreError::Moved.into(),
            _ => {}
        }
        let class = code.code().get(..2).unwrap_or_default();
        let is_damage = matches!(class, "XX") || matches!(code.code(), "23502" | "23514");
        let text = told(&error);
        let error = if is_damage { StoreError::Corrupt(text) } else { StoreError::Unavailable(text) };
        // Ended by an administrator, on a server that is (now) a standby, or prepared before a migration.
        let lost = class == "57" && *code != SqlState::QUERY_CANCELED
            || matches!(class, "08" | "53")
            || *code == SqlState::READ_ONLY_SQL_TRANSACTION
            || *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
            || *code == SqlState::FEATURE_NOT_SUPPORTED;
        let collided = matches!(*code, SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED);
        Self { error, lost, again: lost || collided }
    }
}

/// The whole of an error on one line. PostgreSQL's details and hints are left out: they repeat what was stored.
pub(super) fn told(error: &tokio_postgres::Error) -> String {
    if let Some(answer) = error.as_db_error() {
        return one_line(&format!("{} (SQLSTATE {})", answer.message(), answer.code().code()));
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(one) = cause {
        text = format!("{text}: {one}");
        cause = one.source();
    }
    one_line(&text)
}

fn one_line(text: &str) -> String {
    text.split(char::is_control).collect::<Vec<_>>().join(" ")
}
