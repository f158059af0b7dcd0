//! Questions about applications that are not in memory: one for all who ask at once, and not too many at once.
//! Not for: what is kept of the answers (`mod.rs`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::Key;
use crate::domain::application::Registered;
use crate::store::StoreError;

/// How many questions the store is asked at once. Whoever asks for names that nobody knows must leave it room for
/// everything else.
const AT_ONCE: usize = 8;

/// How many questions may wait besides. At a millisecond for each answer that is a wait of 32 ms.
const WAITING: usize = 256;

/// How long an answer may take.
const ANSWERED_WITHIN: Duration = Duration::from_secs(1);

/// What the store says of an application.
pub(super) type Answer = Result<Option<Arc<Registered>>, StoreError>;

type Question = Shared<BoxFuture<'static, Answer>>;

/// The questions under way. Only those that were asked at the same revision are one: who asks after a change was taken in
/// must not get an answer from before it.
pub(super) struct Questions {
    asked: Arc<Asked>,
    /// Places for those that are asked and those that wait.
    all: Arc<Semaphore>,
    /// Places for those that are asked.
    at_once: Arc<Semaphore>,
}

type List = HashMap<(Key, i64), WeakShared<BoxFuture<'static, Answer>>>;

#[derive(Default)]
struct Asked(Mutex<List>);

impl Questions {
    pub(super) fn new() -> Self {
        let (all, at_once) = (Semaphore::new(AT_ONCE + WAITING), Semaphore::new(AT_ONCE));
        Self { asked: Arc::default(), all: Arc::new(all), at_once: Arc::new(at_once) }
    }

    /// The answer to a question at a revision; `ask` asks it unless somebody does already. It goes on as long as anybody
    /// waits for it.
    pub(super) fn answer<F>(&self, key: Key, revision: i64, ask: impl FnOnce() -> F) -> Question
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let name = (key, revision);
        let mut asked = self.asked.lock();
        if let Some(question) = asked.get(&name).and_then(WeakShared::upgrade) {
            return question;
        }
        let Ok(place) = Arc::clone(&self.all).try_acquire_owned() else {
            let busy = unavailable("too many applications are asked for that are not in memory");
            return async move { Err(busy) }.boxed().shared();
        };
        let (at_once, question) = (Arc::clone(&self.at_once), ask());
        let end = End { asked: Arc::clone(&self.asked), name: name.clone() };
        let question = async move {
            let _all = (place, end);
            let _one = at_once.acquire().await;
            // New callers join all the time: without an end they would all wait for an answer that never comes.
            timeout(ANSWERED_WITHIN, question).await.unwrap_or_else(|_| Err(unavailable("it is too slow")))
        };
        let question = question.boxed().shared();
        if let Some(weak) = question.downgrade() {
            asked.insert(name, weak);
        }
        question
    }

    /// How many are under way.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.asked.lock().len()
    }
}

impl Asked {
    fn lock(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a question out of the list when it is answered, or nobody waits for it any more.
struct End {
    asked: Arc<Asked>,
    name: (Key, i64),
}

impl Drop for End {
    fn drop(&mut self) {
        self.asked.lock().remove(&self.name);
    }
}

fn unavailable(why: &str) -> StoreError {
    StoreError::Unavailable(why.to_owned())
}
