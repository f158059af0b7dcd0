//! What else is measured, and nothing is required of: start, memory, refusals, introspections.
//! Not for: tokens.

use super::super::load::Kind;
use super::super::process::{self, Load, Server};
use super::super::report::{mebibytes, median};
use super::super::{BUSY, MANY, Outcome};
use super::{Bench, middle};

/// From start to first token.
pub(super) fn start(bench: &mut Bench) -> Outcome {
    let starts: Vec<_> =
        (0..11).map(|_| Ok(bench.server()?.first_token.as_secs_f64() * 1e3)).collect::<Outcome<_>>()?;
    let start = median(starts.into_iter());
    bench.table.told("start to first token, 1,000 applications", &format!("{start:.0} ms"))
}

/// Memory before and under load.
pub(super) fn memory(bench: &mut Bench) -> Outcome {
    let server = bench.server()?;
    let idle = mebibytes(server.memory_kib()?);
    let many = process::load(&server, Kind::Token, MANY, bench.seconds(4))?;
    let most = mebibytes(server.peak_memory_kib()?);
    bench.table.told("memory, idle", &format!("{idle:.1} MiB"))?;
    let measured = format!("{most:.1} MiB; {:.0} tokens per second", many.per_second);
    bench.table.told("memory, at most, 256 connections", &measured)
}

/// Processor time of refusals over that of a token.
pub(super) fn refusals(bench: &mut Bench) -> Outcome {
    let server = bench.server()?;
    let token = cpu(bench, &server, Kind::Token)?.cpu_micros;
    for kind in [Kind::UnknownClient, Kind::WrongSecret, Kind::HugeScope] {
        let refusal = cpu(bench, &server, kind)?.cpu_micros;
        let measured = format!("{refusal:.1} µs, {:.3} of a token", refusal / token);
        bench.table.told(&format!("CPU of a refusal: {}", kind.name()), &measured)?;
    }
    Ok(())
}

/// Introspections of one valid token.
pub(super) fn introspections(bench: &mut Bench) -> Outcome {
    let server = bench.server()?;
    let load = cpu(bench, &server, Kind::Introspect)?;
    let measured = format!("{:.0}, {:.1} µs of CPU each", load.per_second, load.cpu_micros);
    bench.table.told("introspections of a valid JWT per second, one core", &measured)
}

/// The load of the middle of some rounds.
fn cpu(bench: &Bench, server: &Server, kind: Kind) -> Outcome<Load> {
    let rounds = (0..bench.rounds(3))
        .map(|_| process::load(server, kind, BUSY, bench.seconds(2)))
        .collect::<Outcome<Vec<_>>>()?;
    let of = |value: fn(&Load) -> f64| middle(&rounds, value);
    Ok(Load {
        per_second: of(|load| load.per_second),
        cpu_micros: of(|load| load.cpu_micros),
        p50: of(|load| load.p50),
        p99: of(|load| load.p99),
    })
}
