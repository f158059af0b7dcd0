//! Copies of stores with something in every table, for every backend and from each to each other.
//! Not for: the command line (`tests/it/cli/moving.rs`).

use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;

use super::{
    Ends, Mark, NotCopied, Progress, Purpose, Row, Session, TABLES, Table, check_from, check_to, copy,
};
use crate::store::postgres::{Postgres, PostgresSession};
use crate::store::sqlite::{Sqlite, SqliteSession};
use crate::store::suite::places::Database;
use crate::store::suite::sample;
use crate::store::{Store, StoreError};

mod clause;
mod postgres;
mod rows;
mod sqlite;

/// Where a backend keeps one store that is nobody else's.
#[async_trait]
trait Place: Send + Sync {
    /// One that nobody has used yet.
    async fn new() -> Self
    where
        Self: Sized;
    /// Opens it to be used.
    async fn open(&self) -> Arc<dyn Store>;
    /// Opens it to be copied.
    async fn session(&self, purpose: Purpose) -> Result<Box<dyn Session>, StoreError>;
}

struct File(TempDir);

#[async_trait]
impl Place for File {
    async fn new() -> Self {
        let file = Self(TempDir::new().unwrap());
        file.open().await;
        file
    }

    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(Sqlite::open(&self.0.path().join("store.db")).unwrap().0)
    }

    async fn session(&self, purpose: Purpose) -> Result<Box<dyn Session>, StoreError> {
        Ok(Box::new(SqliteSession::open(&self.0.path().join("store.db"), purpose).await?))
    }
}

#[async_trait]
impl Place for Database {
    async fn new() -> Self {
        let database = Self::make().await;
        Place::open(&database).await;
        database
    }

    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(Postgres::open(&self.access()).await.unwrap().0)
    }

    async fn session(&self, purpose: Purpose) -> Result<Box<dyn Session>, StoreError> {
        Ok(Box::new(PostgresSession::open(&self.access(), purpose).await?))
    }
}

/// Every clause, run for every backend.
macro_rules! every_backend {
    ($($clause:ident),+ $(,)?) => {
        mod in_sqlite {
            $(#[tokio::test]
            async fn $clause() {
                super::clause::$clause::<super::File>().await;
            })+
        }
        mod in_postgres {
            $(#[tokio::test]
            #[ignore = "needs PostgreSQL: scripts/test runs it"]
            async fn $clause() {
                super::clause::$clause::<super::Database>().await;
            })+
        }
    };
}

every_backend! {
    copies_everything_and_goes_on_where_it_was,
    copies_to_an_empty_store_alone,
    what_is_not_committed_never_was,
    a_snapshot_keeps_nobody_from_writing,
    while_a_store_is_held_it_answers_and_nothing_changes,
    a_mark_refuses_every_change_and_lets_questions_pass,
    a_mark_is_taken_away_again,
    a_store_with_a_mark_is_not_copied,
}

fn quiet() -> impl FnMut(Progress) + Send {
    |_| {}
}

/// Copies a store, which is read in a snapshot, to another and commits.
async fn copy_all(from: &dyn Place, to: &dyn Place) -> Result<super::Copied, NotCopied> {
    let mut from = from.session(Purpose::Snapshot).await.unwrap();
    let mut to = to.session(Purpose::Fill).await.unwrap();
    check_from(from.as_mut()).await?;
    check_to(to.as_mut()).await?;
    let copied = copy(from.as_mut(), to.as_mut(), &mut quiet()).await?;
    to.commit().await.unwrap();
    Ok(copied)
}

/// All rows of a table.
async fn rows_of(session: &mut dyn Session, table: &'static Table) -> Vec<Row> {
    session.begin(table).await.unwrap();
    let mut rows = Vec::new();
    loop {
        let page = session.next().await.unwrap();
        if page.is_empty() {
            return rows;
        }
        rows.extend(page);
    }
}

/// All rows of all tables, and where the numbering ends.
async fn dump(place: &dyn Place) -> (Vec<(&'static str, Vec<Row>)>, Ends) {
    let mut session = place.session(Purpose::Snapshot).await.unwrap();
    let mut tables = Vec::new();
    for table in TABLES.iter().copied() {
        tables.push((table.name, rows_of(session.as_mut(), table).await));
    }
    (tables, session.ends().await.unwrap())
}

/// A store with a tenant and an application `app`.
async fn small<P: Place>() -> (P, Arc<dyn Store>, crate::domain::tenant::Tenant) {
    let place = P::new().await;
    let (store, one) = (place.open().await, sample::tenant("one"));
    sample::add_tenant(&store, &one).await;
    sample::add_application(&store, &sample::application(&one, "app")).await;
    (place, store, one)
}

fn mark(at: i64, direction: super::Direction) -> Mark {
    let place = "sqlite:/elsewhere/ünïcode.db".to_owned();
    Mark { at: crate::domain::time::Timestamp::from_millis(at), direction, place }
}
