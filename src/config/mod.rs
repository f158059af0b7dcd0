//! Text into checked settings: a file, the environment and flags in, one [`Settings`] out, or every mistake at once.
//! It opens no file and no socket: whether a path can be read or an address bound is found out by whoever uses it.

mod file;
mod issuance;
mod issuer;
mod listen;
mod log;
mod memory;
mod mistake;
mod reader;
mod setting;
mod signing;
mod source;
mod storage;

pub use issuance::{Destination, IssuanceSettings};
pub use listen::{ListenSettings, TlsFiles};
pub use log::{LogFormat, LogLevel, LogSettings};
pub use memory::MemorySettings;
pub use mistake::{Mistake, Mistakes};
pub use setting::{SETTINGS, Setting, SettingDefault};
pub use signing::{MasterKeySource, MasterKeyText, SigningSettings, find_master_key};
pub use source::{Source, process_environment};
pub use storage::{StorageSettings, StoreUrl, find_password};

use crate::domain::tenant::IssuerUrl;
use reader::Reader;

/// All settings of the server, already checked one by one and against each other.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `data` and `store.url`.
    pub storage: StorageSettings,
    /// The `listen` section.
    pub listen: ListenSettings,
    /// `issuer`: the default tenant's issuer. Default: none. It is there whenever `listen.public` is beyond loopback.
    pub issuer: Option<IssuerUrl>,
    /// The `keys` section.
    pub signing: SigningSettings,
    /// The `issuance` section.
    pub issuance: IssuanceSettings,
    /// The `cache` and `outage` sections.
    pub memory: MemorySettings,
    /// The `log` section.
    pub log: LogSettings,
    /// What the operator should hear about although nothing is wrong, one sentence each.
    pub warnings: Vec<String>,
}

/// Reads and checks every setting of `source`.
///
/// # Errors
///
/// All mistakes of all layers together, so that one attempt is enough to mend them.
pub fn load(source: &Source) -> Result<Settings, Mistakes> {
    let mut reader = Reader::new(source);
    let settings = read(&mut reader);
    let mistakes = reader.into_mistakes();
    match settings {
        Some(settings) if mistakes.is_empty() => Ok(settings),
        _ => Err(Mistakes(mistakes)),
    }
}

/// Asks every section before looking at any answer, so that one section's mistake does not hide another's.
fn read(reader: &mut Reader<'_>) -> Option<Settings> {
    let storage = storage::read(reader);
    let listen = listen::read(reader);
    let issuer = issuer::read(reader, listen.as_ref().map(|listen| listen.public));
    let signing = signing::read(reader, storage.as_ref().map(|storage| storage.data.as_path()));
    let is_shared = matches!(&storage, Some(StorageSettings { url: StoreUrl::Postgres(_), .. }));
    if is_shared && matches!(&signing, Some(SigningSettings { master_key: MasterKeySource::Default(_), .. }))
    {
        let problem = "must be given with PostgreSQL, so that every node has the same: file:PATH or env:NAME";
        reader.refuse("keys.master", problem);
    }
    let issuance = issuance::read(reader);
    let memory = memory::read(reader);
    let log = log::read(reader);
    Some(Settings {
        storage: storage?,
        listen: listen?,
        issuer,
        signing: signing?,
        issuance: issuance?,
        memory: memory?,
        log: log?,
        warnings: reader.warnings(),
    })
}

/// Short forms for the tests of this folder: settings, or the mistakes as they are printed.
#[cfg(test)]
mod example {
    use super::{Settings, Source, load};

    /// Settings from a file alone.
    pub(super) fn from_file(text: &str) -> Result<Settings, String> {
        from_layers(text, &[], &[])
    }

    /// Settings from the environment alone.
    pub(super) fn from_environment(variables: &[(&str, &str)]) -> Result<Settings, String> {
        from_layers("", variables, &[])
    }

    /// Settings from all three layers.
    pub(super) fn from_layers(
        file: &str,
        variables: &[(&str, &str)],
        flags: &[(&str, &str)],
    ) -> Result<Settings, String> {
        let flags = flags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let source = Source::new(Some(file), "chancery.toml", variables.iter().copied(), flags);
        load(&source).map_err(|mistakes| mistakes.to_string())
    }

