//! The settings file: TOML sections into dotted names.
//! It refuses names that nobody reads, and looks at values no closer than their type.

use super::mistake::{Mistake, shown};
use super::setting::{Place, nearest_name, place};
use super::source::{Given, Kind};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use toml::de::{DeInteger, DeTable, DeValue};

/// Many times what all settings together can need; whatever is longer is some other file.
const LONGEST_FILE_BYTES: usize = 64 * 1024;

/// What the file gives, and what is wrong with it.
pub(super) struct Layer {
    pub(super) values: BTreeMap<String, Given>,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) is_whole: bool,
}

/// Reads TOML text; `file_name` is what the file is called in mistakes.
pub(super) fn parse(text: &str, file_name: &str) -> Layer {
    let mut layer = Layer { values: BTreeMap::new(), mistakes: Vec::new(), is_whole: true };
    if text.len() > LONGEST_FILE_BYTES {
        layer.give_up(
            file_name,
            format!("is longer than {LONGEST_FILE_BYTES} bytes, so it is hardly a settings file"),
        );
        return layer;
    }
    let file = File { text, name: shown(file_name) };
    match DeTable::parse(text) {
        Ok(table) => layer.add_section(&file, "", table.get_ref()),
        Err(error) => {
            let line = file.line(error.span().map_or(0, |span| span.start));
            // Only the parser's message: its `Display` quotes the line, which may hold a secret.
            layer.give_up(file_name, format!("line {line} is not TOML: {}", shown(error.message())));
        }
    }
    layer
}

struct File<'a> {
    text: &'a str,
    name: String,
}

impl File<'_> {
    /// The number of the line at a byte offset, counted from one.
    fn line(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
    }
}

impl Layer {
    fn give_up(&mut self, file_name: &str, problem: String) {
        self.is_whole = false;
        self.mistakes.push(Mistake::about_foreign_name(file_name, problem));
    }

    /// Descends only into known sections, so that no file can make it go deep.
    fn add_section(&mut self, file: &File<'_>, section: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let key_text: &str = key.get_ref();
            let name = if section.is_empty() { key_text.to_owned() } else { format!("{section}.{key_text}") };
            let origin = format!("{}, line {}", file.name, file.line(key.span().start));
            match (place(&name), value.get_ref()) {
                (Place::Section, DeValue::Table(table)) => self.add_section(file, &name, table),
                (Place::Section, _) => self.refuse(&name, "is a section, not a setting", &origin),
                (Place::Setting(_), value) => self.add_value(&name, value, origin),
                (Place::Unknown, _) => {
                    let problem = match nearest_name(&name) {
                        Some(meant) => format!("is not a setting; did you mean {meant}?"),
                        None => "is not a setting".to_owned(),
                    };
                    self.refuse(&name, &problem, &origin);
                }
            }
        }
    }

    fn add_value(&mut self, name: &str, value: &DeValue<'_>, origin: String) {
        let (text, kind) = match value {
            DeValue::String(text) => (text.to_string(), Kind::Text),
            DeValue::Boolean(value) => (value.to_string(), Kind::Boolean),
            DeValue::Integer(integer) => (decimal(integer), Kind::Integer),
            DeValue::Table(_) => return self.refuse(name, "is a setting, not a section", &origin),
            DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Array(_) => {
                return self.refuse(name, "must be one text, whole number, true or false", &origin);
            }
        };
        // `"listen.public" = …` and `public = …` under `[listen]` are different keys in TOML but one setting here.
        match self.values.entry(name.to_owned()) {
            Entry::Vacant(entry) => {
                entry.insert(Given { text, kind, origin });
            }
            Entry::Occupied(entry) => {
                let problem =
                    format!("is given twice, also in {}; leave one of them out", entry.get().origin);
                self.refuse(name, &problem, &origin);
            }
        }
    }

    fn refuse(&mut self, name: &str, problem: &str, origin: &str) {
        self.mistakes.push(Mistake::about_foreign_name(name, format!("{problem} ({origin})")));
    }
}

