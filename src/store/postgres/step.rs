//! One statement of a change, with what its outcome means, so that many can be on their way at once.
//! Not for: sending them (`session.rs`).

use super::error::Trouble;
use super::row::Value;
use crate::store::{Conflict, StoreError};

/// A statement that changes something.
pub(super) struct Step {
    pub(super) sql: &'static str,
    pub(super) values: Vec<Value>,
    /// What it means when it touches nothing; nothing, if there is none.
    untouched: Option<Conflict>,
    /// What it means when a reference breaks.
    broken: Conflict,
}

impl Step {
    /// A statement that may touch nothing, and whose broken references lead to what is not there.
    pub(super) fn new(sql: &'static str, values: Vec<Value>) -> Self {
        Self { sql, values, untouched: None, broken: Conflict::Missing }
    }

    /// It has to touch something, or else that is the conflict.
    pub(super) fn or(self, conflict: Conflict) -> Self {
        Self { untouched: Some(conflict), ..self }
    }

    /// A removal: a reference that it breaks is somebody else's to what is removed.
    pub(super) fn removing(self) -> Self {
        Self { broken: Conflict::InUse, ..self }
    }

    /// What its outcome means.
    pub(super) fn judge(&self, outcome: Result<u64, Trouble>) -> Result<(), Trouble> {
        match outcome {
            Ok(0) => self.untouched.map_or(Ok(()), |conflict| Err(conflict.into())),
            Ok(_) => Ok(()),
            Err(trouble) if trouble.is_missing() => Err(StoreError::Conflict(self.broken).into()),
            Err(trouble) => Err(trouble),
        }
    }
}
