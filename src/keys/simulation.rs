//! The schedule in a world with one or two servers, clocks that step, changes of mind, and verifiers that keep a JWKS.
//! Not for: the single transitions (`schedule.rs`).

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::schedule::{KeyFact, Step, Wanted, due};
use crate::crypto::random::SystemRandom;
use crate::domain::id::KeyId;
use crate::domain::signing_key::{JWKS_MAX_AGE, KeyState};
use crate::domain::time::Timestamp;
use crate::domain::token::MAX_TOKEN_LIFETIME;

const ALGORITHMS: [&str; 3] = ["RS256", "ES256", "EdDSA"];

/// Milliseconds until every server acts on what is in the store.
const FOLLOWED: i64 = 1_000;

/// How wrong a clock may be, in milliseconds, either way.
const WRONG: i64 = 60_000;

/// How long a server may be held up, in milliseconds, between reading its clock and the store.
const HELD_UP: i64 = 25_000;

/// What happens next.
#[derive(Debug, Clone)]
enum Happening {
    /// Time passes, in milliseconds.
    Pass(i64),
    /// So many seconds pass in which all servers do what is due every five.
    Attend(i64),
    /// A server looks at what is due.
    Look(usize),
    /// A server does what it saw to be due, so many milliseconds after it read its clock for that.
    Act(usize, i64),
    /// A server looks and acts until nothing is due, as it does all the time.
    Chore(usize),
    /// A server's clock is stepped, so that it is wrong by this much.
    Step(usize, i64),
    /// A server is started anew and forgets what it saw.
    Restart(usize),
    /// The tenant wants another algorithm.
    Default(usize),
    /// The APIs want other algorithms, one for each bit.
    Others(u8),
    /// Keys are to sign for so many days.
    Period(u64),
    /// An operator, with the clock of a server, brings the next key of an algorithm forward.
    Rotate(usize, usize),
}

/// When, in true time, a key came into its states.
#[derive(Debug, Clone, Default)]
struct Life {
    published: i64,
    signs: Option<i64>,
    retired: Option<i64>,
    gone: Option<i64>,
}

struct Server {
    wrong: i64,
    seen: Vec<Step>,
}

struct World {
    now: i64,
    keys: Vec<KeyFact>,
    lives: BTreeMap<KeyId, Life>,
    wanted: Wanted,
    servers: Vec<Server>,
}

impl World {
    fn new(servers: usize) -> Self {
        let since = Timestamp::from_millis(0);
        let first = KeyFact {
            id: KeyId::new(&SystemRandom),
            algorithm: ALGORITHMS[0].to_owned(),
            state: KeyState::Active,
            since,
        };
        // Nobody can know a key of a tenant that has only just been made.
        let life = Life { published: i64::MIN / 2, signs: Some(0), ..Life::default() };
        let period = std::time::Duration::from_hours(48);
        Self {
            now: 0,
            lives: BTreeMap::from([(first.id, life)]),
            keys: vec![first],
            wanted: Wanted { default: ALGORITHMS[0].to_owned(), others: Vec::new(), period },
            servers: (0..servers).map(|_| Server { wrong: 0, seen: Vec::new() }).collect(),
        }
    }

    fn clock(&self, server: usize) -> Timestamp {
        Timestamp::from_millis(self.now + self.servers[server].wrong)
    }

    fn happen(&mut self, happening: &Happening) {
        let count = self.servers.len();
        match *happening {
            Happening::Pass(millis) => self.now += millis,
            Happening::Attend(seconds) => {
                for _ in 0..seconds / 5 {
                    self.now += 5_000;
                    (0..count).for_each(|server| self.happen(&Happening::Chore(server)));
                }
            }
            Happening::Look(server) => self.look(server % count),
            Happening::Act(server, held) => self.act(server % count, held),
            Happening::Chore(server) => loop {
                self.look(server % count);
                if self.servers[server % count].seen.is_empty() {
                    break;
                }
                self.act(server % count, 0);
            },
            Happening::Step(server, wrong) => self.servers[server % count].wrong = wrong,
            Happening::Restart(server) => self.servers[server % count].seen.clear(),
            Happening::Default(algorithm) => self.wanted.default = ALGORITHMS[algorithm].to_owned(),
            Happening::Others(bits) => {
                let others = (0..3).filter(|bit| bits & (1 << bit) != 0);
                self.wanted.others = others.map(|index| ALGORITHMS[index].to_owned()).collect();
            }
            Happening::Period(days) => self.wanted.period = std::time::Duration::from_hours(24 * days),
            Happening::Rotate(server, algorithm) => {
                let since = self.clock(server % count).as_millis() - HELD_UP;
                self.add(ALGORITHMS[algorithm], Timestamp::from_millis(since));
            }
        }
    }

    fn look(&mut self, server: usize) {
        self.servers[server].seen = due(&self.keys, &self.wanted, self.clock(server));
    }

    /// The store does only what still fits, and remembers the time that the server's clock showed.
    fn act(&mut self, server: usize, held: i64) {
        let steps = std::mem::take(&mut self.servers[server].seen);
        let at = Timestamp::from_millis(self.clock(server).as_millis() - held);
        for step in steps {
            match step {
                Step::Make { algorithm } => self.add(&algorithm, at),
                Step::Activate { key, former } => {
                    let former = former.map(|former| (former, KeyState::Active, KeyState::Retiring));
                    let moves = former.into_iter().chain([(key, KeyState::Upcoming, KeyState::Active)]);
                    self.change(&moves.collect::<Vec<_>>(), at);
                }
                Step::Retire { key } => self.change(&[(key, KeyState::Active, KeyState::Retiring)], at),
                Step::Remove { key, from } => self.change(&[(key, from, KeyState::Gone)], at),
            }
        }
    }

