//! Cryptography: the only folder that names the crypto library.
//! Not for: where keys are kept (`store`), how long they live (`keys`), or TLS (`http/tls.rs`).

pub mod algorithm;
mod blinding;
pub mod certificate;
pub mod jwk;
pub mod jws;
pub mod master;
pub mod random;
pub mod seal;
pub mod secret;
pub mod slow_hash;

use aws_lc_rs::digest;

/// SHA-256 of `bytes` (FIPS 180-4).
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut output = [0; 32];
    output.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    output
}
