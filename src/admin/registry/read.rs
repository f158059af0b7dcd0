//! A registry file's text, in YAML or JSON, into a document.
//! Not for: what its values may be (`wanted.rs`).

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, UserMessageFormatter};

use super::document::Document;
use super::mistakes::Mistakes;
use super::shape::{self, SECRETS, kind_of};

/// The longest file that is read, in bytes: a million applications of some five hundred bytes each.
pub const MAX_FILE_BYTES: usize = 512 * 1024 * 1024;

/// How much aliases may be written out to, in parser events: enough for a list that a hundred thousand applications share.
const MAX_ALIAS_EVENTS: usize = 2_000_000;

/// How much they may be written out to, in bytes of text beyond the length of the file.
const MAX_ALIAS_BYTES: usize = 64 * 1024 * 1024;

/// How deep things may stand within things; a claim may be a structure of its own.
const MAX_DEPTH: usize = 64;

/// Reads a registry file.
///
/// # Errors
/// When it is too long, no UTF-8, no YAML, holds a key twice, or does not have the shape of a registry.
pub fn read(bytes: &[u8]) -> Result<Document, Mistakes> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(Mistakes::one("the file", format_args!("it is longer than {MAX_FILE_BYTES} bytes")));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Mistakes::one("the file", format_args!("it is not UTF-8 from byte {} on", error.valid_up_to()))
    })?;
    parse(text).map_err(|first| match parse::<Value>(text) {
        Ok(tree) if tree.is_object() => shape::mistakes(tree).refuse_any().err().unwrap_or(first),
        _ => first,
    })
}

pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Mistakes> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_documents: 1,
            // The length of the text is the limit, and of what aliases add to it their own.
            max_events: usize::MAX,
            max_nodes: usize::MAX,
            max_total_scalar_bytes: text.len().saturating_add(MAX_ALIAS_BYTES),
            // What aliases are written out to is the limit, not how many there are of one anchor.
            max_aliases: usize::MAX,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_ALIAS_EVENTS },
        // One reading of a value for every program that reads the file: true and false are booleans and nothing else is,
        // and text that looks like a number is quoted.
        strict_booleans: true,
        no_schema: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let problem = problem(&error);
        match error.location() {
            Some(place) => {
                let end = format!(" at line {}, column {}", place.line(), place.column());
                let problem = problem.strip_suffix(&end).unwrap_or(&problem);
                Mistakes::one(format_args!("line {}, column {}", place.line(), place.column()), problem)
            }
            None => Mistakes::one("the file", problem),
        }
    })
}

/// What is wrong, without what stands there: it may be a secret that was written down in the wrong place.
fn problem(error: &Error) -> String {
    match error {
        Error::AliasError { error, .. } | Error::WithSnippet { error, .. } => problem(error),
        Error::SerdeInvalidType { unexpected, expected, .. } => {
            format!("invalid type: {}, expected {expected}", kind_of(unexpected))
        }
        Error::SerdeInvalidValue { unexpected, expected, .. } => {
            format!("invalid value: {}, expected {expected}", kind_of(unexpected))
        }
        Error::SerdeUnknownField { expected, .. } if expected.contains(&"env") => SECRETS.to_owned(),
        Error::DuplicateMappingKey { .. } => "duplicate key: each stands once in a thing".to_owned(),
        Error::UnsupportedTag { .. } => "unsupported tag: leave it out".to_owned(),
        Error::Budget { breach: BudgetBreach::ScalarBytes { .. }, .. } => {
            format!("its aliases stand for more than {MAX_ALIAS_BYTES} bytes: repeat less by them")
        }
        _ => error.render_with_formatter(&UserMessageFormatter),
    }
}
