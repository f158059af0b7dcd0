//! bcrypt, as nearly everybody writes it: `$2b$`, the cost in two digits, `$`, 22 characters of salt and 31 of hash.
//! Not for: `$2$` and `$2x$`, which differ in what they hash and are made by nobody any more.

use std::sync::Arc;

use aws_lc_rs::constant_time;
use zeroize::Zeroizing;

use super::encoded::{Encoded, decimal, fields};
use super::{Check, Format, NotChecked, UnusableHash};

/// The highest cost that is accepted: 2^16 rounds, some three seconds.
const MAX_COST: u32 = 16;

/// What bcrypt reads of a secret, in bytes.
const READ_BYTES: usize = 72;

/// The family.
pub struct Bcrypt;

impl Format for Bcrypt {
    fn name(&self) -> &'static str {
        "bcrypt"
    }

    fn read(&self, text: Encoded<'_>) -> Option<Result<Arc<dyn Check>, UnusableHash>> {
        if !text.is(&["bcrypt"], "$2") {
            return None;
        }
        Some(match parse(text.body) {
            None => Err(UnusableHash::broken("bcrypt", "$2b$, two digits, $ and 53 characters")),
            Some(hash) if hash.cost > MAX_COST => Err(UnusableHash::too_costly("bcrypt", "a cost of 16")),
            Some(hash) => Ok(Arc::new(hash)),
        })
    }
}

struct Hash {
    cost: u32,
    salt: [u8; 16],
    expected: [u8; 23],
}

impl Check for Hash {
    fn is_of(&self, secret: &[u8]) -> Result<bool, NotChecked> {
        // Whatever comes after byte 72, and the zero at the end if it does, has no say: it had none at the origin.
        let mut key = Zeroizing::new(Vec::with_capacity(READ_BYTES));
        key.extend(secret.iter().copied().chain([0]).take(READ_BYTES));
        let computed = bcrypt::bcrypt(self.cost, self.salt, &key);
        let (computed, _) = computed.split_at(self.expected.len());
        Ok(constant_time::verify_slices_are_equal(computed, &self.expected).is_ok())
    }
}

fn parse(body: &str) -> Option<Hash> {
    let [version, cost, rest] = fields(body)?;
    let cost = decimal(cost).filter(|number| cost.len() == 2 && (4..=31).contains(number))?;
    let (salt, hash) = rest.as_bytes().split_at_checked(22)?;
    let is_known = matches!(version, "2a" | "2b" | "2y") && hash.len() == 31;
    is_known.then_some(())?;
    Some(Hash { cost, salt: decode(salt)?, expected: decode(hash)? })
}

/// bcrypt's own base64. The bits left over at the end say nothing, and some servers leave them set.
fn decode<const LENGTH: usize>(text: &[u8]) -> Option<[u8; LENGTH]> {
    let mut output = [0; LENGTH];
    let mut places = output.iter_mut();
    let (mut held, mut bits) = (0_u32, 0);
    for character in text {
        held = (held << 6) | value(*character)?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            *places.next()? = u8::try_from(held >> bits).ok()?;
            held &= (1 << bits) - 1;
        }
    }
    places.next().is_none().then_some(output)
}

fn value(character: u8) -> Option<u32> {
    let value = match character {
        b'.' | b'/' => character - b'.',
        b'A'..=b'Z' => character - b'A' + 2,
        b'a'..=b'z' => character - b'a' + 28,
        b'0'..=b'9' => character - b'0' + 54,
        _ => return None,
    };
    Some(u32::from(value))
}
