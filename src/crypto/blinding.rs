//! RSA private keys whose blinding is made anew ahead of time.
//! Not for: which hash and padding a signature has (`algorithm/rsa.rs`).
//!
//! The library multiplies what it signs by a random number, so that nobody learns the key from how long signing takes, and
//! squares that number for the next signature. Every 32nd time it draws a new one, which takes as long as another
//! signature: one answer in 32 would come late by that. A key that is there more than once is signed with where the
//! number is new enough, and the others are used once meanwhile, for nothing but their new number.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread::available_parallelism;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RsaEncoding;

/// How many signatures follow one for which the library drew a number, before it draws the next. If the library comes to do
/// it otherwise, some signatures are made for nothing, and all are right nevertheless.
const EACH: u8 = 31;

/// A key that never signed.
const NEVER: u8 = u8::MAX;

/// How often a key is in memory at most, however many processors there are: some kilobytes each.
const MOST: usize = 4;

/// An RSA key pair.
pub(super) struct BlindedPair {
    first: Copy,
    /// Made when the first was in use for the first time for as long as it goes.
    more: OnceLock<Vec<Copy>>,
}

/// The same key once more.
struct Copy {
    pair: KeyPair,
    is_taken: AtomicBool,
    /// How many signatures it has left until the library draws a number, or [`NEVER`].
    left: AtomicU8,
}

/// A copy that nobody else signs with meanwhile.
struct Taken<'of>(&'of Copy);

impl BlindedPair {
    pub(super) fn new(pair: KeyPair) -> Self {
        Self { first: Copy::new(pair), more: OnceLock::new() }
    }

    /// The key itself.
    pub(super) fn pair(&self) -> &KeyPair {
        &self.first.pair
    }

    /// Signs into `space`, which is as long as a signature.
    ///
    /// # Errors
    /// When the library finds its own result wrong.
    pub(super) fn sign(
        &self,
        encoding: &'static dyn RsaEncoding,
        message: &[u8],
        space: &mut [u8],
    ) -> Result<(), aws_lc_rs::error::Unspecified> {
        let ready = self.copies().filter(|copy| copy.is_ready()).find_map(Copy::take);
        match ready.or_else(|| self.copies().find_map(Copy::take)) {
            Some(copy) => copy.sign(encoding, message, space),
            // More sign at once than there are copies; the library keeps them apart.
            None => sign(&self.first.pair, encoding, message, space),
        }
    }

    /// Whether the next signature but one may take longer unless [`Self::prepare`] is called.
    pub(super) fn is_to_prepare(&self) -> bool {
        self.copies().any(Copy::is_used_up)
    }

    /// Makes ready what is not. It takes a few signatures' time.
    pub(super) fn prepare(&self, encoding: &'static dyn RsaEncoding) {
        self.more.get_or_init(|| self.copy());
        let mut space = vec![0; self.pair().public_modulus_len()];
        for copy in self.copies() {
            if !copy.is_ready()
                && let Some(copy) = copy.take()
            {
                // For nobody. One that fails is found out by whoever signs next.
                let _ = copy.sign(encoding, b"", &mut space);
            }
        }
    }

    fn copies(&self) -> impl Iterator<Item = &Copy> {
        std::iter::once(&self.first).chain(self.more.get().into_iter().flatten())
    }

    /// As many copies as can be signed with at once, beside the one that is made ready.
    fn copy(&self) -> Vec<Copy> {
        let Ok(document) = self.pair().as_der() else { return Vec::new() };
        let copy = |_| KeyPair::from_pkcs8(document.as_ref()).ok().map(Copy::new);
        let count = available_parallelism().map_or(1, usize::from).min(MOST - 1);
        (0..count).filter_map(copy).collect()
    }
}

impl Copy {
    fn new(pair: KeyPair) -> Self {
        Self { pair, is_taken: AtomicBool::new(false), left: AtomicU8::new(NEVER) }
    }

    fn is_ready(&self) -> bool {
        !matches!(self.left.load(Ordering::Relaxed), 0 | NEVER)
    }

    fn is_used_up(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0 && !self.is_taken.load(Ordering::Relaxed)
    }

    fn take(&self) -> Option<Taken<'_>> {
        // Not one more `Taken`, which would give it back when it is dropped.
        (!self.is_taken.swap(true, Ordering::Acquire)).then(|| Taken(self))
    }
}

