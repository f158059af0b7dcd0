//! `data` and the `store` section: where the registry is kept, and how it is reached.
//! Opening or creating it is the store's work.

use super::reader::{Reader, parse_path};
use super::signing::parse_variable_name;
use crate::store::postgres::{Access, Address, FEWEST_CONNECTIONS, Password};
use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// How many connections to a database there may be.
const CONNECTIONS: RangeInclusive<usize> = FEWEST_CONNECTIONS..=1000;

/// Where things are kept.
#[derive(Debug, Clone)]
pub struct StorageSettings {
    /// `data`: the directory of the embedded store and the master key. Default: `./chancery-data`.
    pub data: PathBuf,
    /// `store.url`: the registry's store, with what belongs to it. Default: `sqlite:` with the file `chancery.db` in
    /// `data`.
    pub url: StoreUrl,
}

/// Which store, and where. One variant for each kind of store.
#[derive(Debug, Clone)]
pub enum StoreUrl {
    /// The embedded store in this file.
    Sqlite(PathBuf),
    /// This database. `store.password` and `store.connections` are in it as well.
    Postgres(Box<Access>),
}

/// What `store.url` alone says.
enum Said {
    Sqlite(PathBuf),
    Postgres(Box<Address>),
}

/// What `store.password` says.
enum Reference {
    File(PathBuf),
    Variable(String),
}

impl StoreUrl {
    /// Reads a store that is named beside the settings, in the same way as in them.
    ///
    /// # Errors
    /// Says what is wrong; it never repeats the text, which may hold a password.
    pub fn parse(text: &str, password: Option<Password>) -> Result<Self, String> {
        match Said::parse(text)? {
            Said::Sqlite(_) if password.is_some() => Err("is a file, which has no password".to_owned()),
            Said::Sqlite(file) => Ok(Self::Sqlite(file)),
            Said::Postgres(address) if password.is_some() && address.has_password() => {
                Err("has a password in it, and another one is given: leave out one of them".to_owned())
            }
            Said::Postgres(address) => {
                let connections = FEWEST_CONNECTIONS;
                Ok(Self::Postgres(Box::new(Access { address: *address, password, connections })))
            }
        }
    }
}

/// Finds a database's password that is named beside the settings, in the same way as in them.
///
/// # Errors
/// Says what is wrong with the name; the name itself is not repeated.
pub fn find_password(
    reference: &str,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Password, String> {
    match parse_reference(reference)? {
        Reference::File(path) => Ok(Password::File(path)),
        Reference::Variable(name) => {
            let found = environment.into_iter().find(|(variable, _)| *variable == *name);
            let text = found.and_then(|(_, text)| text.into_string().ok()).filter(|text| !text.is_empty());
            text.map(Password::from_text).ok_or_else(|| NOT_SET.to_owned())
        }
    }
}

const NOT_SET: &str = "the environment variable that it names is not set, or is empty";

impl Said {
    /// Reads a store's URL. The error never repeats the text, which may hold a password.
    fn parse(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err("must begin with sqlite: or postgres:".to_owned());
        };
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" => parse_sqlite(rest.strip_prefix("//").unwrap_or(rest)).map(Self::Sqlite),
            "postgres" | "postgresql" => Address::parse(text).map(Box::new).map(Self::Postgres),
            _ => Err("must begin with sqlite: or postgres:".to_owned()),
        }
    }
}

/// Reads the section.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<StorageSettings> {
    let data = reader.path("data");
    let is_given = reader.is_given("store.url");
    let said = reader.text("store.url", Said::parse);
    let password = read_password(reader);
    let connections = reader.number("store.connections", &CONNECTIONS);
    let data = data?;
    let url = match said {
        None if is_given => return None,
        None => default_url(&data),
        Some(Said::Sqlite(file)) => StoreUrl::Sqlite(file),
        Some(Said::Postgres(address)) => {
            if password.is_some() && address.has_password() {
                reader.refuse(
                    "store.password",
                    "is given, and store.url has a password as well: leave out one of them",
                );
                return None;
            }
            StoreUrl::Postgres(Box::new(Access { address: *address, password, connections: connections? }))
        }
    };
    Some(StorageSettings { data, url })
}

fn read_password(reader: &mut Reader<'_>) -> Option<Password> {
    match reader.text("store.password", parse_reference)? {
        Reference::File(path) => Some(Password::File(path)),
        Reference::Variable(name) => {
            let text = reader.variable(&name).filter(|text| !text.is_empty()).map(str::to_owned);
            if text.is_none() {
                reader.refuse_value("store.password", NOT_SET);
            }
            text.map(Password::from_text)
        }
    }
}

fn parse_reference(text: &str) -> Result<Reference, String> {
    match text.split_once(':') {
        Some(("file", path)) => parse_path(path).map(Reference::File),
        Some(("env", name)) => parse_variable_name(name).map(Reference::Variable),
        _ => Err("must be file:PATH or env:NAME, never the password itself".to_owned()),
    }
}

fn default_url(data: &Path) -> StoreUrl {
    StoreUrl::Sqlite(data.join("chancery.db"))
}

