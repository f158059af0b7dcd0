//! Secrets as other servers keep them: one file a family of hashes, and the list that is the only thing that knows them
//! all. They are read and checked, never made.
//! Not for: how we keep secrets (`secret.rs`), or when a check may take its time (`issuer/slow_checks.rs`).

use std::fmt;
use std::sync::Arc;

use super::secret::{Secret, SecretText};

pub mod argon2;
pub mod bcrypt;
mod encoded;
pub mod pbkdf2;
pub mod scrypt;
pub mod sha2;

use encoded::Encoded;

/// Every family.
pub const FORMATS: &[&dyn Format] =
    &[&bcrypt::Bcrypt, &pbkdf2::Pbkdf2, &argon2::Argon2, &scrypt::Scrypt, &sha2::Sha2];

/// Longest text that is read, in bytes. The longest that any of these servers writes has some 200.
const MAX_BYTES: usize = 1024;

/// A family of hashes.
pub trait Format: Sync {
    /// What operators call it.
    fn name(&self) -> &'static str;

    /// Reads a text of this family; `None` when it is of another one.
    fn read(&self, text: Encoded<'_>) -> Option<Result<Arc<dyn Check>, UnusableHash>>;
}

/// A hash that was read, ready to be compared with.
pub trait Check: Send + Sync {
    /// Whether it is the hash of `secret`, compared in constant time. It takes as long as the server that made the hash
    /// wanted it to: a tenth of a second is common.
    ///
    /// # Errors
    /// When there is not enough memory to find out.
    fn is_of(&self, secret: &[u8]) -> Result<bool, NotChecked>;
}

/// A slow hash of a secret, as another server made it. It does not print.
#[derive(Clone)]
pub struct SlowHash {
    text: Arc<str>,
    name: &'static str,
    check: Arc<dyn Check>,
}

impl SlowHash {
    /// Reads a hash, with the label that Spring puts before it (`{bcrypt}`) or without. What it may cost to check is
    /// bounded: bcrypt 2^16 rounds, PBKDF2 10,000,000, Argon2 and scrypt 256 MiB.
    ///
    /// # Errors
    /// When it is of no family in `FORMATS`, broken, or would cost too much to check.
    pub fn parse(text: &str) -> Result<Self, UnusableHash> {
        if text.len() > MAX_BYTES {
            return Err(UnusableHash::new(format!(
                "that is longer than any hash: give at most {MAX_BYTES} bytes, one hash alone"
            )));
        }
        let encoded = Encoded::new(text);
        for format in FORMATS {
            if let Some(check) = format.read(encoded) {
                return Ok(Self { text: text.into(), name: format.name(), check: check? });
            }
        }
        Err(unknown())
    }

    /// The text it was read from. It says nothing of the secret to whoever cannot guess it, and is to be kept from others
    /// all the same.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What operators call its family, such as `bcrypt`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether it is the hash of `secret`. This takes long: it is not for a thread that serves requests.
    ///
    /// # Errors
    /// When there is not enough memory to find out.
    pub fn verify(&self, secret: &SecretText<'_>) -> Result<bool, NotChecked> {
        self.check.is_of(secret.expose().as_bytes())
    }
}

impl fmt::Debug for SlowHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SlowHash({} …)", self.name)
    }
}

/// What another server has in the place of a secret.
#[derive(Debug, Clone)]
pub enum Exported {
    /// The secret itself: `{noop}` and the secret after it.
    Plain(Secret),
    /// Its hash.
    Hash(SlowHash),
}

impl Exported {
    /// Reads either.
    ///
    /// # Errors
    /// When it is neither; a bare secret is not taken for one, so that no mistyped hash becomes a secret.
    pub fn parse(text: &str) -> Result<Self, UnusableHash> {
        match text.strip_prefix("{noop}") {
            Some(secret) => Ok(Self::Plain(Secret::new(secret.to_owned()))),
            None => SlowHash::parse(text).map(Self::Hash),
        }
    }
}

/// A hash that cannot be taken over: what is wrong and how to mend it. It never quotes the hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnusableHash(String);

impl UnusableHash {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// One that no server would have made, given what it should look like.
    fn broken(name: &str, form: &str) -> Self {
        Self(format!(
            "that is not a whole {name} hash: it should be {form}; look whether it was cut or changed"
        ))
    }

    /// One that would cost too much to check.
    fn too_costly(name: &str, limit: &str) -> Self {
        Self(format!(
            "that {name} hash would cost too much to check: {limit} is the limit; give the application a new secret instead"
        ))
    }
}

/// Whether a secret has a hash could not be found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there was not enough memory to check a hash")]
pub struct NotChecked;

fn unknown() -> UnusableHash {
    let names: Vec<_> = FORMATS.iter().map(|format| format.name()).collect();
    UnusableHash::new(format!(
        "that is not a hash of a kind known here ({}): give the text as the other server keeps it, such as $2b$…, \
         $argon2id$… or {{pbkdf2}}…; a secret itself is given as {{noop}} with the secret after it",
        names.join(", ")
    ))
}

#[cfg(test)]
mod tests;
