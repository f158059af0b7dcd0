//! RS256 tokens beside raw signatures, on one processor.
//! Not for: two processors (`two.rs`) and other algorithms (`algorithms.rs`).

use std::path::Path;

use super::super::load::Kind;
use super::super::process::{self, Load, Raw};
use super::super::report::milliseconds;
use super::super::{BUSY, Outcome};
use super::{Bench, Rounds, middle};

const REQUIRED: f64 = 0.95;

const ROUNDS: Rounds = Rounds { least: 15, most: 31, known_to: 0.003 };

/// Raw signatures and tokens, measured one after the other.
struct Round {
    raw: Raw,
    tokens: Load,
}

impl Round {
    fn ratio(&self) -> f64 {
        self.tokens.per_second / self.raw.per_second
    }
}

/// Tokens per second over raw signatures per second.
pub(super) fn one_core(bench: &mut Bench) -> Outcome {
    let server = bench.server()?;
    process::load(&server, Kind::Token, BUSY, 1)?;
    let round = || {
        let raw = process::raw(bench.seconds(2), "RS256")?;
        let tokens = process::load(&server, Kind::Token, BUSY, bench.seconds(2))?;
        Ok(Round { raw, tokens })
    };
    let (rounds, known) = ROUNDS.measure(bench, round, Round::ratio)?;
    let alone = process::load(&server, Kind::Token, 1, bench.seconds(3))?;
    let (raw, ratio) = (middle(&rounds, |round| round.raw.per_second), middle(&rounds, Round::ratio));
    let tokens = |value: fn(&Load) -> f64| middle(&rounds, |round| value(&round.tokens));
    let table = &mut bench.table;
    let signature = milliseconds(1e6 / raw);
    table.told("raw RSA-2048 signatures per second", &format!("{raw:.0}: one takes {signature}"))?;
    table.judged(
        "RS256 tokens per second over raw signatures, one core",
        &format!("at least {REQUIRED}"),
        &format!("{:.0}: **{ratio:.3}** {known}", tokens(|load| load.per_second)),
        ratio >= REQUIRED,
    )?;
    let cpu = tokens(|load| load.cpu_micros);
    let signature = middle(&rounds, |round| round.raw.cpu_micros);
    let ratio = middle(&rounds, |round| round.raw.cpu_micros / round.tokens.cpu_micros);
    table.told(
        "CPU of one token",
        &format!(
            "{cpu:.1} µs; of one raw signature {signature:.1} µs: {ratio:.3}, whatever else the processor had to do"
        ),
    )?;
    let times = |p50, p99| format!("p50 {}, p99 {}", milliseconds(p50), milliseconds(p99));
    let measured = times(tokens(|load| load.p50), tokens(|load| load.p99));
    table.told("time of an answer, 32 connections", &measured)?;
    table.told("time of an answer, 1 connection", &times(alone.p50, alone.p99))
}

/// Raw signatures beside those of the `openssl` program, if there is one.
pub(super) fn openssl(bench: &mut Bench) -> Outcome {
    let mut rounds = Vec::new();
    for _ in 0..bench.rounds(3) {
        let mut command = process::in_place_of_the_server(Path::new("openssl"));
        command.args(["speed", "-elapsed", "-seconds", &bench.seconds(2).to_string(), "rsa2048"]);
        let Ok(output) = command.output() else { break };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // "rsa 2048 bits 0.000356s 0.000016s 2808.9 61728.4": seconds end with an s, the first other number is signatures.
        let line = text.lines().find(|line| line.trim_start().starts_with("rsa")).unwrap_or_default();
        let mut words = line.split_whitespace().skip_while(|word| *word != "bits").skip(1);
        let Some(theirs) = words.find_map(|word| word.parse::<f64>().ok()) else { break };
        rounds.push((process::raw(bench.seconds(2), "RS256")?.per_second, theirs));
    }
    let name = "raw RSA-2048 signatures over those of `openssl speed`";
    if rounds.is_empty() {
        return bench.table.told(name, "there is no openssl that says");
    }
    let (ours, theirs) = (middle(&rounds, |round| round.0), middle(&rounds, |round| round.1));
    let ratio = middle(&rounds, |round| round.0 / round.1);
    bench.table.told(name, &format!("{ours:.0} of {theirs:.0}: **{ratio:.2}**"))
}
