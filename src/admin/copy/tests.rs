//! Moves that are interrupted, restores that servers must notice, stores that are reopened.
//! Not for: the rows (`store/copy/tests`).

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::*;
use crate::store::Store;
use crate::store::copy::{Cell, Purpose, Row, TABLES, Table};
use crate::store::sqlite::{Sqlite, SqliteSession};

/// A session that works for so many questions more; then it is as if its process had died.
struct Mortal {
    inner: SqliteSession,
    left: Arc<AtomicUsize>,
}

impl Mortal {
    fn lives(&mut self) -> Result<&mut SqliteSession, StoreError> {
        let one_less = |left: usize| left.checked_sub(1);
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less) {
            Ok(_) => Ok(&mut self.inner),
            Err(_) => Err(StoreError::Unavailable("dead".to_owned())),
        }
    }
}

#[async_trait]
impl Session for Mortal {
    async fn schema(&mut self) -> Result<u32, StoreError> {
        self.lives()?.schema().await
    }
    async fn mark(&mut self) -> Result<Option<Mark>, StoreError> {
        self.lives()?.mark().await
    }
    async fn begin(&mut self, table: &'static Table) -> Result<(), StoreError> {
        self.lives()?.begin(table).await
    }
    async fn next(&mut self) -> Result<Vec<Row>, StoreError> {
        self.lives()?.next().await
    }
    async fn ends(&mut self) -> Result<Ends, StoreError> {
        self.lives()?.ends().await
    }
    async fn write(&mut self, table: &'static Table, rows: Vec<Row>) -> Result<(), StoreError> {
        self.lives()?.write(table, rows).await
    }
    async fn set_ends(&mut self, ends: Ends) -> Result<(), StoreError> {
        self.lives()?.set_ends(ends).await
    }
    async fn set_mark(&mut self, mark: Option<Mark>) -> Result<(), StoreError> {
        self.lives()?.set_mark(mark).await
    }
    async fn commit(&mut self) -> Result<(), StoreError> {
        self.lives()?.commit().await
    }
}

async fn place(file: &Path, purpose: Purpose, left: &Arc<AtomicUsize>) -> Place {
    let inner = SqliteSession::open(file, purpose).await.unwrap();
    let session = Box::new(Mortal { inner, left: Arc::clone(left) });
    Place { session, name: format!("sqlite:{}", file.display()) }
}

fn unlimited() -> Arc<AtomicUsize> {
    Arc::new(AtomicUsize::new(usize::MAX))
}

fn copier() -> Copier {
    let at = Timestamp::from_millis(1_700_000_000_000);
    Copier { actor: Actor::local("tester"), at, accepts_broken_audit: false, tell: Box::new(|_| {}) }
}

/// A store with a tenant, the event that made it, and so many changes.
async fn make(file: &Path, changes: i64) {
    let mut place = place(file, Purpose::Fill, &unlimited()).await;
    let text = |text: &str| Cell::Text(text.to_owned());
    let id = "00000000-0000-4000-8000-000000000001";
    let table = |name: &str| TABLES.iter().copied().find(|table| table.name == name).unwrap();
    let number = Cell::Integer;
    let tenant = vec![
        text(id),
        text("one"),
        text("https://one"),
        Cell::Boolean(true),
        text("RS256"),
        number(60),
        number(1),
        number(1),
        number(1),
        Cell::Null,
        Cell::Null,
        Cell::Null,
        text("enforce"),
    ];
    let session = place.session.as_mut();
    session.write(table("tenant"), vec![tenant]).await.unwrap();
    let change = |revision| vec![number(revision), text(id), Cell::Null];
    session.write(table("change"), (1..=changes).map(change).collect()).await.unwrap();
    let ends = session.ends().await.unwrap();
    let made = copier().event_of("tenant.add", "one", json!({}));
    record(session, Ends { revision: changes, ..ends }, made).await.unwrap();
    session.commit().await.unwrap();
}

/// How a store is found afterwards: without a tenant, live, or with a mark.
async fn state(file: &Path) -> String {
    let store = Sqlite::open(file).unwrap().0;
    match store.moved().await.unwrap() {
        Some(mark) => mark.direction.as_str().to_owned(),
        None if store.tenants().await.unwrap().is_empty() => "empty".to_owned(),
        None => "live".to_owned(),
    }
}

#[tokio::test]
async fn wherever_a_move_is_interrupted_at_most_one_store_is_live_and_nothing_is_lost() {
    let mut seen = Vec::new();
    for questions in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        make(&from, 3).await;
        let left = Arc::new(AtomicUsize::new(questions));
        let done = {
            let mut from = place(&from, Purpose::Hold, &left).await;
            let mut to = place(&to, Purpose::Fill, &left).await;
            copier().relocate(&mut from, &mut to).await
        };
        let states = (state(&from).await, state(&to).await);
        if seen.last() != Some(&states) {
            seen.push(states);
        }
        if done.is_ok() {
            break;
        }
    }
    let wanted = [("live", "empty"), ("live", "from"), ("to", "from"), ("to", "live")];
    assert_eq!(seen, wanted.map(|(from, to)| (from.to_owned(), to.to_owned())));
}

