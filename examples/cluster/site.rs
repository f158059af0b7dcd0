//! An installation of three nodes: its store, the proxies between them, its applications, and where to ask.
//! Not for: what is done to it (`rows/`).

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use chancery::crypto::master::MasterKey;
use chancery::crypto::random::SystemRandom;
use futures_util::future::try_join_all;

use super::desk::Desk;
use super::door::{Door, Login};
use super::history::{History, Outcome};
use super::node::Node;
use super::postgres::Postgres;
use super::proxy::{Fault, Proxy};
use super::{Done, Plan, processes};

/// How many nodes there are.
pub(crate) const NODES: usize = 3;

/// How many applications get tokens all the time.
const APPLICATIONS: usize = 40;

/// The application that a node changes when it is tried whether it can change anything. It gets no tokens, for it is
/// forgotten with each change, and until it is asked for again it is not known.
pub(crate) fn changed(node: usize) -> String {
    format!("changed-{node}")
}

/// The name of the operator who administers.
const OPERATOR: &str = "harness";

/// What an installation keeps its data in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One file that all nodes have open, or one database behind a proxy for each node: as the plan says.
    Plain,
    /// A database with a standby that has everything that was acknowledged; the proxies know the first.
    Replicated,
}

/// An installation. What it consists of ends in this order.
pub(crate) struct Site {
    pub(crate) nodes: Vec<Node>,
    pub(crate) doors: Vec<Arc<Door>>,
    pub(crate) desks: Vec<Arc<Desk>>,
    /// Applications that every node has in memory.
    pub(crate) known: Arc<[Login]>,
    pub(crate) history: History,
    pub(crate) numbers: Arc<AtomicU64>,
    pub(crate) proxies: Vec<Proxy>,
    pub(crate) database: Option<Postgres>,
    pub(crate) standby: Option<Postgres>,
    binary: PathBuf,
    folder: PathBuf,
}

impl Site {
    /// Makes an installation and starts it.
    pub(crate) async fn open(plan: &Plan, shape: Shape) -> Done<Self> {
        let mut site = Self::prepare(plan, shape).await?;
        site.begin().await?;
        Ok(site)
    }

    async fn prepare(plan: &Plan, shape: Shape) -> Done<Self> {
        let folder = plan.folder.clone();
        let master = MasterKey::generate(&SystemRandom);
        std::fs::write(folder.join("master.key"), master.expose().as_bytes())?;
        std::fs::set_permissions(folder.join("master.key"), PermissionsExt::from_mode(0o600))?;
        let history = History::new();
        let mut site = Self {
            nodes: Vec::new(),
            doors: Vec::new(),
            desks: Vec::new(),
            known: Arc::new([]),
            history,
            numbers: Arc::default(),
            proxies: Vec::new(),
            database: None,
            standby: None,
            binary: plan.binary.clone(),
            folder,
        };
        let stores = if plan.embedded { site.embedded() } else { site.databases(shape).await? };
        for (number, store) in stores.iter().enumerate() {
            let node = Node::prepare(&plan.binary, &site.folder, number, store)?;
            site.doors.push(Arc::new(Door::new(Some(number), node.public, &site.history, &site.numbers)));
            site.nodes.push(node);
        }
        Ok(site)
    }

    fn embedded(&self) -> Vec<String> {
        vec![format!("sqlite:{}", self.folder.join("chancery.db").display()); NODES]
    }

    /// A database, perhaps with its standby, and what each node calls it.
    async fn databases(&mut self, shape: Shape) -> Done<Vec<String>> {
        let replicated = shape == Shape::Replicated;
        let options = if replicated { "-c synchronous_standby_names=*" } else { "" };
        // Nothing of it can be acknowledged before there is a standby.
        let first = Postgres::create(self.folder.join("database"), "").await?;
        if replicated {
            self.standby = Some(first.standby(self.folder.join("standby")).await?);
        }
        let first = first.with_options(options).await?;
        let mut stores = Vec::new();
        for _ in 0..NODES {
            let mut hosts = Vec::new();
            for server in std::iter::once(&first).chain(&self.standby) {
                let proxy = Proxy::start(server.address).await?;
                hosts.push(proxy.address.to_string());
                self.proxies.push(proxy);
            }
            let suffix = if replicated { "?target_session_attrs=read-write" } else { "" };
            stores.push(format!(
                "postgres://chancery:{}@{}/postgres{suffix}",
                first.password,
                hosts.join(",")
            ));
        }
        self.database = Some(first);
        Ok(stores)
    }

