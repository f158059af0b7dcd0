//! Reads members of JSON that other programs wrote, without an opinion on what must be there.
//! Not for: files of our own (`registry/read.rs`).

use serde_json::Value;

use crate::domain::Invalid;

/// A member that is text; empty when it is not there.
pub(super) fn text(thing: &Value, name: &str) -> String {
    thing.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Whether a member is true; `None` when it is not there.
pub(super) fn flag(thing: &Value, name: &str) -> Option<bool> {
    match thing.get(name)? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_u64().map(|number| number != 0),
        _ => None,
    }
}

/// A member that is a whole number, or text that is one. Fractions are cut off.
pub(super) fn number(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::Number(number) => number.as_u64().or_else(|| whole(&number.to_string())),
        Value::String(text) => whole(text),
        _ => None,
    }
}

fn whole(text: &str) -> Option<u64> {
    text.split('.').next()?.parse().ok()
}

/// A member that is a list of texts, or one text with something between them.
pub(super) fn list(thing: &Value, name: &str, between: &[char]) -> Vec<String> {
    match thing.get(name) {
        Some(Value::Array(elements)) => {
            elements.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        Some(Value::String(text)) => {
            text.split(between).map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// The list of a file: itself, or one of its members.
///
/// # Errors
/// When there is none.
pub(super) fn elements<'tree>(
    tree: &'tree Value,
    names: &[&str],
    what: &str,
) -> Result<&'tree [Value], Invalid> {
    let member = || names.iter().find_map(|name| tree.get(name)?.as_array());
    let elements = tree.as_array().or_else(member);
    elements.map(Vec::as_slice).ok_or_else(|| Invalid(format!("the file is not what it should be: {what}")))
}

/// The elements of a member that is a list.
pub(super) fn things<'tree>(tree: &'tree Value, names: &[&str]) -> &'tree [Value] {
    names.iter().find_map(|name| tree.get(name)?.as_array()).map(Vec::as_slice).unwrap_or_default()
}
