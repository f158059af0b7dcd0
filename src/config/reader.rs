//! Asks a [`Source`] for settings one by one and remembers every mistake.
//! It knows the shapes that several sections share (text, truth, numbers, paths); the rest is in the sections.

use super::mistake::{Mistake, shown};
use super::setting::{Place, SettingDefault, nearest_variable, place};
use super::source::{Given, Kind, Source};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// As long as a path may be on Linux; nothing else comes near it.
const LONGEST_VALUE_BYTES: usize = 4096;

/// One reading of all settings.
pub(super) struct Reader<'a> {
    source: &'a Source,
    mistakes: Vec<Mistake>,
    asked: BTreeSet<&'static str>,
    used_variables: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    /// Starts with the mistakes of the layers themselves.
    pub(super) fn new(source: &'a Source) -> Self {
        Self {
            source,
            mistakes: source.mistakes().cloned().collect(),
            asked: BTreeSet::new(),
            used_variables: BTreeSet::new(),
        }
    }

    /// A setting that is text and that `parse` understands; what `parse` says against it must not repeat the text.
    ///
    /// `None` if it is neither given nor has a default value, or if it is a mistake, which is then remembered.
    pub(super) fn text<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let given = self.value(name)?;
        let parsed = match given.kind {
            Kind::Text => parse(&given.text),
            Kind::Boolean | Kind::Integer => Err("must be text in quotes".to_owned()),
        };
        self.accept(name, parsed, &given)
    }

    /// A setting that is a path.
    pub(super) fn path(&mut self, name: &'static str) -> Option<PathBuf> {
        self.text(name, parse_path)
    }

    /// A setting that is `true` or `false`.
    pub(super) fn truth(&mut self, name: &'static str) -> Option<bool> {
        let given = self.value(name)?;
        let parsed = given.text.parse().map_err(|_| "must be true or false".to_owned());
        self.accept(name, parsed, &given)
    }

    /// A setting that is a whole number.
    pub(super) fn number(&mut self, name: &'static str, range: &RangeInclusive<usize>) -> Option<usize> {
        let given = self.value(name)?;
        let parsed = given.text.parse().ok().filter(|number| range.contains(number));
        let parsed =
            parsed.ok_or_else(|| format!("must be a whole number from {} to {}", range.start(), range.end()));
        self.accept(name, parsed, &given)
    }

    /// A setting that is a size: a whole number and `KiB`, `MiB` or `GiB`. The ends of the range are such numbers too.
    pub(super) fn size(&mut self, name: &'static str, range: &RangeInclusive<u64>) -> Option<u64> {
        self.text(name, |text| {
            parse_size(text).filter(|bytes| range.contains(bytes)).ok_or_else(|| {
                let (least, most) = (format_size(*range.start()), format_size(*range.end()));
                format!("must be a whole number with its unit, {least} to {most}, such as 100MiB")
            })
        })
    }

    /// Whether some layer gives the setting, be it right or wrong.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.source.find(name).is_some()
    }

    /// A variable that a setting names.
    pub(super) fn variable(&mut self, name: &str) -> Option<&'a str> {
        self.used_variables.insert(name.to_owned());
        self.source.variable(name)
    }

    /// Remembers that settings do not go together or that one is missing; `name` is the one to change.
    ///
    /// Nothing is said when the file could not be read, since what is missed may well be in it.
    pub(super) fn refuse(&mut self, name: &'static str, problem: impl Into<String>) {
        if self.source.file_is_whole() {
            self.mistakes.push(Mistake::new(name, problem));
        }
    }

    /// Remembers that a setting has the right form but cannot be followed.
    pub(super) fn refuse_value(&mut self, name: &'static str, problem: &str) {
        if let Some(given) = self.source.find(name) {
            self.accept::<()>(name, Err(problem.to_owned()), &given);
        }
    }

    /// One sentence for each environment name that looks like a setting and is none.
    pub(super) fn warnings(&self) -> Vec<String> {
        let unknown = self.source.unknown_variables().filter(|name| !self.used_variables.contains(*name));
        unknown
            .map(|name| {
                let ignored = format!("{} in the environment is not a setting and is ignored", shown(name));
                match nearest_variable(name) {
                    Some(meant) => format!("{ignored}; did you mean {meant}?"),
                    None => ignored,
                }
            })
            .collect()
    }

    /// Everything that was found wrong.
    pub(super) fn into_mistakes(self) -> Vec<Mistake> {
        self.mistakes
    }

    /// The names that were asked for, to be compared with the list.
    #[cfg(test)]
    pub(super) fn asked(&self) -> &BTreeSet<&'static str> {
        &self.asked
    }

    /// The value that counts, or the default; refused if it could not be right for any setting.
    fn value(&mut self, name: &'static str) -> Option<Given> {
        self.asked.insert(name);
        let given = self.source.find(name).or_else(|| default_of(name))?;
        let problem = if given.text.is_empty() {
            "is empty; give a value or leave the setting out".to_owned()
        } else if given.text.len() > LONGEST_VALUE_BYTES {
            format!("is longer than {LONGEST_VALUE_BYTES} bytes")
        } else if given.text.contains(char::is_control) {
            "contains a control character, such as a line end; leave it out".to_owned()
        } else if given.text.trim().len() != given.text.len() {
            "begins or ends with a blank; leave it out".to_owned()
        } else {
            return Some(given);
        };
        self.accept(name, Err(problem), &given)
    }

    fn accept<T>(&mut self, name: &str, parsed: Result<T, String>, given: &Given) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(problem) => {
                self.mistakes.push(Mistake::new(name, format!("{problem} ({})", given.origin)));
                None
            }
        }
    }
}

