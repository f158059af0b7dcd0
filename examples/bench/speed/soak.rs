//! Ten minutes at 70 % of what can be had: whether memory grows, answers become slower, or anything fails.
//! Not for: what happens when things break (`examples/cluster`).

use std::ops::Range;

use super::super::Outcome;
use super::super::paced::Report;
use super::super::process::Server;
use super::super::report::{mebibytes, median};
use super::{Bench, Kind, algorithms, first_line, middle, signature, steady};

/// The share of what can be had that is asked for.
const LOAD: f64 = 0.7;

/// How long each part is whose 99th percentile is looked at, in seconds.
const PART: u64 = 10;

/// How many there are.
const PARTS: usize = 60;

/// In how many of them all warms up.
const WARMING_UP: usize = 6;

/// Of how many after that, and of how many at the end, memory is compared.
const A_MINUTE: usize = 6;

/// Of how many the times of answers are, which differ more from one to the next.
const TWO_MINUTES: usize = 12;

/// How much memory may grow.
const GROWTH: f64 = 0.05;

/// How much longer answers may take in the end.
const DRIFT: f64 = 0.10;

/// Ten seconds of it.
struct Part {
    /// How long a raw signature took just before, in milliseconds.
    signature: f64,
    report: Report,
    /// Just after it, where times are compared: the same of a server that only signs.
    only_signed: Option<Report>,
    /// Mebibytes that were resident after it.
    memory: f64,
}

/// Soaks the server. The pace of a shared machine changes within minutes, and times at such a load follow it steeply: before
/// each part it is asked of raw signatures, the load is the share of what can be had then, and times are compared in signatures.
pub(super) fn ten_minutes(bench: &mut Bench) -> Outcome {
    let server = bench.server()?;
    let signing = Server::signing(algorithms::body_length(&server, Kind::Token)?, "RS256")?;
    let load = best(bench, &server)? * LOAD;
    let parts = soak(&server, &signing, load)?;
    let per_second = middle(&parts, |part| per_second(load, part.signature));
    let errors: u64 = parts.iter().map(|part| part.report.due - part.report.answered).sum();
    let refused: u64 = parts.iter().map(|part| part.report.refused).sum();
    let sent: u64 = parts.iter().map(|part| part.report.due).sum();
    let why = parts.iter().find_map(|part| part.report.first_failure.as_deref());
    let memory = first_and_last(&parts, A_MINUTE, |part| part.memory)?;
    let p99 = first_and_last(&parts, TWO_MINUTES, |part| part.report.p99)?;
    let signature = first_and_last(&parts, TWO_MINUTES, |part| part.signature)?;
    let drift = first_and_last(&parts, TWO_MINUTES, |part| part.report.p99 / part.signature)?;
    let only_signed = first_and_last(&parts, TWO_MINUTES, Part::only_signed)?;
    let table = &mut bench.table;
    let name = format!("10 minutes at 70 % ({per_second:.0} per second)");
    table.judged(
        &format!("{name}: errors"),
        "0",
        &format!("**{errors}** of {sent}, {refused} of them refused{}", first_line(why)),
        errors == 0,
    )?;
    table.judged(
        &format!("{name}: growth of memory from the second minute to the last"),
        &format!("under {:.0} %", GROWTH * 100.0),
        &format!("{:.1} MiB, {:.1} MiB: **{:.1} %**", memory.first, memory.last, memory.growth() * 100.0),
        memory.growth() < GROWTH,
    )?;
    table.judged(
        &format!(
            "{name}: p99 over the time of a signature, in the last two minutes over the second and third"
        ),
        &format!("under {:.0} % more", DRIFT * 100.0),
        &format!(
            "{:.2}, {:.2}: **{:+.1} %**; p99 {:.2} ms, {:.2} ms ({:+.1} %), a signature {:.3} ms, {:.3} ms",
            drift.first,
            drift.last,
            drift.growth() * 100.0,
            p99.first,
            p99.last,
            p99.growth() * 100.0,
            signature.first,
            signature.last,
        ),
        drift.growth() < DRIFT,
    )?;
    table.told(
        "the same from a server that makes a signature for each answer, and nothing else, by turns with it",
        &format!(
            "{:.2}, {:.2}: **{:+.1} %**",
            only_signed.first,
            only_signed.last,
            only_signed.growth() * 100.0
        ),
    )
}

impl Part {
    /// The 99th percentile of a server that only signs over the time of a signature.
    fn only_signed(&self) -> f64 {
        self.only_signed.as_ref().map_or(f64::NAN, |report| report.p99 / self.signature)
    }
}

/// The most tokens that can be had in the time of one raw signature, measured by turns.
fn best(bench: &Bench, server: &Server) -> Outcome<f64> {
    let rounds = (0..3).map(|_| Ok(signature()? / 1e3 * bench.best(server)?)).collect::<Outcome<Vec<_>>>()?;
    Ok(median(rounds.into_iter()))
}

/// So many tokens in the time of a signature, which is given in milliseconds, are so many a second.
fn per_second(tokens: f64, signature: f64) -> f64 {
    tokens / signature * 1e3
}

/// All parts, each at so many tokens in the time of one raw signature.
fn soak(server: &Server, signing: &Server, load: f64) -> Outcome<Vec<Part>> {
    let are_compared = |part| ends(TWO_MINUTES).iter().any(|end| end.contains(&part));
    let part = |number| {
        let signature = signature()?;
        let rate = (per_second(load, signature), PART);
        let report = steady(server, Kind::Token, rate, false)?;
        let memory = mebibytes(server.resident_kib()?);
        let only_signed =
            are_compared(number).then(|| steady(signing, Kind::Constant, rate, false)).transpose()?;
        Ok(Part { signature, report, only_signed, memory })
    };
    (0..PARTS).map(part).collect()
}

/// Something as it was early and late.
struct Ends {
    first: f64,
    last: f64,
}

impl Ends {
    /// How much more it is late, as a share.
    fn growth(&self) -> f64 {
        self.last / self.first - 1.0
    }
}

/// Which parts are compared: so many after all is warm, and as many last ones.
fn ends(count: usize) -> [Range<usize>; 2] {
    [WARMING_UP..WARMING_UP + count, PARTS - count..PARTS]
}

/// The median of something in the parts that are compared.
fn first_and_last(parts: &[Part], count: usize, value: impl Fn(&Part) -> f64) -> Outcome<Ends> {
    let [first, last] =
        ends(count).map(|end| parts.get(end).ok_or("too few parts").map(|end| middle(end, &value)));
    Ok(Ends { first: first?, last: last? })
}
