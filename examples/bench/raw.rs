//! Raw signatures per second with the library the server signs with.
//! Not for: anything around the signature.

use std::fs::read_to_string;
use std::io::{Write, stdout};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chancery::crypto::algorithm::{self, Signer};

use super::Outcome;

/// Signs a message as long as a token's header and payload again and again, on so many threads with a key each, and prints
/// signatures per second of all together, and the processor time of one in microseconds.
pub(super) fn run(seconds: u64, name: &str, threads: usize) -> Outcome {
    let signers: Vec<_> = (0..threads).map(|_| signer(name)).collect::<Outcome<_>>()?;
    let limit = Duration::from_secs(seconds);
    let signed: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            signers.iter().map(|signer| scope.spawn(|| sign(signer.as_ref(), limit))).collect();
        threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    let (mut per_second, mut count, mut cpu) = (0.0, 0.0, 0.0);
    for signed in signed {
        let signed = signed.map_err(|_| "a thread failed")??;
        per_second += signed.count / signed.elapsed;
        count += signed.count;
        cpu += signed.cpu;
    }
    writeln!(stdout(), "{per_second} {}", cpu / count * 1e6)?;
    Ok(())
}

/// What signs with a new key for an algorithm.
pub(super) fn signer(name: &str) -> Outcome<Arc<dyn Signer>> {
    let algorithm = algorithm::find(name).ok_or_else(|| format!("{name} is no algorithm known here"))?;
    Ok(algorithm.signer(&algorithm.generate()?)?)
}

/// What one thread has done, and in how many seconds, its own processor time and that of clocks.
struct Signed {
    count: f64,
    elapsed: f64,
    cpu: f64,
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn sign(signer: &dyn Signer, limit: Duration) -> Result<Signed, String> {
    let failed = |error: &dyn std::fmt::Display| error.to_string();
    let message = [b'a'; 400];
    let mut signature = Vec::with_capacity(signer.signature_length());
    let (started, before) = (Instant::now(), cpu_seconds()?);
    let mut count = 0_u32;
    while started.elapsed() < limit {
        signature.clear();
        signer.sign(&message, &mut signature).map_err(|error| failed(&error))?;
        count += 1;
    }
    let (elapsed, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds()? - before);
    Ok(Signed { count: f64::from(count), elapsed, cpu })
}

/// Processor time of this thread, to the nanosecond.
pub(super) fn cpu_seconds() -> Result<f64, String> {
    let text = read_to_string("/proc/thread-self/schedstat").map_err(|error| error.to_string())?;
    let nanoseconds = text.split_whitespace().next().and_then(|number| number.parse::<f64>().ok());
    nanoseconds.map(|number| number / 1e9).ok_or_else(|| "the kernel keeps no schedstat".to_owned())
}
