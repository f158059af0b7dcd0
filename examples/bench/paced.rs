//! A load whose requests are sent when they are due, whether or not those before them were answered. When all connections
//! are busy they wait for one; their time counts from when they were due all the same.
//! Not for: finding out how many there can be (`load.rs`).

use std::collections::VecDeque;
use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Outcome;
use super::caller::{Caller, Seen};
use super::kept::{Kept, Look};
use super::load::Kind;
use super::tally::Tally;
pub(super) use super::tally::{Report, Window};

/// How long the last answers are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is asked, when.
#[derive(Serialize, Deserialize)]
pub(super) struct Spec {
    /// Who asks at the same time, each for itself.
    pub(super) streams: Vec<Stream>,
    /// Whether requests come at random (a Poisson process) rather than evenly.
    pub(super) at_random: bool,
    /// The process that serves, where it is to be told for how long other programs had its processor.
    pub(super) server: Option<u32>,
}

/// One who asks.
#[derive(Serialize, Deserialize)]
pub(super) struct Stream {
    /// For what: the name of a `Kind`.
    pub(super) kind: String,
    /// On how many connections.
    pub(super) connections: usize,
    /// How often, one after the other.
    pub(super) phases: Vec<Phase>,
}

/// For a while as many requests a second.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Phase {
    /// Requests per second.
    pub(super) per_second: f64,
    /// How long, in seconds.
    pub(super) seconds: f64,
    /// Whether it is to be told what became of each tenth of a second.
    pub(super) windows: bool,
}

/// A request on its way.
struct Asked {
    caller: Caller,
    due: Instant,
    sent: Instant,
    phase: usize,
    /// How the server stood with its processor when it was sent.
    before: Look,
}

/// A stream at work.
struct Flow {
    kind: Kind,
    request: Vec<u8>,
    free: VecDeque<Caller>,
    busy: Vec<Asked>,
    /// Due, and no connection was free yet.
    waiting: VecDeque<(Instant, usize)>,
    phases: Vec<(Phase, Tally)>,
    phase: usize,
    phase_ends: Instant,
    next: Instant,
    chance: Option<Chance>,
    kept: Option<Kept>,
}

