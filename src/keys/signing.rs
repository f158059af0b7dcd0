//! Where signatures are made: between other work, one at a time for each processor, each application in its turn.
//! Not for: which key signs (`keys/mod.rs`), what is signed (`oauth`), or the order of those who wait (`lines.rs`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::sleep;

use super::ahead::Ahead;
use super::lines::Full;
use super::places::{Place, Places};
use crate::crypto::algorithm::Signer;
use crate::crypto::jws;
use crate::domain::id::ApplicationId;
use crate::domain::time::Clock;

/// How often it is looked whether everything that is ready waits long for its turn.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long that is: more than a timer is late by, and more than some dozens of quick tokens take.
const LATE: Duration = Duration::from_millis(5);

/// Lets so many signatures be made at once, and everything else have its turn after each of them, or after a few where many
/// wait.
///
/// An RSA signature keeps a processor busy for most of a millisecond. On threads of their own, signatures cost four
/// changes of threads for each token; here they cost none, and a health probe or a key fetch waits for one signature
/// or a few: docs/decisions/0010-signing-between-other-work.md. A signature that takes less time than the rest of its
/// request has nothing to wait for, and is made at once, unless the server is saturated. Whoever waits, waits in the
/// line of its application: docs/decisions/0024-overload-is-shared.md.
pub struct Signing {
    clock: Arc<dyn Clock>,
    count: usize,
    places: Arc<Places>,
    ahead: Ahead,
    /// Whether requests wait longer for the processor than for a signature: then quick ones have their turns as well.
    is_saturated: AtomicBool,
}

/// Why a token was not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// Too many wait already.
    #[error("too many tokens wait for their signature")]
    Busy,
    /// The signature could not be made.
    #[error("the signature could not be made")]
    Failed,
}

/// The leave to make one signature, now. Dropped, it is the next one's.
#[must_use]
pub struct Turn(Option<Place>);

impl Signing {
    /// Room for `places` signatures at once: as many as there are threads that serve requests.
    #[must_use]
    pub fn new(places: usize, clock: Arc<dyn Clock>) -> Self {
        let count = places.max(1);
        let places = Arc::new(Places::new(count, Arc::clone(&clock)));
        let (ahead, is_saturated) = Default::default();
        Self { clock, count, places, ahead, is_saturated }
    }

    /// How many signatures can be made at once.
    #[must_use]
    pub fn places(&self) -> usize {
        self.count
    }

    /// How many wait for theirs.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.places.waiting()
    }

    /// Waits until a signature may be made for an application. A caller that goes away before its turn costs none.
    ///
    /// # Errors
    /// When too many wait already, or so many of this application that others have a right to its place: within
    /// milliseconds, or never.
    pub async fn turn(&self, whose: ApplicationId, signer: &Arc<dyn Signer>) -> Result<Turn, NotSigned> {
        if signer.is_quick() && !self.is_saturated.load(Ordering::Relaxed) {
            return Ok(Turn(None));
        }
        // In a box of its own, as all that not every token needs: requests are moved, and are the smaller without it.
        match Box::pin(self.places.wait(whose, signer.is_quick())).await {
            Ok(place) => {
                self.ahead.prepare(signer, || self.places.is_idle());
                Ok(Turn(Some(place)))
            }
            Err(Full) => Err(NotSigned::Busy),
        }
    }

    /// Looks again and again whether the server is saturated; never ends.
    pub async fn keep_looking(&self) {
        loop {
            let due = self.clock.monotonic() + LOOK_EVERY;
            sleep(LOOK_EVERY).await;
            self.look(self.clock.monotonic().saturating_sub(due));
        }
    }

    /// Notes by how much a timer was late: that is how long everything waits for its turn.
    fn look(&self, late: Duration) {
        if late > LATE {
            self.is_saturated.store(true, Ordering::Relaxed);
        } else if self.places.waiting() == 0 {
            self.is_saturated.store(false, Ordering::Relaxed);
        }
    }
}

