//! Where what takes long is done beside the requests: few at a time, a bounded number waiting, and each application in its
//! turn, so that whoever floods one keeps no other from its own.
//! Not for: what is done (`imported.rs`), or signatures (`keys/signing.rs`).

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::imported::{NotJudged, Outcome};
use crate::crypto::secret::SecretDigest;
use crate::domain::id::ApplicationId;

/// How many guesses may be waiting or under way, of all applications.
const QUEUE: usize = 64;

/// How many of one application. It has one place in the queue for all of them.
const OF_ONE_APPLICATION: usize = 4;

/// How long a caller waits for its turn and its answer before it is told to try again: as long as many clients do.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of a guess, or why that is not known.
pub(super) type Answer = Result<Outcome, NotJudged>;

/// Finds out. Nothing is done before its turn.
pub(super) type Work = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// The queue.
pub(super) struct SlowChecks {
    shared: Arc<Shared>,
    patience: Duration,
}

struct Shared {
    places: Semaphore,
    lines: Mutex<Lines>,
}

/// The guesses of each application that has any, the first of them under way or the next to be.
#[derive(Default)]
struct Lines {
    by_application: HashMap<ApplicationId, VecDeque<Guess>>,
    count: usize,
}

/// A secret that was presented for an application, and those who wait for what becomes of it.
struct Guess {
    digest: SecretDigest,
    work: Option<Work>,
    answer: watch::Sender<Option<Answer>>,
}

impl SlowChecks {
    /// A queue with so many places, at least one.
    pub(super) fn new(places: usize) -> Self {
        let places = Semaphore::new(places.max(1));
        Self { shared: Arc::new(Shared { places, lines: Mutex::default() }), patience: PATIENCE }
    }

    /// Does the work for a guess when it is its turn. Who comes with a guess that is there already waits for the same
    /// answer. When everybody who waits has gone away before its turn, it is not done.
    ///
    /// # Errors
    /// When there are too many, it takes too long, or the work failed.
    pub(super) async fn ask(&self, application: ApplicationId, digest: &SecretDigest, work: Work) -> Answer {
        let mut answer = self.join(application, digest, work)?;
        let answered = timeout(self.patience, answer.wait_for(Option::is_some)).await;
        let answered = answered.ok().and_then(Result::ok).and_then(|answer| *answer);
        answered.unwrap_or(Err(NotJudged::Busy))
    }

    fn join(
        &self,
        application: ApplicationId,
        digest: &SecretDigest,
        work: Work,
    ) -> Result<watch::Receiver<Option<Answer>>, NotJudged> {
        let mut lines = self.shared.lines();
        let line = lines.by_application.get(&application);
        if let Some(same) = line.and_then(|line| line.iter().find(|guess| guess.digest.matches(digest))) {
            return Ok(same.answer.subscribe());
        }
        let length = line.map_or(0, VecDeque::len);
        if lines.count >= QUEUE || length >= OF_ONE_APPLICATION {
            return Err(NotJudged::Busy);
        }
        let (sender, answer) = watch::channel(None);
        let guess = Guess { digest: digest.clone(), work: Some(work), answer: sender };
        lines.by_application.entry(application).or_default().push_back(guess);
        lines.count += 1;
        if length == 0 {
            tokio::spawn(serve(Arc::clone(&self.shared), application));
        }
        Ok(answer)
    }
}

/// Does the work of one application, one guess after another, until there is none left. After each of them it is others'
/// turn.
async fn serve(shared: Arc<Shared>, application: ApplicationId) {
    loop {
        let place = shared.places.acquire().await;
        let Some(work) = shared.next(application) else { return };
        // As a task of its own, so that a fault in it takes nobody else's turn away.
        let answer = tokio::spawn(work).await.unwrap_or(Err(NotJudged::Failed));
        let is_done = shared.finish(application, answer);
        drop(place);
        if is_done {
            return;
        }
    }
}

impl Shared {
    /// The work for the first guess that somebody still waits for. Without any, the application's line ends.
    fn next(&self, application: ApplicationId) -> Option<Work> {
        let mut lines = self.lines();
        loop {
            let first = lines.by_application.get_mut(&application)?.front_mut()?;
            if first.answer.receiver_count() > 0 {
                return first.work.take();
            }
            lines.drop_first(application);
        }
    }

