//! `data` and `store.url`: where the registry is kept.
//! Opening or creating it is the store's work.

use super::reader::{Reader, parse_path};
use std::path::{Path, PathBuf};

/// Where things are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageSettings {
    /// `data`: the directory of the embedded store and the master key. Default: `./chancery-data`.
    pub data: PathBuf,
    /// `store.url`: the registry's store. Default: `sqlite:` with the file `chancery.db` in `data`.
    pub url: StoreUrl,
}

/// Which store, and where. One variant for each kind of store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// The embedded store in this file.
    Sqlite(PathBuf),
}

impl StoreUrl {
    /// Reads a store's URL.
    ///
    /// # Errors
    /// Says what is wrong; it never repeats the text, which may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err("must begin with sqlite:".to_owned());
        };
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" => parse_sqlite(rest.strip_prefix("//").unwrap_or(rest)).map(Self::Sqlite),
            "postgres" | "postgresql" => {
                Err("this build has only the embedded store; use sqlite:PATH".to_owned())
            }
            _ => Err("must begin with sqlite:".to_owned()),
        }
    }
}

/// Reads the section.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<StorageSettings> {
    let data = reader.path("data");
    let url = reader.text("store.url", StoreUrl::parse);
    let data = data?;
    let url = url.unwrap_or_else(|| default_url(&data));
    Some(StorageSettings { data, url })
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
    use super::StoreUrl;
    use crate::config::example::{from_environment, from_file, mistakes_of_file};
    use std::path::PathBuf;

    #[test]
    fn the_embedded_store_is_in_data_unless_said_otherwise() -> Result<(), String> {
        assert_eq!(
            from_file("")?.storage.url,
            StoreUrl::Sqlite(PathBuf::from("./chancery-data/chancery.db"))
        );
        assert_eq!(from_file("data = '/d'")?.storage.url, StoreUrl::Sqlite(PathBuf::from("/d/chancery.db")));
        Ok(())
    }

    #[test]
    fn understands_both_ways_to_write_a_sqlite_url() -> Result<(), String> {
        for (text, path) in [
            ("sqlite:a/b.db", "a/b.db"),
            ("sqlite://a/b.db", "a/b.db"),
            ("sqlite:///a.db", "/a.db"),
            ("SQLite:/a", "/a"),
        ] {
            assert_eq!(
                from_file(&format!("store.url = '{text}'"))?.storage.url,
                StoreUrl::Sqlite(PathBuf::from(path))
            );
        }
        Ok(())
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
    fn refuses_other_stores_without_showing_the_password() {
        assert_eq!(
            from_environment(&[("CHANCERY_STORE_URL", "postgres://me:hunter2@db/chancery")]).err().as_deref(),
            Some("store.url: this build has only the embedded store; use sqlite:PATH (CHANCERY_STORE_URL)")
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
