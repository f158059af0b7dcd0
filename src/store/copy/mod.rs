//! A store as rows: what moving it, a backup and a restore are made of. Every backend has the same tables.
//! Not for: what the rows mean, or who may copy (`admin/copy.rs`).

use std::fmt;

use async_trait::async_trait;

use super::StoreError;
use crate::domain::audit::ChainWalk;
use crate::domain::time::Timestamp;

mod digest;
mod events;
mod tables;
#[cfg(test)]
mod tests;
mod transfer;

pub use events::event_row;
pub use tables::{AUDIT, Column, Kind, NOT_COPIED, TABLES, Table};
pub use transfer::{Copied, NotCopied, Progress, Side, TableCount, check_from, check_to, copy};

/// How many rows are in memory at once.
pub const PAGE: usize = 1_000;

/// What stands in one column of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    Boolean(bool),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// One row: a cell for each column of its table, in their order.
pub type Row = Vec<Cell>;

/// Where the numbering goes on, whatever rows were forgotten meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The newest revision that servers may have followed to.
    pub revision: i64,
    /// The last event of the audit.
    pub audit: ChainWalk,
    /// The number of the newest refusal.
    pub refusals: i64,
}

/// Why nothing may be changed in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Since when.
    pub at: Timestamp,
    /// What it has to do with the other place.
    pub direction: Direction,
    /// The other place: its URL, without a password.
    pub place: String,
}

/// What is said to whoever wants to use the store.
impl fmt::Display for Mark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, place, .. } = self;
        match self.direction {
            Direction::To => write!(
                formatter,
                "this store was moved to {place} at {at}: point store.url there; if the move was wrong, 'chancery store \
                 reopen' makes this one live again, without what was changed there since"
            ),
            Direction::From => write!(
                formatter,
                "this store is a copy of {place}, begun at {at} and not finished: if that one says that it was moved \
                 here, 'chancery store reopen' finishes it; if not, that one is live: remove this one, and copy again"
            ),
        }
    }
}

/// What a store that must not be changed has to do with another place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It was moved there.
    To,
    /// It is a copy of what is there, and was not finished.
    From,
}

impl Direction {
    /// As it is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::To => "to",
            Self::From => "from",
        }
    }

    /// Reads what is stored.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::To, Self::From].into_iter().find(|direction| direction.as_str() == text)
    }
}

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To read it as it is at one moment; nobody waits.
    Snapshot,
    /// To read it while nobody can change it, and perhaps to mark it. Questions are answered meanwhile.
    Hold,
    /// To fill it. It is made and migrated if need be.
    Fill,
}

/// A store opened to be copied, in one transaction that begins when it is opened. What is dropped without `commit` never
/// happened.
#[async_trait]
pub trait Session: Send {
    /// The number of its schema.
    async fn schema(&mut self) -> Result<u32, StoreError>;
    /// Why it must not be changed, if so.
    async fn mark(&mut self) -> Result<Option<Mark>, StoreError>;
    /// Goes to the first row of a table.
    async fn begin(&mut self, table: &'static Table) -> Result<(), StoreError>;
    /// The next rows of that table in the order of its key, text by its bytes; less than `PAGE` at its end.
    async fn next(&mut self) -> Result<Vec<Row>, StoreError>;
    /// Where the numbering ends.
    async fn ends(&mut self) -> Result<Ends, StoreError>;
    /// Adds rows.
    async fn write(&mut self, table: &'static Table, rows: Vec<Row>) -> Result<(), StoreError>;
    /// Lets the numbering go on after these.
    async fn set_ends(&mut self, ends: Ends) -> Result<(), StoreError>;
    /// Puts a mark, or takes it away.
    async fn set_mark(&mut self, mark: Option<Mark>) -> Result<(), StoreError>;
    /// Makes all of it durable. What is asked afterwards is made durable one by one.
    async fn commit(&mut self) -> Result<(), StoreError>;
}