/// A number as it is written in the other layers; one beyond 128 bits stays as it is, since no setting takes it.
fn decimal(integer: &DeInteger<'_>) -> String {
    match i128::from_str_radix(integer.as_str(), integer.radix()) {
        Ok(number) => number.to_string(),
        Err(_) => integer.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::example::{from_file, mistakes_of_file};

    #[test]
    fn sections_and_dotted_names_are_the_same() -> Result<(), String> {
        for text in [
            "[listen]\npublic = '127.0.0.1:1'",
            "listen.public = '127.0.0.1:1'",
            "listen = { public = '127.0.0.1:1' }",
        ] {
            assert_eq!(from_file(text)?.listen.public.to_string(), "127.0.0.1:1");
        }
        Ok(())
    }

    #[test]
    fn numbers_may_be_written_in_every_way_toml_knows() -> Result<(), String> {
        for text in ["1_000", "0x3e8", "0o1750", "'1000'"] {
            assert_eq!(from_file(&format!("listen.max_connections = {text}"))?.listen.max_connections, 1000);
        }
        Ok(())
    }

    #[test]
    fn a_syntax_error_is_one_mistake_with_its_line_and_without_the_text() {
        let shown = mistakes_of_file("[store]\nurl = 'postgres://me:hunter2@db\n");
        assert!(shown.starts_with("chancery.toml: line 2 is not TOML: "), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(shown.lines().count(), 1);
    }

    #[test]
    fn a_name_that_is_given_twice_is_a_mistake() {
        assert!(
            mistakes_of_file("data = 'a'\ndata = 'b'")
                .starts_with("chancery.toml: line 2 is not TOML: duplicate key")
        );
        assert_eq!(
            mistakes_of_file("\"log.level\" = 'info'\n[log]\nlevel = 'info'"),
            "log.level: is given twice, also in chancery.toml, line 3; leave one of them out (chancery.toml, line 1)"
        );
    }

    #[test]
    fn unknown_names_are_mistakes_with_the_name_that_was_probably_meant() {
        assert_eq!(
            mistakes_of_file(
                "colour = 1\n[listen]\npubic = 'x'\n[listne]\npublic = 'x'\n[listen.tls.deep.er]"
            ),
            "colour: is not a setting (chancery.toml, line 1)\n\
             listen.pubic: is not a setting; did you mean listen.public? (chancery.toml, line 3)\n\
             listen.tls.deep: is not a setting (chancery.toml, line 6)\n\
             listne: is not a setting; did you mean listen? (chancery.toml, line 4)"
        );
    }

    #[test]
    fn an_unknown_name_cannot_write_lines_of_its_own() {
        assert_eq!(mistakes_of_file(r#""a\ndata: is fine" = 1"#).lines().count(), 1);
        assert!(mistakes_of_file(&format!("{} = 1", "a".repeat(60_000))).len() < 300);
    }

    #[test]
    fn sections_and_settings_are_not_taken_for_each_other() {
        assert_eq!(
            mistakes_of_file("listen = 'x'\n[data]\n"),
            "data: is a setting, not a section (chancery.toml, line 2)\n\
             listen: is a section, not a setting (chancery.toml, line 1)"
        );
    }

    #[test]
    fn other_types_than_text_number_and_truth_are_mistakes() {
        for value in ["1.5", "['a']", "2020-01-01", "[{}]"] {
            assert_eq!(
                mistakes_of_file(&format!("data = {value}")),
                "data: must be one text, whole number, true or false (chancery.toml, line 1)"
            );
        }
    }

    #[test]
    fn a_file_that_is_far_too_long_or_too_deep_is_refused() {
        assert!(
            mistakes_of_file(&"#\n".repeat(40_000)).starts_with("chancery.toml: is longer than 65536 bytes")
        );
        assert!(!mistakes_of_file(&format!("{}a = 1", "a.".repeat(30_000))).is_empty());
        assert!(!mistakes_of_file(&format!("data = {}", "[".repeat(60_000))).is_empty());
        assert!(!mistakes_of_file(&format!("data = {}", "{a=".repeat(20_000))).is_empty());
    }

    #[test]
    fn a_byte_order_mark_and_windows_line_ends_do_no_harm() -> Result<(), String> {
        assert_eq!(from_file("\u{feff}[listen]\r\npublic = '127.0.0.1:1'\r\n")?.listen.public.port(), 1);
        Ok(())
    }
}
