//! When keys are made, sign and go: a pure function of the keys there are, what is wanted, and the time.
//! Not for: doing it (`rotate.rs`).

use std::time::Duration;

use crate::domain::id::KeyId;
use crate::domain::signing_key::{JWKS_MAX_AGE, KeyState, LONGEST_OUTAGE, SigningKey};
use crate::domain::time::Timestamp;
use crate::domain::token::MAX_TOKEN_LIFETIME;

/// What clocks and servers may be wrong by: a minute when an instant was written down, a minute in either direction
/// when it is looked at, a second until every server knows, and half a minute for a server that was held up meanwhile.
const MARGIN: Duration = Duration::from_mins(3);

/// How long a key is published before it signs: until no verifier can have a JWKS without it.
pub const LEAD: Duration = Duration::from_secs(JWKS_MAX_AGE.as_secs() + MARGIN.as_secs());

/// How long a key is published after it has retired: as long as a server that was cut off may sign with it nevertheless, and
/// then as long as a token can live, whatever the settings were when it was signed, and the lead again.
pub const RETENTION: Duration =
    Duration::from_secs(LONGEST_OUTAGE.as_secs() + MAX_TOKEN_LIFETIME.as_secs() + LEAD.as_secs());

/// What the schedule looks at in a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFact {
    /// Which key.
    pub id: KeyId,
    /// Its algorithm.
    pub algorithm: String,
    /// Where in its life it is.
    pub state: KeyState,
    /// When it came into that state.
    pub since: Timestamp,
}

impl KeyFact {
    /// What the schedule looks at in this key.
    #[must_use]
    pub fn of(key: &SigningKey) -> Self {
        Self { id: key.id, algorithm: key.algorithm.clone(), state: key.state, since: key.state_since }
    }
}

/// What a tenant wants of its keys.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The algorithm of the tenant.
    pub default: String,
    /// The algorithms its APIs ask for.
    pub others: Vec<String>,
    /// How long a key signs before the next one takes its place.
    pub period: Duration,
}

impl Wanted {
    /// Whether anything is signed with this algorithm.
    #[must_use]
    pub fn has(&self, algorithm: &str) -> bool {
        self.default == algorithm || self.others.iter().any(|other| other == algorithm)
    }
}

/// Something to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make a key and publish it: it is upcoming.
    Make {
        /// For this algorithm.
        algorithm: String,
    },
    /// Let an upcoming key sign, and the one that has signed so far retire, in one.
    Activate {
        /// The upcoming key.
        key: KeyId,
        /// The active key of its algorithm.
        former: Option<KeyId>,
    },
    /// Let an active key retire that nothing asks for any more.
    Retire {
        /// The active key.
        key: KeyId,
    },
    /// Take a key out of the JWKS: it has never signed, or all that it has signed has expired.
    Remove {
        /// The key.
        key: KeyId,
        /// The state it is in.
        from: KeyState,
    },
}

/// What is due now, in any order: each step stands by itself. After a step there may be another.
///
/// A clock that went back makes nothing due: a step wants its time to have passed since an instant that was written
/// down, and a clock that went back makes that time shorter.
#[must_use]
pub fn due(keys: &[KeyFact], wanted: &Wanted, now: Timestamp) -> Vec<Step> {
    let algorithms = std::iter::once(&wanted.default).chain(&wanted.others);
    let mut steps = Vec::new();
    for algorithm in algorithms {
        let make = Step::Make { algorithm: algorithm.clone() };
        if is_next_due(keys, algorithm, wanted.period, now) && !steps.contains(&make) {
            steps.push(make);
        }
    }
    steps.extend(keys.iter().filter_map(|key| move_of(key, keys, wanted, now)));
    steps
}

/// When an upcoming key signs at the earliest; nothing for any other key.
#[must_use]
pub fn signs_from(key: &SigningKey) -> Option<Timestamp> {
    (key.state == KeyState::Upcoming).then(|| key.state_since.plus(LEAD))
}

