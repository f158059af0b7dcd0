//! An embedded store opened to be copied: one connection in one transaction.
//! Not for: what is copied, and in which order (`store/copy`).

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use async_trait::async_trait;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Row as SqliteRow, ToSql, params_from_iter};

use super::worker::Worker;
use super::{connection, error, moved, row, schema};
use crate::domain::audit::{CHAIN_START, ChainHash, ChainWalk};
use crate::store::StoreError;
use crate::store::copy::{Cell, Column, Ends, Kind, Mark, PAGE, Purpose, Row, Session, Table};

/// Pages of the file that may be in memory, in KiB and negative as SQLite wants it.
const CACHE: i64 = -65_536;

/// An embedded store opened to be copied.
pub struct SqliteSession {
    worker: Worker,
    purpose: Purpose,
    /// Which table is read, and the key of the last row that was.
    place: Option<(&'static Table, Option<Row>)>,
}

impl SqliteSession {
    /// Opens the store in `file`. Only to be filled it is made when it is absent, and migrated.
    ///
    /// # Errors
    /// When the file cannot be opened, or somebody else writes for longer than a change may wait.
    pub async fn open(file: &Path, purpose: Purpose) -> Result<Self, StoreError> {
        if purpose == Purpose::Fill {
            connection::create_private(file)?;
        }
        let mut connection = match purpose {
            Purpose::Snapshot => connection::look(file)?,
            Purpose::Hold | Purpose::Fill => connection::open(file)?,
        };
        if purpose == Purpose::Fill {
            schema::migrate(&mut connection)?;
        }
        Self::start(connection, purpose).await
    }

    /// Makes a file to be filled, which is a store when it was committed, and rubbish until then: it must not be one that
    /// anybody opens meanwhile.
    ///
    /// # Errors
    /// When the file exists or cannot be made.
    pub async fn make(file: &Path) -> Result<Self, StoreError> {
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
        made.map_err(|failure| StoreError::Unavailable(format!("{}: {failure}", file.display())))?;
        let mut connection = Connection::open(file).map_err(error::from)?;
        // Nothing is lost with a file that was not finished, and one that was is made durable as a whole.
        connection.pragma_update(None, "journal_mode", "off").map_err(error::from)?;
        connection.pragma_update(None, "synchronous", "off").map_err(error::from)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(error::from)?;
        schema::migrate(&mut connection)?;
        Self::start(connection, Purpose::Fill).await
    }

    async fn start(connection: Connection, purpose: Purpose) -> Result<Self, StoreError> {
        let session = Self { worker: Worker::start(vec![connection])?, purpose, place: None };
        let begin = if purpose == Purpose::Snapshot { "BEGIN DEFERRED" } else { "BEGIN IMMEDIATE" };
        session
            .run(move |connection| {
                connection.pragma_update(None, "cache_size", CACHE).map_err(error::from)?;
                connection.execute_batch(begin).map_err(error::from)?;
                // What is read is what there was when the first question was asked.
                schema::number(connection).map(|_| ())
            })
            .await?;
        Ok(session)
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.worker.run(move |connection| job(connection)).await
    }
}

#[async_trait]
impl Session for SqliteSession {
    async fn schema(&mut self) -> Result<u32, StoreError> {
        self.run(schema::number).await
    }

    async fn mark(&mut self) -> Result<Option<Mark>, StoreError> {
        self.run(moved::find).await
    }

    async fn begin(&mut self, table: &'static Table) -> Result<(), StoreError> {
        self.place = Some((table, None));
        Ok(())
    }

    async fn next(&mut self) -> Result<Vec<Row>, StoreError> {
        let Some((table, after)) = self.place.take() else { return Ok(Vec::new()) };
        let rows = self.run(move |connection| page(connection, table, after)).await?;
        let last = rows.last().map(|row| row.iter().take(table.key).cloned().collect());
        self.place = last.map(|key| (table, Some(key)));
        Ok(rows)
    }

    async fn ends(&mut self) -> Result<Ends, StoreError> {
        self.run(ends).await
    }

