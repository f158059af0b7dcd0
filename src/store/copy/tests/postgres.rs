//! The list of tables against what PostgreSQL's migrations make, and copies from one backend to the other.
//! Not for: what holds of each backend alone (`clause.rs`).

use std::collections::{BTreeMap, BTreeSet};

use super::clause::{copies_from_to, fill};
use super::{Database, File, Place, copy_all, dump, small};
use crate::store::StoreError;
use crate::store::copy::{Cell, Kind, NOT_COPIED, Purpose, TABLES};

/// One-row tables that only PostgreSQL has.
const OWN: [&str; 2] = ["head", "schema_version"];

async fn texts(database: &Database, sql: &str) -> Vec<String> {
    let rows = database.connect().await.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn knows_every_table_and_every_column_that_the_migrations_make() {
    let database = <Database as Place>::new().await;
    let sql = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'";
    let there: BTreeSet<String> = texts(&database, sql).await.into_iter().collect();
    let listed = TABLES.iter().map(|table| table.name).chain(NOT_COPIED.iter().copied()).chain(OWN);
    assert_eq!(there, listed.map(str::to_owned).collect());
    for table in TABLES {
        let sql = format!(
            "SELECT column_name || ' ' || data_type FROM information_schema.columns WHERE table_name = '{}'",
            table.name
        );
        let there: BTreeSet<String> = texts(&database, &sql).await.into_iter().collect();
        let listed = table.columns.iter().map(|column| {
            let kind = match column.kind {
                Kind::Text => "text",
                Kind::Integer => "bigint",
                Kind::Boolean => "boolean",
                Kind::Bytes => "bytea",
            };
            format!("{} {kind}", column.name)
        });
        assert_eq!(there, listed.collect(), "{}", table.name);
        // The key, by whose bytes rows are ordered on both sides.
        let sql = format!(
            "SELECT attname::text || CASE WHEN collname = 'C' OR collname IS NULL THEN '' ELSE ' by ' || collname END
             FROM pg_constraint CROSS JOIN unnest(conkey) WITH ORDINALITY AS key (number, place)
             JOIN pg_attribute ON attrelid = conrelid AND attnum = key.number
             LEFT JOIN pg_collation ON pg_collation.oid = attcollation
             WHERE contype = 'p' AND conrelid = '{}'::regclass ORDER BY place",
            table.name
        );
        assert_eq!(texts(&database, &sql).await.join(", "), table.key_list(), "the key of {}", table.name);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn lists_a_table_after_those_it_refers_to_and_guards_each() {
    let database = <Database as Place>::new().await;
    let place: BTreeMap<&str, usize> =
        TABLES.iter().enumerate().map(|(place, table)| (table.name, place)).collect();
    for table in TABLES {
        let sql = format!(
            "SELECT confrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND conrelid = '{}'::regclass",
            table.name
        );
        for other in texts(&database, &sql).await {
            assert!(place[other.as_str()] < place[table.name], "{} is before {other}", table.name);
        }
    }
    // BEFORE, for each statement, of INSERT, UPDATE and DELETE.
    let sql = "SELECT tgrelid::regclass::text FROM pg_trigger
               WHERE tgfoid = 'refuse_what_was_moved'::regproc AND tgenabled = 'O' AND tgtype = 2 + 4 + 8 + 16";
    let guarded: BTreeSet<String> = texts(&database, sql).await.into_iter().collect();
    assert_eq!(guarded, TABLES.iter().map(|table| table.name).chain(["head"]).map(str::to_owned).collect());
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn goes_from_a_file_to_a_database() {
    copies_from_to::<File, Database>().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn goes_from_a_database_to_a_file() {
    copies_from_to::<Database, File>().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn there_and_back_again_every_row_is_as_it_was() {
    let (first, between, last) = (File::new().await, <Database as Place>::new().await, File::new().await);
    fill(&first.open().await).await;
    let there = copy_all(&first, &between).await.unwrap();
    let back = copy_all(&between, &last).await.unwrap();
    assert_eq!(there, back);
    assert_eq!(dump(&first).await, dump(&last).await);
}

/// SQLite holds text that PostgreSQL does not.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn text_with_a_zero_byte_is_told_rather_than_cut() {
    let (place, ..) = small::<File>().await;
    let mut session = place.session(Purpose::Hold).await.unwrap();
    let text = |text: &str| Cell::Text(text.to_owned());
    let table = TABLES.iter().copied().find(|table| table.name == "digest_key").unwrap();
    let row = vec![text("zero\0byte"), Cell::Bytes(Vec::new()), text("f")];
    session.write(table, vec![row]).await.unwrap();
    session.commit().await.unwrap();
    let database = <Database as Place>::new().await;
    let before = dump(&database).await;
    let told = copy_all(&place, &database).await.unwrap_err().to_string();
    assert!(told.contains("column fingerprint of digest_key") && told.contains("zero byte"), "{told}");
    assert_eq!(dump(&database).await, before);
}

/// Whoever wrote when the mark came was waiting for it, and must not get through behind it.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn a_change_that_waited_for_a_move_finds_the_store_moved() {
    use crate::store::copy::Direction;
    use crate::store::suite::sample;
    let (place, store, one) = small::<Database>().await;
    let mut held = place.session(Purpose::Hold).await.unwrap();
    let before = dump(&place).await;
    let token = crate::domain::id::TokenId::new(&crate::crypto::random::SystemRandom);
    let (caller, at) = (sample::caller(), crate::domain::time::Timestamp::from_millis(5));
    let (revoked, added, ()) = tokio::join!(
        store.revoke_token(one.id, &caller, token, at),
        store.add_scope(sample::scope(&one, "late"), sample::event("late")),
        async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            held.set_mark(Some(super::mark(9, Direction::To))).await.unwrap();
            held.commit().await.unwrap();
        }
    );
    assert!(matches!(revoked, Err(StoreError::Moved)), "{revoked:?}");
    assert!(matches!(added, Err(StoreError::Moved)), "{added:?}");
    assert_eq!(dump(&place).await, before);
}
