//! A store as the first release left it, with all that there is in one of today: how long opening it takes.
//! Not for: whether it is right afterwards, which tests of the store say.

use std::path::Path;
use std::time::{Duration, Instant};

use chancery::store::sqlite::Sqlite;
use rusqlite::Connection;

use super::Outcome;

/// The schema that the first release had in the end.
const FIRST: [&str; 3] = [
    include_str!("../../migrations/sqlite/0001_foundation.sql"),
    include_str!("../../migrations/sqlite/0002_keys.sql"),
    include_str!("../../migrations/sqlite/0003_revocation.sql"),
];

/// Opens an old store that holds what the store in `today` does, and says how long it took.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub(super) fn migrate(today: &Path) -> Outcome<Duration> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("old.db");
    copy(today, &file)?;
    let started = Instant::now();
    Sqlite::open(&file)?;
    Ok(started.elapsed())
}

fn copy(today: &Path, file: &Path) -> Outcome {
    let old = Connection::open(file)?;
    old.execute_batch("PRAGMA journal_mode = off; PRAGMA synchronous = off; PRAGMA foreign_keys = off")?;
    FIRST.iter().try_for_each(|migration| old.execute_batch(migration))?;
    old.pragma_update(None, "user_version", 3)?;
    old.execute("ATTACH ?1 AS today", [today.to_string_lossy()])?;
    for table in texts(
        &old,
        "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND ?1 = ''",
        "",
    )? {
        let columns = texts(&old, "SELECT name FROM pragma_table_info(?1)", &table)?.join(", ");
        old.execute_batch(&format!(
            "INSERT INTO main.{table} ({columns}) SELECT {columns} FROM today.{table}"
        ))?;
    }
    // The API that administers came later.
    old.execute_batch(
        "DELETE FROM main.application_scope WHERE scope LIKE 'admin:%';
         DELETE FROM main.scope WHERE api = 'urn:chancery:admin';
         DELETE FROM main.api WHERE identifier = 'urn:chancery:admin';
         DETACH today",
    )?;
    Ok(())
}

fn texts(connection: &Connection, sql: &str, parameter: &str) -> Outcome<Vec<String>> {
    let mut statement = connection.prepare(sql)?;
    let texts = statement.query_map([parameter], |row| row.get(0))?;
    Ok(texts.collect::<Result<_, _>>()?)
}
