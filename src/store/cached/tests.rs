//! Tests of the memory.

use std::pin::pin;

use futures_util::FutureExt;
use tempfile::TempDir;

use super::*;
use crate::domain::application::Application;
use crate::domain::tenant::Tenant;
use crate::store::sqlite::Sqlite;
use crate::store::suite::sample;

/// A memory in front of a store with a tenant and its application `app`.
struct Memory {
    _folder: TempDir,
    cached: Cached,
    tenant: Tenant,
    application: Application,
}

impl Memory {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("store.db")).unwrap().0);
        let tenant = sample::tenant("one");
        sample::add_tenant(&store, &tenant).await;
        let application = sample::application(&tenant, "app");
        sample::add_application(&store, &application).await;
        let cached = Cached::new(store, 1 << 20);
        cached.follow().await.unwrap();
        Self { _folder: folder, cached, tenant, application }
    }

    async fn version(&self) -> Option<i64> {
        let found = self.cached.application(self.tenant.id, "app").await.unwrap();
        found.map(|registered| registered.application.version)
    }

    /// Changes the application in the store, and only there.
    async fn change(&self, version: i64) {
        let application = Application { version, ..self.application.clone() };
        self.cached.store().change_application(application, sample::event("app")).await.unwrap();
    }

    fn remembers(&self, client_id: &str) -> (bool, bool) {
        let name = Name(self.tenant.id, client_id);
        (self.cached.known.get(&name).is_some(), self.cached.unknown.get(&name).is_some())
    }
}

#[tokio::test]
async fn remembers_an_application_until_it_is_told_of_a_change() {
    let memory = Memory::new().await;
    assert_eq!(memory.remembers("app"), (false, false));
    assert_eq!(memory.version().await, Some(1));
    assert_eq!(memory.remembers("app"), (true, false));
    memory.change(1).await;
    assert_eq!(memory.version().await, Some(1));
    memory.cached.follow().await.unwrap();
    assert_eq!(memory.remembers("app"), (false, false));
    assert_eq!(memory.version().await, Some(2));
}

#[tokio::test]
async fn remembers_that_there_is_none_until_there_is_one() {
    let memory = Memory::new().await;
    let find = async || memory.cached.application(memory.tenant.id, "new").await.unwrap();
    assert!(find().await.is_none());
    assert_eq!(memory.remembers("new"), (false, true));
    let new = sample::application(&memory.tenant, "new");
    sample::add_application(memory.cached.store(), &new).await;
    assert!(find().await.is_none());
    memory.cached.follow().await.unwrap();
    assert_eq!(find().await.unwrap().application, new);
    assert_eq!(memory.remembers("new"), (true, false));
}

/// R04
#[tokio::test]
async fn the_same_client_id_in_two_tenants_is_remembered_twice() {
    let memory = Memory::new().await;
    assert_eq!(memory.version().await, Some(1));
    let elsewhere = sample::unknown_tenant();
    assert!(memory.cached.application(elsewhere, "app").await.unwrap().is_none());
    assert!(memory.cached.unknown.get(&Name(elsewhere, "app")).is_some());
    assert_eq!(memory.version().await, Some(1));
}

#[tokio::test]
async fn keeps_nothing_that_was_read_while_something_changed() {
    let memory = Memory::new().await;
    for version in 1..=20 {
        let mut reading = pin!(memory.cached.application(memory.tenant.id, "app"));
        // The question is on its way to the store, and may be answered before the change or after it.
        let answered = reading.as_mut().now_or_never();
        memory.change(version).await;
        memory.cached.follow().await.unwrap();
        if answered.is_none() {
            reading.await.unwrap();
        }
        assert_eq!(memory.remembers("app"), (false, false));
        assert_eq!(memory.version().await, Some(version + 1));
    }
}

