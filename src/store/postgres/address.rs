//! Where a PostgreSQL is and how it is reached: a URL, read and checked.
//! Not for: reaching it (`pool.rs`, `tls.rs`).

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use zeroize::Zeroizing;

use super::tls::Tls;
use crate::store::StoreError;

/// How long one address may take to answer when a connection is opened.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long something sent may stay unanswered by the other machine.
const UNANSWERED_FOR: Duration = Duration::from_secs(5);

/// How long a connection may be silent before it is looked whether the other machine is still there, and how often then.
const SILENT_FOR: Duration = Duration::from_secs(10);
const PROBE_EVERY: Duration = Duration::from_secs(3);
const PROBES: u32 = 3;

/// What may stand behind the question mark and is PostgreSQL's own; the rest is in `take_own`.
const OPTIONS: &[&str] = &[
    "application_name",
    "channel_binding",
    "connect_timeout",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "options",
    "port",
    "sslnegotiation",
    "target_session_attrs",
    "tcp_user_timeout",
];

const OWN_OPTIONS: &[&str] = &["sslmode", "sslrootcert", "sslcert", "sslkey"];

const FORM: &str = "must be postgres://USER@HOST/DATABASE, with what is special in it percent-encoded";

/// Which database, who asks it, and how it is reached. It cannot be printed, since it may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    pub(super) config: Config,
    pub(super) tls: Tls,
    /// Whether the URL says which servers will do.
    pub(super) says_which: bool,
}

/// Where the password is that is not in the URL.
#[derive(Clone)]
pub enum Password {
    /// In this file, which is read whenever a connection is opened.
    File(PathBuf),
    /// Here.
    Text(Zeroizing<String>),
}

impl Password {
    /// The password itself.
    #[must_use]
    pub fn from_text(text: String) -> Self {
        Self::Text(Zeroizing::new(text))
    }
}

/// A database with all that is needed to work with it.
#[derive(Clone, Debug)]
pub struct Access {
    /// Where it is.
    pub address: Address,
    /// The password, unless the URL has it or none is needed.
    pub password: Option<Password>,
    /// How many connections there may be.
    pub connections: usize,
}

impl Access {
    /// Looks whether the password is where it is said to be.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub(super) fn check_password(&self) -> Result<(), StoreError> {
        let Some(Password::File(file)) = &self.password else { return Ok(()) };
        let failed = |error| StoreError::Unavailable(format!("{}: {error}", file.display()));
        std::fs::read_to_string(file).map(|text| drop(Zeroizing::new(text))).map_err(failed)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Address(…)")
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(…)")
    }
}

impl fmt::Display for Address {
    /// The hosts and ports alone.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports = self.config.get_ports();
        for (place, host) in self.config.get_hosts().iter().enumerate() {
            let port = ports.get(place).or_else(|| ports.first()).copied().unwrap_or(5432);
            let comma = if place > 0 { ", " } else { "" };
            match host {
                Host::Tcp(name) if name.contains(':') => write!(formatter, "{comma}[{name}]:{port}")?,
                Host::Tcp(name) => write!(formatter, "{comma}{name}:{port}")?,
                Host::Unix(path) => write!(formatter, "{comma}{} port {port}", path.display())?,
            }
        }
        Ok(())
    }
}

impl Address {
    /// Reads a URL.
    ///
    /// # Errors
    /// Says what is wrong with it; nothing of it is repeated, since it may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rest = text.split_once("://").map(|(_, rest)| rest).ok_or(FORM)?;
        let after_user = rest.find('@').unwrap_or(0);
        let query = rest.get(after_user..).and_then(|rest| rest.find('?')).map(|place| after_user + place);
        let (place, query) = match query {
            Some(query) => (rest.get(..query), rest.get(query + 1..).unwrap_or_default()),
            None => (Some(rest), ""),
        };
        let (others, own) = take_own(query)?;
        let url = format!("postgres://{}?{}", place.unwrap_or_default(), others.join("&"));
        let mut config: Config = Zeroizing::new(url).parse().map_err(|_| FORM.to_owned())?;
        let is_said = |name: &str| others.iter().any(|option| option.starts_with(&format!("{name}=")));
        if config.get_hosts().is_empty() {
            return Err("names no host; write postgres://USER@HOST/DATABASE".to_owned());
        }
        if config.get_user().is_none_or(str::is_empty) {
            return Err("names no user; write postgres://USER@HOST/DATABASE".to_owned());
        }
        if config.get_dbname().is_none_or(str::is_empty) {
            return Err("names no database; write postgres://USER@HOST/DATABASE".to_owned());
        }
        let tls = Tls::choose(&own, is_near(&config))?;
        config.ssl_mode(if tls.is_off() { SslMode::Disable } else { SslMode::Require });
        set_defaults(&mut config, &is_said);
        Ok(Self { config, tls, says_which: is_said("target_session_attrs") })
    }

    /// What it is called: its URL without password and options.
    #[must_use]
    pub fn name(&self) -> String {
        let (user, database) = (self.config.get_user(), self.config.get_dbname());
        let hosts = self.to_string().replace(", ", ",");
        format!("postgres://{}@{hosts}/{}", user.unwrap_or_default(), database.unwrap_or_default())
    }

    /// Whether the URL has a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }
}

