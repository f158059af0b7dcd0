//! Who waits for a signature: a line for each application, served in turns.
//! Not for: places and signatures (`signing/`).

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use crate::domain::id::ApplicationId;

/// Nobody joins a line whose first has waited for longer than this. It is less than callers wait for an answer, and sooner than
/// who is refused may ask again (`Retry-After` counts in seconds): to wait costs them less, and us, than a refusal.
pub(super) const PATIENCE: Duration = Duration::from_millis(800);

/// Who has waited for longer than this is not sent away any more: a refusal comes soon, or not at all.
const SENT_AWAY_WITHIN: Duration = Duration::from_millis(25);

/// The lines. Each application that has one has a turn like any other, however long its own is; within a line it is the
/// order of coming.
pub(super) struct Lines<T> {
    by_application: HashMap<ApplicationId, VecDeque<Waiting<T>>>,
    /// Whose turn is next: each application that has a line, once.
    turns: VecDeque<ApplicationId>,
    /// The same by length, so that the longest line is found at once.
    lengths: BTreeSet<(usize, ApplicationId)>,
    count: usize,
    next: u64,
}

/// One in a line.
struct Waiting<T> {
    number: u64,
    since: Duration,
    what: T,
}

/// The lines are full, or one's own is too slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

impl<T> Default for Lines<T> {
    fn default() -> Self {
        Self {
            by_application: HashMap::new(),
            turns: VecDeque::new(),
            lengths: BTreeSet::new(),
            count: 0,
            next: 0,
        }
    }
}

impl<T> Lines<T> {
    /// How many wait, in all lines.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether one more of an application may wait where there is room for so many. Where there is none, the newest of the
    /// longest line goes away for it, if that line is longer than its own will be; it is returned. When that one has waited
    /// too long to be sent away, the first of an application waits nevertheless: there are never more than twice as many.
    ///
    /// # Errors
    /// When it may not.
    pub(super) fn admit(
        &mut self,
        whose: ApplicationId,
        room: usize,
        now: Duration,
    ) -> Result<Option<T>, Full> {
        let own = self.by_application.get(&whose);
        if own.and_then(VecDeque::front).is_some_and(|first| now.saturating_sub(first.since) > PATIENCE) {
            return Err(Full);
        }
        if self.count < room {
            return Ok(None);
        }
        let own = own.map_or(0, VecDeque::len);
        let longest = self.lengths.last().filter(|(length, _)| *length > own + 1);
        let (_, longest) = *longest.ok_or(Full)?;
        match self.send_away_newest(longest, now) {
            None if own > 0 || self.turns.len() >= room => Err(Full),
            sent_away => Ok(sent_away),
        }
    }

    /// Puts one at the end of its application's line; under the number that is returned it can leave.
    pub(super) fn join(&mut self, whose: ApplicationId, what: T, now: Duration) -> u64 {
        let number = self.next;
        self.next += 1;
        let line = self.by_application.entry(whose).or_default();
        line.push_back(Waiting { number, since: now, what });
        let length = line.len();
        self.count += 1;
        if length == 1 {
            self.turns.push_back(whose);
        }
        self.note_length(whose, length - 1, length);
        number
    }

    /// The next whose turn it is.
    pub(super) fn next(&mut self) -> Option<T> {
        let whose = self.turns.pop_front()?;
        let line = self.by_application.get_mut(&whose)?;
        let first = line.pop_front()?;
        let length = line.len();
        if length > 0 {
            self.turns.push_back(whose);
        }
        self.shorten(whose, length);
        Some(first.what)
    }

    /// Takes one out that does not want to wait any more, if it is there still.
    pub(super) fn leave(&mut self, whose: ApplicationId, number: u64) -> Option<T> {
        let line = self.by_application.get_mut(&whose)?;
        // In the order of coming the numbers grow.
        let position = line.binary_search_by_key(&number, |waiting| waiting.number).ok()?;
        let gone = line.remove(position)?;
        let length = line.len();
        if length == 0 {
            self.turns.retain(|other| *other != whose);
        }
        self.shorten(whose, length);
        Some(gone.what)
    }

