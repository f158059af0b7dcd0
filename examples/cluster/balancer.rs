//! haproxy in front of the nodes, and what it says of each request: to which node it went.
//! Not for: an example of how to set it up in earnest (`deploy/`).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpStream, UdpSocket};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::door::Door;
use super::processes::Process;
use super::site::Site;
use super::{Done, postgres};

/// How long it may take to listen.
const STARTS_WITHIN: Duration = Duration::from_secs(10);

/// Which node a request went to last, by the number of the request.
type Routed = Arc<Mutex<HashMap<u64, String>>>;

/// A balancer at work.
pub(crate) struct Balancer {
    /// Where callers ask.
    pub(crate) door: Arc<Door>,
    routed: Routed,
    log: JoinHandle<()>,
    _process: Process,
}

/// What becomes of requests in flight at a node that is said not to be ready.
#[derive(Debug, Clone, Copy)]
pub(crate) enum InFlight {
    /// They are cut: the node may never answer.
    Cut,
    /// They are waited for: the node is about to stop, and answers them first.
    WaitedFor,
}

impl Balancer {
    /// Starts one in front of all nodes of a site.
    pub(crate) async fn start(site: &Site, in_flight: InFlight) -> Done<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        let address = SocketAddr::from(([127, 0, 0, 1], postgres::free_port()?));
        let file = site.folder().join("haproxy.cfg");
        std::fs::write(&file, settings(address, socket.local_addr()?, &site.addresses(), in_flight))?;
        let output = std::fs::File::create(site.folder().join("haproxy.log"))?;
        let mut command = Command::new("haproxy");
        // Debian keeps it where only root looks.
        let path =
            std::env::split_paths(&std::ffi::OsString::from("/usr/sbin:/usr/bin:/bin:/usr/local/sbin"))
                .map(|folder| folder.join("haproxy"))
                .find(|program| program.exists());
        if let Some(path) = path {
            command = Command::new(path);
        }
        command.arg("-f").arg(&file).stdout(Stdio::null()).stderr(output);
        let mut process = Process::start(&mut command)
            .map_err(|error| format!("haproxy does not start ({error}): install the package haproxy"))?;
        let end = Instant::now() + STARTS_WITHIN;
        while TcpStream::connect(address).await.is_err() {
            if process.has_ended() || Instant::now() > end {
                return Err("haproxy does not listen: see haproxy.log beside the nodes' logs".into());
            }
            sleep(Duration::from_millis(10)).await;
        }
        let routed = Routed::default();
        let log = tokio::spawn(read(socket, Arc::clone(&routed)));
        // haproxy ends a connection that was used before without a word, and without a line in its log, when the node
        // behind it is gone: then it is the caller who asks again.
        let door = Door::new(None, address, &site.history, &site.numbers).for_strangers_to_each_other();
        let door = Arc::new(door);
        Ok(Self { door, routed, log, _process: process })
    }

    /// Which node a request went to.
    pub(crate) fn node_of(&self, number: u64) -> Option<String> {
        self.routed.lock().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.log.abort();
    }
}

/// What a node is called there.
pub(crate) fn name(node: usize) -> String {
    format!("node-{node}")
}

fn settings(
    address: SocketAddr,
    log: SocketAddr,
    nodes: &[(SocketAddr, SocketAddr)],
    in_flight: InFlight,
) -> String {
    let when_down = match in_flight {
        InFlight::Cut => " on-marked-down shutdown-sessions",
        InFlight::WaitedFor => "",
    };
    let servers = nodes.iter().enumerate().map(|(node, (public, admin))| {
        let (name, port) = (name(node), admin.port());
        format!("    server {name} {public} check addr {} port {port}\n", admin.ip())
    });
    let servers = servers.collect::<Vec<_>>().concat();
    format!(
        "global\n    log {log} format raw local0\n    maxconn 4000\n\
         defaults\n    mode http\n    log global\n    log-format \"%s %ST %ts %{{+Q}}r\"\n    retries 3\n    \
         option redispatch 1\n    timeout connect 1s\n    timeout client 30s\n    timeout server 30s\n    \
         timeout http-request 10s\n    timeout check 500ms\n\
         frontend callers\n    bind {address}\n    default_backend nodes\n\
         backend nodes\n    balance roundrobin\n    option httpchk GET /health/ready\n    \
         http-check expect status 200\n    \
         default-server inter 200ms fastinter 200ms downinter 200ms fall 2 rise 2{when_down}\n\
         {servers}"
    )
}

/// Reads the lines that the balancer writes: server, status, how the session ended, and the request.
async fn read(socket: UdpSocket, routed: Routed) {
    let mut bytes = [0; 4096];
    while let Ok(count) = socket.recv(&mut bytes).await {
        let line = String::from_utf8_lossy(bytes.get(..count).unwrap_or_default()).into_owned();
        let number = line.split("?n=").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
        let server = line.split_whitespace().find(|word| word.starts_with("node-") || word.starts_with('<'));
        if let (Some(number), Some(server)) = (number, server) {
            routed.lock().unwrap_or_else(PoisonError::into_inner).insert(number, server.to_owned());
        }
    }
}
