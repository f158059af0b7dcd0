//! Where what takes long is done beside the requests: few at a time, a bounded number waiting, and each application in its
//! turn, piece by piece, so that whoever floods some keeps no other from its own.
//! Not for: what is done (`imported.rs`), or signatures (`keys/signing/`).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::imported::{NotJudged, Outcome};
use crate::crypto::secret::SecretDigest;
use crate::domain::id::ApplicationId;

/// How many applications may have a guess waiting or under way. Each may have one, whatever others have.
const APPLICATIONS: usize = 10_000;

/// How many guesses more they may have, all together.
const FURTHER_GUESSES: usize = 64;

/// How many guesses there may be of one application. It has one place in the queue for all of them.
const OF_ONE_APPLICATION: usize = 4;

/// How long a caller waits for its turn and its answer before it is told to try again: as long as many clients do.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of a guess, or why that is not known.
pub(super) type Answer = Result<Outcome, NotJudged>;

/// Finds out. Nothing is done before its turn.
#[async_trait]
pub(super) trait Work: Send {
    /// Does one piece, after which it is others' turn; nothing when there is more to do.
    async fn go_on(&mut self) -> Option<Answer>;
}

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
    /// Nothing while a piece of it is under way.
    work: Option<Box<dyn Work>>,
    answer: watch::Sender<Option<Answer>>,
}

impl SlowChecks {
    /// A queue with so many places, at least one.
    pub(super) fn new(places: usize) -> Self {
        let places = Semaphore::new(places.max(1));
        Self { shared: Arc::new(Shared { places, lines: Mutex::default() }), patience: PATIENCE }
    }

    /// Does the work for a guess when it is its turn. Who comes with a guess that is there already waits for the same
    /// answer. When everybody who waits has gone away, what is left of it is not done.
    ///
    /// # Errors
    /// When there are too many, it takes too long, or the work failed.
    pub(super) async fn ask(
        &self,
        application: ApplicationId,
        digest: &SecretDigest,
        work: Box<dyn Work>,
    ) -> Answer {
        let mut answer = self.join(application, digest, work)?;
        let answered = timeout(self.patience, answer.wait_for(Option::is_some)).await;
        let answered = answered.ok().and_then(Result::ok).and_then(|answer| *answer);
        answered.unwrap_or(Err(NotJudged::Busy))
    }

