//! Every thing of a registry file that has not the shape it should have. It is looked for only when there is one.
//! Not for: what the values may be (`wanted.rs`).

use std::fmt::Display;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::document::{ApiEntry, ApplicationEntry, Document, ScopeEntry, TenantEntry};
use super::mistakes::Mistakes;
use super::place::TenantPlace;

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
        let error = serde_json::from_value::<T>(alone).err().map(|error| error.to_string());
        match error.filter(|error| !error.starts_with("missing field")) {
            Some(error) if error.starts_with("unknown field") => mistakes.note(&place, error),
            Some(error) => mistakes.note(&place, format_args!("{name}: {error}")),
            None => {}
        }
    }
    if mistakes.0.len() == before
        && let Err(error) = serde_json::from_value::<T>(value)
    {
        mistakes.note(place, error);
    }
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
