//! The list of tables against what SQLite's migrations make.
//! Not for: whether rows are copied.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use crate::store::copy::{Kind, NOT_COPIED, TABLES};
use crate::store::sqlite::Sqlite;

fn migrated() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    drop(Sqlite::open(&file).unwrap());
    (folder, Connection::open(file).unwrap())
}

fn texts(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

const ALL: &str = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";

#[test]
fn knows_every_table_and_every_column_that_the_migrations_make() {
    let (_folder, connection) = migrated();
    let there: BTreeSet<String> = texts(&connection, ALL).into_iter().collect();
    let listed = TABLES.iter().map(|table| table.name).chain(NOT_COPIED.iter().copied());
    assert_eq!(there, listed.map(str::to_owned).collect());
    for table in TABLES {
        let sql = format!("SELECT name || ' ' || type FROM pragma_table_info('{}')", table.name);
        let there: BTreeSet<String> = texts(&connection, &sql).into_iter().collect();
        let listed = table.columns.iter().map(|column| {
            let kind = match column.kind {
                Kind::Text => "TEXT",
                Kind::Integer | Kind::Boolean => "INTEGER",
                Kind::Bytes => "BLOB",
            };
            format!("{} {kind}", column.name)
        });
        assert_eq!(there, listed.collect(), "{}", table.name);
        let sql = format!("SELECT name FROM pragma_table_info('{}') WHERE pk > 0 ORDER BY pk", table.name);
        assert_eq!(texts(&connection, &sql).join(", "), table.key_list(), "the key of {}", table.name);
        // What is 1 or 0 says so where it is made.
        let sql = format!("SELECT sql FROM sqlite_master WHERE name = '{}'", table.name);
        let made = texts(&connection, &sql).remove(0);
        for column in table.columns {
            let is_truth = made.contains(&format!("CHECK ({} IN (0, 1))", column.name));
            assert_eq!(is_truth, column.kind == Kind::Boolean, "{} of {}", column.name, table.name);
        }
    }
}

#[test]
fn lists_a_table_after_those_it_refers_to() {
    let (_folder, connection) = migrated();
    let place: BTreeMap<&str, usize> =
        TABLES.iter().enumerate().map(|(place, table)| (table.name, place)).collect();
    for table in TABLES {
        for other in
            texts(&connection, &format!("SELECT \"table\" FROM pragma_foreign_key_list('{}')", table.name))
        {
            assert!(place[other.as_str()] < place[table.name], "{} is before {other}", table.name);
        }
    }
}

/// These are the three that `Ends` lets go on.
#[test]
fn knows_every_numbering_that_must_go_on() {
    let (_folder, connection) = migrated();
    let numbered = texts(&connection, &format!("{ALL} AND sql LIKE '%AUTOINCREMENT%' ORDER BY name"));
    assert_eq!(numbered, ["audit_event", "change", "refusal"]);
}
