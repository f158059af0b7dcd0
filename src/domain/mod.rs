//! Nouns and their rules.
//! Not for: IO, HTTP or SQL of any kind.

use crate::crypto::slow_hash::UnusableHash;

pub mod api;
pub mod application;
pub mod audit;
pub mod authorization;
pub mod credential;
pub mod excess;
pub mod id;
pub mod issued;
pub mod operator;
pub mod power;
pub mod quota;
pub mod refusal;
pub mod scope;
pub mod signing_key;
pub mod statistic;
pub mod tenant;
pub mod time;
pub mod token;

/// Text an operator gave that cannot be accepted: what is wrong and how to mend it. It never quotes secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

impl From<UnusableHash> for Invalid {
    fn from(unusable: UnusableHash) -> Self {
        Self(unusable.to_string())
    }
}

/// Checks a name or label that people read: not empty, no control characters, at most `longest` characters.
///
/// # Errors
/// Says which of these is broken; `what` names the text.
pub fn check_label(what: &str, text: &str, longest: usize) -> Result<(), Invalid> {
    if text.trim().is_empty() {
        return Err(Invalid(format!("the {what} is empty: give it some text")));
    }
    if text.chars().count() > longest {
        return Err(Invalid(format!("the {what} is too long: at most {longest} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Invalid(format!("the {what} holds control characters: leave them out")));
    }
    Ok(())
}

/// A text on one line: what came from a file, a name or another server may hold anything, and must neither break the line
/// nor steer a terminal.
#[must_use]
pub fn on_one_line(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut line, character| {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
        line
    })
}

/// One of a closed list, by its name.
fn named<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, text: &str, what: &str) -> Result<T, Invalid> {
    all.iter().copied().find(|one| name(*one) == text).ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|one| name(*one)).collect();
        Invalid(format!("{text:?} is not {what}: one of {}", names.join(", ")))
    })
}
