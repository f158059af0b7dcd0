//! Client secrets: made, written down as keyed digests, compared in constant time.
//! Not for: private keys (`seal.rs`) or passwords of people.

use std::borrow::Cow;
use std::fmt;
use std::hash::Hasher;

use aws_lc_rs::{constant_time, hmac};
use siphasher::sip128::{Hasher128, SipHasher24};
use zeroize::{Zeroize, Zeroizing};

use super::random::Random;

/// What every secret made here begins with, so that leak scanners can find it.
pub const PREFIX: &str = "chy_";

/// Longest secret that is accepted, in bytes.
pub const MAX_SECRET_BYTES: usize = 1024;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_DIGITS: usize = 43;
const CHECKSUM_DIGITS: usize = 6;

/// A secret in the clear. It does not print, and memory of its own is wiped when it is dropped; what lies in the body of a
/// request is the HTTP library's, and is not.
#[derive(Clone)]
pub struct SecretText<'text>(Cow<'text, str>);

/// A secret in the clear that has memory of its own.
pub type Secret = SecretText<'static>;

impl<'text> SecretText<'text> {
    /// Text that is a secret and lies where somebody else keeps it.
    #[must_use]
    pub fn in_place(text: &'text str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// The same secret where it lies.
    #[must_use]
    pub fn borrowed(&self) -> SecretText<'_> {
        SecretText::in_place(self.expose())
    }

    /// The same secret with memory of its own.
    #[must_use]
    pub fn copied(&self) -> Secret {
        Secret::new(self.expose().to_owned())
    }

    /// The text itself. Whoever calls this must not write it anywhere but to the caller who may have it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Takes the text out, since it turned out to be no secret.
    #[must_use]
    pub fn into_plain(mut self) -> Cow<'text, str> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for SecretText<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.0 {
            text.zeroize();
        }
    }
}

impl Secret {
    /// Takes over text that is a secret.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Cow::Owned(text))
    }

    /// Makes a secret: the prefix, 256 random bits as 43 letters and digits, and a checksum of 6 more.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let mut number = Zeroizing::new([0_u8; 32]);
        random.fill(number.as_mut_slice());
        let mut text = String::with_capacity(PREFIX.len() + RANDOM_DIGITS + CHECKSUM_DIGITS);
        text.push_str(PREFIX);
        for _ in 0..RANDOM_DIGITS {
            text.push(digit(divide(number.as_mut_slice())));
        }
        let sum = checksum(&text);
        text.extend(sum);
        Self::new(text)
    }
}

impl fmt::Debug for SecretText<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// Whether `text` has the form and the checksum of a secret made here: what a leak scanner asks.
#[must_use]
pub fn looks_like_ours(text: &str) -> bool {
    may_be_ours(text)
        && text.bytes().skip(PREFIX.len()).all(|byte| byte.is_ascii_alphanumeric())
        && text
            .split_at_checked(PREFIX.len() + RANDOM_DIGITS)
            .is_some_and(|(body, sum)| checksum(body).into_iter().eq(sum.chars()))
}

/// Whether `text` is as long as a secret made here and begins like one: what most others can be told by, at no cost.
#[must_use]
pub fn may_be_ours(text: &str) -> bool {
    text.len() == PREFIX.len() + RANDOM_DIGITS + CHECKSUM_DIGITS && text.starts_with(PREFIX)
}

/// CRC-32 of the text before it, as six digits of base 62.
fn checksum(body: &str) -> [char; CHECKSUM_DIGITS] {
    let mut number = crc32fast::hash(body.as_bytes());
    [(); CHECKSUM_DIGITS].map(|()| {
        let last = number % 62;
        number /= 62;
        digit(u8::try_from(last).unwrap_or_default())
    })
}

/// Divides a big-endian number by 62 in place and returns the remainder.
fn divide(number: &mut [u8]) -> u8 {
    let mut remainder = 0_u16;
    for byte in number {
        let value = (remainder << 8) | u16::from(*byte);
        *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
        remainder = value % 62;
    }
    u8::try_from(remainder).unwrap_or_default()
}

fn digit(value: u8) -> char {
    ALPHABET.get(usize::from(value)).copied().map_or('0', char::from)
}

/// What is kept of a secret: HMAC-SHA-256 under the installation's digest key, bound to one application.
#[derive(Clone)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// A digest as it was read from the store.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to write into the store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Compares in constant time.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretDigest(…)")
    }
}

/// What memory keeps of a secret that was proved, so that proving it again costs little: SipHash-2-4 of 128 bits under a
/// key that was made when this process began and is written nowhere. It does not print.
#[derive(Clone)]
pub struct QuickDigest([u8; 16]);

impl QuickDigest {
    /// Compares in constant time.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl fmt::Debug for QuickDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("QuickDigest(…)")
    }
}

/// The key of all quick digests of this process.
pub struct QuickKey(SipHasher24);

