//! Processes, each on its own processor: the server on the first, whatever asks it on the second.
//! Not for: what they do.

use std::fs::{File, read_to_string};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Outcome;
use super::load::{self, Kind};
use super::paced::{Report, Spec};

const SERVER_PROCESSOR: &str = "0";
const GENERATOR_PROCESSOR: &str = "1";
const BOTH_PROCESSORS: &str = "0,1";

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

/// How a server is started.
#[derive(Clone, Copy)]
pub(super) struct Start<'a> {
    /// The program.
    pub(super) binary: &'a Path,
    /// Where its master key is, and its store unless that has a URL.
    pub(super) folder: &'a Path,
    /// The URL of its store.
    pub(super) store: Option<&'a str>,
    /// Whether it has both processors.
    pub(super) has_both: bool,
    /// Whether it speaks TLS, with `certificate.pem` and `key.pem` in its folder.
    pub(super) speaks_tls: bool,
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

impl Load {
    /// The share of one processor that the server was at work.
    pub(super) fn busy(&self) -> f64 {
        self.per_second * self.cpu_micros / 1e6
    }
}

impl<'a> Start<'a> {
    /// One on the embedded store in `folder`, on one processor, without TLS.
    pub(super) fn new(binary: &'a Path, folder: &'a Path) -> Self {
        Self { binary, folder, store: None, has_both: false, speaks_tls: false }
    }

    /// Starts it and, without TLS, gets one token.
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    pub(super) fn server(self) -> Outcome<Server> {
        let log = self.folder.join(match (self.speaks_tls, self.has_both) {
            (true, _) => "server-tls.log",
            (false, true) => "server-both.log",
            (false, false) => "server.log",
        });
        let started = Instant::now();
        let mut command = pinned(if self.has_both { BOTH_PROCESSORS } else { SERVER_PROCESSOR }, self.binary);
        command
            .args(["serve", "--data"])
            .arg(self.folder)
            .args(["--listen-public", "127.0.0.1:0", "--listen-admin", "127.0.0.1:0", "--log-format", "json"])
            .args(["--issuer", "http://localhost", "--keys-master"])
            .arg(self.folder.join("benchmark.key"))
            .envs(self.store.map(|url| ("CHANCERY_STORE_URL", url)));
        if self.speaks_tls {
            command.arg("--listen-tls-certificate").arg(self.folder.join("certificate.pem"));
            command.arg("--listen-tls-key").arg(self.folder.join("key.pem"));
        }
        let child = command.stdout(Stdio::null()).stderr(File::create(&log)?).spawn()?;
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server =
            Server { child, address: unknown, admin_address: unknown, first_token: Duration::ZERO };
        loop {
            let text = read_to_string(&log)?;
            if let Some(line) = text.lines().find(|line| line.contains("chancery serves")) {
                let line: serde_json::Value = serde_json::from_str(line)?;
                let address = |name: &str| {
                    line.get(name).and_then(|address| address.as_str()).unwrap_or_default().parse()
                };
                (server.address, server.admin_address) = (address("public")?, address("admin")?);
                if !self.speaks_tls {
                    load::once(server.address, Kind::Token)?;
                }
                server.first_token = started.elapsed();
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("the server ended with {status}: {text}").into());
            }
            sleep(Duration::from_micros(200));
        }
    }
}

impl Server {
    /// Starts the server on the embedded store in `folder` and gets one token.
    pub(super) fn start(binary: &Path, folder: &Path) -> Outcome<Self> {
        Start::new(binary, folder).server()
    }

    /// The same on the store of a URL, if one is given.
    pub(super) fn start_on(binary: &Path, folder: &Path, store: Option<&str>) -> Outcome<Self> {
        Start { store, ..Start::new(binary, folder) }.server()
    }

    /// Starts a server whose answer is always the same, with a body of so many bytes.
    pub(super) fn constant(length: usize, has_both: bool) -> Outcome<Self> {
        let (processors, threads) = if has_both { (BOTH_PROCESSORS, "2") } else { (SERVER_PROCESSOR, "1") };
        Self::of_ours(processors, &["constant", &length.to_string(), threads])
    }

