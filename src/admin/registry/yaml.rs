//! Writes YAML 1.2 in one way: block style, two spaces a level, quotes where a reader could take text for something else.
//! Not for: reading it (`read.rs`).

use std::fmt::Write;

use serde_json::{Map, Value};

/// Words that some reader of YAML takes for something else than text.
const TAKEN_WORDS: &[&str] =
    &["true", "false", "null", "yes", "no", "on", "off", "y", "n", "inf", "infinity", "nan"];

/// A text that grows. Two spaces stand for each level.
#[derive(Debug, Default)]
pub(super) struct Yaml {
    text: String,
    /// Where the dashes of a list stand that was opened and has no element yet.
    open_list: Option<usize>,
}

impl Yaml {
    /// Begins a member whose elements follow.
    pub(super) fn open_list(&mut self, level: usize, name: &str) {
        self.end_empty_list();
        self.indent(level);
        self.text.push_str(name);
        self.text.push(':');
        self.open_list = Some(level + 1);
    }

    /// Writes an element of the list that was opened last at the level before `level`, where its dash stands.
    pub(super) fn element(&mut self, level: usize, value: &Value) {
        if self.open_list == Some(level) {
            self.open_list = None;
            self.text.push('\n');
        }
        self.end_empty_list();
        self.indent(level);
        self.text.push('-');
        self.after_dash(level, value);
    }

    /// The text.
    pub(super) fn finish(mut self) -> String {
        self.end_empty_list();
        self.text
    }

    fn end_empty_list(&mut self) {
        if self.open_list.take().is_some() {
            self.text.push_str(" []\n");
        }
    }

    fn indent(&mut self, level: usize) {
        self.text.extend(std::iter::repeat_n("  ", level));
    }

    fn after_dash(&mut self, level: usize, value: &Value) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                self.text.push(' ');
                self.members(level + 1, members, true);
            }
            value => self.after_name(level, value),
        }
    }

    /// What stands behind a name and its colon, or behind a dash.
    fn after_name(&mut self, level: usize, value: &Value) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                self.text.push('\n');
                self.members(level + 1, members, false);
            }
            Value::Array(elements) if !elements.is_empty() => {
                self.text.push('\n');
                for element in elements {
                    self.indent(level + 1);
                    self.text.push('-');
                    self.after_dash(level + 1, element);
                }
            }
            value => {
                self.text.push(' ');
                self.scalar(value);
                self.text.push('\n');
            }
        }
    }

    /// The members of an object, the first of which may stand behind a dash.
    fn members(&mut self, level: usize, members: &Map<String, Value>, mut behind_dash: bool) {
        for (name, value) in members {
            if !std::mem::take(&mut behind_dash) {
                self.indent(level);
            }
            self.string(name);
            self.text.push(':');
            self.after_name(level, value);
        }
    }

    fn scalar(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.string(text),
            // The empty ones are written as in JSON, like all others.
            other => {
                let _ = write!(self.text, "{other}");
            }
        }
    }

    fn string(&mut self, text: &str) {
        if is_plain(text) {
            self.text.push_str(text);
            return;
        }
        self.text.push('"');
        for character in text.chars() {
            match character {
                '"' | '\\' => self.text.extend(['\\', character]),
                character if is_printable(character) => self.text.push(character),
                character => {
                    let _ = write!(self.text, "\\U{:08X}", u32::from(character));
                }
            }
        }
        self.text.push('"');
    }
}

/// Whether a text is text for every reader without quotes: it begins with a letter, and is no word that means something.
/// A duration begins with a digit and ends in its unit.
fn is_plain(text: &str) -> bool {
    let begins_well = text.starts_with(|first: char| first.is_ascii_alphabetic()) || is_duration(text);
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@+*()=&;$ ".contains(&byte);
    begins_well
        && text.bytes().all(is_fine)
        && !text.contains(": ")
        && !text.ends_with([':', ' '])
        && !TAKEN_WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

fn is_duration(text: &str) -> bool {
    text.strip_suffix(['s', 'm', 'h', 'd'])
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What may stand within quotes as it is: YAML 1.2 §5.1 without what ends a line.
fn is_printable(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn written(value: &Value) -> String {
        let mut yaml = Yaml::default();
        yaml.open_list(0, "list");
        yaml.element(1, value);
        yaml.open_list(0, "none");
        yaml.finish()
    }

    #[test]
    fn writes_one_thing_in_one_way() {
        let value = json!({
            "name": "billing", "lifetime": "5m", "uri": "https://a.example/b?c", "none": [], "empty": {},
            "scopes": ["read", "yes", "1e3", "a: b", "a:b"],
            "claims": { "tier": ["gold", { "level": 1.0 }, [true]], "a b": "line\nend \u{2028}" },
        });
        assert_eq!(
            written(&value),
            r#"list:
  - name: billing
    lifetime: 5m
    uri: "https://a.example/b?c"
    none: []
    empty: {}
    scopes:
      - read
      - "yes"
      - "1e3"
      - "a: b"
      - a:b
    claims:
      tier:
        - gold
        - level: 1.0
        -
          - true
      a b: "line\U0000000Aend \U00002028"
none: []
"#
        );
    }

    /// Otherwise a registry would say nothing of a tenant's last list, where it has to say that there is nothing in it.
    #[test]
    fn a_list_without_elements_stays_one_when_an_outer_list_goes_on() {
        let mut yaml = Yaml::default();
        yaml.open_list(0, "tenants");
        for name in ["one", "two"] {
            yaml.element(1, &json!({ "name": name }));
            yaml.open_list(2, "applications");
        }
        let entry = |name| format!("  - name: {name}\n    applications: []\n");
        assert_eq!(yaml.finish(), format!("tenants:\n{}{}", entry("one"), entry("two")));
    }

    fn values() -> impl Strategy<Value = Value> {
        let text = prop_oneof![".{0,12}", "[ -~]{0,8}", "[yYnN0-9.eE+:x_-]{1,5}", "(0x|0o|0b)[0-9a-f]{1,4}"];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            text.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(text.clone(), inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(value in values()) {
            let text = written(&value);
            let read: Value = crate::admin::registry::read::parse(&text).map_err(|error| {
                TestCaseError::fail(format!("{error}\n{text}"))
            })?;
            prop_assert_eq!(&read["list"][0], &value, "{}", text);
        }
    }
}