impl QuickKey {
    /// A new one.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0; 16]);
        random.fill(bytes.as_mut_slice());
        Self(SipHasher24::new_with_key(&bytes))
    }

    /// The quick digest of `secret` for its `owner`, who is part of what is digested.
    #[must_use]
    pub fn digest(&self, owner: &[u8; 16], secret: &SecretText<'_>) -> QuickDigest {
        let mut hasher = self.0;
        hasher.write(owner);
        hasher.write(secret.expose().as_bytes());
        QuickDigest(hasher.finish128().as_bytes())
    }
}

impl fmt::Debug for QuickKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("QuickKey(…)")
    }
}

/// The key of all secret digests, derived from the master key.
#[derive(Clone)]
pub struct DigestKey {
    key: hmac::Key,
    bytes: Zeroizing<[u8; 32]>,
}

impl DigestKey {
    /// Takes 32 derived bytes.
    #[must_use]
    pub(super) fn new(bytes: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, bytes), bytes: Zeroizing::new(*bytes) }
    }

    /// Takes over bytes that were sealed. `None` when they are no digest key.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::new)
    }

    /// The bytes to be sealed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// The digest of `secret` for its `owner`, an application or an operator. The owner is part of what is digested, so that a digest
    /// copied to another application's row proves nothing there.
    #[must_use]
    pub fn digest(&self, owner: &[u8], secret: &SecretText<'_>) -> SecretDigest {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(owner);
        context.update(secret.expose().as_bytes());
        let mut output = [0; 32];
        output.copy_from_slice(context.sign().as_ref());
        SecretDigest(output)
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DigestKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::SystemRandom;

    /// C18
    #[test]
    fn makes_secrets_of_256_bits_that_a_scanner_recognises() {
        let secret = Secret::generate(&SystemRandom);
        assert_eq!(secret.expose().len(), 53);
        assert!(looks_like_ours(secret.expose()));
        assert_ne!(secret.expose(), Secret::generate(&SystemRandom).expose());
    }

    #[test]
    fn writes_the_whole_number_in_the_digits() {
        struct Full;
        impl Random for Full {
            fn fill(&self, bytes: &mut [u8]) {
                bytes.fill(0xff);
            }
        }
        let secret = Secret::generate(&Full);
        // 62^43 > 2^256, so the 43 digits (least first) hold all of it.
        assert!(secret.expose().starts_with("chy_1pX8wOr5j2ACunjH7GLL8mWZWHmY1LA1ZO6Adwksjhy"));
        assert!(looks_like_ours(secret.expose()));
    }

    #[test]
    fn a_changed_character_breaks_the_checksum() {
        let text = Secret::generate(&SystemRandom).expose().to_owned();
        let other = if text.ends_with('a') { 'b' } else { 'a' };
        let mut changed = text.clone();
        changed.pop();
        changed.push(other);
        assert!(!looks_like_ours(&changed));
        assert!(!looks_like_ours("chy_"));
        assert!(!looks_like_ours("chy_ü"));
    }

    /// C20
    #[test]
    fn secrets_that_differ_after_byte_72_are_different() {
        let key = DigestKey::new(&[7; 32]);
        let long = |end: char| Secret::new(format!("{}{end}", "x".repeat(100)));
        assert!(!key.digest(&[1; 16], &long('a')).matches(&key.digest(&[1; 16], &long('b'))));
        assert!(key.digest(&[1; 16], &long('a')).matches(&key.digest(&[1; 16], &long('a'))));
    }

    #[test]
    fn a_digest_is_bound_to_its_application() {
        let key = DigestKey::new(&[7; 32]);
        let secret = Secret::new("s".to_owned());
        assert!(!key.digest(&[1; 16], &secret).matches(&key.digest(&[2; 16], &secret)));
    }

    #[test]
    fn a_quick_digest_is_bound_to_its_application_its_secret_and_its_process() {
        let (key, other) = (QuickKey::generate(&SystemRandom), QuickKey::generate(&SystemRandom));
        let [one, another] = ["s", "t"].map(SecretText::in_place);
        let digest = key.digest(&[1; 16], &one);
        assert!(digest.matches(&key.digest(&[1; 16], &one)));
        assert!(!digest.matches(&key.digest(&[2; 16], &one)));
        assert!(!digest.matches(&key.digest(&[1; 16], &another)));
        assert!(!digest.matches(&other.digest(&[1; 16], &one)));
        assert_eq!(format!("{digest:?} {key:?}"), "QuickDigest(…) QuickKey(…)");
    }

    #[test]
    fn nothing_secret_prints() {
        let key = DigestKey::new(&[7; 32]);
        let secret = Secret::new("hush".to_owned());
        let digest = key.digest(&[1; 16], &secret);
        assert_eq!(format!("{key:?} {secret:?} {digest:?}"), "DigestKey(…) Secret(…) SecretDigest(…)");
    }
}
