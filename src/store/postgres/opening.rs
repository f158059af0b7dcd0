//! Opening connections: to whichever of several servers is the newest. All are tried at once, since one that says nothing at all
//! must not keep the others waiting.
//! Not for: what is done with a connection (`pool.rs`).

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Connect;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::config::Host;
use tokio_postgres::{AsyncMessage, Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Password;
use super::newest::Newest;

/// How long the other servers are waited for when one is there: it may be one that was replaced and does not know it.
const FOR_OTHERS: Duration = Duration::from_millis(200);

/// Opens connections.
pub(super) struct Opening {
    pub(super) tls: MakeRustlsConnect,
    pub(super) password: Option<Password>,
    pub(super) notices: Arc<Notify>,
    pub(super) newest: Arc<Newest>,
    /// Connections live as long as the server, not as the thread of administrators that first needs one.
    pub(super) runtime: Handle,
}

/// A connection, and what drives it.
type Opened = (Client, JoinHandle<()>);

impl Connect for Opening {
    fn connect(&self, config: &Config) -> Pin<Box<dyn Future<Output = Result<Opened, Error>> + Send + '_>> {
        let mut config = config.clone();
        Box::pin(async move {
            match &self.password {
                // A file that cannot be read is told by the database, which misses the password.
                Some(Password::File(file)) => {
                    if let Ok(text) = std::fs::read_to_string(file).map(zeroize::Zeroizing::new) {
                        config.password(text.trim_end_matches(['\r', '\n']));
                    }
                }
                Some(Password::Text(text)) => {
                    config.password(text.as_str());
                }
                None => {}
            }
            self.choose(&config).await
        })
    }
}

impl Opening {
    /// A connection to the newest server there is. One that was replaced is only given when there is no other, to be refused
    /// with its reason; the error is that of the last server that answered.
    async fn choose(&self, config: &Config) -> Result<Opened, Error> {
        let hosts = each_host(config);
        let mut answers: FuturesUnordered<_> = hosts.iter().map(|host| self.open(host)).collect();
        let (mut best, mut failure): (Option<(Option<u32>, Opened)>, _) = (None, None);
        let mut until = None;
        loop {
            let answer = match until {
                None => answers.next().await,
                Some(until) => timeout_at(until, answers.next()).await.unwrap_or_default(),
            };
            match answer {
                None => break,
                Some(Err(error)) => failure = Some(error),
                Some(Ok((line, opened))) => {
                    if line.is_some() {
                        until.get_or_insert_with(|| Instant::now() + FOR_OTHERS);
                    }
                    if best.as_ref().is_none_or(|(best, _)| line > *best) {
                        best = Some((line, opened));
                    }
                }
            }
        }
        match (best, failure) {
            (Some((_, opened)), _) => Ok(opened),
            (None, Some(error)) => Err(error),
            // There is no host at all, which it says.
            (None, None) => self.open(config).await.map(|(_, opened)| opened),
        }
    }

    /// Opens a connection, and asks on which line of history its server is.
    async fn open(&self, config: &Config) -> Result<(Option<u32>, Opened), Error> {
        let (client, mut connection) = config.connect(self.tls.clone()).await?;
        let notices = Arc::clone(&self.notices);
        let driver = self.runtime.spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                if let AsyncMessage::Notification(_) = message {
                    notices.notify_one();
                }
            }
        });
        let line = self.newest.line_of(&client).await;
        Ok((line, (client, driver)))
    }
}

/// The same configuration for each host alone.
fn each_host(config: &Config) -> Vec<Config> {
    let (hosts, addresses, ports) = (config.get_hosts(), config.get_hostaddrs(), config.get_ports());
    let count = hosts.len().max(addresses.len());
    if count < 2 {
        return vec![config.clone()];
    }
    let alone = |place: usize| {
        let mut one = without_hosts(config);
        match hosts.get(place) {
            Some(Host::Tcp(name)) => drop(one.host(name)),
            Some(Host::Unix(path)) => drop(one.host_path(path)),
            None => {}
        }
        if let Some(address) = addresses.get(place) {
            one.hostaddr(*address);
        }
        if let Some(port) = ports.get(place).or_else(|| ports.first()) {
            one.port(*port);
        }
        one
    };
    (0..count).map(alone).collect()
}

fn without_hosts(config: &Config) -> Config {
    let mut one = Config::new();
    for (set, text) in [
        (Config::user as fn(&mut Config, String) -> &mut Config, config.get_user()),
        (Config::dbname, config.get_dbname()),
        (Config::options, config.get_options()),
        (Config::application_name, config.get_application_name()),
    ] {
        if let Some(text) = text {
            set(&mut one, text.to_owned());
        }
    }
    if let Some(password) = config.get_password() {
        one.password(password);
    }
    one.ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .channel_binding(config.get_channel_binding())
        .target_session_attrs(config.get_target_session_attrs())
        .keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle());
    if let Some(interval) = config.get_keepalives_interval() {
        one.keepalives_interval(interval);
    }
    if let Some(retries) = config.get_keepalives_retries() {
        one.keepalives_retries(retries);
    }
    if let Some(timeout) = config.get_connect_timeout() {
        one.connect_timeout(*timeout);
    }
    if let Some(timeout) = config.get_tcp_user_timeout() {
        one.tcp_user_timeout(*timeout);
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::postgres::Address;

    /// Debug output of a configuration has all of it but the password.
    fn shown(url: &str) -> Vec<String> {
        each_host(&Address::parse(url).unwrap().config).iter().map(|one| format!("{one:?}")).collect()
    }

    #[test]
    fn each_host_alone_is_reached_as_all_together() {
        let options = "options=-cx%3D1&channel_binding=disable&connect_timeout=7&tcp_user_timeout=8&keepalives_idle=9\
                       &keepalives_interval=10&keepalives_retries=4&application_name=a&sslmode=disable";
        let at = |hosts: &str| shown(&format!("postgres://me:pw@{hosts}/db?{options}"));
        assert_eq!(at("a:1,b:2"), [at("a:1"), at("b:2")].concat());
        assert_eq!(at("a,b"), [at("a"), at("b")].concat());
        assert_eq!(at("a:7").len(), 1);
        let both = shown("postgres://me@a:5,b:6/db?hostaddr=10.0.0.1,10.0.0.2");
        let second = shown("postgres://me@b:6/db?hostaddr=10.0.0.2");
        assert_eq!(both[1..], second[..]);
    }

    #[test]
    fn the_password_goes_along() {
        for one in each_host(&Address::parse("postgres://me:pw@a,b/db").unwrap().config) {
            assert_eq!(one.get_password(), Some(&b"pw"[..]));
        }
    }
}
