//! The list of all settings: the only place that knows their names, defaults and help.
//! What a value must look like is said in the section's own file.

use std::fmt;

/// One setting: what it is called in each layer, what it is without being given, and what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The dotted name, as in the file: `listen.public`.
    pub name: &'static str,
    /// What holds when no layer gives it.
    pub default: SettingDefault,
    /// One sentence for the help text and the documentation.
    pub help: &'static str,
}

/// What holds when a setting is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingDefault {
    /// Nothing.
    Absent,
    /// This value, read as if the operator had written it.
    Value(&'static str),
    /// Something made from other settings, described in words.
    Derived(&'static str),
}

impl fmt::Display for SettingDefault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Absent => "none",
            Self::Value(text) | Self::Derived(text) => text,
        })
    }
}

impl Setting {
    /// The flag of `serve`: `--listen-public`.
    #[must_use]
    pub fn flag(&self) -> String {
        format!("--{}", self.name.replace(['.', '_'], "-"))
    }

    /// The environment variable: `CHANCERY_LISTEN_PUBLIC`.
    #[must_use]
    pub fn environment(&self) -> String {
        format!("CHANCERY_{}", self.name.replace('.', "_").to_ascii_uppercase())
    }
}

/// Every setting there is, in the order of the documentation.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "data",
        default: SettingDefault::Value("./chancery-data"),
        help: "Directory of the embedded store and of the master key",
    },
    Setting {
        name: "store.url",
        default: SettingDefault::Derived("sqlite: file chancery.db in data"),
        help: "Where the registry is kept: sqlite:PATH or postgres://USER@HOST/DATABASE",
    },
    Setting {
        name: "store.password",
        default: SettingDefault::Absent,
        help: "Where the database's password is, if not in the URL: file:PATH or env:NAME, never the password itself",
    },
    Setting {
        name: "store.connections",
        default: SettingDefault::Value("10"),
        help: "Most connections to the database, 4 to 1000",
    },
    Setting {
        name: "listen.public",
        default: SettingDefault::Value("127.0.0.1:8080"),
        help: "Address and port for tokens, keys, discovery, introspection and revocation",
    },
    Setting {
        name: "listen.admin",
        default: SettingDefault::Value("127.0.0.1:8081"),
        help: "Address and port for the admin API, the console, metrics and health",
    },
    Setting {
        name: "listen.tls.certificate",
        default: SettingDefault::Absent,
        help: "PEM file with the certificate chain of the public listener, read again when it changes",
    },
    Setting {
        name: "listen.tls.key",
        default: SettingDefault::Absent,
        help: "PEM file with the private key of that certificate, read again when it changes",
    },
    Setting {
        name: "listen.tls.client_ca",
        default: SettingDefault::Absent,
        help: "PEM file with the authorities of client certificates; not supported by this release",
    },
    Setting {
        name: "listen.behind_proxy",
        default: SettingDefault::Value("false"),
        help: "Whether TLS ends in front of the server, so that plain HTTP may be served beyond loopback: true or false",
    },
    Setting {
        name: "listen.max_connections",
        default: SettingDefault::Value("10000"),
        help: "Most connections that are open at once, 1 to 1000000",
    },
    Setting {
        name: "issuer",
        default: SettingDefault::Absent,
        help: "The default tenant's issuer, an https URL; required to serve beyond loopback",
    },
    Setting {
        name: "keys.master",
        default: SettingDefault::Derived("file master.key in data"),
        help: "Where the 256-bit master key is: file:PATH or env:NAME, never the key itself",
    },
    Setting {
        name: "keys.accept",
        default: SettingDefault::Absent,
        help: "Where a second master key is that is accepted while the master key is being changed: file:PATH or env:NAME",
    },
    Setting {
        name: "keys.experimental",
        default: SettingDefault::Value("false"),
        help: "Whether commands may choose algorithms that are experimental: true or false",
    },
    Setting {
        name: "issuance.to",
        default: SettingDefault::Value("off"),
        help: "Where a line of JSON goes for each token issued and each request refused: off, stdout or a file",
    },
    Setting {
        name: "issuance.rotate_at",
        default: SettingDefault::Value("100MiB"),
        help: "How large that file may be before a new one is begun, 4KiB to 1024GiB",
    },
    Setting {
        name: "issuance.keep",
        default: SettingDefault::Value("10"),
        help: "How many older files are kept beside it, 1 to 10000",
    },
    Setting {
        name: "cache.memory",
        default: SettingDefault::Value("96MiB"),
        help: "How much memory the applications may take that need not be read from the store, 1MiB to 1024GiB",
    },
    Setting {
        name: "outage.allow",
        default: SettingDefault::Value("1h"),
        help: "How long known applications get tokens from memory while the store is away, up to 7d; 0 for not at all",
    },
    Setting {
        name: "log.format",
        default: SettingDefault::Value("auto"),
        help: "How log lines are written: auto (text on a terminal, else json), text or json",
    },
    Setting {
        name: "log.level",
        default: SettingDefault::Value("info"),
        help: "How much is logged: error, warn, info or debug",
    },
];