impl Turn {
    /// Whether its signature is a quick one that waits for nobody, before it or after.
    #[must_use]
    pub fn is_at_once(&self) -> bool {
        self.0.is_none()
    }

    /// Signs `token`, which holds header and payload joined by a dot, and is a whole compact JWS afterwards.
    ///
    /// # Errors
    /// When the signature could not be made.
    pub async fn sign(self, signer: &dyn Signer, token: &mut String) -> Result<(), NotSigned> {
        let begun = self.0.as_ref().map(Place::now);
        jws::sign(signer, token).map_err(|_| NotSigned::Failed)?;
        if let Some((place, begun)) = self.0.zip(begun) {
            Box::pin(place.hand_on(begun, signer.is_quick())).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use futures_util::FutureExt;
    use futures_util::future::join_all;
    use tokio::task::{JoinHandle, yield_now};

    use super::*;
    use crate::crypto::algorithm::SigningFailed;
    use crate::crypto::jwk::PublicKey;
    use crate::crypto::random::SystemRandom;
    use crate::keys::places::tests::Stopped;

    /// What signs, and counts how often; each signature takes its time.
    struct Counting {
        count: AtomicU32,
        clock: Arc<Stopped>,
        takes: Duration,
        is_quick: bool,
        key: PublicKey,
    }

    impl Signer for Counting {
        fn sign(&self, _: &[u8], output: &mut Vec<u8>) -> Result<(), SigningFailed> {
            self.count.fetch_add(1, Ordering::Relaxed);
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
            let clock = Arc::new(Stopped::default());
            let signing = Arc::new(Signing::new(1, Arc::clone(&clock) as Arc<dyn Clock>));
            let (count, key) = (AtomicU32::new(0), PublicKey::Rsa { n: vec![], e: vec![] });
            let signer = Arc::new(Counting { count, clock: Arc::clone(&clock), takes, is_quick, key });
            Self { signing, signer, clock }
        }

        async fn sign(&self, whose: ApplicationId) -> Result<String, NotSigned> {
            let turn = self.signing.turn(whose, &(Arc::clone(&self.signer) as Arc<dyn Signer>)).await?;
            let mut token = "a.b".to_owned();
            turn.sign(self.signer.as_ref(), &mut token).await.map(|()| token)
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
            self.signing.places.wait(application(), false).await.unwrap()
        }

        fn signed(&self) -> u32 {
            self.signer.count.load(Ordering::Relaxed)
        }

        /// How many wait, and how many places are free.
        fn state(&self) -> (usize, usize) {
            self.signing.places.state()
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
        assert_eq!(trial.state(), (800, 0));
        drop(held);
        assert_eq!((count_refused(asked).await, trial.signed(), trial.state()), (3, 800, (0, 1)));
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
        assert_eq!(trial.state(), (0, 1));
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_costs_no_signature_and_leaves_no_trace() {
        let trial = Trial::new();
        let held = trial.hold().await;
        let asked = trial.ask(application(), 10);
        settle().await;
        asked.iter().for_each(JoinHandle::abort);
        settle().await;
        assert_eq!(trial.state(), (0, 0));
        drop(held);
        assert!(trial.sign(application()).await.is_ok());
        assert_eq!((trial.signed(), trial.state()), (1, (0, 1)));
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
            assert_eq!(trial.state(), (0, 1), "{moment}");
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
        assert!(trial.signing.is_saturated.load(Ordering::Relaxed));
        assert_eq!(count_refused(flooded).await, 0);
        trial.signing.look(Duration::ZERO);
        assert!(!trial.signing.is_saturated.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn between_two_turns_of_others_quick_signatures_take_no_longer_than_a_slow_one() {
        let trial = Trial::quick();
        trial.signing.look(LATE + Duration::from_millis(1));
        let most = trial.most_between_turns(200, Duration::ZERO).await;
        assert!((2..=15).contains(&most), "{most}");
    }
}
