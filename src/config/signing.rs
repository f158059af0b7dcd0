//! The `keys` section: where the 256-bit keys are that seal signing keys and key the secret digests, and which
//! algorithms may be chosen.
//! Reading the file, making it, and decoding the key are not done here.

use super::reader::{Reader, parse_path};
use super::setting::SETTINGS;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// What signing keys are sealed and secret digests are keyed with.
#[derive(Debug, Clone)]
pub struct SigningSettings {
    /// `keys.master`: where the master key is. Default: the file `master.key` in `data`.
    pub master_key: MasterKeySource,
    /// `keys.accept`: where a second one is that is accepted while the first is being changed. Default: none.
    pub accepted: Option<MasterKeySource>,
    /// `keys.experimental`: whether algorithms may be chosen that are experimental. Default: false.
    pub experimental: bool,
}

/// Where the master key is.
#[derive(Debug, Clone)]
pub enum MasterKeySource {
    /// In this file, which the operator named and which therefore must exist.
    File(PathBuf),
    /// In this environment variable.
    Environment {
        /// The variable's name.
        name: String,
        /// The variable's value, which is not empty but not decoded either.
        text: MasterKeyText,
    },
    /// In this file, which nobody named and which may be made when it is absent.
    Default(PathBuf),
}

/// A master key as text; it cannot be printed or compared by accident.
#[derive(Clone)]
pub struct MasterKeyText(String);

impl MasterKeyText {
    /// The key itself, for the one who decodes it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MasterKeyText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MasterKeyText(…)")
    }
}

/// What the operator wrote.
enum Reference {
    File(PathBuf),
    Variable(String),
}

/// Reads the section; `data` is absent when it is a mistake itself.
pub(super) fn read(reader: &mut Reader<'_>, data: Option<&Path>) -> Option<SigningSettings> {
    let is_given = reader.is_given("keys.master");
    let master_key = read_one(reader, "keys.master");
    let accepted = read_one(reader, "keys.accept");
    let experimental = reader.truth("keys.experimental");
    let master_key = match master_key {
        Some(source) => source,
        None if is_given => return None,
        None => MasterKeySource::Default(data?.join("master.key")),
    };
    Some(SigningSettings { master_key, accepted, experimental: experimental? })
}

/// Finds where a master key is that is named beside the settings, in the same way as in them.
///
/// # Errors
/// Says what is wrong with the name; the name itself is not repeated.
pub fn find_master_key(
    reference: &str,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<MasterKeySource, String> {
    match parse_reference(reference)? {
        Reference::File(path) => Ok(MasterKeySource::File(path)),
        Reference::Variable(name) => {
            let mut all = environment.into_iter();
            let value =
                all.find(|(variable, _)| *variable == *name).and_then(|(_, text)| text.into_string().ok());
            from_variable(name, value.as_deref()).ok_or_else(|| NOT_SET.to_owned())
        }
    }
}

/// The name is not repeated: it may be a part of a key that was put in its place.
const NOT_SET: &str = "the environment variable that it names is not set, or is empty";

fn read_one(reader: &mut Reader<'_>, setting: &'static str) -> Option<MasterKeySource> {
    match reader.text(setting, parse_reference)? {
        Reference::File(path) => Some(MasterKeySource::File(path)),
        Reference::Variable(name) => {
            let text = reader.variable(&name);
            let source = from_variable(name, text);
            if source.is_none() {
                reader.refuse_value(setting, NOT_SET);
            }
            source
        }
    }
}

fn from_variable(name: String, text: Option<&str>) -> Option<MasterKeySource> {
    let text = text.filter(|text| !text.trim().is_empty())?;
    Some(MasterKeySource::Environment { name, text: MasterKeyText(text.to_owned()) })
}

fn parse_reference(text: &str) -> Result<Reference, String> {
    let (scheme, rest) = match text.split_once(':') {
        Some((scheme @ ("file" | "env"), rest)) => (scheme, rest),
        _ => ("", text),
    };
    if looks_like_a_key(rest) {
        return Err("looks like the key itself; put the key into a file or an environment variable \
             and write file:PATH or env:NAME here"
            .to_owned());
    }
    match scheme {
        "env" => parse_variable_name(rest).map(Reference::Variable),
        _ => parse_path(rest).map(Reference::File),
    }
}

pub(super) fn parse_variable_name(name: &str) -> Result<String, String> {
    let begins_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if !begins_well || !name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_') {
        return Err("env: must be followed by a name of letters, digits and _".to_owned());
    }
    if SETTINGS.iter().any(|setting| setting.environment() == name) {
        return Err(
            "names the environment variable of a setting, which cannot hold a secret as well".to_owned()
        );
    }
    Ok(name.to_owned())
}

/// Whether text is 256 bits in hexadecimal or base64, as `openssl rand` prints them.
fn looks_like_a_key(text: &str) -> bool {
    let is_hexadecimal = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hexadecimal || looks_like_base64(text)
}

