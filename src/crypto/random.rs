//! Randomness for ids, nonces and secrets, as an argument.
//! Not for: key generation and blinding, for which the crypto library uses its own generator.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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

/// Random bytes for ids, which the source is asked for many at once, for each thread: asking costs more than the bytes. Each is
/// given out once and wiped. Not for secrets, which should not lie in memory before they are made.
pub struct Pooled {
    source: Arc<dyn Random>,
    /// Tells it from all others, whose bytes it does not give out.
    number: u64,
}

/// What a thread has ready.
struct Pool {
    /// Whose bytes they are.
    owner: u64,
    bytes: [u8; Pool::BYTES],
    /// How many of them were given out.
    given: usize,
}

impl Pool {
    const BYTES: usize = 1024;
}

thread_local! {
    static POOL: RefCell<Pool> =
        const { RefCell::new(Pool { owner: 0, bytes: [0; Pool::BYTES], given: Pool::BYTES }) };
}

impl Pooled {
    /// Filled from `source` when a thread asks for the first time.
    #[must_use]
    pub fn new(source: Arc<dyn Random>) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Self { source, number: COUNT.fetch_add(1, Ordering::Relaxed) + 1 }
    }
}

impl Random for Pooled {
    fn fill(&self, bytes: &mut [u8]) {
        POOL.with_borrow_mut(|pool| {
            if pool.owner != self.number || bytes.len() > Pool::BYTES - pool.given {
                self.source.fill(&mut pool.bytes);
                (pool.owner, pool.given) = (self.number, 0);
            }
            match pool.bytes.get_mut(pool.given..pool.given + bytes.len()) {
                Some(fresh) => {
                    bytes.copy_from_slice(fresh);
                    fresh.fill(0);
                    pool.given += bytes.len();
                }
                None => self.source.fill(bytes),
            }
        });
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
        let further: Vec<_> = std::thread::scope(|scope| {
            scope.spawn(|| (0..100).map(|_| uuid(&pooled)).collect()).join().unwrap()
        });
        assert!(further.into_iter().all(|id| seen.insert(id)), "another thread has bytes of its own");
        POOL.with_borrow(|pool| {
            assert!(pool.bytes[..pool.given].iter().all(|byte| *byte == 0) && pool.given > 0);
        });
        let mut long = [0; 2_000];
        pooled.fill(&mut long);
        assert!(long.chunks(20).all(|piece| piece.iter().any(|byte| *byte != 0)));
    }

    #[test]
    fn a_pool_gives_out_no_bytes_of_another_source() {
        struct Of(u8);
        impl Random for Of {
            fn fill(&self, bytes: &mut [u8]) {
                bytes.fill(self.0);
            }
        }
        let pools = [1, 2].map(|number| Pooled::new(Arc::new(Of(number))));
        for _ in 0..3 {
            for (pool, number) in pools.iter().zip([1, 2]) {
                let mut bytes = [0; 16];
                pool.fill(&mut bytes);
                assert_eq!(bytes, [number; 16]);
            }
        }
    }
}
