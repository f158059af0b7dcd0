//! A server that has both processors, which the load generator shares with it: what it gives of what is left to it.
//! Not for: one processor (`signatures.rs`, `algorithms.rs`).

use super::super::load::Kind;
use super::super::process::{self, Server, Shared, Start};
use super::super::{BUSY, Outcome};
use super::algorithms::body_length;
use super::{Bench, Rounds, middle};

const REQUIRED: f64 = 0.93;

/// Each takes six seconds.
const ROUNDS: Rounds = Rounds { least: 9, most: 21, known_to: 0.002 };

/// Connections that have enough requests on their way while the generator sleeps, 2 ms at a time.
const CONNECTIONS: usize = 128;

/// The same for answers that take a few microseconds.
const CONNECTIONS_OF_QUICK: usize = 256;

/// RS256 tokens per second over raw signatures with a thread on each processor.
pub(super) fn tokens(bench: &mut Bench) -> Outcome {
    let server = Start { has_both: true, ..bench.start() }.server()?;
    process::share(&server, Kind::Token, CONNECTIONS, 1)?;
    let round = || {
        let raw = process::raw_on_both(bench.seconds(3), "RS256")?.per_second;
        Ok((raw, process::share(&server, Kind::Token, CONNECTIONS, bench.seconds(3))?))
    };
    let of_what_was_left = |(raw, load): &(f64, Shared)| load.per_second / (raw * (1.0 - load.generator));
    let (rounds, known_to) = ROUNDS.measure(bench, round, of_what_was_left)?;
    let raw = middle(&rounds, |(raw, _)| *raw);
    let of = |value: fn(&Shared) -> f64| middle(&rounds, |(_, load)| value(load));
    let plain = middle(&rounds, |(raw, load)| load.per_second / raw);
    let left = middle(&rounds, of_what_was_left);
    let (rate, generator, own) =
        (of(|load| load.per_second), of(|load| load.generator), of(|load| load.server));
    let table = &mut bench.table;
    table.told("raw RSA-2048 signatures per second, two cores", &format!("{raw:.0}"))?;
    table
        .told("RS256 tokens per second over raw signatures, two cores", &format!("{rate:.0}: {plain:.3}"))?;
    table.judged(
        "the same, over what the generator left",
        &format!("at least {REQUIRED}"),
        &format!(
            "**{left:.3}** {known_to}; of both processors the generator had {:.1} %, the server {:.1} %",
            generator * 100.0,
            own * 100.0
        ),
        left >= REQUIRED,
    )
}

/// What two processors give over what one gives, for work that takes so little that whatever is shared would be seen.
pub(super) fn scaling(bench: &mut Bench) -> Outcome {
    let servers = [false, true].map(|has_both| Start { has_both, ..bench.start() }.server());
    let [one, both] = servers;
    let (one, both) = (one?, both?);
    let length = body_length(&one, Kind::Token)?;
    compare(bench, "EdDSA tokens", Kind::Signed("EdDSA"), (&one, &both))?;
    let (one, both) = (Server::constant(length, false)?, Server::constant(length, true)?);
    compare(bench, "constant answers", Kind::Constant, (&one, &both))
}

fn compare(bench: &mut Bench, name: &str, kind: Kind, (one, both): (&Server, &Server)) -> Outcome {
    let mut rounds = Vec::new();
    for _ in 0..bench.rounds(5) {
        let alone = process::load(one, kind, BUSY, bench.seconds(2))?;
        let shared = process::share(both, kind, CONNECTIONS_OF_QUICK, bench.seconds(2))?;
        rounds.push((alone, shared));
    }
    let (alone, shared) =
        (middle(&rounds, |round| round.0.per_second), middle(&rounds, |round| round.1.per_second));
    let factor =
        middle(&rounds, |(alone, shared)| shared.per_second / (1.0 - shared.generator) / alone.per_second);
    let idle = middle(&rounds, |(_, shared)| 1.0 - shared.generator - shared.server) * 100.0;
    let generator = middle(&rounds, |(_, shared)| shared.generator) * 100.0;
    bench.table.told(
        &format!("{name} per second, two cores over one"),
        &format!(
            "{shared:.0} of {alone:.0}; with what the generator took **{factor:.2}**; of both processors the generator \
             had {generator:.0} %, nobody {idle:.0} %"
        ),
    )
}