    fn add(&mut self, algorithm: &str, since: Timestamp) {
        if self.in_state(KeyState::Upcoming).any(|key| key.algorithm == algorithm) {
            return;
        }
        let (id, algorithm) = (KeyId::new(&SystemRandom), algorithm.to_owned());
        self.keys.push(KeyFact { id, algorithm, state: KeyState::Upcoming, since });
        self.lives.insert(id, Life { published: self.now, ..Life::default() });
    }

    fn change(&mut self, moves: &[(KeyId, KeyState, KeyState)], at: Timestamp) {
        let before = self.keys.clone();
        for (id, from, to) in moves {
            let Some(key) = self.keys.iter_mut().find(|key| key.id == *id && key.state == *from) else {
                self.keys = before;
                return;
            };
            (key.state, key.since) = (*to, at);
        }
        let one_each = ALGORITHMS.iter().all(|algorithm| {
            self.in_state(KeyState::Active).filter(|key| key.algorithm == *algorithm).count() <= 1
        });
        if !one_each || self.in_state(KeyState::Active).next().is_none() {
            self.keys = before;
            return;
        }
        for (id, _, to) in moves {
            let life = self.lives.get_mut(id).unwrap();
            match to {
                KeyState::Active => life.signs = Some(self.now),
                KeyState::Retiring => life.retired = Some(self.now),
                KeyState::Gone => life.gone = Some(self.now),
                KeyState::Upcoming => unreachable!("no key becomes upcoming"),
            }
        }
    }

    fn in_state(&self, state: KeyState) -> impl Iterator<Item = &KeyFact> {
        self.keys.iter().filter(move |key| key.state == state)
    }

    /// Whether the unluckiest verifier is served: it has asked the server that is the last to know of a new key, just
    /// before that knew; it has kept the answer for as long as it may; and it has a token of the longest lifetime by
    /// the fastest clock, which was signed by the server that was the first to know of the new key or the last to know
    /// that the old one retires.
    fn check(&self) -> Result<(), TestCaseError> {
        let kept = i64::try_from(JWKS_MAX_AGE.as_millis()).unwrap();
        let lives = i64::try_from(MAX_TOKEN_LIFETIME.as_millis()).unwrap();
        for (id, life) in &self.lives {
            let Some(signs) = life.signs else { continue };
            let newest_without = life.published + FOLLOWED;
            prop_assert!(signs >= newest_without + kept, "{id} signs too early: {life:?}");
            let Some(gone) = life.gone else { continue };
            let last = life.retired.unwrap_or(i64::MAX / 2) + FOLLOWED;
            prop_assert!(gone >= last + lives + WRONG, "{id} goes too early: {life:?}");
        }
        let mut signing: Vec<_> = self.in_state(KeyState::Active).map(|key| key.algorithm.as_str()).collect();
        signing.sort_unstable();
        prop_assert!(!signing.is_empty() && signing.windows(2).all(|two| two[0] != two[1]), "{signing:?}");
        Ok(())
    }
}

fn happening() -> impl Strategy<Value = Happening> {
    let server = 0..2_usize;
    let algorithm = 0..ALGORITHMS.len();
    let passes = prop_oneof![1..1_000_i64, 1_000..600_000_i64, Just(86_400_000), 600_000..200_000_000_i64];
    // The worst that a clock may do is done most often.
    let wrong = prop_oneof![Just(-WRONG), Just(WRONG), -WRONG..=WRONG];
    prop_oneof![
        3 => passes.prop_map(Happening::Pass),
        3 => (5..900_i64).prop_map(Happening::Attend),
        2 => server.clone().prop_map(Happening::Look),
        2 => (server.clone(), 0..=HELD_UP).prop_map(|(server, held)| Happening::Act(server, held)),
        6 => server.clone().prop_map(Happening::Chore),
        4 => (server.clone(), wrong).prop_map(|(server, wrong)| Happening::Step(server, wrong)),
        1 => server.clone().prop_map(Happening::Restart),
        1 => algorithm.clone().prop_map(Happening::Default),
        1 => any::<u8>().prop_map(Happening::Others),
        1 => (1..90_u64).prop_map(Happening::Period),
        2 => (server, algorithm).prop_map(|(server, algorithm)| Happening::Rotate(server, algorithm)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// I14, I15: whatever happens, no verifier that keeps to the JWKS's age fails on a token that has not expired, and
    /// the tenant can always sign in just one way.
    #[test]
    fn no_verifier_ever_fails(
        servers in 1..=2_usize,
        happenings in prop::collection::vec(happening(), 1..250),
    ) {
        let mut world = World::new(servers);
        for happening in &happenings {
            world.happen(happening);
            world.check()?;
        }
    }

    /// Left alone with a server, a tenant comes to sign with what is wanted, and with nothing else.
    #[test]
    fn what_is_wanted_is_what_signs_in_the_end(happenings in prop::collection::vec(happening(), 1..100)) {
        let mut world = World::new(2);
        for happening in &happenings {
            world.happen(happening);
        }
        for _ in 0..4 {
            world.happen(&Happening::Chore(0));
            world.happen(&Happening::Pass(660_000));
        }
        world.happen(&Happening::Chore(0));
        for algorithm in ALGORITHMS {
            let signing = world.in_state(KeyState::Active).filter(|key| key.algorithm == algorithm).count();
            prop_assert_eq!(signing, usize::from(world.wanted.has(algorithm)), "{}", algorithm);
        }
    }
}
