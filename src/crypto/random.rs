//! Randomness for ids, nonces and secrets, as an argument.
//! Not for: key generation and blinding, for which the crypto library uses its own generator.

/// A source of unpredictable bytes.
pub trait Random: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator, through the crypto library.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "this type is the one place that asks for random bytes")]
    fn fill(&self, bytes: &mut [u8]) {
        if aws_lc_rs::rand::fill(bytes).is_err() {
            // A server without randomness must not go on: every id and secret would be guessable.
            std::process::abort();
        }
    }
}

/// A random UUID (RFC 9562 §5.4): 122 random bits.
#[must_use]
pub fn uuid(random: &dyn Random) -> uuid::Uuid {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}
