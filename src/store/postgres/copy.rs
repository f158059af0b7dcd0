//! A PostgreSQL opened to be copied: one connection in one transaction.
//! Not for: what is copied, and in which order (`store/copy`).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio_postgres::Row as PostgresRow;

use super::error::Trouble;
use super::pool::{self, Pool};
use super::row::{self, Value, values};
use super::session::Link;
use super::{Access, moved, schema};
use crate::domain::audit::ChainWalk;
use crate::store::copy::{Cell, Column, Ends, Kind, Mark, PAGE, Purpose, Row, Session, TABLES, Table};
use crate::store::{BUSY_DEADLINE, StoreError};

/// What holds for this connection alone. Between two of its statements the other store may be busy for long; nobody waits
/// for ever for what others lock; and a machine that is gone holds nothing for longer than it takes to notice.
const PATIENT: &str =
    "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '30s';
    SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 3; SET tcp_keepalives_count = 3";

/// A PostgreSQL opened to be copied.
pub struct PostgresSession {
    session: Link,
    purpose: Purpose,
    /// Which table is read.
    reading: Option<&'static Table>,
}

impl PostgresSession {
    /// Opens the store. Only to be filled it is migrated.
    ///
    /// # Errors
    /// When the database does not answer, or somebody else writes for longer than is waited for.
    pub async fn open(access: &Access, purpose: Purpose) -> Result<Self, StoreError> {
        access.check_password()?;
        let connection = pool::Purpose {
            connections: 1,
            wait: BUSY_DEADLINE,
            statement: Duration::ZERO,
            listens: false,
            looks: false,
        };
        let (tls, notices) = (access.address.tls.connector()?, Arc::new(Notify::new()));
        let session = Pool::new(access, &tls, (&notices, &Arc::default()), connection)?.session().await?;
        begin(&session, purpose).await.map_err(told)?;
        Ok(Self { session, purpose, reading: None })
    }

    async fn stop_reading(&mut self) -> Result<(), Trouble> {
        match self.reading.take() {
            None => Ok(()),
            Some(table) => self.session.batch(&format!("CLOSE {}", cursor(table))).await,
        }
    }
}

async fn begin(session: &Link, purpose: Purpose) -> Result<(), Trouble> {
    session.batch(PATIENT).await?;
    if purpose == Purpose::Fill {
        schema::migrate(Arc::clone(session), schema::MIGRATIONS).await?;
    }
    if purpose == Purpose::Snapshot {
        session.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        // What is read is what there was when the first question was asked.
        return schema::find(session).await.map(|_| ());
    }
    session.begin_with("BEGIN").await?;
    // A store of another schema is told by its number, not by a table that it has not.
    if schema::find(session).await?.number == schema::NEWEST {
        // In the order in which those who write take them, so that nobody waits for somebody who waits for him.
        let tables: Vec<_> = TABLES.iter().map(|table| table.name).collect();
        let mode = if purpose == Purpose::Hold { "SHARE" } else { "EXCLUSIVE" };
        let sql = format!(
            "LOCK TABLE moved, head IN EXCLUSIVE MODE; LOCK TABLE {} IN {mode} MODE",
            tables.join(", ")
        );
        session.batch(&sql).await?;
    }
    Ok(())
}

/// A cursor is called after its table, since a statement that was prepared is remembered with its columns.
fn cursor(table: &Table) -> String {
    format!("copy_of_{}", table.name)
}

fn told(trouble: Trouble) -> StoreError {
    trouble.error
}

#[async_trait]
impl Session for PostgresSession {
    async fn schema(&mut self) -> Result<u32, StoreError> {
        Ok(schema::find(&self.session).await.map_err(told)?.number)
    }

    async fn mark(&mut self) -> Result<Option<Mark>, StoreError> {
        moved::find(&self.session).await.map_err(told)
    }

    async fn begin(&mut self, table: &'static Table) -> Result<(), StoreError> {
        self.stop_reading().await.map_err(told)?;
        let sql = format!(
            "DECLARE {} NO SCROLL CURSOR FOR SELECT {} FROM {} ORDER BY {}",
            cursor(table),
            table.column_list(),
            table.name,
            table.key_list()
        );
        self.session.batch(&sql).await.map_err(told)?;
        self.reading = Some(table);
        Ok(())
    }

    async fn next(&mut self) -> Result<Vec<Row>, StoreError> {
        let Some(table) = self.reading else { return Ok(Vec::new()) };
        let sql = format!("FETCH {PAGE} FROM {}", cursor(table));
        let read = |row: &PostgresRow| {
            let cells = table.columns.iter().enumerate();
            cells.map(|(place, column)| cell(row, place, table, column)).collect()
        };
        self.session.rows(&sql, values![], read).await.map_err(told)
    }

