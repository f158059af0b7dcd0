//! scrypt (RFC 7914): `{scrypt}$e0801$salt$hash` of Spring, and `$scrypt$ln=16,r=8,p=1$salt$hash`.
//! Not for: other texts that begin with `$s`; each program has its own.

use std::sync::Arc;

use aws_lc_rs::constant_time;
use scrypt::Params;

use super::encoded::{Encoded, base64, fields, numbers, of_good_size};
use super::{Check, Format, NotChecked, UnusableHash};

const NAME: &str = "scrypt";

/// The most that is accepted: memory in bytes, that of the blocks it is filled from, and how often all of it is gone
/// through.
const MAX_MEMORY: u64 = 256 * 1024 * 1024;
const MAX_BLOCKS: u64 = 16 * 1024 * 1024;
const MAX_PARALLEL: u32 = 16;

/// The family.
pub struct Scrypt;

impl Format for Scrypt {
    fn name(&self) -> &'static str {
        NAME
    }

    fn read(&self, text: Encoded<'_>) -> Option<Result<Arc<dyn Check>, UnusableHash>> {
        let parsed = match text.label {
            Some("scrypt" | "scrypt@SpringSecurity_v5_8") => spring(text.body),
            None if text.body.starts_with("$scrypt$") => named(text.body),
            _ => return None,
        };
        Some(match parsed {
            None => Err(UnusableHash::broken(
                NAME,
                "{scrypt}$e0801$ or $scrypt$ln=16,r=8,p=1$, a salt, $ and a hash, both base64",
            )),
            Some(parsed) if parsed.cost.is_too_high() => Err(UnusableHash::too_costly(
                NAME,
                "256 MiB (128 bytes times N times r), 16 MiB (128 bytes times p times r) and p=16",
            )),
            Some(parsed) => parsed.ready(),
        })
    }
}

struct Cost {
    log_n: u32,
    r: u32,
    p: u32,
}

impl Cost {
    fn is_too_high(&self) -> bool {
        let block = 128 * u64::from(self.r);
        let memory = 1_u64.checked_shl(self.log_n).and_then(|n| n.checked_mul(block));
        self.p > MAX_PARALLEL
            || self.log_n > 40
            || memory.is_none_or(|memory| memory > MAX_MEMORY)
            || block * u64::from(self.p) > MAX_BLOCKS
    }
}

struct Parsed {
    cost: Cost,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Parsed {
    fn ready(self) -> Result<Arc<dyn Check>, UnusableHash> {
        let Cost { log_n, r, p } = self.cost;
        let params = u8::try_from(log_n).ok().and_then(|log_n| Params::new(log_n, r, p).ok());
        let params =
            params.ok_or_else(|| UnusableHash::broken(NAME, "one whose N, r and p are above zero"))?;
        Ok(Arc::new(Hash { params, salt: self.salt, expected: self.hash }))
    }
}

struct Hash {
    params: Params,
    salt: Vec<u8>,
    expected: Vec<u8>,
}

impl Check for Hash {
    fn is_of(&self, secret: &[u8]) -> Result<bool, NotChecked> {
        let mut computed = vec![0; self.expected.len()];
        scrypt::scrypt(secret, &self.salt, &self.params, &mut computed).map_err(|_| NotChecked)?;
        Ok(constant_time::verify_slices_are_equal(&computed, &self.expected).is_ok())
    }
}

/// Spring writes the three numbers as one: log2(N), r and p in 16, 8 and 8 bits, in hexadecimal.
fn spring(body: &str) -> Option<Parsed> {
    let [settings, salt, hash] = fields(body)?;
    let settings = u32::from_str_radix(settings, 16).ok()?;
    let cost = Cost { log_n: settings >> 16, r: (settings >> 8) & 0xff, p: settings & 0xff };
    let (salt, hash) = of_good_size(base64(salt)?, base64(hash)?)?;
    Some(Parsed { cost, salt, hash })
}

fn named(body: &str) -> Option<Parsed> {
    let [_, settings, salt, hash] = fields(body)?;
    let [log_n, r, p] = numbers(settings, ["ln", "r", "p"])?;
    let (salt, hash) = of_good_size(base64(salt)?, base64(hash)?)?;
    Some(Parsed { cost: Cost { log_n, r, p }, salt, hash })
}
