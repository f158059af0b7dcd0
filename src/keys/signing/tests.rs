//! Who signs, when, and where.
//! Not for: in which order those who wait are served (`lines.rs`).

use std::sync::atomic::{AtomicU32, AtomicUsize};

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::task::{JoinHandle, yield_now};

use super::*;
use crate::crypto::algorithm::SigningFailed;
use crate::crypto::jwk::PublicKey;
use crate::crypto::random::SystemRandom;
use crate::keys::places::tests::Stopped;
use crate::threads::{AtWork, number};

/// What signs, counts how often, and knows which worker did so last; each signature takes its time.
struct Counting {
    count: AtomicU32,
    last_by: AtomicUsize,
    clock: Arc<Stopped>,
    takes: Duration,
    is_quick: bool,
    key: PublicKey,
}

impl Signer for Counting {
    fn sign(&self, _: &[u8], output: &mut Vec<u8>) -> Result<(), SigningFailed> {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.last_by.store(number(), Ordering::Relaxed);
        self.clock.pass(self.takes);
        output.push(1);
        Ok(())
    }

    fn signature_length(&self) -> usize {
        1
    }

    fn is_quick(&self) -> bool {
        self.is_quick
    }

    fn public_key(&self) -> &PublicKey {
        &self.key
    }
}

/// Room for one signature at once.
#[derive(Clone)]
struct Trial {
    signing: Arc<Signing>,
    signer: Arc<Counting>,
    clock: Arc<Stopped>,
}

type Signed = JoinHandle<Result<String, NotSigned>>;

impl Trial {
    fn new() -> Self {
        Self::with(Duration::from_millis(1), false)
    }

    fn quick() -> Self {
        Self::with(Duration::from_micros(20), true)
    }

    fn with(takes: Duration, is_quick: bool) -> Self {
        Self::of(Workers::alone(), takes, is_quick)
    }

    /// A slow signer, with which two workers sign.
    fn of_two() -> (Self, AtWork) {
        let (workers, at_work) = Workers::start(2).unwrap();
        (Self::of(workers, Duration::from_millis(1), false), at_work)
    }

    fn of(workers: Workers, takes: Duration, is_quick: bool) -> Self {
        let clock = Arc::new(Stopped::default());
        let signing = Arc::new(Signing::new(workers, Arc::clone(&clock) as Arc<dyn Clock>));
        let (count, last_by) = Default::default();
        let key = PublicKey::Rsa { n: vec![], e: vec![] };
        let signer = Arc::new(Counting { count, last_by, clock: Arc::clone(&clock), takes, is_quick, key });
        Self { signing, signer, clock }
    }

    async fn sign(&self, whose: ApplicationId) -> Result<String, NotSigned> {
        let signer = Arc::clone(&self.signer) as Arc<dyn Signer>;
        let turn = self.signing.turn(whose, &signer).await?;
        let mut token = "a.b".to_owned();
        turn.sign(&signer, &mut token).await.map(|()| token)
    }

    fn ask(&self, whose: ApplicationId, count: usize) -> Vec<Signed> {
        let ask = |_| {
            let trial = self.clone();
            tokio::spawn(async move { trial.sign(whose).await })
        };
        (0..count).map(ask).collect()
    }

    /// How many signatures are made at most while another task waits, if so many are asked for at once, and everything
    /// else takes so long each time.
    async fn most_between_turns(&self, count: u32, others: Duration) -> u32 {
        let start = self.signed();
        let asked = self.ask(application(), usize::try_from(count).unwrap());
        let (mut before, mut most) = (start, 0);
        while before < start + count {
            self.clock.pass(others);
            yield_now().await;
            let now = self.signed();
            (before, most) = (now, most.max(now - before));
        }
        for one in asked {
            assert_eq!(one.await.unwrap(), Ok("a.b.AQ".to_owned()));
        }
        most
    }

    /// Takes the only place, so that whoever asks has to wait.
    async fn hold(&self) -> Place {
        self.signing.desks.of(0).places.wait(application(), false).await.unwrap()
    }

    /// Takes the place of the other worker.
    async fn hold_other(&self) -> Place {
        self.signing.desks.of(1).places.wait(application(), false).await.unwrap()
    }

    /// How many the other worker has to sign for.
    fn others_load(&self) -> usize {
        self.signing.desks.of(1).places.load()
    }

    /// Waits until nobody has the other worker's place or waits for it.
    async fn wait_for_other(&self) {
        while self.others_load() > 0 {
            yield_now().await;
        }
    }

    /// Which worker made the last signature.
    fn last_by(&self) -> usize {
        self.signer.last_by.load(Ordering::Relaxed)
    }

    fn signed(&self) -> u32 {
        self.signer.count.load(Ordering::Relaxed)
    }

    /// How many wait, and whether the place is free.
    fn state(&self) -> (usize, bool) {
        self.signing.desks.of(0).places.state()
    }
}

