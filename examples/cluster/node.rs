//! A node: a server process with its settings, its log and its places.
//! Not for: what is asked of it.

use std::fs::{OpenOptions, read_to_string, write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::Done;
use super::processes::Process;

/// How long a server may take until it serves.
const STARTS_WITHIN: Duration = Duration::from_secs(30);

/// How long it may take until it has stopped.
const STOPS_WITHIN: Duration = Duration::from_secs(30);

/// A node.
pub(crate) struct Node {
    binary: PathBuf,
    /// Its settings.
    pub(crate) settings: PathBuf,
    log: PathBuf,
    environment: Vec<(String, String)>,
    process: Option<Process>,
    /// Where callers ask.
    pub(crate) public: SocketAddr,
    /// Where administrators ask.
    pub(crate) admin: SocketAddr,
}

impl Node {
    /// Writes the settings of a node; it is not started. Its places stay the same whenever it is.
    pub(crate) fn prepare(binary: &Path, folder: &Path, number: usize, store: &str) -> Done<Self> {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let data = folder.join(format!("node-{number}"));
        std::fs::create_dir(&data)?;
        let settings = folder.join(format!("node-{number}.toml"));
        let (public, admin) = (local(super::postgres::free_port()?), local(super::postgres::free_port()?));
        let key = folder.join("master.key");
        let text = format!(
            "data = '{}'\nissuer = 'http://localhost'\n[store]\nurl = '{store}'\n[keys]\nmaster = 'file:{}'\n\
             [listen]\npublic = '{public}'\nadmin = '{admin}'\n[log]\nformat = 'json'\n",
            data.display(),
            key.display()
        );
        write(&settings, text)?;
        let log = folder.join(format!("node-{number}.log"));
        let (binary, environment) = (binary.to_owned(), Vec::new());
        Ok(Self { binary, settings, log, environment, process: None, public, admin })
    }

    /// From its next start on it has this in its environment.
    pub(crate) fn set_environment(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Starts it, and does not wait until it serves.
    pub(crate) fn spawn(&mut self) -> Done {
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(&self.settings).arg("serve").stdout(Stdio::null()).stderr(log);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        self.process = Some(Process::start(&mut command)?);
        Ok(())
    }

    /// Waits until it accepts connections.
    pub(crate) async fn serves(&mut self) -> Done {
        let end = Instant::now() + STARTS_WITHIN;
        while tokio::net::TcpStream::connect(self.admin).await.is_err() {
            let has_ended = self.process.as_mut().is_none_or(Process::has_ended);
            if has_ended || Instant::now() > end {
                return Err(format!("a node does not serve:\n{}", self.last_words()).into());
            }
            sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Starts it, and waits until it serves.
    pub(crate) async fn start(&mut self) -> Done {
        self.spawn()?;
        self.serves().await
    }

    /// Stops it in order.
    pub(crate) async fn stop(&mut self) -> Done {
        self.signal(Signal::TERM)?;
        if let Some(process) = &mut self.process {
            process.ended(STOPS_WITHIN).await?;
        }
        self.process = None;
        Ok(())
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        self.process = None;
    }

    /// Lets it do nothing until it is told to go on.
    pub(crate) fn pause(&self) -> Done {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) -> Done {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Done {
        self.process.as_ref().ok_or("the node does not run")?.signal(signal)
    }

    /// What its log ends with.
    pub(crate) fn last_words(&self) -> String {
        let text = read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(20).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}