fn set_defaults(config: &mut Config, is_said: &dyn Fn(&str) -> bool) {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(UNANSWERED_FOR);
    }
    if !is_said("keepalives_idle") {
        config.keepalives_idle(SILENT_FOR);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(PROBE_EVERY);
    }
    if config.get_keepalives_retries().is_none() {
        config.keepalives_retries(PROBES);
    }
    if config.get_application_name().is_none() {
        config.application_name("chancery");
    }
    // After a failover the former primary may be there again, as a standby.
    if !is_said("target_session_attrs") {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
}

/// Options that are read here, by their names.
pub(super) type OwnOptions = Vec<(&'static str, String)>;

/// The options that tokio-postgres reads, as they stand, and those that are read here.
fn take_own(query: &str) -> Result<(Vec<&str>, OwnOptions), String> {
    let (mut others, mut own, mut seen) = (Vec::new(), Vec::new(), Vec::new());
    for option in query.split('&').filter(|option| !option.is_empty()) {
        let (name, value) = option.split_once('=').ok_or("has an option without a value")?;
        if seen.contains(&name) {
            return Err("has an option twice".to_owned());
        }
        seen.push(name);
        if let Some(known) = OWN_OPTIONS.iter().find(|known| **known == name) {
            let value = percent_decode_str(value).decode_utf8().map_err(|_| FORM.to_owned())?;
            own.push((*known, value.into_owned()));
        } else if OPTIONS.contains(&name) {
            others.push(option);
        } else {
            let known: Vec<&str> = OWN_OPTIONS.iter().chain(OPTIONS).copied().collect();
            return Err(format!("has an option that is not known; known are {}", known.join(", ")));
        }
    }
    Ok((others, own))
}

/// Whether nobody can listen on the way to the database.
fn is_near(config: &Config) -> bool {
    let is_near = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
    };
    config.get_hosts().iter().all(is_near) && config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_asked_for_everywhere_but_on_this_machine() {
        for (url, is_off) in [
            ("postgres://me@db.example/chancery", false),
            ("postgresql://me:pw@10.0.0.1:5433,10.0.0.2/chancery", false),
            ("postgres://me@127.0.0.1,db.example/chancery", false),
            ("postgres://me@127.0.0.1/chancery?hostaddr=10.0.0.1", false),
            ("postgres://me@localhost/chancery?sslmode=require", false),
            ("postgres://me@db.example/chancery?sslmode=disable", true),
            ("postgres://me@localhost/chancery", true),
            ("postgres://me@[::1]:5433/chancery", true),
            ("postgres://me@%2Frun%2Fpostgresql/chancery", true),
            ("postgres://me@/chancery?host=/run/postgresql", true),
        ] {
            let address = Address::parse(url).unwrap();
            assert_eq!(address.tls.is_off(), is_off, "{url}");
            let wanted = if is_off { SslMode::Disable } else { SslMode::Require };
            assert_eq!(address.config.get_ssl_mode(), wanted, "{url}");
        }
    }

    #[test]
    fn a_server_has_to_be_writable_unless_the_url_says_otherwise() {
        let which = |url| Address::parse(url).unwrap().config.get_target_session_attrs();
        assert_eq!(which("postgres://me@a,b/c"), TargetSessionAttrs::ReadWrite);
        assert_eq!(which("postgres://me@a,b/c?target_session_attrs=any"), TargetSessionAttrs::Any);
    }

    #[test]
    fn says_hosts_and_ports_and_nothing_else() {
        let address = Address::parse("postgres://me:hunter2@a:1,[::1]:2/c?options=-cx%3Dhunter2").unwrap();
        assert_eq!(
            (address.to_string(), format!("{address:?}")),
            ("a:1, [::1]:2".into(), "Address(…)".into())
        );
        assert!(address.has_password());
        assert_eq!(address.name(), "postgres://me@a:1,[::1]:2/c");
        assert_eq!(format!("{:?}", Password::Text(Zeroizing::new("hunter2".to_owned()))), "Password(…)");
    }

    #[test]
    fn refuses_what_it_does_not_understand_and_repeats_none_of_it() {
        for text in [
            "postgres:hunter2",
            "postgres://",
            "postgres://hunter2",
            "postgres://hunter2/d",
            "postgres://me@/hunter2",
            "postgres://me@hunter2",
            "postgres://me@hunter2:port/d",
            "postgres://me@hunter2:70000/d",
            "postgres://me@[hunter2/d",
            "postgres://me@h/d?hunter2=1",
            "postgres://me@h/d?hunter2",
            "postgres://me@h/d?password=hunter2",
            "postgres://me@h/d?sslmode=hunter2",
            "postgres://me@h/d?sslmode=prefer&options=hunter2",
            "postgres://me@h/d?sslmode=verify-ca&options=hunter2",
            "postgres://me@h/d?sslmode=disable&sslmode=hunter2",
            "postgres://me@h/d?sslmode=disable&sslrootcert=hunter2",
            "postgres://me@h/d?sslcert=hunter2",
            "postgres://me@h/d?connect_timeout=hunter2",
            "postgres://me@h/d?target_session_attrs=hunter2",
        ] {
            let refused = Address::parse(text).unwrap_err();
            assert!(!refused.contains("hunter2"), "{text}: {refused}");
        }
    }
}