    /// Tells those who wait for the first guess what became of it; whether it was the last of the line.
    fn finish(&self, application: ApplicationId, answer: Answer) -> bool {
        let mut lines = self.lines();
        if let Some(first) = lines.by_application.get(&application).and_then(VecDeque::front) {
            first.answer.send_replace(Some(answer));
        }
        lines.drop_first(application);
        !lines.by_application.contains_key(&application)
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    /// A line is there as long as there is a guess in it, and as long somebody serves it.
    fn drop_first(&mut self, application: ApplicationId) {
        let Some(line) = self.by_application.get_mut(&application) else { return };
        self.count -= usize::from(line.pop_front().is_some());
        if line.is_empty() {
            self.by_application.remove(&application);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;
    use tokio::task::{JoinHandle, yield_now};

    use super::*;
    use crate::crypto::random::SystemRandom;

    /// A queue with one place, and work that says when it begins and waits to be let go on.
    struct Trial {
        checks: Arc<SlowChecks>,
        begun: Arc<Mutex<Vec<String>>>,
        gate: Arc<Semaphore>,
    }

    impl Trial {
        fn new() -> Self {
            let checks = Arc::new(SlowChecks::new(0));
            Self { checks, begun: Arc::default(), gate: Arc::new(Semaphore::new(0)) }
        }

        async fn ask(&self, application: ApplicationId, name: &str) -> JoinHandle<Answer> {
            let (checks, begun, gate) =
                (Arc::clone(&self.checks), Arc::clone(&self.begun), Arc::clone(&self.gate));
            let (name, mut digest) = (name.to_owned(), [0; 32]);
            digest[..name.len()].copy_from_slice(name.as_bytes());
            let asked = tokio::spawn(async move {
                let work = async move {
                    begun.lock().unwrap().push(name);
                    gate.acquire().await.unwrap().forget();
                    Ok(Outcome::Wrong)
                };
                checks.ask(application, &SecretDigest::from_bytes(digest), Box::pin(work)).await
            });
            self.settle().await;
            asked
        }

        async fn settle(&self) {
            for _ in 0..20 {
                yield_now().await;
            }
        }

        fn begun(&self) -> String {
            self.begun.lock().unwrap().join(" ")
        }
    }

    fn application() -> ApplicationId {
        ApplicationId::new(&SystemRandom)
    }

    #[tokio::test]
    async fn many_with_the_same_guess_have_one_answer() {
        let (trial, app) = (Trial::new(), application());
        let mut asked = Vec::new();
        for _ in 0..50 {
            asked.push(trial.ask(app, "a").await);
        }
        trial.gate.add_permits(1);
        for one in asked {
            assert_eq!(one.await.unwrap(), Ok(Outcome::Wrong));
        }
        assert_eq!(trial.begun(), "a");
    }

    #[tokio::test]
    async fn who_floods_one_application_keeps_no_other_waiting() {
        let (trial, flooded, other) = (Trial::new(), application(), application());
        let mut asked = Vec::new();
        for name in ["a", "b", "c", "d", "e", "f"] {
            asked.push(trial.ask(flooded, name).await);
        }
        asked.push(trial.ask(other, "o").await);
        trial.gate.add_permits(10);
        let mut answers = Vec::new();
        for one in asked {
            answers.push(one.await.unwrap());
        }
        let (wrong, busy) = (Ok(Outcome::Wrong), Err(NotJudged::Busy));
        assert_eq!(answers, [wrong, wrong, wrong, wrong, busy, busy, wrong]);
        assert_eq!(trial.begun(), "a o b c d");
        // The line is gone, and so is what was counted.
        assert_eq!(trial.ask(flooded, "g").await.await.unwrap(), wrong);
        let lines = trial.checks.shared.lines();
        assert_eq!((lines.count, lines.by_application.len()), (0, 0));
    }

    #[tokio::test]
    async fn a_full_queue_refuses() {
        let trial = Trial::new();
        let mut asked = Vec::new();
        for _ in 0..QUEUE {
            asked.push(trial.ask(application(), "x").await);
        }
        assert_eq!(trial.ask(application(), "x").await.await.unwrap(), Err(NotJudged::Busy));
        trial.gate.add_permits(QUEUE + 1);
        for one in asked {
            assert_eq!(one.await.unwrap(), Ok(Outcome::Wrong));
        }
        assert_eq!(trial.ask(application(), "x").await.await.unwrap(), Ok(Outcome::Wrong));
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_costs_nothing() {
        let (trial, app) = (Trial::new(), application());
        let _first = trial.ask(application(), "first").await;
        for name in ["gone", "gone too"] {
            trial.ask(app, name).await.abort();
        }
        trial.settle().await;
        let stayed = trial.ask(app, "stayed").await;
        trial.gate.add_permits(2);
        assert_eq!(stayed.await.unwrap(), Ok(Outcome::Wrong));
        assert_eq!(trial.begun(), "first stayed");
        assert_eq!(trial.checks.shared.lines().count, 0);
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let mut trial = Trial::new();
        trial.checks = Arc::new(SlowChecks { patience: Duration::from_millis(20), ..SlowChecks::new(1) });
        let asked = trial.ask(application(), "x").await;
        assert_eq!(asked.await.unwrap(), Err(NotJudged::Busy));
    }

    #[tokio::test]
    async fn a_fault_in_the_work_is_an_answer() {
        let (trial, app) = (Trial::new(), application());
        let digest = SecretDigest::from_bytes([1; 32]);
        let faulty: Work = Box::pin(async { panic!("a fault") });
        assert_eq!(trial.checks.ask(app, &digest, faulty).await, Err(NotJudged::Failed));
        trial.gate.add_permits(1);
        assert_eq!(trial.ask(app, "next").await.await.unwrap(), Ok(Outcome::Wrong));
    }
}