fn parse_sqlite(path: &str) -> Result<PathBuf, String> {
    // SQLite itself gives these a meaning: no file at all, or options that would weaken what we promise.
    if path.starts_with(':') || path.starts_with("file:") {
        return Err(
            "must name a file, as in sqlite:PATH; a store in memory would forget everything".to_owned()
        );
    }
    if path.contains(['?', '#']) {
        return Err("takes no options; use sqlite:PATH without ? and #".to_owned());
    }
    if path.ends_with('/') {
        return Err("names a directory; use sqlite:PATH with the path of a file".to_owned());
    }
    parse_path(path)
}

#[cfg(test)]
mod tests {
    use super::{Access, Password, StoreUrl};
    use crate::config::example::{from_environment, from_file, from_layers, mistakes_of_file};
    use std::path::PathBuf;

    fn file_of(text: &str) -> Result<PathBuf, String> {
        match from_file(text)?.storage.url {
            StoreUrl::Sqlite(file) => Ok(file),
            StoreUrl::Postgres(_) => Err("it is a database".to_owned()),
        }
    }

    fn database_of(file: &str, variables: &[(&str, &str)]) -> Result<Access, String> {
        let file = format!("keys.master = '/k'\n{file}");
        match from_layers(&file, variables, &[])?.storage.url {
            StoreUrl::Sqlite(_) => Err("it is a file".to_owned()),
            StoreUrl::Postgres(access) => Ok(*access),
        }
    }

    #[test]
    fn the_embedded_store_is_in_data_unless_said_otherwise() {
        assert_eq!(file_of(""), Ok(PathBuf::from("./chancery-data/chancery.db")));
        assert_eq!(file_of("data = '/d'"), Ok(PathBuf::from("/d/chancery.db")));
    }

    #[test]
    fn understands_both_ways_to_write_a_sqlite_url() {
        for (text, path) in [
            ("sqlite:a/b.db", "a/b.db"),
            ("sqlite://a/b.db", "a/b.db"),
            ("sqlite:///a.db", "/a.db"),
            ("SQLite:/a", "/a"),
        ] {
            assert_eq!(file_of(&format!("store.url = '{text}'")), Ok(PathBuf::from(path)));
        }
    }

    #[test]
    fn a_database_comes_with_its_password_and_so_many_connections() -> Result<(), String> {
        for scheme in ["postgres", "postgresql", "Postgres"] {
            let access = database_of(&format!("store.url = '{scheme}://me@db:5433,other/chancery'"), &[])?;
            assert_eq!(access.address.to_string(), "db:5433, other:5432");
            assert_eq!((access.password.is_none(), access.connections), (true, 10));
        }
        let url = "store.url = 'postgres://me@db/chancery'\n";
        let access = database_of(&format!("{url}store.password = 'file:/p'\nstore.connections = 4"), &[])?;
        assert!(matches!(access.password, Some(Password::File(file)) if file == *"/p"));
        assert_eq!(access.connections, 4);
        let access = database_of(&format!("{url}store.password = 'env:PW'"), &[("PW", "hunter2")])?;
        assert!(!format!("{access:?}").contains("hunter2"));
        assert!(matches!(access.password, Some(Password::Text(text)) if *text == "hunter2"));
        Ok(())
    }

    #[test]
    fn a_database_needs_a_master_key_that_all_nodes_have() {
        let shown = mistakes_of_file("store.url = 'postgres://me@db/chancery'");
        assert!(shown.starts_with("keys.master: must be given with PostgreSQL"), "{shown}");
    }

    #[test]
    fn a_password_is_never_in_the_settings_themselves() {
        for (url, password) in [
            ("postgres://me@db/d", "hunter2"),
            ("postgres://me@db/d", "env:hunter2"),
            ("postgres://me@db/d", "env:A-hunter2"),
            ("postgres://me@db/d", "file:"),
            ("postgres://me:hunter2@db/d", "file:/hunter2"),
        ] {
            let refused = database_of(&format!("store.url = '{url}'\nstore.password = '{password}'"), &[]);
            let shown = refused.err().unwrap_or_default();
            assert!(shown.starts_with("store.password: ") && !shown.contains("hunter2"), "{shown}");
        }
        let few = database_of("store.url = 'postgres://me@db/d'\nstore.connections = 3", &[]);
        assert_eq!(
            few.err().unwrap_or_default(),
            "store.connections: must be a whole number from 4 to 1000 (chancery.toml, line 3)"
        );
    }

    #[test]
    fn refuses_what_sqlite_would_understand_in_its_own_way() {
        for text in [
            "sqlite:",
            "sqlite://",
            "sqlite::memory:",
            "sqlite:file:a?mode=memory",
            "sqlite:a?x=1",
            "sqlite:a/",
            "sqlite:~/a",
        ] {
            assert!(mistakes_of_file(&format!("store.url = '{text}'")).starts_with("store.url: "), "{text}");
        }
    }

    #[test]
    fn refuses_what_it_cannot_reach_without_showing_the_password() {
        let shown = from_environment(&[("CHANCERY_STORE_URL", "postgres://me:hunter2@db")]).err();
        assert_eq!(
            shown.as_deref(),
            Some("store.url: names no database; write postgres://USER@HOST/DATABASE (CHANCERY_STORE_URL)")
        );
        for text in [
            "hunter2",
            "mysql://me:hunter2@db",
            "postgresql://:hunter2@",
            ":hunter2",
            "sqlite://me:hunter2@db/?hunter2",
        ] {
            let shown = mistakes_of_file(&format!("store.url = '{text}'"));
            assert!(shown.starts_with("store.url: ") && !shown.contains("hunter2"), "{shown}");
        }
    }
}
