//! The copy itself: every row of every table, and then the proof that it is there.
//! Not for: marks, events and commits, which differ from purpose to purpose (`admin/copy.rs`).

use std::cmp::Ordering;
use std::fmt;

use super::digest::Digest;
use super::events::event_of;
use super::tables::TENANT;
use super::{AUDIT, Mark, Row, Session, TABLES, Table};
use crate::domain::audit::{Broken, ChainWalk};
use crate::store::StoreError;
use crate::store::sqlite::schema::NEWEST;

/// How many rows a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableCount {
    /// The table.
    pub table: &'static str,
    /// Its rows.
    pub rows: u64,
}

/// What was copied, and found again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The rows of each table.
    pub tables: Vec<TableCount>,
    /// Where the audit ends, or where its chain is broken; it is then broken on both sides.
    pub audit: Result<ChainWalk, Broken>,
}

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is done to a table.
    pub step: &'static str,
    /// The table.
    pub table: &'static str,
    /// How many of its rows are done.
    pub rows: u64,
}

impl fmt::Display for Progress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, table, rows } = self;
        write!(formatter, "{step} {rows} rows of {table}")
    }
}

/// One of the two stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The one that is read.
    From,
    /// The one that is filled.
    To,
}

impl fmt::Display for Side {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::From => "the store to copy from",
            Self::To => "the store to copy to",
        })
    }
}

/// Why nothing was copied.
#[derive(Debug, thiserror::Error)]
pub enum NotCopied {
    /// One of them did not answer, or refused.
    #[error("{0}: {1}")]
    Store(Side, #[source] StoreError),
    /// One of them has an older schema than this program.
    #[error(
        "{side}: its schema is number {found}, this program's is {known}: run 'chancery migrate' on it first (of a backup, \
         on a copy of the file)"
    )]
    OlderSchema {
        /// Which.
        side: Side,
        /// Its number.
        found: u32,
        /// This program's.
        known: u32,
    },
    /// One of them must not be used.
    #[error("{0}: {1}")]
    Marked(Side, Mark),
    /// There is nothing to copy.
    #[error("the store to copy from has no tenant: there is nothing to copy")]
    Nothing,
    /// There is something where the copy is to be.
    #[error(
        "the store to copy to is not empty: its table {0} has rows; name one that was never used, or remove it first"
    )]
    NotEmpty(&'static str),
    /// What was written reads differently.
    #[error(
        "table {0} is not the same in the copy, so nothing was kept of it: check the disks on both sides"
    )]
    Differs(&'static str),
    /// The audit is not what it was.
    #[error(
        "the audit is broken in the store to copy from: {0}; see docs/operate/audit.md, or copy it as it is with \
         --accept-broken-audit"
    )]
    Audit(Broken),
}

/// Copies every row, lets the numbering go on where it was, reads everything again and compares. `tell` hears how far it
/// is. Nothing is committed.
///
/// # Errors
/// When something is in the way, or the copy does not read as what was copied.
pub async fn copy(
    from: &mut dyn Session,
    to: &mut dyn Session,
    tell: &mut (dyn FnMut(Progress) + Send),
) -> Result<Copied, NotCopied> {
    let (at_from, at_to) = (|why| NotCopied::Store(Side::From, why), |why| NotCopied::Store(Side::To, why));
    let mut digests = Vec::with_capacity(TABLES.len());
    for table in TABLES.iter().copied() {
        let mut digest = Digest::default();
        from.begin(table).await.map_err(at_from)?;
        loop {
            let rows = from.next().await.map_err(at_from)?;
            if rows.is_empty() {
                break;
            }
            digest.add(&rows);
            to.write(table, rows).await.map_err(at_to)?;
            tell(Progress { step: "copied", table: table.name, rows: digest.rows });
        }
        digests.push(digest);
    }
    to.set_ends(from.ends().await.map_err(at_from)?).await.map_err(at_to)?;
    let audit = verify(to, &digests, tell).await?;
    let count =
        |(table, digest): (&&'static Table, &Digest)| TableCount { table: table.name, rows: digest.rows };
    Ok(Copied { tables: TABLES.iter().zip(&digests).map(count).collect(), audit })
}

/// Refuses a store that cannot be copied.
///
/// # Errors
/// When it has another schema, must not be used, has nothing to copy, or does not answer.
pub async fn check_from(from: &mut dyn Session) -> Result<(), NotCopied> {
    check_usable(from, Side::From).await?;
    if is_empty(from, Side::From, &TENANT).await? { Err(NotCopied::Nothing) } else { Ok(()) }
}

/// Refuses a store that cannot be copied to.
///
/// # Errors
/// When it has another schema, must not be used, holds anything, or does not answer.
pub async fn check_to(to: &mut dyn Session) -> Result<(), NotCopied> {
    check_usable(to, Side::To).await?;
    for table in TABLES.iter().copied() {
        if !is_empty(to, Side::To, table).await? {
            return Err(NotCopied::NotEmpty(table.name));
        }
    }
    Ok(())
}

async fn check_usable(session: &mut dyn Session, side: Side) -> Result<(), NotCopied> {
    let at_side = |why| NotCopied::Store(side, why);
    let found = session.schema().await.map_err(at_side)?;
    match found.cmp(&NEWEST) {
        Ordering::Less => return Err(NotCopied::OlderSchema { side, found, known: NEWEST }),
        Ordering::Greater => return Err(at_side(StoreError::NewerSchema { found, known: NEWEST })),
        Ordering::Equal => {}
    }
    match session.mark().await.map_err(at_side)? {
        Some(mark) => Err(NotCopied::Marked(side, mark)),
        None => Ok(()),
    }
}

async fn is_empty(session: &mut dyn Session, side: Side, table: &'static Table) -> Result<bool, NotCopied> {
    let at_side = |why| NotCopied::Store(side, why);
    session.begin(table).await.map_err(at_side)?;
    Ok(session.next().await.map_err(at_side)?.is_empty())
}

/// Reads the copy again, and follows its audit on the way.
async fn verify(
    to: &mut dyn Session,
    digests: &[Digest],
    tell: &mut (dyn FnMut(Progress) + Send),
) -> Result<Result<ChainWalk, Broken>, NotCopied> {
    let at_to = |why| NotCopied::Store(Side::To, why);
    let mut audit = Ok(ChainWalk::default());
    for (table, wanted) in TABLES.iter().copied().zip(digests) {
        let mut found = Digest::default();
        to.begin(table).await.map_err(at_to)?;
        loop {
            let rows = to.next().await.map_err(at_to)?;
            if rows.is_empty() {
                break;
            }
            found.add(&rows);
            if table == &AUDIT {
                audit = audit.and_then(|walk| rows.iter().try_fold(walk, follow));
            }
            tell(Progress { step: "compared", table: table.name, rows: found.rows });
        }
        if found != *wanted {
            return Err(NotCopied::Differs(table.name));
        }
    }
    let ends = to.ends().await.map_err(at_to)?;
    match audit {
        Ok(walk) if walk != ends.audit => Err(NotCopied::Differs(AUDIT.name)),
        audit => Ok(audit),
    }
}

/// Goes on to the event of a row. A row that is no event was altered.
fn follow(mut walk: ChainWalk, row: &Row) -> Result<ChainWalk, Broken> {
    let event = event_of(row).ok_or(Broken::Altered(walk.sequence + 1))?;
    walk.step(&event).map(|()| walk)
}