    /// What is printed about a file; empty if nothing is wrong.
    pub(super) fn mistakes_of_file(text: &str) -> String {
        from_file(text).err().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::example::{from_environment, from_file, from_layers, mistakes_of_file};
    use super::{Reader, SETTINGS, Source, load, read};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn nothing_given_is_enough_to_start_on_loopback() -> Result<(), String> {
        let settings = from_file("")?;
        assert_eq!(settings.listen.public.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.issuer, None);
        assert!(settings.warnings.is_empty());
        Ok(())
    }

    #[test]
    fn every_setting_in_the_list_is_read_and_no_other() {
        let none = std::iter::empty::<(String, String)>;
        let source = Source::new(None, "", none(), none());
        let mut reader = Reader::new(&source);
        read(&mut reader);
        let listed: BTreeSet<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        assert_eq!(*reader.asked(), listed);
    }

    #[test]
    fn an_empty_value_is_a_mistake_of_its_setting_in_every_layer() {
        for setting in SETTINGS {
            let name = setting.name;
            let expected = format!("{name}: is empty");
            let in_file = mistakes_of_file(&format!("{name} = ''"));
            assert!(in_file.contains(&expected), "{in_file}");
            let in_environment = from_environment(&[(&setting.environment(), "")]).err().unwrap_or_default();
            assert!(in_environment.contains(&expected), "{in_environment}");
            let in_flags = from_layers("", &[], &[(name, "")]).err().unwrap_or_default();
            assert!(in_flags.contains(&expected), "{in_flags}");
        }
    }

    #[test]
    fn hostile_values_are_refused_by_name_and_never_shown() {
        let long = "hunter2".repeat(700);
        for setting in SETTINGS {
            for hostile in
                [long.as_str(), "hunter2\nlisten.public: all is well", "hunter2\u{1b}[2J", " hunter2"]
            {
                let shown = from_environment(&[(&setting.environment(), hostile)]).err().unwrap_or_default();
                assert!(shown.starts_with(setting.name), "{shown}");
                assert!(!shown.contains("hunter2"), "{shown}");
                assert!(!shown.contains("all is well"), "{shown}");
            }
        }
    }

    #[test]
    fn all_mistakes_are_reported_in_one_go() {
        let shown = mistakes_of_file(
            "colour = 1\nissuer = 'x'\n[listen]\npublic = 8080\nadmin = 'x'\n[log]\nlevel = 'loud'",
        );
        let names: Vec<&str> = shown.lines().filter_map(|line| line.split(':').next()).collect();
        assert_eq!(names, ["colour", "listen.public", "listen.admin", "issuer", "log.level"]);
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_file() -> Result<(), String> {
        let file = "[log]\nlevel = 'error'\nformat = 'text'\n[listen]\nmax_connections = 1";
        let variables = [("CHANCERY_LOG_FORMAT", "json"), ("CHANCERY_LISTEN_MAX_CONNECTIONS", "2")];
        let settings = from_layers(file, &variables, &[("listen.max_connections", "3")])?;
        assert_eq!(format!("{:?}", settings.log), "LogSettings { format: Json, level: Error }");
        assert_eq!(settings.listen.max_connections, 3);
        Ok(())
    }

    proptest! {
        #[test]
        fn no_text_file_makes_it_panic(text in any::<String>()) {
            let _ = from_file(&text);
        }

        #[test]
        fn no_toml_like_file_makes_it_panic(text in r#"([\[\]{}.="'#\n\\0-9-]|listen|tls|public|issuer|data|true|é){0,60}"#) {
            let _ = from_file(&text);
        }

        #[test]
        fn no_value_makes_it_panic_and_every_mistake_is_one_line(
            index in 0..SETTINGS.len(),
            text in r"(sqlite:|env:|file:|https?://|localhost|\[|\]|\PC|\pC){0,20}",
        ) {
            let name = SETTINGS.iter().map(|setting| setting.name).nth(index).unwrap_or_default().to_owned();
            let none = std::iter::empty::<(String, String)>();
            if let Err(mistakes) = load(&Source::new(None, "", none, [(name, text)])) {
                prop_assert!(mistakes.0.len() <= 2);
                prop_assert_eq!(mistakes.to_string().lines().count(), mistakes.0.len());
            }
        }
    }
}