    fn join(
        &self,
        application: ApplicationId,
        digest: &SecretDigest,
        work: Box<dyn Work>,
    ) -> Result<watch::Receiver<Option<Answer>>, NotJudged> {
        let mut lines = self.shared.lines();
        let line = lines.by_application.get(&application);
        if let Some(same) = line.and_then(|line| line.iter().find(|guess| guess.digest.matches(digest))) {
            return Ok(same.answer.subscribe());
        }
        let length = line.map_or(0, VecDeque::len);
        if !lines.have_room_behind(length) {
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

/// Does the work of one application, one guess after another, until there is none left. After each piece it is others'
/// turn.
async fn serve(shared: Arc<Shared>, application: ApplicationId) {
    loop {
        let place = shared.places.acquire().await;
        let Some(mut work) = shared.next(application) else { return };
        // As a task of its own, so that a fault in it takes nobody else's turn away.
        let piece = tokio::spawn(async move {
            let answer = work.go_on().await;
            (work, answer)
        });
        let is_done = match piece.await {
            Ok((work, None)) => shared.put_back(application, work),
            Ok((_, Some(answer))) => shared.finish(application, answer),
            Err(_) => shared.finish(application, Err(NotJudged::Failed)),
        };
        drop(place);
        if is_done {
            return;
        }
    }
}

impl Shared {
    /// The work for the first guess that somebody still waits for. Without any, the application's line ends.
    fn next(&self, application: ApplicationId) -> Option<Box<dyn Work>> {
        let mut lines = self.lines();
        loop {
            let first = lines.by_application.get_mut(&application)?.front_mut()?;
            if first.answer.receiver_count() > 0 {
                return first.work.take();
            }
            lines.drop_first(application);
        }
    }

    /// Puts back the work for the first guess, of which more is to be done; the line is not over.
    fn put_back(&self, application: ApplicationId, work: Box<dyn Work>) -> bool {
        let mut lines = self.lines();
        if let Some(first) = lines.by_application.get_mut(&application).and_then(VecDeque::front_mut) {
            first.work = Some(work);
        }
        false
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
    /// Whether one more guess may wait behind so many of its application.
    fn have_room_behind(&self, length: usize) -> bool {
        let applications = self.by_application.len();
        match length {
            0 => applications < APPLICATIONS,
            OF_ONE_APPLICATION.. => false,
            _ => self.count.saturating_sub(applications) < FURTHER_GUESSES,
        }
    }

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

    /// A queue with one place, and work that says when a piece of it begins and waits to be let go on.
    #[derive(Clone)]
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
            self.ask_in_pieces(application, name, 1).await
        }

        async fn ask_in_pieces(&self, app: ApplicationId, name: &str, left: usize) -> JoinHandle<Answer> {
            let (checks, work, mut digest) = (Arc::clone(&self.checks), self.work(name, left), [0; 32]);
            digest[..name.len()].copy_from_slice(name.as_bytes());
            let asked =
                tokio::spawn(async move { checks.ask(app, &SecretDigest::from_bytes(digest), work).await });
            self.settle().await;
            asked
        }

        fn work(&self, name: &str, left: usize) -> Box<dyn Work> {
            Box::new(Pieces { trial: self.clone(), name: name.to_owned(), left })
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

    struct Pieces {
        trial: Trial,
        name: String,
        left: usize,
    }

    #[async_trait]
    impl Work for Pieces {
        async fn go_on(&mut self) -> Option<Answer> {
            self.trial.begun.lock().unwrap().push(self.name.clone());
            self.trial.gate.acquire().await.unwrap().forget();
            self.left -= 1;
            (self.left == 0).then_some(Ok(Outcome::Wrong))
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
    async fn who_floods_many_applications_keeps_no_other_from_its_turn() {
        let (trial, other) = (Trial::new(), application());
        let mut asked = Vec::new();
        for _ in 0..25 {
            let flooded = application();
            for name in ["a", "b", "c", "d"] {
                asked.push(trial.ask(flooded, name).await);
            }
        }
        let first = trial.ask(other, "first").await;
        assert_eq!(trial.ask(other, "second").await.await.unwrap(), Err(NotJudged::Busy));
        trial.gate.add_permits(26);
        assert_eq!(first.await.unwrap(), Ok(Outcome::Wrong));
        trial.gate.add_permits(FURTHER_GUESSES);
        let mut answered = 0;
        for one in asked {
            answered += usize::from(one.await.unwrap() == Ok(Outcome::Wrong));
        }
        assert_eq!(answered, 25 + FURTHER_GUESSES);
        trial.gate.add_permits(1);
        assert_eq!(trial.ask(other, "second").await.await.unwrap(), Ok(Outcome::Wrong));
    }

    #[tokio::test]
    async fn a_bounded_number_of_applications_waits() {
        let trial = Trial::new();
        let join =
            |digest| trial.checks.join(application(), &SecretDigest::from_bytes(digest), trial.work("x", 1));
        let waiting: Vec<_> = (0..APPLICATIONS).map(|_| join([1; 32]).unwrap()).collect();
        assert_eq!(join([1; 32]).err(), Some(NotJudged::Busy));
        drop(waiting);
        for _ in 0..APPLICATIONS {
            yield_now().await;
        }
        assert_eq!(trial.checks.shared.lines().count, 0);
    }

    #[tokio::test]
    async fn after_each_piece_it_is_the_turn_of_others() {
        let (trial, long) = (Trial::new(), application());
        let mut asked = vec![trial.ask_in_pieces(long, "long", 3).await];
        asked.push(trial.ask(long, "next").await);
        asked.push(trial.ask(application(), "o").await);
        asked.push(trial.ask_in_pieces(application(), "p", 2).await);
        trial.gate.add_permits(10);
        for one in asked {
            assert_eq!(one.await.unwrap(), Ok(Outcome::Wrong));
        }
        assert_eq!(trial.begun(), "long o p long p long next");
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_gone_on_with() {
        let (trial, app) = (Trial::new(), application());
        let long = trial.ask_in_pieces(app, "long", 10).await;
        let next = trial.ask(app, "next").await;
        long.abort();
        trial.gate.add_permits(20);
        assert_eq!(next.await.unwrap(), Ok(Outcome::Wrong));
        assert_eq!(trial.begun(), "long next");
        assert_eq!(trial.checks.shared.lines().count, 0);
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
        trial.gate.add_permits(2);
        // There is no piece to do, so that counting it down is a fault.
        let faulty = trial.ask_in_pieces(app, "faulty", 0).await;
        assert_eq!(faulty.await.unwrap(), Err(NotJudged::Failed));
        assert_eq!(trial.ask(app, "next").await.await.unwrap(), Ok(Outcome::Wrong));
    }
}