#[tokio::test]
async fn whichever_was_left_behind_is_reopened_and_says_so_in_its_audit() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    make(&from, 3).await;
    {
        let (mut held, mut filled) =
            (place(&from, Purpose::Hold, &unlimited()).await, place(&to, Purpose::Fill, &unlimited()).await);
        copier().relocate(&mut held, &mut filled).await.unwrap();
    }
    let mut held = place(&from, Purpose::Hold, &unlimited()).await;
    let mark = copier().reopen(&mut held).await.unwrap();
    assert_eq!((mark.direction, mark.place), (Direction::To, format!("sqlite:{}", to.display())));
    drop(held);
    assert_eq!(state(&from).await, "live");
    let mut again = place(&from, Purpose::Hold, &unlimited()).await;
    assert!(matches!(copier().reopen(&mut again).await, Err(NotDone::NotMoved)));
    for (file, actions) in [(&from, ["tenant.add", "store.reopen"]), (&to, ["tenant.add", "store.copy"])] {
        let store = Sqlite::open(file).unwrap().0;
        let events = store.audit_events(0, 9).await.unwrap();
        assert_eq!(events.iter().map(|event| &*event.event.action).collect::<Vec<_>>(), actions);
        crate::admin::audit::verify(&store, None).await.unwrap();
    }
}

#[tokio::test]
async fn whoever_followed_the_store_before_a_restore_forgets_everything() {
    let folder = tempfile::tempdir().unwrap();
    let [first, backup, restored, second] =
        ["first", "backup", "restored", "second"].map(|name| folder.path().join(name));
    make(&first, 5).await;
    let open = async |file: &Path, purpose| place(file, purpose, &unlimited()).await;
    let (mut from, mut to) = (open(&first, Purpose::Snapshot).await, open(&backup, Purpose::Fill).await);
    copier().back_up(&mut from, &mut to).await.unwrap();
    let (mut from, mut to) = (open(&backup, Purpose::Snapshot).await, open(&restored, Purpose::Fill).await);
    copier().restore(&mut from, &mut to).await.unwrap();
    let once = Sqlite::open(&restored).unwrap().0;
    let now = once.changes_since(0).await.unwrap();
    // Before the backup, after it, long after it, and where a restored store has been followed to.
    for followed in [0, 4, 5, 6, 100_000, 1_000_000_000, now.revision + 1, now.revision + 100_000] {
        assert_eq!(once.changes_since(followed).await.unwrap().list, None, "{followed}");
    }
    assert_eq!(once.changes_since(now.revision).await.unwrap().list, Some(Vec::new()));
    // A second restore, a minute later, is ahead of the first one.
    let (mut from, mut to) = (open(&backup, Purpose::Snapshot).await, open(&second, Purpose::Fill).await);
    let later = Timestamp::from_millis(copier().at.as_millis() + 60_000);
    Copier { at: later, ..copier() }.restore(&mut from, &mut to).await.unwrap();
    let twice = Sqlite::open(&second).unwrap().0;
    for changes in [0, 1, 59_000] {
        let list = twice.changes_since(now.revision + changes).await.unwrap().list;
        assert_eq!(list, None, "{changes} changes after the first restore");
    }
    let events = twice.audit_events(0, 9).await.unwrap();
    assert_eq!(events.last().unwrap().event.action, "store.restore");
}

#[tokio::test]
async fn a_broken_audit_is_backed_up_as_it_is_and_restored_when_somebody_insists() {
    let folder = tempfile::tempdir().unwrap();
    let [first, backup, restored] = ["first", "backup", "restored"].map(|name| folder.path().join(name));
    make(&first, 1).await;
    {
        let mut place = place(&first, Purpose::Hold, &unlimited()).await;
        let ends = place.session.ends().await.unwrap();
        let event = copier().event_of("scope.add", "false", json!({}));
        let forged = RecordedEvent { sequence: 2, hash: [7; 32], event };
        place.session.write(&AUDIT, vec![event_row(&forged)]).await.unwrap();
        let audit = ChainWalk { sequence: 2, head: [7; 32] };
        place.session.set_ends(Ends { audit, ..ends }).await.unwrap();
        place.session.commit().await.unwrap();
    }
    let open = async |file: &Path, purpose| place(file, purpose, &unlimited()).await;
    let (mut from, mut to) = (open(&first, Purpose::Snapshot).await, open(&backup, Purpose::Fill).await);
    let copied = copier().back_up(&mut from, &mut to).await.unwrap();
    assert!(copied.audit.is_err());
    for (accepts_broken_audit, state_afterwards) in [(false, "empty"), (true, "live")] {
        {
            let (mut from, mut to) =
                (open(&backup, Purpose::Snapshot).await, open(&restored, Purpose::Fill).await);
            let done = Copier { accepts_broken_audit, ..copier() }.restore(&mut from, &mut to).await;
            assert_eq!(done.is_ok(), accepts_broken_audit, "{done:?}");
        }
        assert_eq!(state(&restored).await, state_afterwards);
    }
}
