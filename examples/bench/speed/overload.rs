//! Four times the load that there can be: what is still done, how soon the rest is refused, and how soon all is well again.
//! Not for: loads that can be carried (`latency.rs`).

use super::super::Outcome;
use super::super::load::Kind;
use super::super::paced::{Phase, Report, Spec, Stream, Window};
use super::super::process::{self, Server};
use super::latency::{self, CONNECTIONS};
use super::{Bench, first_line, middle, signature};

/// What is offered, in times of the best rate.
const OFFERED: f64 = 4.0;

/// The share of the best rate that must still be done.
const GOODPUT: f64 = 0.90;

/// On how many connections. On the last of them more requests come at once than may wait, so that most are refused.
const ON: [usize; 3] = [256, 2_000, 4_000];

/// How long a refusal may take, in milliseconds from when the request was sent.
const REFUSED_WITHIN: f64 = 50.0;

/// How soon all must be well again, in seconds.
const WELL_WITHIN: f64 = 2.0;

/// How long half load goes on after the overload, in seconds.
const AFTERWARDS: f64 = 4.0;

/// What one overload brought.
struct Round {
    best: f64,
    seconds: f64,
    overload: Report,
    /// Seconds until all was well, if it ever was.
    well: f64,
}

impl Round {
    fn goodput(&self) -> f64 {
        self.per_second(self.overload.in_time) / self.best
    }

    #[expect(clippy::cast_precision_loss, reason = "some ten thousand")]
    fn per_second(&self, count: u64) -> f64 {
        count as f64 / self.seconds
    }

    fn sent(&self) -> f64 {
        self.per_second(self.overload.due - self.overload.unsent)
    }
}

/// Goodput, refusals and recovery, with few connections and with many.
pub(super) fn goodput(bench: &mut Bench) -> Outcome {
    let server = bench.server()?;
    for connections in ON {
        let rounds =
            (0..bench.rounds(3)).map(|_| once(bench, &server, connections)).collect::<Outcome<Vec<_>>>()?;
        report(bench, &rounds, connections)?;
    }
    Ok(())
}

fn once(bench: &Bench, server: &Server, connections: usize) -> Outcome<Round> {
    let signature = signature()?;
    let best = bench.best(server)?;
    let seconds = if bench.is_quick { 2.0 } else { 8.0 };
    let phases = vec![
        Phase { per_second: best * OFFERED, seconds, windows: false },
        Phase { per_second: best / 2.0, seconds: AFTERWARDS, windows: true },
    ];
    let stream = Stream { kind: Kind::Token.name().to_owned(), connections, phases };
    let reports = process::paced(server, &Spec { streams: vec![stream], at_random: false, server: None })?;
    let mut reports = reports.into_iter().flatten();
    let (overload, after) = reports.next().zip(reports.next()).ok_or("no report")?;
    let is_well = |window: &Window| {
        window.others == 0 && window.answered > 0 && window.p99 <= latency::REQUIRED * signature
    };
    let first = after.windows.iter().position(is_well).and_then(|number| u32::try_from(number + 1).ok());
    let well = first.map_or(f64::INFINITY, |number| f64::from(number) / 10.0);
    Ok(Round { best, seconds, overload, well })
}

fn report(bench: &mut Bench, rounds: &[Round], connections: usize) -> Outcome {
    let of = |value: fn(&Round) -> f64| middle(rounds, value);
    let longest = rounds.iter().map(|round| round.overload.refusal_max).fold(0.0, f64::max);
    let failed: u64 = rounds.iter().map(|round| round.overload.failed).sum();
    let refused: u64 = rounds.iter().map(|round| round.overload.refused).sum();
    let (best, goodput) = (of(|round| round.best), of(Round::goodput));
    let table = &mut bench.table;
    let name = |what: &str| format!("{what} at {OFFERED:.0} times the best rate, {connections} connections");
    let why = rounds.iter().find_map(|round| round.overload.first_failure.as_deref());
    let tokens = format!(
        "{:.0} of {best:.0}: **{goodput:.3}**; {:.0} due and {:.0} sent per second; {failed} failed{}",
        of(|round| round.per_second(round.overload.in_time)),
        of(|round| round.per_second(round.overload.due)),
        of(Round::sent),
        first_line(why),
    );
    let is_reached = goodput >= GOODPUT && failed == 0;
    table.judged(&name("goodput"), &format!("at least {GOODPUT} of the best"), &tokens, is_reached)?;
    let p99 = of(|round| round.overload.refusal_p99);
    let answered = of(|round| round.overload.p99);
    table.judged(
        &name("refusal"),
        &format!("p99 and longest within {REFUSED_WITHIN:.0} ms"),
        &format!(
            "{refused} refused: p99 **{p99:.1} ms**, longest **{longest:.1} ms**; tokens p99 {answered:.0} ms from when due"
        ),
        p99 <= REFUSED_WITHIN && longest <= REFUSED_WITHIN,
    )?;
    let well = of(|round| round.well);
    let measured = if well.is_finite() { format!("**{well:.1} s**") } else { "not in 4 s".to_owned() };
    table.judged(
        &format!("all well at half load after that, {connections} connections"),
        &format!("within {WELL_WITHIN:.0} s"),
        &measured,
        well <= WELL_WITHIN,
    )
}

/// One application floods, another asks now and then.
pub(super) fn fairness(bench: &mut Bench) -> Outcome {
    let server = bench.server()?;
    let seconds = if bench.is_quick { 2.0 } else { 8.0 };
    let mut rounds = Vec::new();
    for _ in 0..bench.rounds(3) {
        let best = bench.best(&server)?;
        let stream = |kind: Kind, connections, per_second| {
            let phases = vec![Phase { per_second, seconds, windows: false }];
            Stream { kind: kind.name().to_owned(), connections, phases }
        };
        let streams =
            vec![stream(Kind::Token, 256, best * OFFERED), stream(Kind::Neighbour, CONNECTIONS, 50.0)];
        let reports = process::paced(&server, &Spec { streams, at_random: false, server: None })?;
        let mut reports = reports.into_iter().flatten();
        let (flood, neighbour) = reports.next().zip(reports.next()).ok_or("no report")?;
        rounds.push((Round { best, seconds, overload: flood, well: 0.0 }, neighbour));
    }
    let of = |value: fn(&(Round, Report)) -> f64| middle(&rounds, value);
    #[expect(clippy::cast_precision_loss, reason = "some hundred")]
    let share = of(|(_, neighbour)| neighbour.answered as f64 / neighbour.due as f64);
    let (p99, goodput) = (of(|(_, neighbour)| neighbour.p99), of(|(flood, _)| flood.goodput()));
    bench.table.told(
        "another application, 50 requests a second, while one floods with 4 times the best rate on 256 connections",
        &format!("**{:.1} %** answered, p99 {p99:.1} ms; the one that floods has {goodput:.3} of the best", share * 100.0),
    )
}
