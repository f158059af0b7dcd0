//! Getting a connection: a bounded number of them, opened in the one right way, and none that is not to be trusted.
//! Not for: what is asked over it (`session.rs`).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, Hook, HookError, Manager, ManagerConfig, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tokio_postgres::Client;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Access;
use super::error::told;
use super::newest::{Newest, said};
use super::opening::Opening;
use super::session::{DURABLY, Link, Session};
use crate::store::{BUSY_DEADLINE, StoreError};

/// How long opening a connection may take, and how long setting it up. Where the network swallowed what was sent nothing else
/// ends it, and until it ends nobody follows: a node has two seconds to recover.
const OPENED_WITHIN: Duration = Duration::from_millis(1500);

/// What is said of one that took longer.
const SILENT: &str = "no connection could be opened in time";

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
        let newest = Arc::clone(newest);
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let settings: Arc<str> = settings(purpose).into();
        let pool = deadpool_postgres::Pool::builder(Manager::from_connect(config, opening, recycling))
            .max_size(purpose.connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(purpose.wait))
            .create_timeout(Some(OPENED_WITHIN))
            .post_create(Hook::async_fn(move |client: &mut ClientWrapper, _| {
                let (settings, newest) = (Arc::clone(&settings), Arc::clone(&newest));
                Box::pin(async move {
                    let set_up = timeout(OPENED_WITHIN, set_up(client, &settings, &newest)).await;
                    set_up.unwrap_or_else(|_| Err(SILENT.to_owned())).map_err(HookError::message)
                })
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
         {DURABLY}
         SELECT current_setting('server_version_num') AS version, current_setting('server_encoding') AS encoding;"
    )
}

async fn set_up(client: &Client, settings: &str, newest: &Newest) -> Result<(), String> {
    let answers = client.simple_query(settings).await.map_err(|error| told(&error))?;
    if newest.line_of(client).await.is_none() {
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

fn why(error: PoolError) -> String {
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => told(&error),
        PoolError::PostCreateHook(HookError::Message(text)) => text.into_owned(),
        PoolError::Timeout(_) => SILENT.to_owned(),
        other => other.to_string(),
    }
}