    /// A line of which the newest may be sent away has others in it, so it stays.
    fn send_away_newest(&mut self, whose: ApplicationId, now: Duration) -> Option<T> {
        let line = self.by_application.get_mut(&whose)?;
        let newest = line.pop_back_if(|newest| now.saturating_sub(newest.since) <= SENT_AWAY_WITHIN)?;
        let length = line.len();
        self.shorten(whose, length);
        Some(newest.what)
    }

    /// Notes that a line is shorter by one.
    fn shorten(&mut self, whose: ApplicationId, length: usize) {
        self.count -= 1;
        self.note_length(whose, length + 1, length);
        if length == 0 {
            self.by_application.remove(&whose);
        }
    }

    fn note_length(&mut self, whose: ApplicationId, former: usize, length: usize) {
        self.lengths.remove(&(former, whose));
        if length > 0 {
            self.lengths.insert((length, whose));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::random::SystemRandom;

    const NOW: Duration = Duration::from_secs(100);

    fn applications<const COUNT: usize>() -> [ApplicationId; COUNT] {
        std::array::from_fn(|_| ApplicationId::new(&SystemRandom))
    }

    /// Lets one come, as whoever asks for a signature does. `Err` when it is sent away; who else is, if anybody.
    fn come(
        lines: &mut Lines<u32>,
        whose: ApplicationId,
        (what, room, now): (u32, usize, Duration),
    ) -> Result<Option<u32>, Full> {
        let sent_away = lines.admit(whose, room, now)?;
        lines.join(whose, what, now);
        Ok(sent_away)
    }

    #[test]
    fn each_application_has_its_turn_however_many_another_has_waiting() {
        let (mut lines, [flood, other, third]) = (Lines::default(), applications());
        for what in 0..5 {
            come(&mut lines, flood, (what, 100, NOW)).unwrap();
        }
        for (whose, what) in [(other, 10), (other, 11), (third, 20)] {
            come(&mut lines, whose, (what, 100, NOW)).unwrap();
        }
        let served: Vec<_> = std::iter::from_fn(|| lines.next()).collect();
        assert_eq!(served, [0, 10, 20, 1, 11, 2, 3, 4]);
    }

    #[test]
    fn who_comes_with_few_sends_away_the_newest_of_who_has_most() {
        let (mut lines, [flood, other]) = (Lines::default(), applications());
        for what in 0..4 {
            assert_eq!(come(&mut lines, flood, (what, 4, NOW)), Ok(None));
        }
        assert_eq!(come(&mut lines, flood, (4, 4, NOW)), Err(Full));
        assert_eq!(come(&mut lines, other, (10, 4, NOW)), Ok(Some(3)));
        assert_eq!(come(&mut lines, other, (11, 4, NOW)), Ok(Some(2)));
        // Each has as many as the other now.
        assert_eq!(come(&mut lines, other, (12, 4, NOW)), Err(Full));
        assert_eq!(come(&mut lines, flood, (5, 4, NOW)), Err(Full));
    }

    #[test]
    fn who_has_waited_for_long_is_not_sent_away() {
        let (mut lines, [flood, other]) = (Lines::default(), applications());
        for what in 0..4 {
            come(&mut lines, flood, (what, 4, NOW)).unwrap();
        }
        let later = NOW + SENT_AWAY_WITHIN + Duration::from_millis(1);
        // The first of another application waits beside them, and no more.
        assert_eq!(come(&mut lines, other, (10, 4, later)), Ok(None));
        assert_eq!(come(&mut lines, other, (11, 4, later)), Err(Full));
        assert_eq!(lines.leave(other, 4), Some(10));
        assert_eq!(come(&mut lines, other, (12, 4, NOW + SENT_AWAY_WITHIN)), Ok(Some(3)));
    }

    #[test]
    fn nobody_joins_a_line_that_is_too_slow() {
        let (mut lines, [slow, other]) = (Lines::default(), applications());
        come(&mut lines, slow, (0, 100, NOW)).unwrap();
        let later = NOW + PATIENCE + Duration::from_millis(1);
        assert_eq!(come(&mut lines, slow, (1, 100, NOW + PATIENCE)), Ok(None));
        assert_eq!(come(&mut lines, slow, (2, 100, later)), Err(Full));
        assert_eq!(come(&mut lines, other, (10, 100, later)), Ok(None));
    }

    /// What happens to the lines.
    #[derive(Debug, Clone, Copy)]
    enum Event {
        Comes(usize),
        Served,
        Leaves(usize),
        Passes(u64),
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        // The first of them floods.
        let whose = prop_oneof![4 => Just(0_usize), 1 => 1..5_usize];
        let event = prop_oneof![
            6 => whose.prop_map(Event::Comes),
            3 => Just(Event::Served),
            1 => any::<usize>().prop_map(Event::Leaves),
            1 => (0..40_u64).prop_map(Event::Passes),
        ];
        proptest::collection::vec(event, 0..400)
    }

    /// A plain list in the order of coming: of which application, its number, since when.
    type Model = Vec<(usize, u64, Duration)>;

    fn of(model: &Model, application: usize) -> usize {
        model.iter().filter(|one| one.0 == application).count()
    }

    /// What has to become of one who comes.
    fn admits(
        model: &Model,
        whose: &[ApplicationId; 5],
        application: usize,
        (room, now): (usize, Duration),
    ) -> Result<Option<u64>, Full> {
        let first = model.iter().find(|one| one.0 == application);
        if first.is_some_and(|first| first.2 + PATIENCE < now) {
            return Err(Full);
        }
        if model.len() < room {
            return Ok(None);
        }
        let longest = (0..5).max_by_key(|other| (of(model, *other), whose[*other])).unwrap();
        let newest = model.iter().rfind(|one| one.0 == longest).unwrap();
        let own = of(model, application);
        if of(model, longest) <= own + 1 {
            return Err(Full);
        }
        let lines = (0..5).filter(|app| of(model, *app) > 0).count();
        match newest.2 + SENT_AWAY_WITHIN >= now {
            true => Ok(Some(newest.1)),
            false if own == 0 && lines < room => Ok(None),
            false => Err(Full),
        }
    }

    proptest! {
        /// The lines beside a model that is a plain list: nobody is lost or served twice, there are never more than the
        /// room is for, who is served is the first of its application, nobody is passed over while others have two turns,
        /// and nobody is sent away late or for an application that has as many.
        #[test]
        fn lines_are_fair_bounded_and_lose_nobody(events in events(), room in 1..40_usize) {
            let (mut lines, whose) = (Lines::default(), applications::<5>());
            let mut model = Model::new();
            let mut turns = [0_u32; 5];
            let mut now = NOW;
            for event in events {
                match event {
                    Event::Comes(app) => {
                        let admitted = lines.admit(whose[app], room, now);
                        prop_assert_eq!(admitted, admits(&model, &whose, app, (room, now)));
                        if let Ok(sent_away) = admitted {
                            model.retain(|one| Some(one.1) != sent_away);
                            if of(&model, app) == 0 {
                                turns[app] = 0;
                            }
                            let number = lines.next;
                            prop_assert_eq!(lines.join(whose[app], number, now), number);
                            model.push((app, number, now));
                        }
                    }
                    Event::Served => {
                        let served = lines.next();
                        prop_assert_eq!(served.is_none(), model.is_empty());
                        if let Some(number) = served {
                            let position = model.iter().position(|one| one.1 == number).unwrap();
                            let (app, ..) = model.remove(position);
                            prop_assert!(model[..position].iter().all(|one| one.0 != app));
                            for other in (0..5).filter(|other| *other != app && of(&model, *other) > 0) {
                                turns[other] += 1;
                                prop_assert!(turns[other] < 5, "one waits while others have their turns");
                            }
                            turns[app] = 0;
                        }
                    }
                    Event::Leaves(which) if !model.is_empty() => {
                        let (app, number, _) = model.remove(which % model.len());
                        prop_assert_eq!(lines.leave(whose[app], number), Some(number));
                        prop_assert_eq!(lines.leave(whose[app], number), None);
                    }
                    Event::Leaves(_) => {}
                    Event::Passes(millis) => now += Duration::from_millis(millis),
                }
                prop_assert_eq!(lines.count(), model.len());
                prop_assert!(model.len() < 2 * room);
                let waiting = (0..5).filter(|app| of(&model, *app) > 0).count();
                prop_assert_eq!((lines.turns.len(), lines.by_application.len()), (waiting, waiting));
                prop_assert_eq!(lines.lengths.len(), waiting);
            }
            let left = std::iter::from_fn(|| lines.next()).count();
            prop_assert_eq!(left, model.len());
            prop_assert!(lines.turns.is_empty() && lines.lengths.is_empty());
        }
    }
}