impl Taken<'_> {
    fn sign(
        self,
        encoding: &'static dyn RsaEncoding,
        message: &[u8],
        space: &mut [u8],
    ) -> Result<(), aws_lc_rs::error::Unspecified> {
        let left = match self.0.left.load(Ordering::Relaxed) {
            0 | NEVER => EACH,
            left => left - 1,
        };
        self.0.left.store(left, Ordering::Relaxed);
        sign(&self.0.pair, encoding, message, space)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.0.is_taken.store(false, Ordering::Release);
    }
}

/// The library blinds the operation and verifies its own result with the public exponent before it returns, so that a fault
/// cannot leak the key and no bad signature leaves the process (H13).
#[expect(
    clippy::disallowed_methods,
    reason = "the library demands it, which salts PSS and blinds with its own generator"
)]
fn sign(
    pair: &KeyPair,
    encoding: &'static dyn RsaEncoding,
    message: &[u8],
    space: &mut [u8],
) -> Result<(), aws_lc_rs::error::Unspecified> {
    pair.sign(encoding, &SystemRandom::new(), message, space)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{
        KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey,
    };

    use super::*;

    fn pair() -> BlindedPair {
        BlindedPair::new(KeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    fn sign(pair: &BlindedPair, message: &[u8]) {
        let mut space = vec![0; 256];
        pair.sign(&RSA_PKCS1_SHA256, message, &mut space).unwrap();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.pair().public_key().as_ref());
        public.verify(message, &space).unwrap();
    }

    fn left(pair: &BlindedPair) -> Vec<u8> {
        pair.copies().map(|copy| copy.left.load(Ordering::Relaxed)).collect()
    }

    #[test]
    fn a_key_is_prepared_when_it_was_signed_with_as_often_as_goes_and_another_one_is_used_meanwhile() {
        let pair = pair();
        assert!(!pair.is_to_prepare(), "it may never sign");
        for number in 0..=EACH {
            assert!(!pair.is_to_prepare());
            sign(&pair, &[number]);
        }
        assert!(pair.is_to_prepare());
        assert_eq!(left(&pair), [0], "a key that signs now and then is there once");
        pair.prepare(&RSA_PKCS1_SHA256);
        assert!(!pair.is_to_prepare());
        assert!(left(&pair).len() >= 2 && left(&pair).iter().all(|left| *left == EACH), "{:?}", left(&pair));
        for number in 0..=EACH {
            sign(&pair, &[number]);
        }
        assert!(pair.is_to_prepare());
        assert_eq!(left(&pair)[..2], [0, EACH - 1]);
    }

    #[test]
    fn where_nobody_prepares_all_is_signed_nevertheless() {
        let pair = pair();
        pair.prepare(&RSA_PKCS1_SHA256);
        let all = left(&pair).len();
        for number in 0..all * usize::from(EACH) {
            sign(&pair, &number.to_be_bytes());
        }
        assert!(left(&pair).iter().all(|left| *left == 0));
        sign(&pair, b"again");
        assert_eq!(left(&pair)[0], EACH);
    }

    #[test]
    fn nobody_takes_what_another_has() {
        let pair = pair();
        let taken = pair.first.take();
        assert!(taken.is_some());
        for _ in 0..2 {
            assert!(pair.first.take().is_none());
        }
        // Signed with nevertheless, and prepared beside it.
        sign(&pair, b"beside");
        pair.prepare(&RSA_PKCS1_SHA256);
        assert_eq!(left(&pair)[..2], [NEVER, EACH]);
        drop(taken);
        assert!(pair.first.take().is_some());
    }

    #[test]
    fn signatures_are_right_while_others_are_made_and_the_key_is_prepared() {
        let pair = pair();
        std::thread::scope(|scope| {
            for thread in 0..MOST {
                let pair = &pair;
                scope.spawn(move || {
                    let thread = u8::try_from(thread).unwrap();
                    (0..20).for_each(|number| sign(pair, &[number, thread]));
                });
            }
            (0..5).for_each(|_| pair.prepare(&RSA_PKCS1_SHA256));
        });
        assert!(pair.copies().all(|copy| !copy.is_taken.load(Ordering::Relaxed)));
    }
}
