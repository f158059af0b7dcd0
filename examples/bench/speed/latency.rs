//! How long answers take at half of the load that there can be.
//! Not for: more load than there can be (`overload.rs`).

use super::super::Outcome;
use super::super::paced::{Phase, Report, Spec, Stream};
use super::super::process::{self, Server};
use super::{Bench, Kind, algorithms, middle, signature};

/// Signatures that one answer in a hundred may take longer than.
pub(super) const REQUIRED: f64 = 3.0;

/// Connections that take turns. More than ever wait at half the load that there can be.
pub(super) const CONNECTIONS: usize = 64;

/// Measured one after the other.
struct Round {
    /// Milliseconds of one raw signature.
    signature: f64,
    best: f64,
    even: Report,
    /// The same from a server that only signs.
    only_signed: Report,
    at_random: Report,
}

/// 99th percentile at half load over the time of a signature; beside it the same with requests that come at random.
pub(super) fn half_load(bench: &mut Bench) -> Outcome {
    let server = bench.server()?;
    let signing = Server::signing(algorithms::body_length(&server, Kind::Token)?, "RS256")?;
    let mut rounds = Vec::new();
    for _ in 0..bench.rounds(7) {
        let signature = signature()?;
        let best = bench.best(&server)?;
        let even = steady(&server, Kind::Token, (best / 2.0, bench.seconds(4)), false)?;
        let only_signed = steady(&signing, Kind::Constant, (best / 2.0, bench.seconds(4)), false)?;
        let at_random = steady(&server, Kind::Token, (best / 2.0, bench.seconds(4)), true)?;
        rounds.push(Round { signature, best, even, only_signed, at_random });
    }
    let signature = middle(&rounds, |round| round.signature);
    let ratio = middle(&rounds, |round| round.even.p99 / round.signature);
    let undisturbed = middle(&rounds, |round| round.even.p99_unkept / round.signature);
    let failed: u64 = rounds.iter().map(|round| round.even.due - round.even.answered).sum();
    let refused: u64 = rounds.iter().map(|round| round.even.refused).sum();
    let of = |value: fn(&Round) -> f64| middle(&rounds, value);
    bench.table.judged(
        &format!("p99 at half load ({:.0} per second) over the time of one signature", of(|round| round.best) / 2.0),
        &format!("at most {REQUIRED}"),
        &format!(
            "p50 {:.2} ms, p99 {:.2} ms; a signature {signature:.2} ms: **{ratio:.2}**; {undisturbed:.2} less the time for which other programs had \
             the processor; {failed} without a token, {refused} of them refused; the generator was late by {:.2} ms (p99)",
            of(|round| round.even.p50),
            of(|round| round.even.p99),
            of(|round| round.even.late_p99),
        ),
        ratio <= REQUIRED && failed == 0,
    )?;
    let only_signed = middle(&rounds, |round| round.only_signed.p99 / round.signature);
    let undisturbed = middle(&rounds, |round| round.only_signed.p99_unkept / round.signature);
    bench.table.told(
        "the same from a server that makes a signature for each answer, and nothing else",
        &format!(
            "p50 {:.2} ms, p99 {:.2} ms: **{only_signed:.2}**; {undisturbed:.2} less that time",
            of(|round| round.only_signed.p50),
            of(|round| round.only_signed.p99),
        ),
    )?;
    let services = middle(&rounds, |round| round.at_random.p99 * round.best / 1e3);
    bench.table.told(
        "the same when requests come at random (Poisson)",
        &format!(
            "p99 {:.2} ms: {services:.1} times a token, of which an M/D/1 queue takes {:.1}",
            of(|round| round.at_random.p99),
            queue_p99(0.5)
        ),
    )
}

/// A load that does not change.
pub(in super::super) fn steady(
    server: &Server,
    kind: Kind,
    (per_second, seconds): (f64, u64),
    at_random: bool,
) -> Outcome<Report> {
    #[expect(clippy::cast_precision_loss, reason = "some seconds")]
    let phases = vec![Phase { per_second, seconds: seconds as f64, windows: false }];
    let stream = Stream { kind: kind.name().to_owned(), connections: CONNECTIONS, phases };
    // Others may have many threads, and looking at all of them takes the generator's time.
    let looked_at = (kind != Kind::Peer).then(|| server.id());
    let reports = process::paced(server, &Spec { streams: vec![stream], at_random, server: looked_at })?;
    reports.into_iter().flatten().next().ok_or_else(|| "no report".into())
}

/// The time in an M/D/1 queue that one in a hundred exceeds, in units of one service: Erlang's formula for the wait (1909),
/// solved by halving, and the service itself.
fn queue_p99(load: f64) -> f64 {
    let (mut low, mut high) = (0.0, 30.0);
    for _ in 0..50 {
        let wait = f64::midpoint(low, high);
        let (mut sum, mut number, mut factorial) = (0.0, 0_i32, 1.0);
        while f64::from(number) <= wait {
            let left = load * (wait - f64::from(number));
            sum += (-left).powi(number) / factorial * left.exp();
            number += 1;
            factorial *= f64::from(number);
        }
        let is_within = (1.0 - load) * sum;
        if is_within < 0.99 { low = wait } else { high = wait }
    }
    low + 1.0
}
