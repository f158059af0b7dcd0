//! Reads request bodies: JSON without doubt, judged by the schema that is published, and then the values in it.
//! Not for: what the schemas are (`field.rs`).

use std::fmt;
use std::time::Duration;

use jsonschema::Validator;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::problem::Problem;
use crate::admin::change::Change;
use crate::domain::Invalid;

/// Most mistakes of one body that are listed.
const MAX_ERRORS: usize = 20;

/// The members of a body that fits its schema.
#[derive(Default)]
pub(super) struct Members(Map<String, Value>);

/// One of them may be a secret.
impl fmt::Debug for Members {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Members(…)")
    }
}

impl Members {
    /// Reads a body.
    ///
    /// # Errors
    /// When it is no JSON, says a name twice, or does not fit. What was sent is not repeated: it may be a secret.
    pub(super) fn read(body: &[u8], schema: &Validator) -> Result<Self, Problem> {
        let Plain(value) = serde_json::from_slice(body).map_err(|error| {
            let what = if error.to_string().starts_with(TWICE) { TWICE } else { "it is no JSON" };
            let place = format!("line {}, column {}", error.line(), error.column());
            Problem::malformed("the body is not JSON that can be read in one way").at(place, what)
        })?;
        let problem =
            schema.iter_errors(&value).take(MAX_ERRORS).fold(None, |problem: Option<Problem>, error| {
                let problem =
                    problem.unwrap_or_else(|| Problem::malformed("the body is not what it should be here"));
                Some(problem.at(error.instance_path().to_string(), error.masked().to_string()))
            });
        match (problem, value) {
            (Some(problem), _) => Err(problem),
            (None, Value::Object(members)) => Ok(Self(members)),
            (None, _) => Err(Problem::malformed("the body is no JSON object")),
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    pub(super) fn boolean(&self, name: &str) -> Option<bool> {
        self.0.get(name).and_then(Value::as_bool)
    }

    pub(super) fn object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.0.get(name).and_then(Value::as_object)
    }

    /// A whole number; JSON has one kind of number, so 60.0 is 60.
    pub(super) fn whole(&self, name: &str) -> Option<u64> {
        let number = self.0.get(name)?;
        number.as_u64().or_else(|| {
            let text = format!("{:.0}", number.as_f64()?);
            text.parse().ok()
        })
    }

    /// Whole seconds.
    pub(super) fn seconds(&self, name: &str) -> Option<Duration> {
        self.whole(name).map(Duration::from_secs)
    }

    /// A text that reads as a `T`.
    pub(super) fn parsed<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Result<Option<T>, Invalid> {
        self.text(name).map(parse).transpose()
    }

    /// A list of texts, each of which reads as a `T`.
    pub(super) fn list<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Result<Option<Vec<T>>, Invalid> {
        let Some(items) = self.0.get(name).and_then(Value::as_array) else { return Ok(None) };
        items.iter().filter_map(Value::as_str).map(parse).collect::<Result<_, _>>().map(Some)
    }

    /// What is to become of a setting: absent it stays, null brings its default back (RFC 7396).
    pub(super) fn change<T>(
        &self,
        name: &str,
        read: impl Fn(&Self) -> Result<Option<T>, Invalid>,
    ) -> Result<Change<T>, Invalid> {
        match self.0.get(name) {
            None => Ok(Change::Stay),
            Some(Value::Null) => Ok(Change::Default),
            Some(_) => Ok(read(self)?.map_or(Change::Stay, Change::To)),
        }
    }
}

const TWICE: &str = "a name is there twice";

/// JSON in which no object has a name twice: which of the two holds is nobody's guess.
struct Plain(Value);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor).map(Self)
    }
}

struct PlainVisitor;

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Plain(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, Plain(value))) = entries.next_entry::<String, Plain>()? {
            if members.insert(name, value).is_some() {
                return Err(de::Error::custom(TWICE));
            }
        }
        Ok(members.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(body: &str) -> Result<Members, Problem> {
        let schema = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": { "a": { "type": ["integer", "null"] }, "b": { "type": "array" }, "c": { "type": "string" } },
        });
        Members::read(body.as_bytes(), &jsonschema::validator_for(&schema).unwrap())
    }

    #[test]
    fn refuses_what_can_be_read_in_two_ways_or_not_at_all() {
        for bad in
            ["", "{", "[]", "1", r#"{"a":1,"a":2}"#, r#"{"b":[{"x":1,"x":1}]}"#, r#"{"d":1}"#, "{\"a\":1}x"]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(Members::read(b"{\"c\":\"\xff\"}", &jsonschema::validator_for(&json!({})).unwrap()).is_err());
        let deep = "[".repeat(100_000);
        assert!(read(&deep).is_err());
    }

    #[test]
    fn never_repeats_what_was_sent() {
        let refused = read(r#"{"a":"hunter2","b":"hunter2"}"#).unwrap_err();
        assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
    }

    #[test]
    fn reads_numbers_as_json_means_them_and_null_as_the_default() {
        assert_eq!(read(r#"{"a":60.0}"#).unwrap().seconds("a"), Some(Duration::from_mins(1)));
        let change =
            |body: &str| read(body).unwrap().change("a", |members| Ok(members.seconds("a"))).unwrap();
        assert_eq!(change("{}"), Change::Stay);
        assert_eq!(change(r#"{"a":null}"#), Change::Default);
        assert_eq!(change(r#"{"a":1}"#), Change::To(Duration::from_secs(1)));
    }

    proptest! {
        #[test]
        fn never_panics(body in ".*") {
            let _ = read(&body);
        }
    }
}
