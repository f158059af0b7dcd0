//! What connections cost that do nothing.
//! Not for: what requests cost (`others.rs`).

use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use super::super::Outcome;
use super::super::process::{self, Server};
use super::super::report::mebibytes;
use super::{Bench, secure};

/// How many there are; in the short form fewer.
const CONNECTIONS: usize = 10_000;

/// How much memory the server may have then, in MiB.
const REQUIRED: f64 = 200.0;

/// Memory under so many connections that have had a token each and are kept open.
pub(super) fn connections(bench: &mut Bench) -> Outcome {
    let count = if bench.is_quick { CONNECTIONS / 10 } else { CONNECTIONS };
    let server = bench.server()?;
    let before = mebibytes(server.memory_kib()?);
    let memory = hold(&server, count, None)?;
    bench.table.judged(
        &format!("memory under {count} idle connections"),
        &format!("under {REQUIRED:.0} MiB"),
        &format!("**{memory:.1} MiB**; {before:.1} MiB before"),
        memory < REQUIRED,
    )?;
    drop(server);
    secure::certify(bench.folder.path())?;
    let server = process::Start { speaks_tls: true, ..bench.start() }.server()?;
    let before = mebibytes(server.memory_kib()?);
    let memory = hold(&server, count, Some(bench.folder.path()))?;
    let measured = format!("{memory:.1} MiB; {before:.1} MiB before");
    bench.table.told(&format!("memory under {count} idle connections over TLS"), &measured)
}

/// Holds so many connections, and says how much memory the server has meanwhile.
fn hold(server: &Server, count: usize, folder: Option<&Path>) -> Outcome<f64> {
    let mut child = process::hold(server, count, folder)?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
    let mut expect = |wanted: &str| match lines.next() {
        Some(Ok(line)) if line == wanted => Ok(()),
        _ => Err(format!("{count} connections could not be held: see above, and `ulimit -n`")),
    };
    expect("held")?;
    let memory = mebibytes(server.memory_kib()?);
    child.stdin.take().ok_or("no input")?.write_all(b"\n")?;
    expect("alive")?;
    child.wait()?;
    Ok(memory)
}
