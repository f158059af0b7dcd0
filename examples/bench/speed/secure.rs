//! TLS 1.3 and HTTP/2 beside plain HTTP/1.1.
//! Not for: what is required; it is told to those who choose where TLS ends.

use std::path::Path;

use super::super::load::Kind;
use super::super::process::{self, Load, Start};
use super::super::report::milliseconds;
use super::super::{BUSY, Outcome};
use super::{Bench, middle};

/// New connections: how, and what that is called.
const CONNECTING: [(&str, &str); 3] =
    [("plain", "without TLS"), ("full", "TLS 1.3, full handshake"), ("resumed", "TLS 1.3, resumed")];

/// Tokens on connections that are kept alive.
const KEPT: [(&str, &str); 3] = [
    ("tls", "HTTP/1.1 over TLS 1.3, 32 connections"),
    ("h2c", "HTTP/2 without TLS, 32 streams on 4 connections"),
    ("h2", "HTTP/2 over TLS 1.3, 32 streams on 4 connections"),
];

/// Handshakes, and tokens over each protocol.
pub(super) fn protocols(bench: &mut Bench) -> Outcome {
    certify(bench.folder.path())?;
    let plain = bench.server()?;
    let tls = Start { speaks_tls: true, ..bench.start() }.server()?;
    let folder = bench.folder.path().to_owned();
    for (how, name) in CONNECTING {
        let server = if how == "plain" { &plain } else { &tls };
        let rounds = (0..bench.rounds(3))
            .map(|_| process::secure(server, how, &folder, bench.seconds(2)))
            .collect::<Outcome<Vec<_>>>()?;
        let of = |value: fn(&Load) -> f64| middle(&rounds, |(load, _)| value(load));
        let resumed = middle(&rounds, |(_, resumed)| *resumed) * 100.0;
        let cpu = of(|load| load.cpu_micros);
        let measured = format!(
            "{:.0} per second, {cpu:.0} µs of CPU each: {:.0} per second and core; {resumed:.0} % resumed",
            of(|load| load.per_second),
            1e6 / cpu
        );
        bench.table.told(&format!("new connections with one request each, {name}"), &measured)?;
    }
    for (how, name) in KEPT {
        let server = if how == "h2c" { &plain } else { &tls };
        let mut rounds = Vec::new();
        for _ in 0..bench.rounds(5) {
            let usual = process::load(&plain, Kind::Token, BUSY, bench.seconds(2))?;
            rounds.push((usual, process::secure(server, how, &folder, bench.seconds(2))?.0));
        }
        let of = |value: fn(&Load) -> f64| middle(&rounds, |(_, load)| value(load));
        let ratio = middle(&rounds, |(usual, load)| load.per_second / usual.per_second);
        let cpu = middle(&rounds, |(usual, load)| load.cpu_micros - usual.cpu_micros);
        let measured = format!(
            "{:.0}: **{ratio:.3}** of HTTP/1.1 without TLS, {cpu:.1} µs of CPU more each; p99 {}",
            of(|load| load.per_second),
            milliseconds(of(|load| load.p99))
        );
        bench.table.told(&format!("RS256 tokens per second, {name}"), &measured)?;
    }
    Ok(())
}

/// Writes a certificate of its own and its key (ECDSA P-256) into a folder, where a server that speaks TLS looks for them.
pub(super) fn certify(folder: &Path) -> Outcome {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    std::fs::write(folder.join("certificate.pem"), pair.cert.pem())?;
    std::fs::write(folder.join("key.pem"), pair.signing_key.serialize_pem())?;
    Ok(())
}
