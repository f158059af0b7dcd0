//! Secrets from where secrets may come: standard input, a file or the environment. Never from arguments.
//! Not for: anything that is not secret.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::Failure;
use crate::config;
use crate::crypto::secret::Secret;

/// Longest input that is read, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// A secret from standard input, without the line's end.
pub(super) fn secret_from_stdin() -> Result<Secret, Failure> {
    text(io::stdin().lock(), "standard input").map(Secret::new)
}

/// A secret from a file, or from `CHANCERY_SECRET` when no file is named.
pub(super) fn secret_from_file_or_environment(file: Option<&Path>) -> Result<Secret, Failure> {
    match file {
        Some(file) => secret_from_file(file),
        None => from_environment("CHANCERY_SECRET").unwrap_or_else(|| {
            Err(Failure::new("no secret was given: name a file with --secret-file, or set CHANCERY_SECRET"))
        }),
    }
}

/// A secret from a file, without the line's end.
pub(super) fn secret_from_file(file: &Path) -> Result<Secret, Failure> {
    let name = file.display().to_string();
    let open = File::open(file).map_err(|error| Failure::new(format!("{name}: {error}")))?;
    text(open, &name).map(Secret::new)
}

/// A secret from an environment variable.
pub(super) fn secret_from_environment(name: &str) -> Result<Secret, Failure> {
    from_environment(name)
        .unwrap_or_else(|| Err(Failure::new(format!("the environment variable {name} is not set"))))
}

fn from_environment(name: &str) -> Option<Result<Secret, Failure>> {
    let (_, value) = config::process_environment().find(|(known, _)| known == name)?;
    Some(text(value.as_encoded_bytes(), name).map(Secret::new))
}

/// A token from standard input.
pub(super) fn token_from_stdin() -> Result<String, Failure> {
    Ok(text(io::stdin().lock(), "standard input")?.trim().to_owned())
}

fn text(input: impl Read, name: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    input
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(format!("{name}: {error}")))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::new(format!("{name}: it is longer than 64 KiB")));
    }
    let mut text = String::from_utf8(bytes).map_err(|_| Failure::new(format!("{name}: it is not UTF-8")))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.is_empty() {
        return Err(Failure::new(format!("{name}: it is empty")));
    }
    Ok(text)
}
