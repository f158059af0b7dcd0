//! What a file changes, thing by thing, for people and for programs.
//! Not for: finding it out (`plan`).

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::domain::on_one_line;

/// Longer lists are shown by what comes and what goes.
const LISTED_WHOLE: usize = 8;

/// What happens to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Add,
    /// It becomes something else.
    Change,
    /// It goes.
    Remove,
}

impl Action {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Change => "change",
            Self::Remove => "remove",
        }
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One thing that is added, changed or removed. Its text is one line.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    action: Action,
    kind: &'static str,
    name: String,
    tenant: String,
    /// What a file says of it; what differs is found out when somebody wants to know, since there may be very many.
    before: Map<String, Value>,
    after: Map<String, Value>,
}

impl Difference {
    /// A thing of a tenant, by what a file says of it before and afterwards.
    pub(super) fn new<T: Serialize>(
        kind: &'static str,
        name: &str,
        tenant: &str,
        (before, after): (Option<&T>, Option<&T>),
    ) -> Self {
        let action = match (before, after) {
            (None, _) => Action::Add,
            (Some(_), Some(_)) => Action::Change,
            (Some(_), None) => Action::Remove,
        };
        let (before, after) = (object(before), object(after));
        Self { action, kind, name: name.to_owned(), tenant: tenant.to_owned(), before, after }
    }

    /// What happens to the thing.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }
}

impl Serialize for Difference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Difference", 5)?;
        object.serialize_field("action", &self.action)?;
        object.serialize_field("kind", self.kind)?;
        object.serialize_field("name", &self.name)?;
        object.serialize_field("tenant", &self.tenant)?;
        object.serialize_field("members", &members(&self.before, &self.after))?;
        object.end()
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.action {
            Action::Add => '+',
            Action::Change => '~',
            Action::Remove => '-',
        };
        let Self { kind, name, tenant, .. } = self;
        let of = if *kind == "secret" { " of application" } else { "" };
        write!(formatter, "{sign} {kind}{of} {}", on_one_line(name))?;
        if *kind != "tenant" {
            write!(formatter, " (tenant {tenant})")?;
        }
        if self.action == Action::Change || *kind == "secret" {
            let members = members(&self.before, &self.after);
            let changed = members.iter().map(|(name, change)| {
                on_one_line(&format!("{name}: {}", shown_change(&change["before"], &change["after"])))
            });
            write!(formatter, ": {}", changed.collect::<Vec<_>>().join("; "))?;
        }
        Ok(())
    }
}

fn object(entry: Option<&impl Serialize>) -> Map<String, Value> {
    match entry.map(serde_json::to_value) {
        Some(Ok(Value::Object(members))) => members,
        _ => Map::new(),
    }
}

/// The members that differ. A list that is left out is empty, and so are text and claims.
fn members(before: &Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    let both_there = !before.is_empty() && !after.is_empty();
    let absent = |other: &Value| match other {
        Value::Array(_) if both_there => json!([]),
        Value::Object(_) if both_there => json!({}),
        Value::String(_)
        | Value::Array(_)
        | Value::Object(_)
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Null => Value::Null,
    };
    let mut differing = Map::new();
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    for name in names {
        let (was, is) = (before.get(name), after.get(name));
        if was != is {
            let was = was.cloned().unwrap_or_else(|| absent(is.unwrap_or(&Value::Null)));
            let is = is.cloned().unwrap_or_else(|| absent(&was));
            differing.insert(name.clone(), json!({ "before": was, "after": is }));
        }
    }
    differing
}

fn shown_change(before: &Value, after: &Value) -> String {
    match (before, after) {
        (Value::Array(was), Value::Array(is)) if was.len().max(is.len()) > LISTED_WHOLE => {
            let gone = was.iter().filter(|one| !is.contains(one)).map(|one| format!("-{}", shown(one)));
            let come = is.iter().filter(|one| !was.contains(one)).map(|one| format!("+{}", shown(one)));
            let moved: Vec<_> = gone.chain(come).collect();
            if moved.is_empty() { "another order".to_owned() } else { moved.join(" ") }
        }
        (Value::Null, after) => shown(after),
        _ => format!("{} → {}", shown(before), shown(after)),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "default".to_owned(),
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
