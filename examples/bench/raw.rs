//! Raw signatures per second with the library the server signs with.
//! Not for: anything around the signature.

use std::io::{Write, stdout};
use std::time::{Duration, Instant};

use chancery::crypto::algorithm;

use super::Outcome;

/// Signs a message as long as a token's header and payload again and again, and prints signatures per second.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub(super) fn run(seconds: u64, name: &str) -> Outcome {
    let algorithm = algorithm::find(name).ok_or_else(|| format!("{name} is no algorithm known here"))?;
    let signer = algorithm.signer(&algorithm.generate()?)?;
    let message = [b'a'; 400];
    let mut signature = Vec::with_capacity(signer.signature_length());
    let (started, limit) = (Instant::now(), Duration::from_secs(seconds));
    let mut count = 0_u32;
    while started.elapsed() < limit {
        signature.clear();
        signer.sign(&message, &mut signature)?;
        count += 1;
    }
    writeln!(stdout(), "{}", f64::from(count) / started.elapsed().as_secs_f64())?;
    Ok(())
}
