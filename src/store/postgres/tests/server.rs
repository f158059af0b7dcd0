//! A PostgreSQL server of a test's own, for what must not be done to the one that all tests share.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// A server in a folder of its own.
pub(super) struct Server {
    pub(super) folder: TempDir,
    pub(super) url: String,
}

fn script(arguments: &[&str]) -> Command {
    let mut script = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/postgres"));
    script.args(arguments);
    script
}

impl Server {
    /// Makes and starts one.
    pub(super) fn start(options: &str) -> Self {
        let mut server = Self { folder: TempDir::new().unwrap(), url: String::new() };
        server.start_again(options);
        server
    }

    pub(super) fn start_again(&mut self, options: &str) {
        let mut start = script(&["start", self.path()]);
        let output = start.env("POSTGRES_OPTIONS", options).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.url = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    }

    pub(super) fn stop(&self) {
        assert!(script(&["stop", self.path()]).status().unwrap().success());
    }

    /// A standby that follows this server.
    pub(super) fn standby(&self) -> Self {
        let folder = TempDir::new().unwrap();
        let own = |name: &str| folder.path().join(name);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        std::fs::write(own("port"), port.to_string()).unwrap();
        std::fs::copy(self.folder.path().join("password"), own("password")).unwrap();
        let owner = format!("--reference={}", self.path());
        assert!(Command::new("chown").arg(owner).arg(folder.path()).status().unwrap().success());
        let copy = format!(
            "PATH=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1):$PATH
             run() {{ if [ \"$(id -u)\" -eq 0 ]; then runuser -u postgres -- \"$@\"; else \"$@\"; fi; }}
             cd / && run \"$(command -v pg_basebackup)\" -d '{}' -D '{}' -R -c fast",
            self.url,
            own("data").display(),
        );
        assert!(Command::new("sh").args(["-c", &copy]).status().unwrap().success());
        let mut standby = Self { folder, url: String::new() };
        standby.start_again("-c fsync=off");
        standby
    }

    fn path(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(script(&["stop", self.path(), "immediate"]).status());
    }
}
