//! Applications in memory, in front of any store, kept true by following the store's changes.
//! Not for: tenants and their keys, which `issuer/directory.rs` keeps.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

// Quicker than the usual one, for what is known: nobody but operators can choose keys that collide. Strangers choose those of
// what does not exist.
use foldhash::fast::RandomState as Quick;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{Equivalent, Weighter};

use super::{Store, StoreError};
use crate::domain::application::{ClientId, Registered};
use crate::domain::id::TenantId;

mod questions;
#[cfg(test)]
mod tests;
mod weight;

use questions::{Answer, Questions};

/// Of so many parts of the memory one is for client ids that do not exist. They have their own room, so that guessing
/// evicts nobody.
const PARTS: u64 = 32;

/// What is kept of an application beside itself: its places in the memory and in what the memory remembers of those it
/// has evicted, whose tables are up to twice as large as what is in them.
const PLACE: usize = 160;

/// How many of the applications that have changed are read again at once.
const READ_AGAIN: usize = 64;

/// What most applications take, so that the tables begin with about the right size.
const USUAL: u64 = 2_048;

/// A store's applications behind a memory.
pub struct Cached {
    store: Arc<dyn Store>,
    known: Arc<Cache<Key, Arc<Registered>, Weighed, Quick>>,
    unknown: Arc<Cache<Key, (), Weighed>>,
    /// The revision that the memory is true to. Held while the memory is filled or emptied, so that what was read
    /// before a change is never put in after it.
    revision: Arc<Mutex<i64>>,
    tenants_changed: AtomicI64,
    questions: Questions,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// What is in memory, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembered {
    /// Applications.
    pub applications: usize,
    /// Client ids that do not exist.
    pub unknown: usize,
    /// About how many bytes all of them take.
    pub bytes: u64,
    /// How many look-ups memory has answered.
    pub hits: u64,
    /// For how many the store was to be asked.
    pub misses: u64,
    /// The revision of the store that the memory is true to.
    pub revision: i64,
}

