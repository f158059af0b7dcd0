//! SHA-2, which is not slow but is kept by some: `{SHA-256}` and `{SHA-512}` with or without a salt in braces, and the
//! `{sha256}` of Spring's `StandardPasswordEncoder`.
//! Not for: MD5 and SHA-1; a secret kept so is better made anew.

use std::sync::Arc;

use aws_lc_rs::constant_time;
use aws_lc_rs::digest::{self, Algorithm, SHA256, SHA512};
use zeroize::Zeroizing;

use super::encoded::{Encoded, bytes_of_length};
use super::{Check, Format, NotChecked, UnusableHash};

const NAME: &str = "sha2";

/// How often Spring's `StandardPasswordEncoder` digests, and how long its salt is.
const SPRING_ROUNDS: u32 = 1024;
const SPRING_SALT_BYTES: usize = 8;

/// The family.
pub struct Sha2;

impl Format for Sha2 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn read(&self, text: Encoded<'_>) -> Option<Result<Arc<dyn Check>, UnusableHash>> {
        let hash = match text.label {
            Some("sha256") => repeated(text.body),
            Some("SHA-256") => once(&SHA256, text.body),
            Some("SHA-512") => once(&SHA512, text.body),
            _ => return None,
        };
        let form = "its bytes in hexadecimal or base64, with the salt in braces before them if there is one";
        Some(
            hash.map(|hash| Arc::new(hash) as Arc<dyn Check>).ok_or_else(|| UnusableHash::broken(NAME, form)),
        )
    }
}

/// The digest of `before`, the secret and `after`, digested again and again.
struct Hash {
    algorithm: &'static Algorithm,
    before: Vec<u8>,
    after: Vec<u8>,
    rounds: u32,
    expected: Vec<u8>,
}

impl Check for Hash {
    fn is_of(&self, secret: &[u8]) -> Result<bool, NotChecked> {
        let text = Zeroizing::new([&self.before, secret, &self.after].concat());
        let mut computed = digest::digest(self.algorithm, &text);
        for _ in 1..self.rounds {
            computed = digest::digest(self.algorithm, computed.as_ref());
        }
        Ok(constant_time::verify_slices_are_equal(computed.as_ref(), &self.expected).is_ok())
    }
}

/// Spring's `MessageDigestPasswordEncoder`: the salt is digested after the secret, with its braces.
fn once(algorithm: &'static Algorithm, body: &str) -> Option<Hash> {
    let end = if body.starts_with('{') { body.find('}')? + 1 } else { 0 };
    let (salt, hash) = body.split_at_checked(end)?;
    let hash = bytes_of_length(hash, algorithm.output_len())?;
    Some(Hash { algorithm, before: Vec::new(), after: salt.as_bytes().to_vec(), rounds: 1, expected: hash })
}

fn repeated(body: &str) -> Option<Hash> {
    let mut before = bytes_of_length(body, SPRING_SALT_BYTES + SHA256.output_len())?;
    let hash = before.split_off(SPRING_SALT_BYTES);
    Some(Hash { algorithm: &SHA256, before, after: Vec::new(), rounds: SPRING_ROUNDS, expected: hash })
}
