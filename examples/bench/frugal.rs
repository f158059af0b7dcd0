//! A load generator that shares the processors with the server and takes as little of them as it can: it sleeps, and
//! then collects all answers that came meanwhile.
//! Not for: times of answers, of which it knows nothing.

use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Outcome;
use super::caller::{Caller, Seen};
use super::load::Kind;
use super::raw::cpu_seconds;

/// How long it sleeps: short enough that the server always has requests left that were sent before.
const SLEEP: Duration = Duration::from_millis(2);

/// Asks for `seconds` and prints: answers, seconds, and its own processor time in seconds.
pub(super) fn run(address: SocketAddr, kind: Kind, connections: usize, seconds: u64) -> Outcome {
    let request = kind.request(address)?.into_bytes();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (count, elapsed, cpu) =
        runtime.block_on(ask(address, &request, kind, (connections, Duration::from_secs(seconds))))?;
    writeln!(stdout(), "{count} {} {cpu}", elapsed.as_secs_f64())?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
async fn ask(
    address: SocketAddr,
    request: &[u8],
    kind: Kind,
    (connections, limit): (usize, Duration),
) -> Outcome<(u64, Duration, f64)> {
    let mut callers = (0..connections).map(|_| Caller::open(address)).collect::<Result<Vec<_>, _>>()?;
    for caller in &mut callers {
        caller.ask(request);
    }
    let (mut count, started, before) = (0, Instant::now(), cpu_seconds()?);
    while started.elapsed() < limit {
        let mut answered = 0;
        for caller in &mut callers {
            match caller.look(request) {
                Seen::Nothing => continue,
                Seen::Cut => return Err("the server closed a connection".into()),
                Seen::Answer(answer) if kind.is_answered_by(answer) => {}
                Seen::Answer(answer) => return Err(String::from_utf8_lossy(answer).into()),
            }
            answered += 1;
            caller.ask(request);
        }
        count += answered;
        // If many were waiting the server may soon have none left.
        if answered < u64::try_from(connections)? / 4 {
            std::thread::sleep(SLEEP);
        }
        tokio::task::yield_now().await;
    }
    Ok((count, started.elapsed(), cpu_seconds()? - before))
}