fn looks_like_base64(text: &str) -> bool {
    let digits = text.strip_suffix('=').unwrap_or(text);
    let is_url_safe = digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let is_standard = digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
    // A long path can consist of the same characters, but hardly with this length, this mixture and this end:
    // 43 digits are two bits more than 256, and those two are zero.
    digits.len() == 43
        && (is_url_safe || is_standard)
        && digits.ends_with(|last: char| "AEIMQUYcgkosw048".contains(last))
        && digits.bytes().any(|byte| byte.is_ascii_uppercase())
        && digits.bytes().any(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::{MasterKeySource, MasterKeyText, find_master_key};
    use crate::config::example::{from_environment, from_file, mistakes_of_file};

    const HEXADECIMAL: &str = "8f14e45fceea167a5a36dedd4bea2543c9f0f895fb98ab9159f51fd0297e236d";
    const BASE64: &str = "jxTkX87qFnpaNt7dS+olQ8nw+JX7mKuRWfUf0Cl+I20=";
    const BASE64_URL: &str = "jxTkX87qFnpaNt7dS-olQ8nw-JX7mKuRWfUf0Cl-I20";

    fn source_of(text: &str) -> Result<String, String> {
        Ok(format!("{:?}", from_file(&format!("keys.master = '{text}'"))?.signing.master_key))
    }

    #[test]
    fn the_key_is_in_data_unless_said_otherwise() -> Result<(), String> {
        let settings = from_file("data = '/d'")?;
        assert_eq!(format!("{:?}", settings.signing.master_key), r#"Default("/d/master.key")"#);
        Ok(())
    }

    #[test]
    fn understands_both_ways_to_write_a_path() {
        assert_eq!(source_of("file:/k").as_deref(), Ok(r#"File("/k")"#));
        assert_eq!(source_of("a/k:1").as_deref(), Ok(r#"File("a/k:1")"#));
        for long in ["/run/secrets/production/chancery/master/key", HEXADECIMAL.trim_start_matches('8')] {
            assert!(source_of(long).is_ok(), "{long}");
        }
    }

    #[test]
    fn takes_the_key_from_the_variable_and_cannot_print_it() -> Result<(), String> {
        let settings =
            from_environment(&[("CHANCERY_KEYS_MASTER", "env:CHANCERY_KEY"), ("CHANCERY_KEY", BASE64)])?;
        assert_eq!(
            format!("{:?}", settings.signing),
            r#"SigningSettings { master_key: Environment { name: "CHANCERY_KEY", text: MasterKeyText(…) }, accepted: None, experimental: false }"#
        );
        match &settings.signing.master_key {
            MasterKeySource::Environment { text, .. } => assert_eq!(text.reveal(), BASE64),
            MasterKeySource::File(_) | MasterKeySource::Default(_) => {
                return Err("not from the variable".to_owned());
            }
        }
        assert!(settings.warnings.is_empty(), "the variable is used, so it is not unknown");
        assert_eq!(format!("{:?}", MasterKeyText(String::new())), "MasterKeyText(…)");
        Ok(())
    }

    #[test]
    fn a_second_key_is_found_in_the_same_ways() -> Result<(), String> {
        let settings = from_environment(&[("CHANCERY_KEYS_ACCEPT", "env:NEXT"), ("NEXT", BASE64)])?;
        assert!(matches!(settings.signing.accepted, Some(MasterKeySource::Environment { .. })));
        let shown = mistakes_of_file(&format!("keys.accept = '{HEXADECIMAL}'"));
        assert!(shown.starts_with("keys.accept: looks like the key itself"), "{shown}");
        let named = |reference: &str| {
            find_master_key(reference, [("NEXT".into(), BASE64.into()), ("EMPTY".into(), " ".into())])
        };
        assert!(matches!(named("env:NEXT")?, MasterKeySource::Environment { name, .. } if name == "NEXT"));
        assert!(matches!(named("/next")?, MasterKeySource::File(_)));
        for wrong in ["env:EMPTY", "env:ABSENT", BASE64, ""] {
            assert!(named(wrong).is_err(), "{wrong}");
        }
        Ok(())
    }

    #[test]
    fn a_variable_that_is_missing_or_empty_is_a_mistake() {
        for variables in [vec![], vec![("KEY", "")], vec![("KEY", " \n")]] {
            let all: Vec<_> = variables.into_iter().chain([("CHANCERY_KEYS_MASTER", "env:KEY")]).collect();
            let shown = from_environment(&all).err().unwrap_or_default();
            assert!(
                shown.starts_with("keys.master: the environment variable that it names is not set"),
                "{shown}"
            );
        }
    }

    #[test]
    fn refuses_the_key_itself_without_showing_it() {
        for key in
            [HEXADECIMAL, BASE64, BASE64.trim_end_matches('='), BASE64_URL, &HEXADECIMAL.to_ascii_uppercase()]
        {
            for prefix in ["", "file:", "env:"] {
                let shown = mistakes_of_file(&format!("keys.master = '{prefix}{key}'"));
                assert!(shown.starts_with("keys.master: looks like the key itself"), "{shown}");
                assert!(!shown.contains(key), "{shown}");
            }
        }
    }

    #[test]
    fn refuses_names_that_no_variable_can_have() {
        for text in ["env:", "env:1A", "env:A-B", "env:A=B", "env:CHANCERY_KEYS_MASTER", "file:", "file:~/k"]
        {
            assert!(
                mistakes_of_file(&format!("keys.master = '{text}'")).starts_with("keys.master: "),
                "{text}"
            );
        }
    }
}