    /// Starts all nodes at once, makes an operator and applications, and lets every node learn of them.
    async fn begin(&mut self) -> Done {
        for node in &mut self.nodes {
            node.spawn()?;
        }
        for node in &mut self.nodes {
            node.serves().await?;
        }
        for name in ["read", "write"] {
            self.command(&["scope", "add", name]).await?;
        }
        let made = self.command(&["--output", "json", "operator", "add", OPERATOR]).await?;
        let made: serde_json::Value = serde_json::from_str(&made)?;
        let secret =
            made.get("secret").and_then(serde_json::Value::as_str).ok_or("no secret of an operator")?;
        for (number, node) in self.nodes.iter().enumerate() {
            self.desks.push(Arc::new(Desk::new(number, node.admin, (OPERATOR, secret), &self.history)));
        }
        let logins = (0..APPLICATIONS).map(|number| Login::new(&format!("known-{number}"), "read"));
        self.known = logins.collect();
        self.register(&self.known, &["read"]).await?;
        let changed: Vec<_> = (0..NODES).map(|node| Login::new(&changed(node), "read")).collect();
        self.register(&changed, &["read"]).await?;
        tokio::time::sleep(super::judge::GRACE).await;
        for door in &self.doors {
            for login in self.known.iter().chain(&changed) {
                let (outcome, _) = door.token(login).await;
                if outcome != Outcome::Granted {
                    return Err(format!("no token for {}: {outcome:?}", login.client_id).into());
                }
            }
        }
        self.look_through_audit().await
    }

    /// Registers applications at all nodes in turn.
    pub(crate) async fn register(&self, logins: &[Login], scopes: &[&str]) -> Done {
        let each = self.desks.iter().enumerate().map(|(number, desk)| async move {
            for login in logins.iter().skip(number).step_by(NODES) {
                let outcome = desk.register(login, scopes).await;
                if outcome != Outcome::Granted {
                    return Err(format!("{} was not registered: {outcome:?}", login.client_id));
                }
            }
            Ok(())
        });
        try_join_all(each).await?;
        Ok(())
    }

    /// Looks for the audit event of every registration and every secret that was acknowledged.
    pub(crate) async fn look_through_audit(&self) -> Done {
        use super::history::Kind;
        let record = self.history.record();
        let made = record.operations.iter();
        let made = made.filter(|one| one.kind == Kind::Make && one.outcome == Outcome::Granted);
        let events = made.flat_map(|one| one.things.iter().filter(|thing| thing.starts_with("audit event")));
        let events: Vec<_> = events.cloned().collect();
        let desk = self.desks.first().ok_or("there is no desk")?;
        Ok(desk.look_through_audit(&events).await?)
    }

    /// The command line, at the store itself as the first node knows it.
    pub(crate) async fn command(&self, arguments: &[&str]) -> Done<String> {
        let settings = &self.nodes.first().ok_or("there is no node")?.settings;
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(settings).args(arguments);
        processes::run(command).await
    }

    /// Tells all proxies, or those of one node, what to do.
    pub(crate) fn fail(&self, node: Option<usize>, fault: Fault) {
        let each = self.proxies.len().checked_div(NODES).unwrap_or(1).max(1);
        for (position, proxy) in self.proxies.iter().enumerate() {
            if node.is_none_or(|node| position / each == node) {
                proxy.set(fault);
            }
        }
    }

    /// Where the nodes answer callers, and where they answer operators.
    pub(crate) fn addresses(&self) -> Vec<(SocketAddr, SocketAddr)> {
        self.nodes.iter().map(|node| (node.public, node.admin)).collect()
    }

    /// A folder for whatever else there has to be.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}