fn application() -> ApplicationId {
    ApplicationId::new(&SystemRandom)
}

async fn settle() {
    for _ in 0..20 {
        yield_now().await;
    }
}

async fn count_refused(asked: Vec<Signed>) -> usize {
    let mut refused = 0;
    for one in asked {
        refused += usize::from(one.await.unwrap() == Err(NotSigned::Busy));
    }
    refused
}

#[tokio::test]
async fn others_have_their_turn_after_each_signature() {
    let trial = Trial::new();
    assert_eq!(trial.most_between_turns(50, Duration::ZERO).await, 1);
}

#[tokio::test]
async fn where_many_wait_others_have_their_turn_after_a_few_signatures() {
    let trial = Trial::with(Duration::from_micros(300), false);
    // With some tens of milliseconds to wait.
    assert_eq!(trial.most_between_turns(100, Duration::ZERO).await, 4);
    assert_eq!(trial.most_between_turns(3, Duration::ZERO).await, 1);
}

#[tokio::test]
async fn the_signatures_of_a_turn_come_before_what_follows_each() {
    let trial = Trial::with(Duration::from_micros(300), false);
    let ask = |trial: Trial| async move { trial.sign(application()).await.map(|_| trial.signed()) };
    let asked = std::iter::repeat_n(trial, 100).map(|trial| tokio::spawn(ask(trial)));
    let signed: Vec<_> = join_all(asked).await.into_iter().map(|one| one.unwrap().unwrap()).collect();
    // The first has a turn to itself, since nobody waits yet.
    assert_eq!(signed[..6], [1, 5, 5, 5, 5, 9]);
}

#[tokio::test]
async fn signatures_take_no_more_than_half_of_the_time_where_everything_else_takes_long() {
    let trial = Trial::new();
    // Everything else takes as long as four signatures each time.
    let most = trial.most_between_turns(50, Duration::from_millis(4)).await;
    assert!((2..=4).contains(&most), "{most}");
}

#[tokio::test]
async fn refuses_whom_it_would_keep_waiting_for_too_long_and_signs_for_the_rest() {
    let trial = Trial::new();
    let held = trial.hold().await;
    // At the usual pace, a millisecond for each, so many are served within the time that anybody waits.
    let asked = trial.ask(application(), 803);
    settle().await;
    assert_eq!(trial.state(), (800, false));
    drop(held);
    assert_eq!((count_refused(asked).await, trial.signed(), trial.state()), (3, 800, (0, true)));
}

#[tokio::test]
async fn who_floods_takes_no_turn_from_another() {
    let trial = Trial::new();
    let (flood, other) = (application(), application());
    let held = trial.hold().await;
    let flooded = trial.ask(flood, 950);
    settle().await;
    let asked = trial.ask(other, 2);
    settle().await;
    drop(held);
    assert_eq!(count_refused(asked).await, 0);
    // Each waited for one of the flood at most, and one more is the next.
    assert!(trial.signed() <= 5, "{}", trial.signed());
    assert_eq!(count_refused(flooded).await, 152);
    assert_eq!(trial.state(), (0, true));
}

#[tokio::test]
async fn a_caller_that_goes_away_costs_no_signature_and_leaves_no_trace() {
    let trial = Trial::new();
    let held = trial.hold().await;
    let asked = trial.ask(application(), 10);
    settle().await;
    asked.iter().for_each(JoinHandle::abort);
    settle().await;
    assert_eq!(trial.state(), (0, false));
    drop(held);
    assert!(trial.sign(application()).await.is_ok());
    assert_eq!((trial.signed(), trial.state()), (1, (0, true)));
}

/// Whenever it goes: while it waits, with its place on the way, with its place, in the middle of its signature.
#[tokio::test]
async fn whoever_goes_away_at_any_moment_takes_no_place_along() {
    for moment in 0..8 {
        let trial = Trial::new();
        let held = trial.hold().await;
        let mut asked = trial.ask(application(), 3);
        settle().await;
        let gone = asked.remove(0);
        drop(held);
        for _ in 0..moment {
            yield_now().await;
        }
        gone.abort();
        assert_eq!(count_refused(asked).await, 0, "{moment}");
        settle().await;
        assert_eq!(trial.state(), (0, true), "{moment}");
    }
}

#[tokio::test]
async fn a_quick_signature_waits_for_nobody() {
    let trial = Trial::quick();
    let _held = trial.hold().await;
    // Once asked, it has the answer: it neither queues nor lets others go first.
    assert_eq!(trial.sign(application()).now_or_never(), Some(Ok("a.b.AQ".to_owned())));
}

