//! PBKDF2 (RFC 8018 §5.2): `$pbkdf2-sha256$i=25000,l=32$salt$hash` of Ory Hydra, and `{pbkdf2}` of Spring.
//! Not for: Spring's encoders with other settings than its defaults; their texts do not say which.

use std::num::NonZeroU32;
use std::sync::Arc;

use aws_lc_rs::pbkdf2::{
    self, Algorithm, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA384, PBKDF2_HMAC_SHA512,
};

use super::encoded::{Encoded, base64, bytes_of_length, fields, numbers, of_good_size};
use super::{Check, Format, NotChecked, UnusableHash};

const NAME: &str = "pbkdf2";

/// The highest number of rounds that is accepted: some five seconds.
const MAX_ITERATIONS: u32 = 10_000_000;

/// Spring's `defaultsForSpringSecurity_v5_5`, which is also what it had before.
const SPRING: Spring = Spring { algorithm: PBKDF2_HMAC_SHA1, iterations: 185_000, salt_bytes: 8 };

/// Spring's `defaultsForSpringSecurity_v5_8`.
const SPRING_5_8: Spring = Spring { algorithm: PBKDF2_HMAC_SHA256, iterations: 310_000, salt_bytes: 16 };

/// How many bytes of hash Spring makes.
const SPRING_HASH_BYTES: usize = 32;

/// The family.
pub struct Pbkdf2;

impl Format for Pbkdf2 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn read(&self, text: Encoded<'_>) -> Option<Result<Arc<dyn Check>, UnusableHash>> {
        const SPRING_FORM: &str = "a salt and 32 bytes of hash, as Spring writes them by default";
        let (hash, form) = match text.label {
            Some("pbkdf2") => (SPRING.read(text.body), SPRING_FORM),
            Some("pbkdf2@SpringSecurity_v5_8") => (SPRING_5_8.read(text.body), SPRING_FORM),
            None if text.body.starts_with("$pbkdf2") => {
                (parse(text.body), "$pbkdf2-sha256$i=25000,l=32$, a salt, $ and a hash, both base64")
            }
            _ => return None,
        };
        Some(match hash {
            None => Err(UnusableHash::broken(NAME, form)),
            Some(hash) if hash.iterations.get() > MAX_ITERATIONS => {
                Err(UnusableHash::too_costly(NAME, "10,000,000 iterations"))
            }
            Some(hash) => Ok(Arc::new(hash)),
        })
    }
}

struct Hash {
    algorithm: Algorithm,
    iterations: NonZeroU32,
    salt: Vec<u8>,
    expected: Vec<u8>,
}

impl Check for Hash {
    fn is_of(&self, secret: &[u8]) -> Result<bool, NotChecked> {
        Ok(pbkdf2::verify(self.algorithm, self.iterations, &self.salt, secret, &self.expected).is_ok())
    }
}

/// What a text of Spring's does not say itself.
struct Spring {
    algorithm: Algorithm,
    iterations: u32,
    salt_bytes: usize,
}

impl Spring {
    fn read(&self, body: &str) -> Option<Hash> {
        let mut salt = bytes_of_length(body, self.salt_bytes + SPRING_HASH_BYTES)?;
        let hash = salt.split_off(self.salt_bytes);
        Some(Hash {
            algorithm: self.algorithm,
            iterations: NonZeroU32::new(self.iterations)?,
            salt,
            expected: hash,
        })
    }
}

fn parse(body: &str) -> Option<Hash> {
    let [name, settings, salt, hash] = fields(body)?;
    let algorithm = match name.strip_prefix("pbkdf2-")? {
        "sha1" => PBKDF2_HMAC_SHA1,
        "sha256" => PBKDF2_HMAC_SHA256,
        "sha384" => PBKDF2_HMAC_SHA384,
        "sha512" => PBKDF2_HMAC_SHA512,
        _ => return None,
    };
    let [iterations, length] = numbers(settings, ["i", "l"])?;
    let (salt, hash) = of_good_size(base64(salt)?, base64(hash)?)?;
    (usize::try_from(length) == Ok(hash.len())).then_some(())?;
    Some(Hash { algorithm, iterations: NonZeroU32::new(iterations)?, salt, expected: hash })
}