    async fn ends(&mut self) -> Result<Ends, StoreError> {
        let sql = "SELECT revision, head.sequence, hash,
                       CASE WHEN is_called THEN last_value ELSE last_value - 1 END AS refusals
                   FROM head, refusal_sequence_seq";
        let found = self.session.rows(sql, values![], |row| {
            let audit = ChainWalk { sequence: row::get(row, "sequence")?, head: row::bytes(row, "hash")? };
            Ok(Ends { revision: row::get(row, "revision")?, audit, refusals: row::get(row, "refusals")? })
        });
        let nothing = || StoreError::Corrupt("the table head is empty".to_owned());
        found.await.map_err(told)?.pop().ok_or_else(nothing)
    }

    async fn write(&mut self, table: &'static Table, rows: Vec<Row>) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let arrays = table.columns.iter().zip(1..).map(|(column, place)| {
            let kind = match column.kind {
                Kind::Text => "text",
                Kind::Integer => "bigint",
                Kind::Boolean => "boolean",
                Kind::Bytes => "bytea",
            };
            format!("${place}::{kind}[]")
        });
        let arrays = arrays.collect::<Vec<_>>().join(", ");
        let columns = table.column_list();
        let sql = format!("INSERT INTO {} ({columns}) SELECT * FROM unnest({arrays})", table.name);
        let values = columns_of(table, rows)?;
        self.session.execute(&sql, values).await.map(|_| ()).map_err(told)
    }

    async fn set_ends(&mut self, ends: Ends) -> Result<(), StoreError> {
        self.stop_reading().await.map_err(told)?;
        let Ends { revision, audit, refusals } = ends;
        let sql = "UPDATE head SET revision = $1, sequence = $2, hash = $3";
        let values = values![revision, audit.sequence, audit.head.to_vec()];
        self.session.execute(sql, values).await.map_err(told)?;
        let next = refusals.max(0).saturating_add(1);
        let sql = format!("ALTER SEQUENCE refusal_sequence_seq RESTART WITH {next}");
        self.session.batch(&sql).await.map_err(told)
    }

    async fn set_mark(&mut self, mark: Option<Mark>) -> Result<(), StoreError> {
        moved::set(&self.session, mark).await.map_err(told)
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        self.stop_reading().await.map_err(told)?;
        if self.purpose == Purpose::Fill {
            // Else the first questions would be planned as if there were nothing in the tables.
            let tables: Vec<_> = TABLES.iter().map(|table| table.name).collect();
            self.session.batch(&format!("ANALYZE {}", tables.join(", "))).await.map_err(told)?;
        }
        self.session.commit().await.map_err(told)
    }
}

/// The rows as one array for each column.
fn columns_of(table: &Table, rows: Vec<Row>) -> Result<Vec<Value>, StoreError> {
    let mut columns: Vec<Vec<Cell>> = table.columns.iter().map(|_| Vec::with_capacity(rows.len())).collect();
    for row in rows {
        for (column, cell) in columns.iter_mut().zip(row) {
            column.push(cell);
        }
    }
    table.columns.iter().zip(columns).map(|(column, cells)| array(table, column, cells)).collect()
}

/// The cells of a column, all of which are of its kind or nothing.
fn array(table: &Table, column: &Column, cells: Vec<Cell>) -> Result<Value, StoreError> {
    fn all<T>(cells: Vec<Cell>, read: impl Fn(Cell) -> Option<T>) -> Option<Vec<Option<T>>> {
        let one = |cell| if cell == Cell::Null { Some(None) } else { read(cell).map(Some) };
        cells.into_iter().map(one).collect()
    }
    let array: Option<Value> = match column.kind {
        Kind::Text => all(cells, |cell| match cell {
            Cell::Text(text) if !text.contains('\0') => Some(text),
            _ => None,
        })
        .map(|array| Box::new(array) as Value),
        Kind::Integer => {
            all(cells, |cell| if let Cell::Integer(number) = cell { Some(number) } else { None })
                .map(|array| Box::new(array) as Value)
        }
        Kind::Boolean => all(cells, |cell| if let Cell::Boolean(truth) = cell { Some(truth) } else { None })
            .map(|array| Box::new(array) as Value),
        Kind::Bytes => all(cells, |cell| if let Cell::Bytes(bytes) = cell { Some(bytes) } else { None })
            .map(|array| Box::new(array) as Value),
    };
    let (table, column) = (table.name, column.name);
    array.ok_or_else(|| {
        StoreError::Corrupt(format!(
            "column {column} of {table} is to hold what PostgreSQL cannot hold there, such as text with a zero byte"
        ))
    })
}

fn cell(row: &PostgresRow, place: usize, table: &Table, column: &Column) -> Result<Cell, StoreError> {
    let read = match column.kind {
        Kind::Text => row.try_get(place).map(|cell: Option<String>| cell.map(Cell::Text)),
        Kind::Integer => row.try_get(place).map(|cell: Option<i64>| cell.map(Cell::Integer)),
        Kind::Boolean => row.try_get(place).map(|cell: Option<bool>| cell.map(Cell::Boolean)),
        Kind::Bytes => row.try_get(place).map(|cell: Option<Vec<u8>>| cell.map(Cell::Bytes)),
    };
    let (table, column) = (table.name, column.name);
    let read = read
        .map_err(|_| StoreError::Corrupt(format!("column {column} of {table} holds what it should not")))?;
    Ok(read.unwrap_or(Cell::Null))
}
