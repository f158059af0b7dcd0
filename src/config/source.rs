//! Where settings come from: a file, under the environment, under flags; tests put maps in their place.
//! It knows names and layers, not what a value must look like.

use super::file;
use super::mistake::Mistake;
use super::setting::{Place, RESERVED_VARIABLES, SETTINGS, place};
use std::collections::BTreeMap;
use std::ffi::OsString;

/// What every environment name of ours begins with.
pub(super) const PREFIX: &str = "CHANCERY_";

/// A value as some layer gives it.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) text: String,
    pub(super) kind: Kind,
    /// Where it was written, in words an operator can search for.
    pub(super) origin: String,
}

/// How a value was written; flags and the environment know only text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Boolean,
    Integer,
}

/// The three layers, with the mistakes that were made in writing them. It has no `Debug`, since it holds secrets.
pub struct Source {
    file: file::Layer,
    environment: BTreeMap<String, String>,
    flags: BTreeMap<String, Given>,
    mistakes: Vec<Mistake>,
}

impl Source {
    /// Lays the layers on top of each other.
    ///
    /// `file` is the text of the settings file, `file_name` what to call it in mistakes; `environment` is
    /// [`process_environment`] or a map; `flags` are pairs of a dotted name and a value.
    pub fn new(
        file: Option<&str>,
        file_name: &str,
        environment: impl IntoIterator<Item = (impl Into<OsString>, impl Into<OsString>)>,
        flags: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let mut source = Self {
            file: file::parse(file.unwrap_or_default(), file_name),
            environment: BTreeMap::new(),
            flags: BTreeMap::new(),
            mistakes: Vec::new(),
        };
        for (name, value) in environment {
            source.add_variable(name.into(), value.into());
        }
        for (name, value) in flags {
            source.add_flag(&name, value);
        }
        source
    }

    /// The value that counts: the flag's, else the variable's, else the file's.
    pub(super) fn find(&self, name: &str) -> Option<Given> {
        self.flags
            .get(name)
            .cloned()
            .or_else(|| self.find_variable(name))
            .or_else(|| self.file.values.get(name).cloned())
    }

    /// A variable of any name, for settings that name one.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str)
    }

    /// Names in the environment that look like ours but are neither settings nor reserved.
    pub(super) fn unknown_variables(&self) -> impl Iterator<Item = &str> {
        self.environment.keys().map(String::as_str).filter(|name| {
            name.starts_with(PREFIX) && setting_of(name).is_none() && !RESERVED_VARIABLES.contains(name)
        })
    }

    /// Whether the file could be read as TOML. If not, what seems to be absent may be in it.
    pub(super) fn file_is_whole(&self) -> bool {
        self.file.is_whole
    }

    /// What is wrong with the layers themselves.
    pub(super) fn mistakes(&self) -> impl Iterator<Item = &Mistake> {
        self.file.mistakes.iter().chain(&self.mistakes)
    }

    fn find_variable(&self, name: &str) -> Option<Given> {
        let setting = SETTINGS.iter().find(|setting| setting.name == name)?;
        let origin = setting.environment();
        let text = self.environment.get(&origin)?.clone();
        Some(Given { text, kind: Kind::Text, origin })
    }

    fn add_variable(&mut self, name: OsString, value: OsString) {
        let shown = name.to_string_lossy().into_owned();
        let setting = setting_of(&shown).unwrap_or(&shown);
        match (name.into_string(), value.into_string()) {
            (Ok(name), Ok(value)) => match self.environment.insert(name, value) {
                Some(_) if shown.starts_with(PREFIX) => {
                    let problem = format!("{shown} is set twice in the environment; leave one of them out");
                    self.mistakes.push(Mistake::about_foreign_name(setting, problem));
                }
                _ => (),
            },
            _ if shown.starts_with(PREFIX) && !RESERVED_VARIABLES.contains(&shown.as_str()) => {
                let problem = "the environment variable is not UTF-8; write it as UTF-8 or unset it";
                self.mistakes.push(Mistake::about_foreign_name(setting, problem));
            }
            // What is not text and not ours is nobody's mistake here.
            _ => (),
        }
    }

    fn add_flag(&mut self, name: &str, text: String) {
        let Place::Setting(setting) = place(name) else {
            self.mistakes.push(Mistake::about_foreign_name(name, "is not a setting"));
            return;
        };
        let origin = setting.flag();
        let given = Given { text, kind: Kind::Text, origin };
        if let Some(first) = self.flags.insert(name.to_owned(), given) {
            let problem = format!("{} is given twice; leave one of them out", first.origin);
            self.mistakes.push(Mistake::new(name, problem));
        }
    }
}

