//! Ten minutes at 70 % of what can be had: whether memory grows, answers become slower, or anything fails.
//! Not for: what happens when things break (`examples/cluster`).

use std::thread::sleep;
use std::time::Duration;

use super::super::Outcome;
use super::super::paced::{Phase, Report, Spec, Stream};
use super::super::process::{self, Server};
use super::super::report::{mebibytes, median};
use super::latency::CONNECTIONS;
use super::{Bench, Kind, first_line};

/// The share of the best rate that is asked for.
const LOAD: f64 = 0.7;

/// How long each part is whose 99th percentile is looked at, in seconds.
const PART: f64 = 10.0;

/// How many there are.
const PARTS: usize = 60;

/// In how many of them all warms up.
const WARMING_UP: usize = 6;

/// How many after that are compared with as many at the end.
const COMPARED: usize = 12;

/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How often in a minute.
const LOOKS: usize = 30;

/// How much memory may grow.
const GROWTH: f64 = 0.05;

/// How much longer answers may take in the end.
const DRIFT: f64 = 0.10;

/// Soaks the server.
pub(super) fn ten_minutes(bench: &mut Bench) -> Outcome {
    let server = bench.server()?;
    let best = median([bench.best(&server)?, bench.best(&server)?, bench.best(&server)?].into_iter());
    let per_second = best * LOAD;
    let (memory, parts) = soak(&server, per_second)?;
    let (first, last) = first_and_last(&memory, LOOKS, LOOKS)?;
    let growth = last / first - 1.0;
    let errors: u64 = parts.iter().map(|part| part.due - part.answered).sum();
    let refused: u64 = parts.iter().map(|part| part.refused).sum();
    let sent: u64 = parts.iter().map(|part| part.due).sum();
    let why = parts.iter().find_map(|part| part.first_failure.as_deref());
    let p99: Vec<_> = parts.iter().map(|part| part.p99).collect();
    let (early, late) = first_and_last(&p99, WARMING_UP, COMPARED)?;
    let drift = late / early - 1.0;
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
        &format!("{first:.1} MiB, {last:.1} MiB: **{:.1} %**", growth * 100.0),
        growth < GROWTH,
    )?;
    table.judged(
        &format!("{name}: p99 of the last two minutes over that of the second and third"),
        &format!("under {:.0} % more", DRIFT * 100.0),
        &format!("{early:.2} ms, {late:.2} ms: **{:+.1} %**", drift * 100.0),
        drift < DRIFT,
    )
}

/// The medians of the first values after some in which all warms up, and of as many last ones.
fn first_and_last(values: &[f64], warming_up: usize, count: usize) -> Outcome<(f64, f64)> {
    let middle = |part: Option<&[f64]>| part.map(|part| median(part.iter().copied())).ok_or("too few values");
    let first = middle(values.get(warming_up..warming_up + count))?;
    Ok((first, middle(values.get(values.len().saturating_sub(count)..))?))
}

/// Memory as it was seen again and again, and what became of each part.
fn soak(server: &Server, per_second: f64) -> Outcome<(Vec<f64>, Vec<Report>)> {
    let phases = vec![Phase { per_second, seconds: PART, windows: false }; PARTS];
    let stream = Stream { kind: Kind::Token.name().to_owned(), connections: CONNECTIONS, phases };
    let mut child = process::pace(server, &Spec { streams: vec![stream], at_random: false, server: None })?;
    let mut memory = Vec::new();
    while child.try_wait()?.is_none() {
        memory.push(mebibytes(server.resident_kib()?));
        sleep(LOOK_EVERY);
    }
    Ok((memory, process::reports(child)?.into_iter().flatten().collect()))
}