    /// The same on one processor, with a signature for each answer.
    pub(super) fn signing(length: usize, algorithm: &str) -> Outcome<Self> {
        Self::of_ours(SERVER_PROCESSOR, &["constant", &length.to_string(), "1", algorithm])
    }

    /// One of this program, which prints its address.
    fn of_ours(processors: &str, arguments: &[&str]) -> Outcome<Self> {
        let mut child =
            pinned(processors, &std::env::current_exe()?).args(arguments).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let address = line.trim().parse()?;
        Ok(Self { child, address, admin_address: address, first_token: Duration::ZERO })
    }

    /// One of another project, started with a command for the server's processor, that serves at `address` by and by.
    pub(super) fn other(mut command: Command, address: SocketAddr) -> Outcome<Self> {
        let mut child = command.spawn()?;
        for _ in 0..600 {
            if TcpStream::connect(address).is_ok() {
                return Ok(Self { child, address, admin_address: address, first_token: Duration::ZERO });
            }
            if let Some(status) = child.try_wait()? {
                return Err(format!("it ended with {status}").into());
            }
            sleep(Duration::from_millis(50));
        }
        let _ = child.kill();
        Err("it does not serve".into())
    }

    /// Memory that is resident when all is quiet.
    pub(super) fn memory_kib(&self) -> Outcome<u64> {
        sleep(Duration::from_millis(500));
        self.resident_kib()
    }

