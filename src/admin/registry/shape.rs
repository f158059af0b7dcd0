//! Every thing of a registry file that has not the shape it should have. It is looked for only when there is one.
//! Not for: what the values may be (`wanted.rs`).

use std::fmt::Display;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::document::{ApiEntry, ApplicationEntry, Document, ScopeEntry, TenantEntry};
use super::mistakes::Mistakes;
use super::place::TenantPlace;

/// What is told of a list of secrets that has not its shape, whatever stands there: it may be a secret itself.
pub(super) const SECRETS: &str = "each is {file: …} or {env: …}, which says where the secret is";

/// Looks at each thing by itself, so that one mistake does not hide the next.
pub(super) fn mistakes(mut tree: Value) -> Mistakes {
    let mut mistakes = Mistakes::default();
    let tenants = taken(&mut tree, "tenants");
    check::<Document>(&mut mistakes, "the file", tree);
    for (index, mut tenant) in tenants.into_iter().enumerate() {
        let lists = ["scopes", "apis", "applications"].map(|list| (list, taken(&mut tenant, list)));
        let name = name_of(&tenant, "name");
        let place = TenantPlace { index, name: &name };
        check::<TenantEntry>(&mut mistakes, place, tenant);
        for (list, things) in lists {
            for (index, thing) in things.into_iter().enumerate() {
                check_thing(&mut mistakes, place, list, (index, thing));
            }
        }
    }
    mistakes
}

fn check_thing(
    mistakes: &mut Mistakes,
    tenant: TenantPlace<'_>,
    list: &'static str,
    (index, thing): (usize, Value),
) {
    match list {
        "scopes" => {
            let name = name_of(&thing, "name");
            check::<ScopeEntry>(mistakes, tenant.of(list, index, &name), thing);
        }
        "apis" => {
            let name = name_of(&thing, "identifier");
            check::<ApiEntry>(mistakes, tenant.of(list, index, &name), thing);
        }
        _ => {
            let name = name_of(&thing, "client_id");
            check::<ApplicationEntry>(mistakes, tenant.of(list, index, &name), thing);
        }
    }
}

/// Looks at each member by itself, and for members that are missing if those that are there are fine.
fn check<T: DeserializeOwned>(mistakes: &mut Mistakes, place: impl Display, value: Value) {
    let before = mistakes.0.len();
    for (name, member) in value.as_object().into_iter().flatten() {
        let alone = Value::from_iter([(name.clone(), member.clone())]);
        let error = serde_json::from_value::<T>(alone).err().map(|error| without_value(&error));
        match error.filter(|error| !error.starts_with("missing field")) {
            Some(error) if error.starts_with(&format!("unknown field `{name}`")) => {
                mistakes.note(&place, error);
            }
            Some(_) if name == "secrets" => mistakes.note(&place, format_args!("{name}: {SECRETS}")),
            Some(error) => mistakes.note(&place, format_args!("{name}: {error}")),
            None => {}
        }
    }
    if mistakes.0.len() == before
        && let Err(error) = serde_json::from_value::<T>(value)
    {
        mistakes.note(place, without_value(&error));
    }
}

/// What is wrong with a value, without the value. The library's text is `invalid type: string "…", expected a boolean`.
fn without_value(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match (text.split_once(": "), text.rsplit_once(", expected ")) {
        (Some((what @ ("invalid type" | "invalid value"), found)), Some((_, expected))) => {
            format!("{what}: {}, expected {expected}", kind_of(found))
        }
        _ => text,
    }
}

/// The kind of a value that was not expected, of which the library writes ``integer `5` `` or `string "…"`.
pub(super) fn kind_of(unexpected: &str) -> &str {
    let kind = unexpected.split(['"', '`', ',']).next().unwrap_or_default();
    kind.trim_end()
}

/// Takes the elements out of a list, which leaves it empty; what is no list stays, to be found wrong.
fn taken(thing: &mut Value, list: &str) -> Vec<Value> {
    match thing.get_mut(list) {
        Some(Value::Array(elements)) => std::mem::take(elements),
        _ => Vec::new(),
    }
}

fn name_of(thing: &Value, member: &str) -> String {
    match thing.get(member) {
        None => "?".to_owned(),
        Some(Value::String(name)) => name.clone(),
        Some(other) => other.to_string(),
    }
}