/// Environment names that are ours and read elsewhere, so that they are neither settings nor worth a warning.
pub(super) const RESERVED_VARIABLES: &[&str] =
    &["CHANCERY_CONFIG", "CHANCERY_TENANT", "CHANCERY_OUTPUT", "CHANCERY_SECRET"];

/// What a dotted name stands for in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Setting(&'static Setting),
    Section,
    Unknown,
}

/// Looks a dotted name up.
pub(super) fn place(name: &str) -> Place {
    match SETTINGS.iter().find(|setting| setting.name == name) {
        Some(setting) => Place::Setting(setting),
        None if sections().any(|section| section == name) => Place::Section,
        None => Place::Unknown,
    }
}

/// The setting or section that was probably meant by an unknown dotted name.
pub(super) fn nearest_name(unknown: &str) -> Option<String> {
    let names = SETTINGS.iter().map(|setting| setting.name).chain(sections());
    nearest(unknown, names.map(str::to_owned))
}

/// The environment name that was probably meant by an unknown one.
pub(super) fn nearest_variable(unknown: &str) -> Option<String> {
    nearest(unknown, SETTINGS.iter().map(Setting::environment))
}

/// `listen` and `listen.tls` of `listen.tls.key`, and so on; some more than once.
fn sections() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().flat_map(|setting| {
        setting.name.match_indices('.').filter_map(|(index, _)| setting.name.get(..index))
    })
}

fn nearest(unknown: &str, names: impl Iterator<Item = String>) -> Option<String> {
    // In a short name two changes leave too little of it to recognise.
    let limit = if unknown.chars().count() < 6 { 1 } else { 2 };
    names
        .filter(|name| name.len().abs_diff(unknown.len()) <= 4 * limit)
        .map(|name| (distance(unknown, &name), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many characters must be put in, left out or replaced to turn one text into the other (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (index, left_character) in left.chars().enumerate() {
        let mut latest = index + 1;
        let mut next = vec![latest];
        for ((diagonal, above), right_character) in row.iter().zip(row.iter().skip(1)).zip(right.chars()) {
            let replaced = diagonal + usize::from(left_character != right_character);
            latest = replaced.min(above + 1).min(latest + 1);
            next.push(latest);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{
        Place, RESERVED_VARIABLES, SETTINGS, Setting, distance, nearest_name, nearest_variable, place,
    };
    use std::collections::BTreeSet;

    #[test]
    fn names_in_the_three_layers_follow_from_one() {
        let names =
            |name| SETTINGS.iter().find(|setting| setting.name == name).map(|s| (s.flag(), s.environment()));
        assert_eq!(names("listen.public"), Some(("--listen-public".into(), "CHANCERY_LISTEN_PUBLIC".into())));
        assert_eq!(
            names("listen.tls.client_ca"),
            Some(("--listen-tls-client-ca".into(), "CHANCERY_LISTEN_TLS_CLIENT_CA".into()))
        );
    }

    #[test]
    fn no_two_settings_share_a_flag_or_a_variable() {
        let flags: BTreeSet<String> = SETTINGS.iter().map(Setting::flag).collect();
        let variables: BTreeSet<String> = SETTINGS.iter().map(Setting::environment).collect();
        assert_eq!((flags.len(), variables.len()), (SETTINGS.len(), SETTINGS.len()));
        assert!(RESERVED_VARIABLES.iter().all(|reserved| !variables.contains(*reserved)));
    }

    #[test]
    fn no_setting_is_also_a_section() {
        assert!(SETTINGS.iter().all(|setting| super::sections().all(|section| section != setting.name)));
        assert_eq!(place("listen.tls"), Place::Section);
        assert_eq!(place("listen."), Place::Unknown);
        assert_eq!(place(""), Place::Unknown);
    }

    #[test]
    fn a_slip_of_the_pen_finds_the_name_that_was_meant() {
        assert_eq!(nearest_name("listen.pubilc").as_deref(), Some("listen.public"));
        assert_eq!(nearest_name("listen.behind-proxy").as_deref(), Some("listen.behind_proxy"));
        assert_eq!(nearest_name("listne").as_deref(), Some("listen"));
        assert_eq!(nearest_name("date").as_deref(), Some("data"));
        assert_eq!(nearest_name("port"), None);
        assert_eq!(nearest_variable("CHANCERY_ISSUERS").as_deref(), Some("CHANCERY_ISSUER"));
    }

    #[test]
    fn counts_the_changes_between_two_texts() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "data"), 4);
        assert_eq!(distance("data", ""), 4);
        assert_eq!(distance("é", "e"), 1);
    }
}
