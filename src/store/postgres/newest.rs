//! Which of several servers is to be believed: one whose standby took its place is not, although it takes writes again.
//! Not for: standbys, which say themselves what they are (`session.rs`).

use std::sync::{Mutex, PoisonError};

use tokio_postgres::config::{Host, LoadBalanceHosts};
use tokio_postgres::{Client, Config, SimpleQueryMessage};

/// Asks which installation a server is of, and on which line of its history it writes: a number that grows whenever a standby
/// takes over. A standby writes on none.
pub(super) const ASK: &str = "SELECT system_identifier::text AS installation,
        CASE WHEN pg_is_in_recovery() THEN NULL ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END AS line
    FROM pg_control_system();";

/// The newest line of history that any server was on, for each installation that was met.
#[derive(Default)]
pub(super) struct Newest(Mutex<Vec<(String, u32)>>);

impl Newest {
    /// Takes in what a server has answered; whether it is to be believed.
    pub(super) fn believes(&self, answers: &[SimpleQueryMessage]) -> bool {
        match (said(answers, "installation"), said(answers, "line")) {
            (Some(installation), Some(line)) => {
                u32::from_str_radix(line, 16).is_ok_and(|line| self.learn(installation, line))
            }
            // A standby is judged by what is asked of it.
            _ => true,
        }
    }

    /// The same for a server that was not asked yet.
    pub(super) async fn would_believe(&self, client: &Client) -> bool {
        client.simple_query(ASK).await.is_ok_and(|answers| self.believes(&answers))
    }

    fn learn(&self, installation: &str, line: u32) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, newest)) = known.iter_mut().find(|(name, _)| name == installation) {
            *newest = line.max(*newest);
            return line == *newest;
        }
        known.push((installation.to_owned(), line));
        true
    }
}

/// What is in a column of the first row that has it.
pub(super) fn said<'answers>(answers: &'answers [SimpleQueryMessage], column: &str) -> Option<&'answers str> {
    answers.iter().find_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => row.try_get(column).ok().flatten(),
        _ => None,
    })
}

/// The same settings for each server alone, in the order in which they are to be tried. Those that are tried in any order stay
/// together: whoever was refused comes to another one soon.
pub(super) fn each_host(config: &Config) -> Vec<Config> {
    if config.get_load_balance_hosts() == LoadBalanceHosts::Random {
        return vec![config.clone()];
    }
    let count = config.get_hosts().len().max(config.get_hostaddrs().len());
    (0..count).map(|position| only(config, position)).collect()
}

fn only(config: &Config, position: usize) -> Config {
    let mut one = Config::new();
    match config.get_hosts().get(position) {
        Some(Host::Tcp(name)) => drop(one.host(name)),
        Some(Host::Unix(path)) => drop(one.host_path(path)),
        None => {}
    }
    config.get_hostaddrs().get(position).map(|address| one.hostaddr(*address));
    let ports = config.get_ports();
    ports.get(position).or_else(|| ports.first()).map(|port| one.port(*port));
    config.get_user().map(|user| one.user(user));
    config.get_password().map(|password| one.password(password));
    config.get_dbname().map(|name| one.dbname(name));
    config.get_options().map(|options| one.options(options));
    config.get_application_name().map(|name| one.application_name(name));
    config.get_connect_timeout().map(|timeout| one.connect_timeout(*timeout));
    config.get_tcp_user_timeout().map(|timeout| one.tcp_user_timeout(*timeout));
    config.get_keepalives_interval().map(|interval| one.keepalives_interval(interval));
    config.get_keepalives_retries().map(|retries| one.keepalives_retries(retries));
    one.ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle())
        .target_session_attrs(config.get_target_session_attrs())
        .channel_binding(config.get_channel_binding());
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_was_replaced_is_not_believed_again() {
        let newest = Newest::default();
        assert!(newest.learn("one", 1) && newest.learn("one", 1));
        assert!(newest.learn("one", 2) && !newest.learn("one", 1));
        assert!(newest.learn("one", 17) && newest.learn("one", 17));
        // Another installation, such as after a dump was read in, has a history of its own.
        assert!(newest.learn("two", 1) && !newest.learn("one", 16));
    }

    #[test]
    fn each_host_has_all_that_is_said_of_any() {
        let all = "postgres://me:secret@a:1,b:2/db?target_session_attrs=read-write&connect_timeout=7";
        let all: Config = all.parse().unwrap();
        let one = |text: &str| text.parse::<Config>().unwrap();
        let expected = [
            one("postgres://me:secret@a:1/db?target_session_attrs=read-write&connect_timeout=7"),
            one("postgres://me:secret@b:2/db?target_session_attrs=read-write&connect_timeout=7"),
        ];
        assert_eq!(each_host(&all), expected);
    }
}
