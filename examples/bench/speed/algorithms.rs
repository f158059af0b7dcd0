//! Tokens of every algorithm, and reused ones, beside what the same server gives when its answer is always the same.
//! Not for: two processors (`two.rs`).

use chancery::crypto::algorithm::ALGORITHMS;

use super::super::load::{self, Kind};
use super::super::process::{self, Load, Server};
use super::super::{BUSY, Outcome, registry};
use super::{Bench, Rounds, middle};

const REQUIRED: f64 = 0.90;
const REQUIRED_OF_REUSED: f64 = 0.85;

const ROUNDS: Rounds = Rounds { least: 5, most: 31, known_to: 0.004 };

/// Raw signatures, constant answers and tokens, measured one after the other.
struct Round {
    raw: f64,
    constant: f64,
    tokens: f64,
    busy: f64,
}

impl Round {
    /// Tokens over what could be had if a token were one signature and one answer and nothing else.
    fn ratio(&self) -> f64 {
        self.tokens * (1.0 / self.raw + 1.0 / self.constant)
    }
}

/// Tokens per second of every algorithm over its limit.
pub(super) fn all(bench: &mut Bench) -> Outcome {
    let folder = tempfile::tempdir()?;
    registry::prepare_algorithms(folder.path())?;
    let server = Server::start(&bench.binary, folder.path())?;
    for algorithm in ALGORITHMS {
        let kind = Kind::Signed(algorithm.name());
        let same = Server::constant(body_length(&server, kind)?, false)?;
        let round = || {
            let raw = process::raw(1, algorithm.name())?.per_second;
            let constant = process::load(&same, Kind::Constant, BUSY, 1)?.per_second;
            let load = process::load(&server, kind, BUSY, 1)?;
            Ok(Round { raw, constant, tokens: load.per_second, busy: load.busy() })
        };
        let (rounds, known) = ROUNDS.measure(bench, round, Round::ratio)?;
        let of = |value: fn(&Round) -> f64| middle(&rounds, value);
        let (raw, constant, tokens) =
            (of(|round| round.raw), of(|round| round.constant), of(|round| round.tokens));
        let (ratio, busy) = (of(Round::ratio), of(|round| round.busy) * 100.0);
        let name = format!("{} tokens per second over the limit", algorithm.name());
        let measured = format!(
            "{tokens:.0} of {raw:.0} signatures and {constant:.0} constant answers: **{ratio:.3}** {known}; server busy {busy:.0} %"
        );
        if algorithm.is_experimental() {
            bench.table.told(&name, &measured)?;
        } else {
            bench.table.judged(&name, &format!("at least {REQUIRED}"), &measured, ratio >= REQUIRED)?;
        }
    }
    Ok(())
}

/// Reused tokens per second over constant answers.
pub(super) fn reused(bench: &mut Bench) -> Outcome {
    let server = bench.server()?;
    let same = Server::constant(body_length(&server, Kind::Reused)?, false)?;
    let are_reused = load::once(server.address, Kind::Reused)? == load::once(server.address, Kind::Reused)?;
    let round = || {
        let constant = process::load(&same, Kind::Constant, BUSY, bench.seconds(2))?;
        Ok((constant, process::load(&server, Kind::Reused, BUSY, bench.seconds(2))?))
    };
    let ratio = |(constant, reused): &(Load, Load)| reused.per_second / constant.per_second;
    let (rounds, known) = ROUNDS.measure(bench, round, ratio)?;
    let (constant, reused) =
        (middle(&rounds, |round| round.0.per_second), middle(&rounds, |round| round.1.per_second));
    let ratio = middle(&rounds, ratio);
    let busy = middle(&rounds, |(_, reused)| reused.busy()) * 100.0;
    let but = if are_reused { "" } else { "; **they are not the same token**" };
    bench.table.judged(
        "reused tokens per second over constant answers",
        &format!("at least {REQUIRED_OF_REUSED}"),
        &format!("{reused:.0} of {constant:.0}: **{ratio:.3}** {known}; server busy {busy:.0} %{but}"),
        are_reused && ratio >= REQUIRED_OF_REUSED,
    )
}

/// How long the body of an answer is, in bytes.
pub(super) fn body_length(server: &Server, kind: Kind) -> Outcome<usize> {
    let answer = load::answer(server.address, &kind.request(server.address)?)?;
    let (_, body) = answer.split_once("\r\n\r\n").ok_or("an answer without a body")?;
    Ok(body.len())
}
