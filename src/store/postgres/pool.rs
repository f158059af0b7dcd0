//! Getting a connection: a bounded number of them, opened in the one right way, and none that is not to be trusted.
//! Not for: what is asked over it (`session.rs`).

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, Connect, Hook, HookError, Manager, ManagerConfig, PoolError, RecyclingMethod, Runtime,
    TimeoutType,
};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::{AsyncMessage, Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{Access, Password};
use super::error::told;
use super::newest::{ASK, Newest, each_host, said};
use super::session::{DURABLY, Link, Session};
use crate::store::{BUSY_DEADLINE, StoreError};

/// How long opening a connection to one server may take in all. Where the network swallowed what was sent nothing else ends
/// it, and until it ends nobody follows: a node has two seconds to recover.
const OPENED_WITHIN: Duration = Duration::from_millis(1500);

/// How long nobody tries again when a connection could not be opened: a database that comes back is met by a few at a
/// time, and those who ask meanwhile are told at once.
const PAUSE: Duration = Duration::from_millis(200);

/// The oldest PostgreSQL that will do, as it counts itself.
const OLDEST: u32 = 140_000;

/// What a pool's connections are for.
#[derive(Clone, Copy)]
pub(super) struct Purpose {
    /// How many there may be.
    pub(super) connections: usize,
    /// How long one is waited for.
    pub(super) wait: Duration,
    /// After how long the server gives up a statement.
    pub(super) statement: Duration,
    /// Whether notices of changes come over them.
    pub(super) listens: bool,
    /// Whether nothing may be changed over them, so that a standby will do.
    pub(super) looks: bool,
}

/// Connections for one purpose.
#[derive(Clone)]
pub(super) struct Pool {
    connections: deadpool_postgres::Pool,
    hosts: Arc<str>,
    purpose: Purpose,
    /// Until when nobody tries to open one, and why.
    pause: Arc<Mutex<Option<(Instant, String)>>>,
}

impl Pool {
    /// A pool that has no connection yet. Whatever comes of its own accord over one wakes `notices`.
    pub(super) fn new(
        access: &Access,
        tls: &MakeRustlsConnect,
        (notices, newest): (&Arc<Notify>, &Arc<Newest>),
        purpose: Purpose,
    ) -> Result<Self, StoreError> {
        let mut config = access.address.config.clone();
        if purpose.looks && !access.address.says_which {
            config.target_session_attrs(TargetSessionAttrs::Any);
        }
        let opening = Opening {
            tls: tls.clone(),
            password: access.password.clone(),
            notices: Arc::clone(notices),
            newest: Arc::clone(newest),
            runtime: Handle::current(),
        };
        let hosts = u32::try_from(each_host(&config).len()).unwrap_or(1).max(1);
        let newest = Arc::clone(newest);
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let settings: Arc<str> = settings(purpose).into();
        let pool = deadpool_postgres::Pool::builder(Manager::from_connect(config, opening, recycling))
            .max_size(purpose.connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(purpose.wait))
            .create_timeout(Some(OPENED_WITHIN * hosts))
            .post_create(Hook::async_fn(move |client: &mut ClientWrapper, _| {
                let (settings, newest) = (Arc::clone(&settings), Arc::clone(&newest));
                Box::pin(async move { set_up(client, &settings, &newest).await.map_err(HookError::message) })
            }))
            .build()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let hosts = access.address.to_string().into();
        Ok(Self { connections: pool, hosts, purpose, pause: Arc::default() })
    }

    /// A connection that nobody else has.
    pub(super) async fn session(&self) -> Result<Link, StoreError> {
        if let Some((until, why)) = &*self.pause.lock().unwrap_or_else(PoisonError::into_inner)
            && Instant::now() < *until
            && self.connections.status().available == 0
        {
            return Err(StoreError::Unavailable(why.clone()));
        }
        match self.connections.get().await {
            Ok(client) => Ok(Arc::new(Session::new(client, self.purpose.looks))),
            Err(PoolError::Timeout(TimeoutType::Wait)) => {
                Err(StoreError::Unavailable("every connection to the database is busy".to_owned()))
            }
            Err(error) => {
                let why = format!("{}: {}", self.hosts, why(error));
                let pause = (Instant::now() + PAUSE, why.clone());
                *self.pause.lock().unwrap_or_else(PoisonError::into_inner) = Some(pause);
                Err(StoreError::Unavailable(why))
            }
        }
    }

    /// Closes the connections that nobody has: one of them gave no answer in time, and the others go the same way.
    pub(super) fn close_idle(&self) {
        drop(self.connections.retain(|_, _| false));
    }
}

/// What holds for every statement of a connection.
fn settings(purpose: Purpose) -> String {
    let (statement, lock) = (purpose.statement.as_millis(), purpose.statement.min(BUSY_DEADLINE).as_millis());
    let listen = if purpose.listens && !purpose.looks { "LISTEN chancery;" } else { "" };
    let only_reading = if purpose.looks { "SET default_transaction_read_only = on;" } else { "" };
    format!(
        "SET statement_timeout = {statement}; SET lock_timeout = {lock};
         SET idle_in_transaction_session_timeout = '5s'; SET default_transaction_isolation = 'read committed';
         SET default_transaction_deferrable = off; {only_reading} {listen}
         {DURABLY} {ASK}
         SELECT current_setting('server_version_num') AS version, current_setting('server_encoding') AS encoding;"
    )
}

async fn set_up(client: &Client, settings: &str, newest: &Newest) -> Result<(), String> {
    let answers = client.simple_query(settings).await.map_err(|error| told(&error))?;
    if !newest.believes(&answers) {
        return Err("the database server was replaced by another one, and lacks what came since".to_owned());
    }
    let said = |what: &str| said(&answers, what);
    if said("encoding").is_some_and(|encoding| encoding != "UTF8") {
        return Err("the database does not keep all of Unicode: make one with ENCODING 'UTF8'".to_owned());
    }
    match said("version").and_then(|version| version.parse::<u32>().ok()) {
        Some(version) if version >= OLDEST => Ok(()),
        Some(version) => Err(format!(
            "it is PostgreSQL {}, which is too old: use 14 or later, all supported releases are",
            version / 10_000
        )),
        None => Err("it does not say which PostgreSQL it is".to_owned()),
    }
}

/// Opens connections.
struct Opening {
    tls: MakeRustlsConnect,
    password: Option<Password>,
    notices: Arc<Notify>,
    newest: Arc<Newest>,
    /// Connections live as long as the server, not as the thread of administrators that first needs one.
    runtime: Handle,
}

type Opened<'a> = Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + 'a>>;

impl Connect for Opening {
    fn connect(&self, config: &Config) -> Opened<'_> {
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
    /// The first server that may be used. One that was replaced is only given when there is no other, to be refused with
    /// its reason.
    async fn choose(&self, config: &Config) -> Result<(Client, JoinHandle<()>), Error> {
        let mut hosts = each_host(config);
        let Some(last) = hosts.pop() else { return self.open(config).await };
        let mut replaced = None;
        for host in &hosts {
            match timeout(OPENED_WITHIN, self.open(host)).await {
                Ok(Ok((client, driver))) if self.newest.would_believe(&client).await => {
                    return Ok((client, driver));
                }
                Ok(Ok(opened)) => replaced = Some(opened),
                // What the last one says is told.
                Ok(Err(_)) | Err(_) => {}
            }
        }
        match (self.open(&last).await, replaced) {
            (Err(_), Some(replaced)) => Ok(replaced),
            (opened, _) => opened,
        }
    }

    async fn open(&self, config: &Config) -> Result<(Client, JoinHandle<()>), Error> {
        let (client, mut connection) = config.connect(self.tls.clone()).await?;
        let notices = Arc::clone(&self.notices);
        let driver = self.runtime.spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                if let AsyncMessage::Notification(_) = message {
                    notices.notify_one();
                }
            }
        });
        Ok((client, driver))
    }
}

fn why(error: PoolError) -> String {
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => told(&error),
        PoolError::PostCreateHook(HookError::Message(text)) => text.into_owned(),
        PoolError::Timeout(_) => "no connection could be opened in time".to_owned(),
        other => other.to_string(),
    }
}
