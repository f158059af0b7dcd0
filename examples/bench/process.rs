//! Processes, each on its own processor: the server on the first, whatever asks it on the second.
//! Not for: what they do.

use std::fs::{File, read_to_string};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Outcome;
use super::load::{self, Kind};

const SERVER_PROCESSOR: &str = "0";
const GENERATOR_PROCESSOR: &str = "1";

/// Clock ticks per second in `/proc/PID/stat`, which Linux fixes for programs.
const TICKS: f64 = 100.0;

/// A server at work.
pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
    /// Where administrators ask.
    pub(super) admin_address: SocketAddr,
    /// From its start to its first token.
    pub(super) first_token: Duration,
}

/// What one load brought.
#[derive(Debug, Clone)]
pub(super) struct Load {
    /// Answers of the kind that was asked for.
    pub(super) per_second: f64,
    /// Processor time of the server for one of them, in microseconds.
    pub(super) cpu_micros: f64,
    /// Median time of an answer, in microseconds.
    pub(super) p50: f64,
    /// The time that one answer in a hundred exceeds, in microseconds.
    pub(super) p99: f64,
}

impl Server {
    /// Starts the server on the embedded store in `folder` and gets one token.
    pub(super) fn start(binary: &PathBuf, folder: &Path) -> Outcome<Self> {
        Self::start_on(binary, folder, None)
    }

    /// The same on the store of a URL, if one is given.
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    pub(super) fn start_on(binary: &PathBuf, folder: &Path, store: Option<&str>) -> Outcome<Self> {
        let log = folder.join("server.log");
        let started = Instant::now();
        let child = pinned(SERVER_PROCESSOR, binary)
            .args(["serve", "--data"])
            .arg(folder)
            .args(["--listen-public", "127.0.0.1:0", "--listen-admin", "127.0.0.1:0", "--log-format", "json"])
            .args(["--issuer", "http://localhost", "--keys-master"])
            .arg(folder.join("benchmark.key"))
            .envs(store.map(|url| ("CHANCERY_STORE_URL", url)))
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server =
            Self { child, address: unknown, admin_address: unknown, first_token: Duration::ZERO };
        loop {
            let text = read_to_string(&log)?;
            if let Some(line) = text.lines().find(|line| line.contains("chancery serves")) {
                let line: serde_json::Value = serde_json::from_str(line)?;
                let address = |name: &str| {
                    line.get(name).and_then(|address| address.as_str()).unwrap_or_default().parse()
                };
                (server.address, server.admin_address) = (address("public")?, address("admin")?);
                load::once(server.address, Kind::Token)?;
                server.first_token = started.elapsed();
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("the server ended with {status}: {text}").into());
            }
            sleep(Duration::from_micros(200));
        }
    }

    /// Starts a server whose answer is always the same, as long as one that was given.
    pub(super) fn constant(length: usize) -> Outcome<Self> {
        let mut child = pinned(SERVER_PROCESSOR, &std::env::current_exe()?)
            .args(["constant", &length.to_string()])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let address = line.trim().parse()?;
        Ok(Self { child, address, admin_address: address, first_token: Duration::ZERO })
    }

    /// How long a token is.
    pub(super) fn token_length(&self, kind: Kind) -> Outcome<usize> {
        Ok(load::once(self.address, kind)?.len())
    }

    /// Memory that is resident now.
    pub(super) fn memory_kib(&self) -> Outcome<u64> {
        sleep(Duration::from_millis(500));
        self.status("VmRSS:")
    }

    /// The most memory that was ever resident.
    pub(super) fn peak_memory_kib(&self) -> Outcome<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> Outcome<u64> {
        let text = read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such line")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    fn cpu_seconds(&self) -> Outcome<f64> {
        let text = read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<_> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |position: usize| fields.get(position).and_then(|field| field.parse::<f64>().ok());
        let (user, system) = ticks(11).zip(ticks(12)).ok_or("no such field")?;
        Ok((user + system) / TICKS)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Raw signatures of an algorithm per second, on the server's processor.
pub(super) fn raw(seconds: u64, algorithm: &str) -> Outcome<f64> {
    let output = pinned(SERVER_PROCESSOR, &std::env::current_exe()?)
        .args(["raw", &seconds.to_string(), algorithm])
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// Asks the server from the other processor.
pub(super) fn load(server: &Server, kind: Kind, connections: usize, seconds: u64) -> Outcome<Load> {
    generate(server, "load", &[kind.name(), &connections.to_string(), &seconds.to_string()])
}

/// Asks the server for tokens of many applications, so many per second, from the other processor.
pub(super) fn spread(
    server: &Server,
    whose: &str,
    count: u32,
    (per_second, seconds): (u32, u64),
) -> Outcome<Load> {
    let words = [whose, &count.to_string(), &per_second.to_string(), &seconds.to_string()];
    generate(server, "spread", &words)
}

fn generate(server: &Server, what: &str, words: &[&str]) -> Outcome<Load> {
    let before = server.cpu_seconds()?;
    let output = pinned(GENERATOR_PROCESSOR, &std::env::current_exe()?)
        .arg(what)
        .arg(server.address.to_string())
        .args(words)
        .stderr(Stdio::inherit())
        .output()?;
    let cpu = server.cpu_seconds()? - before;
    let text = String::from_utf8(output.stdout)?;
    let numbers = text.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    match numbers.as_slice() {
        [count, elapsed, p50, p99] => {
            Ok(Load { per_second: count / elapsed, cpu_micros: cpu / count * 1e6, p50: *p50, p99: *p99 })
        }
        _ => Err("the load generator failed".into()),
    }
}

/// Starts this program beside the load generator, to do something else.
pub(super) fn aside(arguments: &[String]) -> Outcome<Child> {
    let mut command = pinned(GENERATOR_PROCESSOR, &std::env::current_exe()?);
    Ok(command.args(arguments).stdout(Stdio::piped()).spawn()?)
}

/// A command that runs beside the load generator.
pub(super) fn beside(program: &PathBuf) -> Command {
    pinned(GENERATOR_PROCESSOR, program)
}

fn pinned(processor: &str, program: &PathBuf) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", processor]).arg(program);
    command
}