#[tokio::test]
async fn counts_changes_of_tenants_and_forgets_all_when_it_missed_too_much() {
    let memory = Memory::new().await;
    let before = memory.cached.tenants_changed();
    memory.version().await;
    memory.cached.follow().await.unwrap();
    assert_eq!((memory.cached.tenants_changed(), memory.remembers("app").0), (before, true));
    let change = memory.cached.store().change_tenant(memory.tenant.clone(), sample::event("tenant"));
    change.await.unwrap();
    memory.cached.follow().await.unwrap();
    assert_ne!(memory.cached.tenants_changed(), before);
    assert!(memory.remembers("app").0);
    memory.cached.application(memory.tenant.id, "new").await.unwrap();
    assert_eq!(memory.remembers("new"), (false, true));
    // A revision from ahead of the store's own is what a restored backup looks like.
    let (before, ahead) = (memory.cached.tenants_changed(), 1_000_000);
    *memory.cached.revision.lock().unwrap() = ahead;
    memory.cached.follow().await.unwrap();
    assert_ne!(memory.cached.tenants_changed(), before);
    assert_eq!([memory.remembers("app"), memory.remembers("new")], [(false, false); 2]);
}

/// Who looked just before an answer came and asks just after it gets what everybody has.
#[tokio::test]
async fn a_late_question_does_not_replace_what_is_in_memory() {
    let memory = Memory::new().await;
    memory.version().await;
    let name = Name(memory.tenant.id, "app");
    let known = memory.cached.known.get(&name).unwrap();
    let asked = memory.cached.ask(name).await.unwrap().unwrap();
    assert!(Arc::ptr_eq(&asked, &known));
    assert!(Arc::ptr_eq(&asked, &memory.cached.known(memory.tenant.id, "app").unwrap()));
}

/// Whoever asks when a change was taken in gets what is there now, whoever else asks since before it.
#[tokio::test]
async fn a_question_from_before_a_change_answers_nobody_who_asks_after_it() {
    let memory = Memory::new().await;
    for version in 1..=20 {
        assert_eq!(memory.remembers("app"), (false, false));
        let mut early = pin!(memory.cached.application(memory.tenant.id, "app"));
        let answered = early.as_mut().now_or_never();
        memory.change(version).await;
        memory.cached.follow().await.unwrap();
        assert_eq!(memory.version().await, Some(version + 1));
        if answered.is_none() {
            early.await.unwrap();
        }
        memory.cached.known.clear();
    }
}

/// All who wait for one answer may leave, and it is asked again; nothing is kept of it.
#[tokio::test]
async fn a_question_that_nobody_waits_for_is_forgotten() {
    let memory = Memory::new().await;
    for _ in 0..1_000 {
        let _ = memory.cached.application(memory.tenant.id, "app").now_or_never();
        let _ = memory.cached.application(memory.tenant.id, "nobody").now_or_never();
    }
    assert_eq!(memory.version().await, Some(1));
    assert_eq!(memory.cached.questions.len(), 0);
}

/// However long its ids are, what is remembered stays within its bound, and strangers evict nobody.
#[tokio::test]
async fn the_memory_is_bounded_in_bytes() {
    let memory = Memory::new().await;
    assert_eq!(memory.version().await, Some(1));
    let bound = 1 << 20;
    for number in 0..20_000 {
        memory.cached.unknown.insert(Name(memory.tenant.id, &format!("{number:0>128}")).to_key(), ());
    }
    let remembered = memory.cached.remembered();
    assert!(remembered.bytes <= bound && remembered.unknown < 200, "{remembered:?}");
    assert_eq!(memory.remembers("app"), (true, false));
    let registered = memory.cached.known(memory.tenant.id, "app").unwrap();
    for number in 0..5_000 {
        let key = Name(memory.tenant.id, &format!("{number:0>128}")).to_key();
        memory.cached.known.insert(key, Arc::clone(&registered));
    }
    let remembered = memory.cached.remembered();
    assert!(remembered.bytes <= bound && (100..1_000).contains(&remembered.applications), "{remembered:?}");
}
