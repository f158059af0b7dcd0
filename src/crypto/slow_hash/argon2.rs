//! Argon2 (RFC 9106): `$argon2id$v=19$m=65536,t=3,p=4$salt$hash`, the same everywhere, in Spring after `{argon2}`.
//! Not for: hashes with a secret key or associated data, which their texts do not hold.

use std::sync::Arc;

use argon2::{Algorithm, Params, Version};
use aws_lc_rs::constant_time;

use super::encoded::{Encoded, base64, numbers, of_good_size};
use super::{Check, Format, NotChecked, UnusableHash};

const NAME: &str = "argon2";

/// The most that is accepted: memory in KiB, passes, lanes.
const MAX_MEMORY: u32 = 256 * 1024;
const MAX_PASSES: u32 = 16;
const MAX_LANES: u32 = 16;

/// The family.
pub struct Argon2;

impl Format for Argon2 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn read(&self, text: Encoded<'_>) -> Option<Result<Arc<dyn Check>, UnusableHash>> {
        if !text.is(&["argon2", "argon2@SpringSecurity_v5_8"], "$argon2") {
            return None;
        }
        Some(match parse(text.body) {
            None => Err(UnusableHash::broken(
                NAME,
                "$argon2id$v=19$m=65536,t=3,p=4$, a salt, $ and a hash, both base64",
            )),
            Some(hash) if hash.is_too_costly() => {
                Err(UnusableHash::too_costly(NAME, "m=262144 (256 MiB), t=16, p=16"))
            }
            Some(hash) => Ok(Arc::new(hash)),
        })
    }
}

struct Hash {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Vec<u8>,
    expected: Vec<u8>,
}

impl Hash {
    fn is_too_costly(&self) -> bool {
        let params = &self.params;
        params.m_cost() > MAX_MEMORY || params.t_cost() > MAX_PASSES || params.p_cost() > MAX_LANES
    }
}

impl Check for Hash {
    fn is_of(&self, secret: &[u8]) -> Result<bool, NotChecked> {
        let context = argon2::Argon2::new(self.algorithm, self.version, self.params.clone());
        let mut computed = vec![0; self.expected.len()];
        context.hash_password_into(secret, &self.salt, &mut computed).map_err(|_| NotChecked)?;
        Ok(constant_time::verify_slices_are_equal(&computed, &self.expected).is_ok())
    }
}

fn parse(body: &str) -> Option<Hash> {
    let mut fields: Vec<&str> = body.strip_prefix('$')?.split('$').collect();
    // Texts of the first version do not name it.
    let version = fields.get(1).and_then(|field| field.strip_prefix("v="));
    let version = match version {
        Some("19") => Version::V0x13,
        Some("16") | None => Version::V0x10,
        Some(_) => return None,
    };
    fields.retain(|field| !field.starts_with("v="));
    let [name, settings, salt, hash] = fields.try_into().ok()?;
    let algorithm = match name {
        "argon2id" => Algorithm::Argon2id,
        "argon2i" => Algorithm::Argon2i,
        "argon2d" => Algorithm::Argon2d,
        _ => return None,
    };
    let [memory, passes, lanes] = numbers(settings, ["m", "t", "p"])?;
    let (salt, hash) = of_good_size(base64(salt)?, base64(hash)?)?;
    // RFC 9106 §3.1 lets salts be shorter, but the library does not.
    (salt.len() >= argon2::MIN_SALT_LEN).then_some(())?;
    let params = Params::new(memory, passes, lanes, Some(hash.len())).ok()?;
    Some(Hash { algorithm, version, params, salt, expected: hash })
}