/// Until when a retiring key is published at least; nothing for any other key.
#[must_use]
pub fn published_until(key: &SigningKey) -> Option<Timestamp> {
    (key.state == KeyState::Retiring).then(|| key.state_since.plus(RETENTION))
}

/// Whether a wanted algorithm is without a key, or its key has almost signed for its period.
fn is_next_due(keys: &[KeyFact], algorithm: &str, period: Duration, now: Timestamp) -> bool {
    let in_state = |state| find(keys, algorithm, state);
    match (in_state(KeyState::Upcoming), in_state(KeyState::Active)) {
        (Some(_), _) => false,
        (None, None) => true,
        (None, Some(active)) => now.since(active.since) >= period.saturating_sub(LEAD),
    }
}

/// What becomes of one key now.
fn move_of(key: &KeyFact, keys: &[KeyFact], wanted: &Wanted, now: Timestamp) -> Option<Step> {
    let is_wanted = wanted.has(&key.algorithm);
    let has_passed = |duration| now.since(key.since) >= duration;
    match key.state {
        KeyState::Upcoming if !is_wanted => Some(Step::Remove { key: key.id, from: key.state }),
        KeyState::Upcoming if has_passed(LEAD) => {
            let former = find(keys, &key.algorithm, KeyState::Active).map(|active| active.id);
            Some(Step::Activate { key: key.id, former })
        }
        // While the tenant's own algorithm has no key that signs, this one signs in its place.
        KeyState::Active if !is_wanted && find(keys, &wanted.default, KeyState::Active).is_some() => {
            Some(Step::Retire { key: key.id })
        }
        KeyState::Retiring if has_passed(RETENTION) => Some(Step::Remove { key: key.id, from: key.state }),
        _ => None,
    }
}

fn find<'keys>(keys: &'keys [KeyFact], algorithm: &str, state: KeyState) -> Option<&'keys KeyFact> {
    keys.iter().find(|key| key.state == state && key.algorithm == algorithm)
}

#[cfg(test)]
mod tests {
    use KeyState::{Active, Gone, Retiring, Upcoming};

    use super::*;
    use crate::crypto::random::SystemRandom;

    const DAY: Duration = Duration::from_hours(24);

    fn wanted(default: &str, others: &[&str]) -> Wanted {
        let others = others.iter().map(|&other| other.to_owned()).collect();
        Wanted { default: default.to_owned(), others, period: DAY * 90 }
    }

    fn key(algorithm: &str, state: KeyState) -> KeyFact {
        let algorithm = algorithm.to_owned();
        KeyFact { id: KeyId::new(&SystemRandom), algorithm, state, since: Timestamp::from_seconds(0) }
    }

    /// What is due so long after the keys came into their states, and a millisecond earlier.
    fn due_after(keys: &[KeyFact], wanted: &Wanted, after: Duration) -> [Vec<Step>; 2] {
        let now = Timestamp::from_seconds(0).plus(after);
        [due(keys, wanted, now), due(keys, wanted, now.minus(Duration::from_millis(1)))]
    }

    fn make(algorithm: &str) -> Vec<Step> {
        vec![Step::Make { algorithm: algorithm.to_owned() }]
    }

    /// I14: five minutes are the age of the JWKS, a day is the longest lifetime and another the longest outage.
    #[test]
    fn leaves_verifiers_time_before_and_after() {
        assert_eq!((LEAD, RETENTION), (Duration::from_mins(8), DAY * 2 + Duration::from_mins(8)));
    }

    /// I14
    #[test]
    fn the_next_key_is_made_a_lead_before_the_period_is_over() {
        let keys = [key("RS256", Active), key("RS256", Retiring)];
        let [now, before] = due_after(&keys[..1], &wanted("RS256", &[]), (DAY * 90).saturating_sub(LEAD));
        assert_eq!((now, before), (make("RS256"), vec![]));
    }