    async fn write(&mut self, table: &'static Table, rows: Vec<Row>) -> Result<(), StoreError> {
        self.run(move |connection| {
            let places = vec!["?"; table.columns.len()].join(", ");
            let sql = format!("INSERT INTO {} ({}) VALUES ({places})", table.name, table.column_list());
            rows.into_iter().try_for_each(|cells| {
                row::execute(connection, &sql, params_from_iter(cells.into_iter().map(to_value))).map(|_| ())
            })
        })
        .await
    }

    async fn set_ends(&mut self, ends: Ends) -> Result<(), StoreError> {
        self.run(move |connection| {
            let numbers =
                [("change", ends.revision), ("audit_event", ends.audit.sequence), ("refusal", ends.refusals)];
            for (table, number) in numbers {
                row::execute(connection, "DELETE FROM sqlite_sequence WHERE name = ?1", [table])?;
                let sql = "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)";
                row::execute(connection, sql, rusqlite::params![table, number])?;
            }
            Ok(())
        })
        .await
    }

    async fn set_mark(&mut self, mark: Option<Mark>) -> Result<(), StoreError> {
        self.run(move |connection| moved::set(connection, mark.as_ref())).await
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        let is_new = self.purpose == Purpose::Fill;
        self.run(move |connection| {
            connection.execute_batch("COMMIT").map_err(error::from)?;
            if is_new {
                // All of it went through the write-ahead log, which would stay as large. What hinders this is no failure.
                let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            }
            Ok(())
        })
        .await
    }
}

fn page(connection: &Connection, table: &Table, after: Option<Row>) -> Result<Vec<Row>, StoreError> {
    let key = table.key_list();
    let condition = match &after {
        None => String::new(),
        Some(_) => format!("WHERE ({key}) > ({})", vec!["?"; table.key].join(", ")),
    };
    let sql =
        format!("SELECT {} FROM {} {condition} ORDER BY {key} LIMIT {PAGE}", table.column_list(), table.name);
    let parameters = params_from_iter(after.into_iter().flatten().map(to_value));
    row::rows(connection, &sql, parameters, |row| {
        let cells = table.columns.iter().enumerate();
        cells.map(|(place, column)| cell(row, place, table, column)).collect()
    })
}

fn cell(row: &SqliteRow<'_>, place: usize, table: &Table, column: &Column) -> Result<Cell, StoreError> {
    let value = row.get_ref(place).map_err(error::from)?;
    let read = match (column.kind, value) {
        (_, ValueRef::Null) => Some(Cell::Null),
        (Kind::Text, ValueRef::Text(text)) => {
            std::str::from_utf8(text).ok().map(|text| Cell::Text(text.to_owned()))
        }
        (Kind::Integer, ValueRef::Integer(number)) => Some(Cell::Integer(number)),
        (Kind::Boolean, ValueRef::Integer(number @ (0 | 1))) => Some(Cell::Boolean(number == 1)),
        (Kind::Bytes, ValueRef::Blob(bytes)) => Some(Cell::Bytes(bytes.to_vec())),
        _ => None,
    };
    let (table, column) = (table.name, column.name);
    read.ok_or_else(|| StoreError::Corrupt(format!("column {column} of {table} holds what it should not")))
}

fn to_value(cell: Cell) -> impl ToSql {
    ToSqlOutput::Owned(match cell {
        Cell::Null => Value::Null,
        Cell::Text(text) => Value::Text(text),
        Cell::Integer(number) => Value::Integer(number),
        Cell::Boolean(truth) => Value::Integer(truth.into()),
        Cell::Bytes(bytes) => Value::Blob(bytes),
    })
}

fn ends(connection: &Connection) -> Result<Ends, StoreError> {
    let number = |table: &str| -> Result<i64, StoreError> {
        let sql = "SELECT seq FROM sqlite_sequence WHERE name = ?1";
        let found = row::rows(connection, sql, [table], |row| row::get(row, "seq"))?;
        Ok(found.into_iter().next().unwrap_or(0))
    };
    let sql = "SELECT hash FROM audit_event ORDER BY sequence DESC LIMIT 1";
    let head = row::rows(connection, sql, [], |row| row::get::<ChainHash>(row, "hash"))?;
    let head = head.into_iter().next().unwrap_or(CHAIN_START);
    Ok(Ends {
        revision: number("change")?,
        audit: ChainWalk { sequence: number("audit_event")?, head },
        refusals: number("refusal")?,
    })
}