#[tokio::test]
async fn quick_signatures_have_their_turns_while_the_server_is_saturated() {
    let trial = Trial::quick();
    let (flood, other) = (application(), application());
    trial.signing.look(LATE + Duration::from_millis(1));
    let flooded = trial.ask(flood, 200);
    let asked = trial.ask(other, 1);
    assert_eq!(count_refused(asked).await, 0);
    assert!(trial.signed() < 100, "{}", trial.signed());
    // It is over when nobody waits any more, not when nobody is late because all of them do.
    trial.signing.look(Duration::ZERO);
    assert!(trial.signing.desks.of(0).is_saturated.load(Ordering::Relaxed));
    assert_eq!(count_refused(flooded).await, 0);
    trial.signing.look(Duration::ZERO);
    assert!(!trial.signing.desks.of(0).is_saturated.load(Ordering::Relaxed));
}

#[tokio::test]
async fn between_two_turns_of_others_quick_signatures_take_no_longer_than_a_slow_one() {
    let trial = Trial::quick();
    trial.signing.look(LATE + Duration::from_millis(1));
    let most = trial.most_between_turns(200, Duration::ZERO).await;
    assert!((2..=15).contains(&most), "{most}");
}

#[tokio::test]
async fn who_would_have_to_wait_is_signed_for_by_a_worker_that_has_nothing_to_sign() {
    let (trial, _at_work) = Trial::of_two();
    assert!(trial.sign(application()).await.is_ok());
    assert_eq!(trial.last_by(), 0, "nobody has to wait");
    let held = trial.hold().await;
    for _ in 0..3 {
        assert_eq!(trial.sign(application()).await, Ok("a.b.AQ".to_owned()));
        assert_eq!(trial.last_by(), 1);
        trial.wait_for_other().await;
    }
    drop(held);
}

#[tokio::test]
async fn who_comes_to_a_busy_worker_waits_with_another_that_is_less_than_half_as_busy() {
    let (trial, _at_work) = Trial::of_two();
    let (held, others) = (trial.hold().await, trial.hold_other().await);
    let asked = trial.ask(application(), 20);
    settle().await;
    // Each but the first came to where fewer waited: one holds each place.
    assert_eq!((trial.state(), trial.others_load()), ((14, false), 7));
    drop(others);
    trial.wait_for_other().await;
    assert_eq!((trial.signed(), trial.last_by()), (6, 1));
    drop(held);
    assert_eq!(count_refused(asked).await, 0);
    assert_eq!((trial.signed(), trial.state()), (20, (0, true)));
}

#[tokio::test]
async fn whoever_goes_away_while_another_worker_signs_takes_no_place_along() {
    let (trial, at_work) = Trial::of_two();
    let held = trial.hold().await;
    for moment in 0..4 {
        let asked = trial.ask(application(), 1).remove(0);
        for _ in 0..moment {
            yield_now().await;
        }
        asked.abort();
        let _ = asked.await;
        trial.wait_for_other().await;
    }
    // Before it signs, and while it waits there.
    let before = trial.signed();
    let signer = Arc::clone(&trial.signer) as Arc<dyn Signer>;
    let turn = trial.signing.turn(application(), &signer).await;
    assert!(matches!(&turn, Ok(Turn(Leave::There(_)))));
    drop(turn);
    let others = trial.hold_other().await;
    let asked = trial.ask(application(), 10);
    settle().await;
    assert!(trial.others_load() > 1);
    asked.iter().for_each(JoinHandle::abort);
    while trial.others_load() > 1 {
        yield_now().await;
    }
    drop(others);
    assert_eq!((trial.signed(), trial.others_load()), (before, 0));
    // A worker that has ended signs nothing, and whoever waits for it hears of that.
    drop(at_work);
    assert_eq!(trial.sign(application()).await, Err(NotSigned::Failed));
    assert_eq!(trial.others_load(), 0);
    drop(held);
}

#[tokio::test]
async fn who_is_sent_away_by_another_worker_is_refused() {
    let (trial, _at_work) = Trial::of_two();
    let held = (trial.hold().await, trial.hold_other().await);
    let asked = trial.ask(application(), 10);
    settle().await;
    assert!(trial.others_load() > 1);
    // So long that whoever gets a place now does not want it any more.
    trial.clock.pass(Duration::from_secs(2));
    drop(held);
    assert_eq!(count_refused(asked).await, 10);
    assert_eq!((trial.signed(), trial.state(), trial.others_load()), (0, (0, true), 0));
}

#[tokio::test]
async fn quick_signatures_are_made_here_even_if_they_wait() {
    let (workers, _at_work) = Workers::start(2).unwrap();
    let trial = Trial::of(workers, Duration::from_micros(20), true);
    trial.signing.look(LATE + Duration::from_millis(1));
    let held = trial.hold().await;
    let asked = trial.ask(application(), 1);
    settle().await;
    assert_eq!((trial.state(), trial.signed()), ((1, false), 0));
    drop(held);
    assert_eq!(count_refused(asked).await, 0);
    assert_eq!(trial.last_by(), 0);
}
