//! What can go wrong with a store, in the words of those who ask it.
//! Not for: what callers over HTTP are told (`oauth/error.rs`, `admin`).

use std::fmt;

/// A question to the store had no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be reached or is too busy; asking again later may help.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The store was moved to another place; what is here only answers questions, and may be out of date.
    #[error("the store was moved to another place: point store.url there")]
    Moved,
    /// The change does not fit what is stored.
    #[error("{0}")]
    Conflict(Conflict),
    /// What is stored breaks its own rules.
    #[error("the store holds damaged data: {0}")]
    Corrupt(String),
    /// The schema is newer than this program.
    #[error(
        "the store's schema is number {found}, this program knows up to {known}: use the newer program that migrated it, \
         or restore a backup made before"
    )]
    NewerSchema {
        /// The number found.
        found: u32,
        /// The newest number known.
        known: u32,
    },
}

impl StoreError {
    /// Whether the store is away: there is nothing wrong with what was asked, or with what is stored.
    #[must_use]
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Moved)
    }
}

/// How a change does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// Something of that name, host, issuer or id exists already.
    Exists,
    /// Somebody else changed it since it was read, or removed it.
    Changed,
    /// Something else still refers to it.
    InUse,
    /// Something it refers to does not exist.
    Missing,
    /// The same request has an answer already.
    Answered,
}

impl fmt::Display for Conflict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Exists => "it exists already",
            Self::Changed => "it was changed or removed in the meantime",
            Self::InUse => "it is still in use",
            Self::Missing => "something it refers to does not exist",
            Self::Answered => "the same request was answered already",
        })
    }
}
