//! A registry file's text, in YAML or JSON, into a document.
//! Not for: what its values may be (`wanted.rs`).

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_saphyr::UserMessageFormatter;

use super::document::Document;
use super::mistakes::Mistakes;
use super::shape;

/// The longest file that is read, in bytes: a million applications of some five hundred bytes each.
pub const MAX_FILE_BYTES: usize = 512 * 1024 * 1024;

/// How much aliases may be written out to, in parser events: enough for a list that a hundred thousand applications share.
const MAX_ALIAS_EVENTS: usize = 2_000_000;

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
            // The length of the text is the limit.
            max_events: usize::MAX,
            max_nodes: usize::MAX,
            max_total_scalar_bytes: usize::MAX,
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
        let problem = error.render_with_formatter(&UserMessageFormatter);
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
