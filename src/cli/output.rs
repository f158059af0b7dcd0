//! Printing: for people, or exactly one JSON document.
//! Not for: errors, which go to standard error.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value};

use super::Failure;
use crate::domain::on_one_line;

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Output {
    /// Prints one thing.
    pub(super) fn one(self, thing: &impl Serialize) -> Result<(), Failure> {
        self.one_but(thing, &Value::Null)
    }

    /// Prints one thing. People are not shown the members that are as in `usual`.
    pub(super) fn one_but(self, thing: &impl Serialize, usual: &Value) -> Result<(), Failure> {
        let mut value = to_value(thing)?;
        match (self, value.as_object_mut()) {
            (Self::Text, Some(members)) => {
                members.retain(|name, member| usual.get(name) != Some(member));
                write(&block(members))
            }
            _ => document(&value),
        }
    }

    /// Prints several things; `columns` are the members people see in a table.
    pub(super) fn many(self, things: &[impl Serialize], columns: &[&str]) -> Result<(), Failure> {
        let value = to_value(&things)?;
        match (self, value.as_array()) {
            (Self::Text, Some(rows)) => write(&table(rows, columns)),
            _ => document(&value),
        }
    }
}

/// Prints text. A reader that has gone away is no failure.
pub(super) fn write(text: &str) -> Result<(), Failure> {
    let mut standard_output = io::stdout().lock();
    match standard_output.write_all(text.as_bytes()).and_then(|()| standard_output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("the output could not be written: {error}")))
        }
        _ => Ok(()),
    }
}

fn to_value(thing: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(thing).map_err(|error| Failure::new(error.to_string()))
}

fn document(value: &Value) -> Result<(), Failure> {
    write(&format!("{value:#}\n"))
}

/// One line for each member, names in a column.
fn block(members: &Map<String, Value>) -> String {
    let width = members.keys().map(String::len).max().unwrap_or(0);
    members.iter().fold(String::new(), |text, (name, value)| match value {
        Value::Array(items) if items.iter().any(Value::is_object) => {
            text + &format!("{name}{}\n", nested(items))
        }
        _ => text + &format!("{name:width$}  {}\n", cell(value)),
    })
}

/// Things within a thing: a table of their own, further in.
fn nested(items: &[Value]) -> String {
    let first = items.first().and_then(Value::as_object);
    let columns: Vec<_> = first.into_iter().flat_map(Map::keys).map(String::as_str).collect();
    table(items, &columns).lines().fold(String::new(), |text, line| format!("{text}\n  {line}"))
}

fn table(rows: &[Value], columns: &[&str]) -> String {
    let mut lines =
        vec![columns.iter().map(|column| column.to_uppercase().replace('_', " ")).collect::<Vec<_>>()];
    for row in rows {
        lines.push(columns.iter().map(|column| row.get(column).map(cell).unwrap_or_default()).collect());
    }
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns.len()).map(width).collect();
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    lines.iter().map(line).collect()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => on_one_line(text),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Object(members) if members.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_up_tables_and_blocks() {
        let rows = [serde_json::json!({"name": "a", "n": 1}), serde_json::json!({"name": "long", "n": null})];
        assert_eq!(table(&rows, &["name", "n"]), "NAME  N\na     1\nlong  -\n");
        assert_eq!(block(rows[0].as_object().unwrap()), "name  a\nn     1\n");
    }
}
