//! Attempts to follow the store. Whoever gives up waiting for one, it goes on; and there are never more than two.
//! Not for: what is taken in (`tenants.rs`), or what follows from an attempt (`freshness.rs`).

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::freshness::{Attempt, Freshness, Standing};
use super::tenants::{Forgotten, Tenants};
use super::unavailable;
use crate::domain::time::in_millis;
use crate::store::StoreError;

/// How long the store may take for its answer before it is said to be away. A request waits no longer than for this.
const DEADLINE: Duration = Duration::from_millis(600);

/// The steps in which that is waited for.
const STEP: Duration = Duration::from_millis(100);

/// By how much a step, and all of them together, may be late. Where they are later it was this process that stood still,
/// and nothing is known of the store.
const LATE: Duration = Duration::from_millis(200);

/// How long an attempt is carried on of which nobody expects an answer soon, so that a slow store still brings changes.
const CARRIED_FOR: Duration = Duration::from_secs(20);

/// The oldest that something a request has waited for may be. It leaves the request time to be answered within the
/// second after a change.
const WAITED_FOR: Duration = Duration::from_millis(800);

/// How the store is followed.
pub(super) struct Following {
    tenants: Arc<Tenants>,
    /// Attempts run where the server was started, whoever asks for them.
    runtime: Handle,
    attempts: Mutex<Attempts>,
    told: watch::Sender<Told>,
}

/// Those under way: one that is young, and one that is carried on.
#[derive(Default)]
struct Attempts {
    count: u64,
    young: Option<Attempt>,
    one_is_carried: bool,
}

/// What became of the attempt with this number.
#[derive(Clone)]
struct Told {
    number: u64,
    outcome: Outcome,
}

#[derive(Clone)]
enum Outcome {
    /// What was true when it began, then, is in memory.
    Found(u64),
    /// The store is away.
    Missed(StoreError),
    /// The store answered, and the answer is of no use.
    Wrong(StoreError),
    /// Taking in the answer panicked.
    Broke,
    /// This process stood still in the meantime.
    Unknown,
}

impl Following {
    pub(super) fn new(tenants: Arc<Tenants>) -> Arc<Self> {
        let (told, _) = watch::channel(Told { number: 0, outcome: Outcome::Unknown });
        Arc::new(Self { tenants, runtime: Handle::current(), attempts: Mutex::default(), told })
    }

    /// Waits until a request may act on memory, and says since when it rests on what is true. While the store is away
    /// that is now: nothing truer can be known.
    ///
    /// # Errors
    /// When it may not.
    pub(super) async fn wait_until_known(self: &Arc<Self>) -> Result<u64, StoreError> {
        loop {
            if let Some(known) = self.known(self.now()) {
                return known;
            }
            match self.attempt().await.outcome {
                Outcome::Found(began) if self.freshness().age(began) <= WAITED_FOR => return Ok(began),
                Outcome::Missed(error) => return self.known(self.now()).unwrap_or(Err(error)),
                Outcome::Wrong(error) => return Err(error),
                // Whoever asked for it is told in the same way as if it had been done here.
                Outcome::Broke => std::panic::resume_unwind(Box::new("following the store panicked")),
                Outcome::Found(_) | Outcome::Unknown => {}
            }
        }
    }

    /// Takes in what is in the store now.
    ///
    /// # Errors
    /// When the store does not answer; the memory is then as it was.
    pub(super) async fn follow(self: &Arc<Self>) -> Result<(), StoreError> {
        let before = self.lock().count;
        loop {
            let told = self.attempt().await;
            match told.outcome {
                _ if told.number <= before => {}
                Outcome::Unknown => {}
                Outcome::Found(_) => return Ok(()),
                Outcome::Missed(error) | Outcome::Wrong(error) => return Err(error),
                Outcome::Broke => {
                    return Err(StoreError::Corrupt("what was read cannot be taken in".to_owned()));
                }
            }
        }
    }

