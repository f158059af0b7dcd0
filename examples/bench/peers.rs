//! Servers of other projects beside this one: the same kind of request, the same generator, the same processor.
//! `scripts/bench --peers`; what they are is in `peers/`, and is installed from npm and `PyPI` at versions that are fixed there.
//! Not for: what is required of this one (`speed/`).

use std::fs;
use std::io::{Write, stderr};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::load::{self, Kind};
use super::process::{self, Load, Server};
use super::registry::{self, CLIENT_ID, SCOPE, SECRET};
use super::report::{Table, median, milliseconds};
use super::speed::steady;
use super::{BUSY, Outcome};

/// How often this server and the other are measured in turn.
const ROUNDS: usize = 5;

/// How long each measurement takes, in seconds.
const SECONDS: u64 = 3;

/// How long a signature of RSA-2048 is in a JWS, which has it in base64url.
const SIGNATURE: usize = 342;

/// One of them.
struct Peer {
    name: &'static str,
    /// Its folder in `peers/`.
    folder: &'static str,
    /// Its files there.
    files: &'static [&'static str],
    /// What has to be there to install and run it.
    needs: &'static str,
    install: fn(&Path) -> Vec<Command>,
    start: fn(&Path, u16) -> Command,
}

const PEERS: &[Peer] = &[
    Peer {
        name: "node-oidc-provider (Node.js)",
        folder: "node-oidc-provider",
        files: &["package.json", "package-lock.json", "server.js"],
        needs: "node and npm",
        install: |folder| {
            let mut install = Command::new("npm");
            install.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(folder);
            vec![install]
        },
        start: |folder, port| {
            let mut command = process::in_place_of_the_server(Path::new("node"));
            command.arg("server.js").args([&port.to_string(), CLIENT_ID, SECRET, SCOPE]);
            command.current_dir(folder).env("NODE_ENV", "production");
            command
        },
    },
    Peer {
        name: "Authlib (Flask, gunicorn)",
        folder: "authlib",
        files: &["requirements.txt", "server.py"],
        needs: "python3 with venv and pip",
        install: |folder| {
            let mut environment = Command::new("python3");
            environment.args(["-m", "venv", "environment"]).current_dir(folder);
            let mut install = Command::new("environment/bin/pip");
            install.args(["install", "--quiet", "--require-hashes", "-r", "requirements.txt"]);
            install.current_dir(folder);
            vec![environment, install]
        },
        start: |folder, port| {
            let mut command = process::in_place_of_the_server(Path::new("environment/bin/gunicorn"));
            // Workers of the default kind keep no connection alive.
            command.args([
                "--workers",
                "1",
                "--worker-class",
                "gthread",
                "--threads",
                "4",
                "--keep-alive",
                "75",
            ]);
            command.args(["--bind", &format!("127.0.0.1:{port}"), "server:app"]).current_dir(folder);
            command.env("AUTHLIB_INSECURE_TRANSPORT", "1").env("PEER_CLIENT_ID", CLIENT_ID);
            command.env("PEER_CLIENT_SECRET", SECRET).env("PEER_SCOPE", SCOPE);
            command
        },
    },
];

/// Installs them into folders of `target` and measures each beside this server. Whether all could be.
pub(super) fn run(binary: &Path, sources: &Path, target: &Path) -> Outcome<bool> {
    let store = tempfile::tempdir()?;
    registry::prepare(store.path())?;
    let server = Server::start(binary, store.path())?;
    let mut table = Table::new()?;
    for peer in PEERS {
        writeln!(stderr(), "bench: {}", peer.name)?;
        match peer.install(sources, target).and_then(|folder| peer.serve(&folder)) {
            Ok(other) => compare(&mut table, peer.name, &server, &other)?,
            Err(why) => table.failed(&format!("{} (it needs {})", peer.name, peer.needs), why.as_ref())?,
        }
    }
    table.end()
}

impl Peer {
    fn install(&self, sources: &Path, target: &Path) -> Outcome<PathBuf> {
        let folder = target.join(self.folder);
        fs::create_dir_all(&folder)?;
        for file in self.files {
            fs::copy(sources.join(self.folder).join(file), folder.join(file))?;
        }
        let folder = folder.canonicalize()?;
        for mut command in (self.install)(&folder) {
            let program = command.get_program().to_string_lossy().into_owned();
            let status = command.stdout(Stdio::null()).status().map_err(|why| format!("{program}: {why}"))?;
            if !status.success() {
                return Err(format!("{command:?} ended with {status}").into());
            }
        }
        Ok(folder)
    }

    /// Starts it, and looks whether what it issues is signed as it should be.
    fn serve(&self, folder: &Path) -> Outcome<Server> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = (self.start)(folder, port);
        command.stdout(Stdio::null()).stderr(fs::File::create(folder.join("log"))?);
        let server = Server::other(command, SocketAddr::from(([127, 0, 0, 1], port)))?;
        let token = load::once(server.address, Kind::Peer)?;
        let signature = token.rsplit('.').next().unwrap_or_default().len();
        if signature == SIGNATURE && token.split('.').count() == 3 {
            Ok(server)
        } else {
            Err(format!("its tokens are not signed with RSA-2048: {token}").into())
        }
    }
}

fn compare(table: &mut Table, name: &str, server: &Server, other: &Server) -> Outcome {
    // Until it is compiled as far as it will be.
    process::load(other, Kind::Peer, BUSY, 2 * SECONDS)?;
    let mut rounds: Vec<(Load, Load)> = Vec::new();
    for _ in 0..ROUNDS {
        let own = process::load(server, Kind::Token, BUSY, SECONDS)?;
        rounds.push((own, process::load(other, Kind::Peer, BUSY, SECONDS)?));
    }
    let of = |value: fn(&(Load, Load)) -> f64| median(rounds.iter().map(value));
    let (own, others) = (of(|round| round.0.per_second), of(|round| round.1.per_second));
    let half = steady(other, Kind::Peer, (others / 2.0, SECONDS), false)?;
    let own_half = steady(server, Kind::Token, (own / 2.0, SECONDS), false)?;
    let all = |which: fn(&(Load, Load)) -> &Load, half: f64| {
        let of = |value: fn(&Load) -> f64| median(rounds.iter().map(|round| value(which(round))));
        let (rate, p99) = (of(|load| load.per_second), milliseconds(of(|load| load.p99)));
        let cpu = of(|load| load.cpu_micros);
        format!("{rate:.0} per second, p99 {p99}, {cpu:.0} µs of CPU each; at half load p99 {half:.2} ms")
    };
    table.told(&format!("{name}: tokens"), &all(|round| &round.1, half.p99))?;
    table.told("Chancery, by turns with it", &all(|round| &round.0, own_half.p99))?;
    let ratio = of(|(own, other)| own.per_second / other.per_second);
    let by_cpu = of(|(own, other)| other.cpu_micros / own.cpu_micros);
    table.told("times as many tokens", &format!("**{ratio:.1}**; by processor time {by_cpu:.1}"))
}
