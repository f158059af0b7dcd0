//! Randomness for ids, nonces and secrets, as an argument.
//! Not for: key generation and blinding, for which the crypto library uses its own generator.

use std::sync::{Arc, Mutex, PoisonError};

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

/// Random bytes for ids, which the source is asked for many at once: asking costs more than the bytes. Each is given out
/// once and wiped. Not for secrets, which should not lie in memory before they are made.
pub struct Pooled {
    source: Arc<dyn Random>,
    /// The bytes, and how many of them were given out.
    pool: Mutex<([u8; Self::BYTES], usize)>,
}

impl Pooled {
    const BYTES: usize = 1024;

    /// An empty pool, filled from `source` when it is asked for the first time.
    #[must_use]
    pub fn new(source: Arc<dyn Random>) -> Self {
        Self { source, pool: Mutex::new(([0; Self::BYTES], Self::BYTES)) }
    }
}

impl Random for Pooled {
    fn fill(&self, bytes: &mut [u8]) {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let (ready, given) = &mut *pool;
        if bytes.len() > ready.len() - *given {
            self.source.fill(ready);
            *given = 0;
        }
        match ready.get_mut(*given..*given + bytes.len()) {
            Some(fresh) => {
                bytes.copy_from_slice(fresh);
                fresh.fill(0);
                *given += bytes.len();
            }
            None => self.source.fill(bytes),
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_pool_gives_no_byte_out_twice_and_keeps_none() {
        let pooled = Pooled::new(Arc::new(SystemRandom));
        let mut seen = HashSet::new();
        for _ in 0..1_000 {
            assert!(seen.insert(uuid(&pooled)));
        }
        let pool = pooled.pool.lock().unwrap();
        assert!(pool.0[..pool.1].iter().all(|byte| *byte == 0) && pool.1 > 0);
        drop(pool);
        let mut long = [0; 2_000];
        pooled.fill(&mut long);
        assert!(long.chunks(20).all(|piece| piece.iter().any(|byte| *byte != 0)));
    }
}
