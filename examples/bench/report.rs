//! What was measured, as a table in Markdown.
//! Not for: judging it.

use std::io::{Write, stdout};
use std::time::Duration;

use super::Outcome;
use super::load::Kind;
use super::process::Load;

/// Raw signatures and tokens, measured one after the other.
pub(super) struct Round {
    /// Raw signatures per second.
    pub(super) raw: f64,
    /// Tokens.
    pub(super) tokens: Load,
}

/// An algorithm whose signature takes no longer than an answer: raw signatures, constant answers, tokens per second.
pub(super) struct Quick {
    /// Raw signatures.
    pub(super) raw: f64,
    /// Answers of the same server that are always the same.
    pub(super) constant: f64,
    /// Tokens.
    pub(super) tokens: f64,
}

impl Quick {
    /// What could be had if a token were one signature and one answer and nothing else.
    fn limit(&self) -> f64 {
        1.0 / (1.0 / self.raw + 1.0 / self.constant)
    }
}

/// Everything measured.
pub(super) struct Measured {
    /// From start to first token, several times.
    pub(super) starts: Vec<Duration>,
    /// Resident memory after the start.
    pub(super) idle_memory: u64,
    /// Raw signatures and tokens.
    pub(super) rounds: Vec<Round>,
    /// The same with other algorithms, beside answers that are always the same.
    pub(super) quick: Vec<(Kind, Quick)>,
    /// Tokens on one connection.
    pub(super) alone: Load,
    /// Requests that are refused.
    pub(super) refusals: Vec<(Kind, Load)>,
    /// Questions about a token that is active.
    pub(super) introspections: Load,
    /// Tokens on many connections.
    pub(super) many: Load,
    /// The most memory there was.
    pub(super) busy_memory: u64,
}

/// Prints the table.
#[expect(clippy::cast_precision_loss, reason = "kibibytes of memory fit a float")]
pub(super) fn print(measured: &Measured) -> Outcome {
    let of = |value: &dyn Fn(&Round) -> f64| median(measured.rounds.iter().map(value));
    let ratio = of(&|round| round.tokens.per_second / round.raw);
    let cpu = of(&|round| round.tokens.cpu_micros);
    let milliseconds = |micros: f64| format!("{:.2} ms", micros / 1000.0);
    let mebibytes = |kib: u64| format!("{:.1} MiB", kib as f64 / 1024.0);
    let start = median(measured.starts.iter().map(Duration::as_secs_f64)) * 1000.0;
    let mut rows = vec![
        ("raw RSA-2048 signatures per second".to_owned(), format!("{:.0}", of(&|round| round.raw))),
        ("RS256 tokens per second".to_owned(), format!("{:.0}", of(&|round| round.tokens.per_second))),
        ("**tokens over raw signatures**".to_owned(), format!("**{ratio:.3}**")),
        ("CPU of one token".to_owned(), format!("{cpu:.0} µs")),
        ("p50, 32 connections".to_owned(), milliseconds(of(&|round| round.tokens.p50))),
        ("p99, 32 connections".to_owned(), milliseconds(of(&|round| round.tokens.p99))),
        ("p50, 1 connection".to_owned(), milliseconds(measured.alone.p50)),
        ("p99, 1 connection".to_owned(), milliseconds(measured.alone.p99)),
        ("start to first token, 1,000 applications".to_owned(), format!("{start:.0} ms")),
        ("memory, idle".to_owned(), mebibytes(measured.idle_memory)),
        ("memory, at most, 256 connections".to_owned(), mebibytes(measured.busy_memory)),
        ("tokens per second, 256 connections".to_owned(), format!("{:.0}", measured.many.per_second)),
    ];
    for kind in [Kind::Es256, Kind::EdDsa] {
        let of = |value: &dyn Fn(&Quick) -> f64| {
            median(measured.quick.iter().filter(|(of, _)| *of == kind).map(|(_, quick)| value(quick)))
        };
        let text = format!(
            "{:.0} of {:.0} signatures and {:.0} constant answers: **{:.3}** of the limit",
            of(&|quick| quick.tokens),
            of(&|quick| quick.raw),
            of(&|quick| quick.constant),
            of(&|quick| quick.tokens / quick.limit()),
        );
        rows.push((format!("{} tokens per second", kind.name()), text));
    }
    let asked = &measured.introspections;
    let text = format!("{:.0}, {:.1} µs of CPU each", asked.per_second, asked.cpu_micros);
    rows.push(("introspections of a valid JWT per second, one core".to_owned(), text));
    for (kind, load) in &measured.refusals {
        let text = format!("{:.1} µs, {:.3} of a token", load.cpu_micros, load.cpu_micros / cpu);
        rows.push((format!("CPU of a refusal: {}", kind.name()), text));
    }
    writeln!(stdout(), "\n| | |\n| --- | --- |")?;
    for (name, value) in rows {
        writeln!(stdout(), "| {name} | {value} |")?;
    }
    Ok(())
}

/// The middle one.
pub(super) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