/// Asks as `spec` says (JSON), and prints for each stream what became of each phase (JSON).
pub(super) fn run(address: SocketAddr, spec: &str) -> Outcome {
    let spec: Spec = serde_json::from_str(spec)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let reports = runtime.block_on(generate(address, &spec))?;
    writeln!(stdout(), "{}", serde_json::to_string(&reports)?)?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
async fn generate(address: SocketAddr, spec: &Spec) -> Outcome<Vec<Vec<Report>>> {
    let chance = |stream: usize| spec.at_random.then_some(Chance(stream as u64));
    let flow = |(index, stream)| Flow::new(address, stream, chance(index), spec.server);
    let flows = spec.streams.iter().enumerate().map(flow);
    let mut flows = flows.collect::<Outcome<Vec<_>>>()?;
    let start = Instant::now();
    for flow in &mut flows {
        flow.start(start);
    }
    let mut ended = None;
    // Never asleep: what is due is sent at once, and no answer has to wake this processor up.
    loop {
        let now = Instant::now();
        for flow in &mut flows {
            flow.fall_due(now);
            flow.send(now);
            flow.collect(now);
        }
        if flows.iter().all(Flow::has_ended) {
            let ended = *ended.get_or_insert(now);
            if flows.iter().all(|flow| flow.busy.is_empty()) || now - ended > PATIENCE {
                break;
            }
        }
        tokio::task::yield_now().await;
    }
    Ok(flows.into_iter().map(Flow::report).collect())
}

impl Flow {
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    fn new(
        address: SocketAddr,
        stream: &Stream,
        chance: Option<Chance>,
        server: Option<u32>,
    ) -> Outcome<Self> {
        let kind = Kind::parse(&stream.kind)?;
        let now = Instant::now();
        Ok(Self {
            kind,
            request: kind.request(address)?.into_bytes(),
            free: (0..stream.connections).map(|_| Caller::open(address)).collect::<Result<_, _>>()?,
            busy: Vec::new(),
            waiting: VecDeque::new(),
            phases: stream.phases.iter().map(|phase| (*phase, Tally::new(now))).collect(),
            phase: 0,
            phase_ends: now,
            next: now,
            chance,
            kept: server.map(Kept::of).transpose()?,
        })
    }

    fn start(&mut self, at: Instant) {
        self.next = at;
        self.phase_ends = at;
        self.enter();
    }

    /// Begins the phase that comes now, where the one before has ended.
    fn enter(&mut self) {
        if let Some((phase, tally)) = self.phases.get_mut(self.phase) {
            *tally = Tally::new(self.phase_ends);
            self.phase_ends += Duration::from_secs_f64(phase.seconds);
        }
    }

    fn has_ended(&self) -> bool {
        self.phase >= self.phases.len()
    }

    /// Notes every request that is due by now.
    fn fall_due(&mut self, now: Instant) {
        while let Some((phase, tally)) = self.phases.get_mut(self.phase) {
            if self.next >= self.phase_ends {
                if now < self.phase_ends {
                    return;
                }
                let per_second = phase.per_second;
                self.phase += 1;
                let following = self.phases.get(self.phase).map(|(phase, _)| phase.per_second);
                if following.is_none_or(|following| (following - per_second).abs() > f64::EPSILON) {
                    // What fell due just now had no chance yet.
                    self.send(now);
                    self.give_up();
                    self.next = self.phase_ends;
                }
                self.enter();
                continue;
            }
            if self.next > now {
                return;
            }
            tally.due(now - self.next);
            self.waiting.push_back((self.next, self.phase));
            let units = self.chance.as_mut().map_or(1.0, Chance::exponential);
            self.next += Duration::from_secs_f64(units / phase.per_second);
        }
    }

    /// What found no free connection until the load changed is not sent any more.
    fn give_up(&mut self) {
        for (_, phase) in self.waiting.drain(..) {
            if let Some((_, tally)) = self.phases.get_mut(phase) {
                tally.unsent();
            }
        }
    }

    fn send(&mut self, now: Instant) {
        while let Some(mut caller) = self.free.pop_front() {
            let Some((due, phase)) = self.waiting.pop_front() else {
                self.free.push_front(caller);
                return;
            };
            caller.ask(&self.request);
            let before = self.kept.as_ref().map(Kept::look).unwrap_or_default();
            self.busy.push(Asked { caller, due, sent: now, phase, before });
        }
    }

    fn collect(&mut self, now: Instant) {
        let mut index = 0;
        while let Some(asked) = self.busy.get_mut(index) {
            let tally = self.phases.get_mut(asked.phase).map(|(_, tally)| tally);
            let Some(tally) = tally else { return };
            match asked.caller.look(&self.request) {
                Seen::Nothing => {
                    index += 1;
                    continue;
                }
                Seen::Answer(answer) if self.kind.is_answered_by(answer) => {
                    let kept = self.kept.as_ref().map(|kept| kept.since(asked.before));
                    tally.answered(asked.due, now, kept.unwrap_or_default());
                    if asked.phase == self.phase {
                        tally.in_time();
                    }
                }
                Seen::Answer(answer) => tally.refused(answer, asked.due, now - asked.sent),
                Seen::Cut => tally.cut(asked.due),
            }
            let asked = self.busy.swap_remove(index);
            self.free.push_back(asked.caller);
        }
    }

    fn report(mut self) -> Vec<Report> {
        for asked in &self.busy {
            if let Some((_, tally)) = self.phases.get_mut(asked.phase) {
                tally.cut(asked.due);
            }
        }
        self.phases.into_iter().map(|(phase, tally)| tally.report(phase.windows)).collect()
    }
}

/// Numbers that look random and are the same in every run (`SplitMix64`).
struct Chance(u64);

impl Chance {
    /// The time between two events of a Poisson process, one a unit on average.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a float")]
    fn exponential(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^= value >> 31;
        -(1.0 - (value >> 11) as f64 / (1_u64 << 53) as f64).ln()
    }
}