    /// I14
    #[test]
    fn an_upcoming_key_signs_after_the_lead_and_the_former_one_retires() {
        let keys = [key("RS256", Active), key("RS256", Upcoming), key("ES256", Active)];
        let activate = Step::Activate { key: keys[1].id, former: Some(keys[0].id) };
        let [now, before] = due_after(&keys, &wanted("RS256", &["ES256"]), LEAD);
        assert_eq!((now, before), (vec![activate], vec![]));
        let activate = Step::Activate { key: keys[1].id, former: None };
        assert_eq!(due_after(&keys[1..2], &wanted("RS256", &[]), LEAD)[0], [activate]);
    }

    /// I14, I15: not before the longest token it can have signed has expired.
    #[test]
    fn a_retiring_key_goes_when_nothing_it_signed_can_live() {
        let keys = [key("RS256", Active), key("RS256", Retiring), key("ES256", Gone)];
        let remove = Step::Remove { key: keys[1].id, from: Retiring };
        let [now, before] = due_after(&keys, &wanted("RS256", &[]), RETENTION);
        assert_eq!((now, before), (vec![remove], vec![]));
    }

    #[test]
    fn an_algorithm_that_is_wanted_gets_a_key_at_once() {
        let keys = [key("RS256", Active), key("ES256", Retiring)];
        let at_once = |keys: &[KeyFact], wanted: &Wanted| due_after(keys, wanted, Duration::ZERO)[0].clone();
        assert_eq!(at_once(&keys, &wanted("RS256", &["ES256", "ES256"])), make("ES256"));
        assert_eq!(at_once(&keys, &wanted("ES256", &["RS256"])), make("ES256"));
        let keys = [keys, [key("ES256", Upcoming), key("PS256", Retiring)]].concat();
        assert_eq!(at_once(&keys, &wanted("RS256", &["ES256"])), []);
    }

    /// I15
    #[test]
    fn what_nobody_wants_retires_once_the_tenant_can_sign_without_it() {
        let keys = [key("RS256", Active), key("ES256", Upcoming), key("ES256", Active)];
        let after = Duration::from_secs(1);
        assert_eq!(due_after(&keys[..2], &wanted("ES256", &[]), after)[0], []);
        let retire = Step::Retire { key: keys[0].id };
        assert_eq!(due_after(&keys, &wanted("ES256", &[]), after)[0], [retire]);
        assert_eq!(due_after(&keys, &wanted("ES256", &["RS256"]), after)[0], []);
        // The last key signs on, whatever is wanted.
        assert_eq!(due_after(&keys[..1], &wanted("ES256", &[]), after)[0], make("ES256"));
    }

    #[test]
    fn an_upcoming_key_that_nobody_wants_goes_without_having_signed() {
        let keys = [key("RS256", Active), key("ES256", Upcoming)];
        let remove = Step::Remove { key: keys[1].id, from: Upcoming };
        assert_eq!(due_after(&keys, &wanted("RS256", &[]), LEAD)[0], [remove]);
    }

    /// I14, I15
    #[test]
    fn a_clock_that_went_back_makes_nothing_due() {
        let keys = [key("RS256", Active), key("RS256", Upcoming), key("RS256", Retiring)];
        for back in [1, 60, 3_600, 86_400 * 365 * 100] {
            let now = Timestamp::from_seconds(-back);
            assert_eq!(due(&keys, &wanted("RS256", &[]), now), []);
        }
    }

    #[test]
    fn a_period_that_was_shortened_counts_from_when_the_key_began_to_sign() {
        let keys = [key("RS256", Active)];
        let shorter = Wanted { period: DAY, ..wanted("RS256", &[]) };
        assert_eq!(due_after(&keys, &shorter, DAY * 2)[0], make("RS256"));
        assert_eq!(due_after(&keys, &wanted("RS256", &[]), DAY * 2)[0], []);
    }
}