    /// Waits until the store is found away.
    pub(super) async fn missed(&self) {
        let mut told = self.told.subscribe();
        let is_missed = |told: &Told| matches!(told.outcome, Outcome::Missed(_));
        if told.wait_for(is_missed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// What a request may do now, which is this moment on the monotonic clock, if that is known without an attempt.
    pub(super) fn known(&self, now: Duration) -> Option<Result<u64, StoreError>> {
        match self.freshness().standing(now) {
            Standing::True(since) => Some(Ok(since)),
            Standing::Away => Some(Ok(in_millis(now))),
            Standing::Refused(error) => Some(Err(error)),
            Standing::Unknown => None,
        }
    }

    fn now(&self) -> Duration {
        self.tenants.services().clock.monotonic()
    }

    /// Waits for what becomes of the attempt that is young, or of a new one.
    async fn attempt(self: &Arc<Self>) -> Told {
        let mut told = self.told.subscribe();
        let number = self.start();
        match told.wait_for(|told| told.number >= number).await {
            Ok(told) => told.clone(),
            Err(_) => Told { number, outcome: Outcome::Missed(unavailable("the server stops")) },
        }
    }

    /// Starts an attempt, unless there is a young one. Its number.
    fn start(self: &Arc<Self>) -> u64 {
        let mut attempts = self.lock();
        if let Some(young) = attempts.young
            && self.freshness().age(young.began) <= DEADLINE + LATE
        {
            return young.number;
        }
        attempts.count += 1;
        let attempt = Attempt { number: attempts.count, began: self.freshness().now() };
        attempts.young = Some(attempt);
        let this = Arc::clone(self);
        self.runtime.spawn(async move { this.run(attempt).await });
        attempt.number
    }

    async fn run(&self, attempt: Attempt) {
        let mut work = pin!(AssertUnwindSafe(self.tenants.follow()).catch_unwind());
        let late = tokio::select! {
            biased;
            done = &mut work => {
                let forgotten = self.conclude(attempt, done.ok());
                self.grow_old(attempt);
                return self.tenants.read_again(&forgotten).await;
            }
            late = self.wait_out(attempt.began) => late,
        };
        let is_carried = {
            let mut attempts = self.lock();
            !std::mem::replace(&mut attempts.one_is_carried, true)
        };
        let outcome = if late {
            Outcome::Unknown
        } else {
            let error = unavailable("it is too slow");
            self.freshness().missed(attempt, error.clone());
            Outcome::Missed(error)
        };
        self.tell(attempt.number, outcome);
        self.grow_old(attempt);
        if is_carried {
            let done = timeout(CARRIED_FOR, work).await;
            self.lock().one_is_carried = false;
            if let Ok(done) = done {
                let forgotten = self.conclude(attempt, done.ok());
                self.tenants.read_again(&forgotten).await;
            }
        }
    }

    /// Waits until an attempt has had its time. Whether that was too late to say anything.
    async fn wait_out(&self, began: u64) -> bool {
        let (clock, mut late) = (self.freshness(), false);
        for _ in 0..DEADLINE.as_millis() / STEP.as_millis() {
            let before = clock.now();
            sleep(STEP).await;
            late |= clock.age(before) > STEP + LATE;
        }
        late || clock.age(began) > DEADLINE + LATE
    }

    /// An attempt that is young no more makes room for the next one.
    fn grow_old(&self, attempt: Attempt) {
        let mut attempts = self.lock();
        attempts.young.take_if(|young| young.number == attempt.number);
    }

    /// Takes down what became of an attempt. Nothing at all is a panic, which was logged. What is to be read again.
    fn conclude(&self, attempt: Attempt, done: Option<Result<Forgotten, StoreError>>) -> Forgotten {
        let mut forgotten = Forgotten::new();
        let outcome = match done {
            Some(Ok(changed)) => {
                forgotten = changed;
                self.freshness().found(attempt);
                Outcome::Found(attempt.began)
            }
            Some(Err(error)) if error.is_away() => {
                self.freshness().missed(attempt, error.clone());
                Outcome::Missed(error)
            }
            Some(Err(error)) => {
                self.freshness().answered(attempt);
                Outcome::Wrong(error)
            }
            None => Outcome::Broke,
        };
        self.tell(attempt.number, outcome);
        forgotten
    }

    fn tell(&self, number: u64, outcome: Outcome) {
        self.told.send_if_modified(|told| {
            let is_newer = number > told.number;
            if is_newer {
                *told = Told { number, outcome };
            }
            is_newer
        });
    }

    fn freshness(&self) -> &Freshness {
        &self.tenants.services().freshness
    }

    fn lock(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
