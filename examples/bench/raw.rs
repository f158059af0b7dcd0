//! Raw signatures per second with the library the server signs with.
//! Not for: anything around the signature.

use std::io::{Write, stdout};
use std::time::{Duration, Instant};

use chancery::crypto::algorithm::{self, Signer, SigningFailed};

use super::Outcome;

/// Signs a message as long as a token's header and payload again and again, on so many threads with a key each, and prints
/// signatures per second of all together.
pub(super) fn run(seconds: u64, name: &str, threads: usize) -> Outcome {
    let algorithm = algorithm::find(name).ok_or_else(|| format!("{name} is no algorithm known here"))?;
    let signers: Vec<_> =
        (0..threads).map(|_| Ok(algorithm.signer(&algorithm.generate()?)?)).collect::<Outcome<_>>()?;
    let limit = Duration::from_secs(seconds);
    let rates: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            signers.iter().map(|signer| scope.spawn(|| sign(signer.as_ref(), limit))).collect();
        threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    let mut all = 0.0;
    for rate in rates {
        all += rate.map_err(|_| "a thread failed")??;
    }
    writeln!(stdout(), "{all}")?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn sign(signer: &dyn Signer, limit: Duration) -> Result<f64, SigningFailed> {
    let message = [b'a'; 400];
    let mut signature = Vec::with_capacity(signer.signature_length());
    let started = Instant::now();
    let mut count = 0_u32;
    while started.elapsed() < limit {
        signature.clear();
        signer.sign(&message, &mut signature)?;
        count += 1;
    }
    Ok(f64::from(count) / started.elapsed().as_secs_f64())
}
