//! The built program: a data folder of its own, commands, a running server, raw sockets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::Instant;

/// How long anything may take before a test gives up on it; never a thing that is asserted.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A data folder, and the program to use on it.
pub(crate) struct Installation {
    folder: TempDir,
    servers: AtomicU32,
}

impl Installation {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), servers: AtomicU32::new(0) }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the store and the master key are.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    /// The program on this installation, with nothing inherited that could change its settings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chancery"));
        command.env_clear().env("USER", "tester").current_dir(self.folder()).stdin(Stdio::null());
        command.arg("--data").arg(self.data()).args(arguments);
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed, and reads the one JSON document it prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[&["--output", "json"], arguments].concat());
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Runs a command with something on its standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }

    /// Starts a server on ports the system chooses, and waits until it says where it listens.
    pub(crate) fn serve(&self, arguments: &[&str]) -> RunningServer {
        let number = self.servers.fetch_add(1, Ordering::Relaxed);
        let file = |kind| self.folder().join(format!("server-{number}.{kind}"));
        let (log, output) = (file("log"), file("output"));
        let mut command =
            self.command(&["serve", "--listen-public", "127.0.0.1:0", "--listen-admin", "127.0.0.1:0"]);
        let create = |path: &Path| std::fs::File::create(path).unwrap();
        command.args(arguments).stdout(create(&output)).stderr(create(&log));
        let mut child = command.spawn().unwrap();
        let started = Instant::now();
        loop {
            let text = std::fs::read_to_string(&log).unwrap();
            let line = text.lines().find(|line| line.contains("chancery serves"));
            if let Some(line) = line.and_then(|line| serde_json::from_str::<Value>(line).ok()) {
                let address = |name: &str| line[name].as_str().unwrap().parse().unwrap();
                let (public, admin) = (address("public"), address("admin"));
                return RunningServer { child, log, output, public, admin };
            }
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the server ended with {status}: {text}");
            }
            assert!(started.elapsed() < PATIENCE, "the server did not start: {text}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A server that is killed when it is dropped.
pub(crate) struct RunningServer {
    child: Child,
    log: PathBuf,
    output: PathBuf,
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
}

impl RunningServer {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Lets the server and its folder live as long as the process of the tests, however that ends: what a static holds
    /// is never dropped.
    pub(crate) fn end_with_tests(&self, installation: Installation) {
        const AFTERWARDS: &str = r#"read -r _; kill -KILL "$1"; rm -rf "$2""#;
        let mut guard = Command::new("sh");
        guard.args(["-c", AFTERWARDS, "sh", &self.id().to_string()]).arg(installation.folder.keep());
        let guard = guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        #[expect(
            clippy::zombie_processes,
            reason = "it waits for the end of this process, not the other way round"
        )]
        let mut guard = guard.spawn().unwrap();
        // The guard waits for the end of its input, which comes when this process is gone.
        std::mem::forget(guard.stdin.take());
    }

    /// Everything it has logged so far: JSON lines.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Everything it has written on standard output so far.
    pub(crate) fn output(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap()
    }

    /// Sends a signal by name, such as `TERM` or `KILL`.
    pub(crate) fn signal(&self, name: &str) {
        let status =
            Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "the server did not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends bytes on a new connection of the public listener and reads until the server closes it.
    pub(crate) fn exchange(&self, bytes: &[u8]) -> String {
        exchange(self.public, bytes)
    }

    /// Asks for a token with the secret in the form: status and body.
    pub(crate) fn token(&self, client_id: &str, secret: &str, scope: &str) -> (u16, Value) {
        let form = format!(
            "grant_type=client_credentials&client_id={client_id}&client_secret={secret}&scope={scope}"
        );
        let (status, body) = self.post("/oauth2/token", &form);
        (status, serde_json::from_str(&body).unwrap())
    }

    /// Posts a form: status and body.
    pub(crate) fn post(&self, path: &str, form: &str) -> (u16, String) {
        let answer = self.exchange(
            format!(
                "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
                form.len()
            )
            .as_bytes(),
        );
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
        (status(head), body.to_owned())
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends bytes on a new connection and reads until it is closed. What cannot be sent because the server has closed
/// already is not sent.
pub(crate) fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let _ = stream.write_all(bytes);
    read_to_end(&mut stream)
}

/// Reads until the other side closes; a reset counts as an end.
pub(crate) fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        answer.extend_from_slice(&piece[..count]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of an answer.
pub(crate) fn status(answer: &str) -> u16 {
    answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("no status: {answer:?}"))
}