/// A path as it is written: nothing in it is expanded.
pub(super) fn parse_path(text: &str) -> Result<PathBuf, String> {
    match text {
        "" => Err("names no file".to_owned()),
        "~" => Err("~ is not expanded here; write the whole path".to_owned()),
        _ if text.starts_with("~/") => Err("~ is not expanded here; write the whole path".to_owned()),
        _ => Ok(PathBuf::from(text)),
    }
}

/// The units of sizes, the largest first.
const UNITS: [(&str, u64); 3] = [("GiB", 1024 * 1024 * 1024), ("MiB", 1024 * 1024), ("KiB", 1024)];

fn parse_size(text: &str) -> Option<u64> {
    let (number, factor) =
        UNITS.into_iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    let is_plain = number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse().ok().filter(|_| is_plain).and_then(|number: u64| number.checked_mul(factor))
}

fn format_size(bytes: u64) -> String {
    let unit = UNITS.into_iter().find(|(_, factor)| bytes.is_multiple_of(*factor));
    unit.map_or_else(|| bytes.to_string(), |(unit, factor)| format!("{}{unit}", bytes / factor))
}

fn default_of(name: &str) -> Option<Given> {
    match place(name) {
        Place::Setting(setting) => match setting.default {
            SettingDefault::Value(text) => {
                Some(Given { text: text.to_owned(), kind: Kind::Text, origin: "default".to_owned() })
            }
            SettingDefault::Absent | SettingDefault::Derived(_) => None,
        },
        Place::Section | Place::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::config::example::{from_environment, from_file, mistakes_of_file};

    #[test]
    fn a_value_of_the_wrong_type_is_a_mistake() {
        assert_eq!(
            mistakes_of_file("data = 1\n[listen]\nmax_connections = true\nbehind_proxy = 1"),
            "data: must be text in quotes (chancery.toml, line 1)\n\
             listen.behind_proxy: must be true or false (chancery.toml, line 4)\n\
             listen.max_connections: must be a whole number from 1 to 1000000 (chancery.toml, line 3)"
        );
    }

    #[test]
    fn a_mistake_says_in_which_layer_it_is() {
        assert_eq!(
            from_environment(&[("CHANCERY_LISTEN_BEHIND_PROXY", "yes")]).err().as_deref(),
            Some("listen.behind_proxy: must be true or false (CHANCERY_LISTEN_BEHIND_PROXY)")
        );
    }

    #[test]
    fn truth_may_be_written_as_text() -> Result<(), String> {
        assert!(from_file("listen.behind_proxy = true")?.listen.behind_proxy);
        assert!(from_file("listen.behind_proxy = 'true'")?.listen.behind_proxy);
        Ok(())
    }

    #[test]
    fn a_tilde_is_not_taken_for_a_directory() {
        assert!(mistakes_of_file("data = '~/chancery'").starts_with("data: ~ is not expanded"));
    }

    #[test]
    fn a_broken_file_is_not_blamed_for_what_may_be_in_it_while_variables_are_still_checked() {
        let variables = [("CHANCERY_LISTEN_PUBLIC", "0.0.0.0:80"), ("CHANCERY_LOG_LEVEL", "loud")];
        let shown =
            crate::config::example::from_layers("issuer = ", &variables, &[]).err().unwrap_or_default();
        let names: Vec<&str> = shown.lines().filter_map(|line| line.split(':').next()).collect();
        assert_eq!(names, ["chancery.toml", "log.level"]);
    }
}