    /// The same at once.
    pub(super) fn resident_kib(&self) -> Outcome<u64> {
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

    /// Its process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Processor time it has had until now, with the processes it has started.
    pub(super) fn cpu_seconds(&self) -> Outcome<f64> {
        let mut all = 0.0;
        for process in std::iter::once(self.child.id()).chain(self.children()) {
            let text = read_to_string(format!("/proc/{process}/stat"))?;
            let fields: Vec<_> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
            let ticks = |position: usize| fields.get(position).and_then(|field| field.parse::<f64>().ok());
            let (user, system) = ticks(11).zip(ticks(12)).ok_or("no such field")?;
            all += (user + system) / TICKS;
        }
        Ok(all)
    }

    /// The processes it has started; ours starts none.
    fn children(&self) -> Vec<u32> {
        let own = self.child.id();
        let text = read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        text.split_whitespace().filter_map(|process| process.parse().ok()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let children: Vec<_> = self.children().iter().map(u32::to_string).collect();
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !children.is_empty() {
            let _ = Command::new("kill").arg("-9").args(children).status();
        }
    }
}

/// Raw signatures of one algorithm.
pub(super) struct Raw {
    /// How many there were a second.
    pub(super) per_second: f64,
    /// Processor time of one of them, in microseconds.
    pub(super) cpu_micros: f64,
}

/// Raw signatures on the server's processor.
pub(super) fn raw(seconds: u64, algorithm: &str) -> Outcome<Raw> {
    sign(SERVER_PROCESSOR, seconds, algorithm, 1)
}

/// The same with a thread on each processor, both together.
pub(super) fn raw_on_both(seconds: u64, algorithm: &str) -> Outcome<Raw> {
    sign(BOTH_PROCESSORS, seconds, algorithm, 2)
}

fn sign(processors: &str, seconds: u64, algorithm: &str, threads: u32) -> Outcome<Raw> {
    let mut command = pinned(processors, &std::env::current_exe()?);
    command.args(["raw", &seconds.to_string(), algorithm, &threads.to_string()]);
    match numbers(&output(&mut command)?)?.as_slice() {
        [per_second, cpu_micros] => Ok(Raw { per_second: *per_second, cpu_micros: *cpu_micros }),
        _ => Err("there are no raw signatures".into()),
    }
}

/// Asks the server from the other processor.
pub(super) fn load(server: &Server, kind: Kind, connections: usize, seconds: u64) -> Outcome<Load> {
    generate(server, "load", &[kind.name(), &connections.to_string(), &seconds.to_string()])
}

/// A load from a generator that shares the processors with the server.
pub(super) struct Shared {
    /// Answers.
    pub(super) per_second: f64,
    /// The share of both processors that the generator took.
    pub(super) generator: f64,
    /// The share that the server took.
    pub(super) server: f64,
}

/// Asks a server that has both processors, with a generator that takes as little of them as it can.
pub(super) fn share(server: &Server, kind: Kind, connections: usize, seconds: u64) -> Outcome<Shared> {
    let before = server.cpu_seconds()?;
    let mut command = pinned(BOTH_PROCESSORS, &std::env::current_exe()?);
    command.args(["frugal", &server.address.to_string(), kind.name()]);
    command.args([connections.to_string(), seconds.to_string()]);
    let text = output(&mut command)?;
    let cpu = server.cpu_seconds()? - before;
    match numbers(&text)?.as_slice() {
        [count, elapsed, generator] => Ok(Shared {
            per_second: count / elapsed,
            generator: generator / elapsed / 2.0,
            server: cpu / elapsed / 2.0,
        }),
        _ => Err("the load generator failed".into()),
    }
}

/// Asks a server that speaks TLS, or HTTP/2, from the other processor, and says besides what share of the connections was
/// resumed.
pub(super) fn secure(server: &Server, how: &str, folder: &Path, seconds: u64) -> Outcome<(Load, f64)> {
    let before = server.cpu_seconds()?;
    let mut command = pinned(GENERATOR_PROCESSOR, &std::env::current_exe()?);
    command.args(["secure", &server.address.to_string(), how]).arg(folder).arg(seconds.to_string());
    let text = output(&mut command)?;
    let cpu = server.cpu_seconds()? - before;
    match numbers(&text)?.as_slice() {
        [count, elapsed, p50, p99, resumed] => {
            let load =
                Load { per_second: count / elapsed, cpu_micros: cpu / count * 1e6, p50: *p50, p99: *p99 };
            Ok((load, resumed / count))
        }
        _ => Err("the load generator failed".into()),
    }
}

/// Sends requests when they are due, from the other processor: for each stream what became of each phase.
pub(super) fn paced(server: &Server, spec: &Spec) -> Outcome<Vec<Vec<Report>>> {
    let mut command = pinned(GENERATOR_PROCESSOR, &std::env::current_exe()?);
    command.args(["paced", &server.address.to_string(), &serde_json::to_string(spec)?]);
    Ok(serde_json::from_str(&output(&mut command)?)?)
}

/// Starts something on the other processor that holds connections to the server, over TLS if there is a folder with its
/// certificate.
pub(super) fn hold(server: &Server, count: usize, folder: Option<&Path>) -> Outcome<Child> {
    let mut command = pinned(GENERATOR_PROCESSOR, &std::env::current_exe()?);
    command.args(["hold", &server.address.to_string(), &count.to_string()]).args(folder);
    Ok(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?)
}

/// What a command prints, which must end well.
pub(super) fn output(command: &mut Command) -> Outcome<String> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{command:?} ended with {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn numbers(text: &str) -> Outcome<Vec<f64>> {
    Ok(text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
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
    let mut command = pinned(GENERATOR_PROCESSOR, &std::env::current_exe()?);
    command.arg(what).arg(server.address.to_string()).args(words);
    let text = output(&mut command)?;
    let cpu = server.cpu_seconds()? - before;
    match numbers(&text)?.as_slice() {
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
pub(super) fn beside(program: &Path) -> Command {
    pinned(GENERATOR_PROCESSOR, program)
}

/// A command that runs where servers do.
pub(super) fn in_place_of_the_server(program: &Path) -> Command {
    pinned(SERVER_PROCESSOR, program)
}

fn pinned(processors: &str, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", processors]).arg(program);
    command
}