/// The real environment of this process, for [`Source::new`].
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment, so that tests can replace it"
)]
pub fn process_environment() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os()
}

/// The dotted name of the setting that an environment name stands for.
fn setting_of(variable: &str) -> Option<&'static str> {
    SETTINGS.iter().find(|setting| setting.environment() == variable).map(|setting| setting.name)
}

#[cfg(test)]
mod tests {
    use super::{Source, process_environment};
    use crate::config::example::{from_environment, from_layers};
    use crate::config::load;
    use std::ffi::OsString;

    fn mistakes_of_environment(variables: Vec<(OsString, OsString)>) -> String {
        let source = Source::new(None, "", variables, []);
        load(&source).err().map(|mistakes| mistakes.to_string()).unwrap_or_default()
    }

    #[cfg(unix)]
    #[test]
    fn text_that_is_not_utf_8_is_a_mistake_only_under_our_own_prefix() {
        use std::os::unix::ffi::OsStringExt as _;
        let broken = || OsString::from_vec(vec![0xff]);
        let variables = vec![
            ("CHANCERY_LISTEN_PUBLIC".into(), broken()),
            ("CHANCERY_OTHER".into(), broken()),
            ("CHANCERY_SECRET".into(), broken()),
            ("LS_COLORS".into(), broken()),
            (broken(), "x".into()),
        ];
        assert_eq!(
            mistakes_of_environment(variables),
            "listen.public: the environment variable is not UTF-8; write it as UTF-8 or unset it\n\
             CHANCERY_OTHER: the environment variable is not UTF-8; write it as UTF-8 or unset it"
        );
    }

    #[test]
    fn a_variable_that_is_set_twice_is_a_mistake() {
        let twice = vec![("CHANCERY_DATA".into(), "a".into()), ("CHANCERY_DATA".into(), "b".into())];
        assert_eq!(
            mistakes_of_environment(twice),
            "data: CHANCERY_DATA is set twice in the environment; leave one of them out"
        );
    }

    #[test]
    fn a_flag_that_is_given_twice_or_unknown_is_a_mistake() {
        let shown = from_layers("", &[], &[("data", "a"), ("data", "b"), ("colour", "red")]).err();
        assert_eq!(
            shown.as_deref(),
            Some("data: --data is given twice; leave one of them out\ncolour: is not a setting")
        );
    }

    #[test]
    fn variables_that_kubernetes_makes_for_a_service_called_chancery_are_only_warned_about()
    -> Result<(), String> {
        let settings = from_environment(&[
            ("CHANCERY_PORT", "tcp://10.0.0.1:8080"),
            ("CHANCERY_LISTEN_PUBLIK", "127.0.0.1:1"),
            ("CHANCERY_CONFIG", "x"),
            ("CHANCERY_TENANT", "x"),
            ("CHANCERY_OUTPUT", "x"),
            ("CHANCERY_SECRET", "x"),
            ("CHANCERYX", "x"),
        ])?;
        assert_eq!(
            settings.warnings,
            [
                "CHANCERY_LISTEN_PUBLIK in the environment is not a setting and is ignored; \
                 did you mean CHANCERY_LISTEN_PUBLIC?",
                "CHANCERY_PORT in the environment is not a setting and is ignored",
            ]
        );
        Ok(())
    }

    #[test]
    fn the_real_environment_fits_in() {
        let source = Source::new(None, "", process_environment(), []);
        assert!(source.variable("PATH").is_some());
    }
}
