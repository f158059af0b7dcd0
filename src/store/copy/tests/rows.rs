//! Rows of any content, and copies that do not read as what was copied.
//! Not for: stores that somebody could use.

use async_trait::async_trait;
use proptest::prelude::*;
use tempfile::TempDir;

use super::{File, Place, dump, mark, quiet, rows_of, small};
use crate::store::StoreError;
use crate::store::copy::{
    Cell, Direction, Ends, Kind, Mark, NotCopied, Purpose, Row, Session, TABLES, Table, copy,
};
use crate::store::sqlite::SqliteSession;

/// Tables that refer to no other, and take any text.
const FREE: [&str; 5] = ["digest_key", "kept_answer", "revoked_token", "refusal", "change"];

fn table(name: &str) -> &'static Table {
    TABLES.iter().find(|table| table.name == name).unwrap()
}

fn cell(kind: Kind) -> BoxedStrategy<Cell> {
    match kind {
        Kind::Text => "[ -~ä😀\u{e000}\u{ffff}\t\n]{0,6}".prop_map(Cell::Text).boxed(),
        Kind::Integer => any::<i64>().prop_map(Cell::Integer).boxed(),
        Kind::Boolean => any::<bool>().prop_map(Cell::Boolean).boxed(),
        Kind::Bytes => proptest::collection::vec(any::<u8>(), 0..40).prop_map(Cell::Bytes).boxed(),
    }
}

fn rows() -> impl Strategy<Value = (&'static Table, Vec<Row>)> {
    (0..FREE.len()).prop_flat_map(|place| {
        let table = table(FREE[place]);
        let row: Vec<_> = table.columns.iter().map(|column| cell(column.kind)).collect();
        (Just(table), proptest::collection::vec(row, 0..40))
    })
}

/// Two empty files.
async fn two_files(folder: &TempDir) -> [SqliteSession; 2] {
    let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
    [SqliteSession::make(&from).await.unwrap(), SqliteSession::make(&to).await.unwrap()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn copies_rows_of_any_content((table, mut rows) in rows()) {
        let folder = TempDir::new().unwrap();
        let by_text = |row: &Row, column: usize| format!("{:?}", row[column]);
        // What is there twice cannot be stored: the key, and the one other thing that is unique.
        rows.sort_by_key(|row| format!("{:?}", &row[..table.key]));
        rows.dedup_by_key(|row| format!("{:?}", &row[..table.key]));
        rows.sort_by_key(|row| by_text(row, 1));
        if table.name == "refusal" {
            rows.dedup_by_key(|row| by_text(row, 1));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let [mut from, mut to] = two_files(&folder).await;
            from.write(table, rows.clone()).await.unwrap();
            copy(&mut from, &mut to, &mut quiet()).await.unwrap();
            let mut found = rows_of(&mut to, table).await;
            assert_eq!(found, rows_of(&mut from, table).await);
            found.sort_by_key(|row| format!("{row:?}"));
            rows.sort_by_key(|row| format!("{row:?}"));
            assert_eq!(found, rows);
        });
    }
}

type Meddle = fn(&mut Vec<Row>);

/// A target that does something else with a table than what it is told.
struct Meddler {
    inner: Box<dyn Session>,
    table: &'static str,
    meddle: Meddle,
}

#[async_trait]
impl Session for Meddler {
    async fn schema(&mut self) -> Result<u32, StoreError> {
        self.inner.schema().await
    }
    async fn mark(&mut self) -> Result<Option<Mark>, StoreError> {
        self.inner.mark().await
    }
    async fn begin(&mut self, table: &'static Table) -> Result<(), StoreError> {
        self.inner.begin(table).await
    }
    async fn next(&mut self) -> Result<Vec<Row>, StoreError> {
        self.inner.next().await
    }
    async fn ends(&mut self) -> Result<Ends, StoreError> {
        self.inner.ends().await
    }
    async fn write(&mut self, table: &'static Table, mut rows: Vec<Row>) -> Result<(), StoreError> {
        if table.name == self.table {
            (self.meddle)(&mut rows);
        }
        self.inner.write(table, rows).await
    }
    async fn set_ends(&mut self, ends: Ends) -> Result<(), StoreError> {
        self.inner.set_ends(ends).await
    }
    async fn set_mark(&mut self, mark: Option<Mark>) -> Result<(), StoreError> {
        self.inner.set_mark(mark).await
    }
    async fn commit(&mut self) -> Result<(), StoreError> {
        self.inner.commit().await
    }
}

#[tokio::test]
async fn a_copy_that_reads_differently_is_told() {
    let (place, ..) = small::<File>().await;
    let cases: [(&str, Meddle); 4] = [
        ("tenant_host", |rows| drop(rows.pop())),
        ("application", |rows| rows[0][3] = Cell::Text("another".to_owned())),
        ("credential", |rows| rows[0][6] = Cell::Null),
        ("change", |rows| rows[0][0] = Cell::Integer(77)),
    ];
    for (table, meddle) in cases {
        let copy_to = File::new().await;
        let mut from = place.session(Purpose::Snapshot).await.unwrap();
        let inner = copy_to.session(Purpose::Fill).await.unwrap();
        let mut to = Meddler { inner, table, meddle };
        let told = copy(from.as_mut(), &mut to, &mut quiet()).await;
        assert!(matches!(told, Err(NotCopied::Differs(name)) if name == table), "{table}: {told:?}");
    }
}

/// A mark is of one place alone.
#[tokio::test]
async fn a_mark_is_never_copied() {
    let (place, ..) = small::<File>().await;
    let before = dump(&place).await;
    let mut session = place.session(Purpose::Hold).await.unwrap();
    session.set_mark(Some(mark(5, Direction::To))).await.unwrap();
    session.commit().await.unwrap();
    let copy_to = File::new().await;
    let mut from = place.session(Purpose::Snapshot).await.unwrap();
    let mut to = copy_to.session(Purpose::Fill).await.unwrap();
    copy(from.as_mut(), to.as_mut(), &mut quiet()).await.unwrap();
    assert_eq!(to.mark().await.unwrap(), None);
    to.commit().await.unwrap();
    assert_eq!(dump(&copy_to).await, before);
}