impl Cached {
    /// An empty memory of about so many bytes in front of `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, bytes: u64) -> Self {
        let for_unknown = bytes / PARTS;
        Self {
            store,
            known: Arc::new(room(bytes - for_unknown, USUAL)),
            unknown: Arc::new(room(for_unknown, u64::try_from(PLACE).unwrap_or(USUAL))),
            revision: Arc::default(),
            tenants_changed: AtomicI64::new(0),
            questions: Questions::new(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// The store behind.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// An application with its credentials, from memory if it is there. All who ask for one that is not ask the store
    /// once.
    ///
    /// # Errors
    /// When it is not in memory and the store does not answer, or is asked too much.
    pub async fn application(
        &self,
        tenant: TenantId,
        client_id: &str,
    ) -> Result<Option<Arc<Registered>>, StoreError> {
        if let Some(registered) = self.known(tenant, client_id) {
            return Ok(Some(registered));
        }
        let name = Name(tenant, client_id);
        if self.unknown.get(&name).is_some() {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(None);
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        self.ask(name).await
    }

    /// An application that is in memory.
    #[must_use]
    pub fn known(&self, tenant: TenantId, client_id: &str) -> Option<Arc<Registered>> {
        let found = self.known.get(&Name(tenant, client_id));
        if found.is_some() {
            self.hits.fetch_add(1, Ordering::Relaxed);
        }
        found
    }

    /// What is in memory now.
    #[must_use]
    pub fn remembered(&self) -> Remembered {
        Remembered {
            applications: self.known.len(),
            unknown: self.unknown.len(),
            bytes: self.known.weight() + self.unknown.weight(),
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            revision: *lock(&self.revision),
        }
    }

    async fn ask(&self, name: Name<'_>) -> Answer {
        let before = *lock(&self.revision);
        let key = name.to_key();
        let question = || {
            let (store, key, revision) = (Arc::clone(&self.store), key.clone(), Arc::clone(&self.revision));
            let (known, unknown) = (Arc::clone(&self.known), Arc::clone(&self.unknown));
            async move {
                // An answer came since the asker looked. Reading it again would make it another one in memory.
                if let Some(registered) = known.peek(&key) {
                    return Ok(Some(registered));
                }
                let found = store.application(key.tenant, &key.client_id).await?;
                let revision = lock(&revision);
                if *revision == before {
                    match &found {
                        Some(registered) => known.insert(key, Arc::clone(registered)),
                        None => unknown.insert(key, ()),
                    }
                }
                Ok(found)
            }
        };
        self.questions.answer(key.clone(), before, question).await
    }

    /// Takes in what changed in the store since the last time. It may go on twice at once: what one of them has taken in
    /// the other takes in again, which costs some questions and is never wrong. What was in memory and has changed is not any
    /// more, and is returned.
    ///
    /// # Errors
    /// When the store does not answer; the memory is then as it was.
    pub async fn follow(&self) -> Result<Vec<(TenantId, ClientId)>, StoreError> {
        let before = *lock(&self.revision);
        let changes = self.store.changes_since(before).await?;
        if changes.list.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Vec::new());
        }
        let mut revision = lock(&self.revision);
        let Some(list) = changes.list else {
            *revision = changes.revision;
            self.known.clear();
            self.unknown.clear();
            self.tenants_changed.fetch_add(1, Ordering::Release);
            return Ok(Vec::new());
        };
        let mut forgotten = Vec::new();
        *revision = changes.revision.max(*revision);
        for (tenant, client_id) in list {
            let Some(client_id) = client_id else {
                self.tenants_changed.fetch_add(1, Ordering::Release);
                continue;
            };
            let name = Name(tenant, client_id.as_str());
            self.unknown.remove(&name);
            if self.known.remove(&name).is_some() {
                forgotten.push((tenant, client_id));
            }
        }
        Ok(forgotten)
    }

    /// Reads again what was in memory and has changed, so that it is known should the store go away before anybody asks
    /// for it. When there is too much of it, the rest is read when it is asked for.
    pub async fn read_again(&self, forgotten: &[(TenantId, ClientId)]) {
        for (tenant, client_id) in forgotten.iter().take(READ_AGAIN) {
            // Whoever asks for it is told what is wrong.
            if self.ask(Name(*tenant, client_id.as_str())).await.is_err() {
                return;
            }
        }
    }

    /// A number that is another one whenever a tenant, its hosts or its keys have changed.
    #[must_use]
    pub fn tenants_changed(&self) -> i64 {
        self.tenants_changed.load(Ordering::Acquire)
    }
}

fn lock(revision: &Mutex<i64>) -> MutexGuard<'_, i64> {
    revision.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A memory of so many bytes, of things that take so many each.
fn room<T: Clone, H: BuildHasher + Clone + Default>(bytes: u64, usual: u64) -> Cache<Key, T, Weighed, H>
where
    Weighed: Weighter<Key, T>,
{
    let things = usize::try_from(bytes / usual).unwrap_or(usize::MAX);
    Cache::with(things, bytes, Weighed, H::default(), DefaultLifecycle::default())
}

/// How much of the memory something takes.
#[derive(Debug, Clone, Copy)]
struct Weighed;

impl Weighter<Key, Arc<Registered>> for Weighed {
    fn weight(&self, key: &Key, registered: &Arc<Registered>) -> u64 {
        let bytes = PLACE + weight::block(key.client_id.len()) + weight::of(registered);
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

impl Weighter<Key, ()> for Weighed {
    fn weight(&self, key: &Key, (): &()) -> u64 {
        u64::try_from(PLACE + weight::block(key.client_id.len())).unwrap_or(u64::MAX)
    }
}

/// A client id of a tenant: the same id in two tenants is two names (R04).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    tenant: TenantId,
    client_id: Box<str>,
}

/// A borrowed `Key`.
struct Name<'id>(TenantId, &'id str);

impl Name<'_> {
    fn to_key(&self) -> Key {
        Key { tenant: self.0, client_id: self.1.into() }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Name(self.tenant, &self.client_id).hash(state);
    }
}

impl Hash for Name<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
        self.1.hash(state);
    }
}

impl Equivalent<Key> for Name<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.0 == key.tenant && *self.1 == *key.client_id
    }
}
