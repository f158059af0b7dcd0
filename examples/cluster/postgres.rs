//! PostgreSQL servers of our own: started, stopped, crashed, copied and promoted.
//! Not for: what is in them.

use std::fs::{read_to_string, write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::sleep;

use super::{Done, processes};

/// What makes an acknowledged change durable. These are PostgreSQL's own defaults; said, since everything rests on them.
const DURABLE: &str = "-c fsync=on -c synchronous_commit=on -c full_page_writes=on";

/// A server, or the copy of one.
pub(crate) struct Postgres {
    folder: PathBuf,
    options: String,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What its superuser signs in with.
    pub(crate) password: String,
}

impl Postgres {
    /// Makes a server in a folder and starts it.
    pub(crate) async fn create(folder: PathBuf, options: &str) -> Done<Self> {
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = format!("{DURABLE} {options}");
        let mut server = Self { folder, options, address: unknown, password: String::new() };
        server.start().await?;
        server.read()?;
        Ok(server)
    }

    /// A copy that follows this server, started.
    pub(crate) async fn standby(&self, folder: PathBuf) -> Done<Self> {
        let data = folder.join("data");
        std::fs::create_dir(&folder)?;
        own(&folder).await?;
        let mut copying = as_owner(&program("pg_basebackup")?);
        let port = self.address.port().to_string();
        copying.args([
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            "chancery",
            "-X",
            "stream",
            "-R",
            "-c",
            "fast",
            "-D",
        ]);
        copying.arg(&data).env("PGPASSWORD", &self.password);
        processes::run(copying).await?;
        write(folder.join("password"), &self.password)?;
        write(folder.join("port"), free_port()?.to_string())?;
        own(&folder.join("password")).await?;
        // It looks for its primary more often than every five seconds.
        let options = format!("{DURABLE} -c wal_retrieve_retry_interval=200ms");
        let mut standby = Self { folder, options, address: self.address, password: String::new() };
        standby.start().await?;
        standby.read()?;
        Ok(standby)
    }

    /// The same server, started again with more options.
    pub(crate) async fn with_options(mut self, options: &str) -> Done<Self> {
        if !options.is_empty() {
            self.stop("fast").await?;
            self.options = format!("{} {options}", self.options);
            self.start().await?;
        }
        Ok(self)
    }

    fn read(&mut self) -> Done {
        let port: u16 = read_to_string(self.folder.join("port"))?.trim().parse()?;
        self.address.set_port(port);
        read_to_string(self.folder.join("password"))?.trim().clone_into(&mut self.password);
        Ok(())
    }

    /// Starts it again, and waits until it answers.
    pub(crate) async fn start(&self) -> Done {
        let mut command = script();
        command.arg("start").arg(&self.folder).env("POSTGRES_OPTIONS", &self.options);
        processes::run(command).await?;
        Ok(())
    }

    /// Stops it: `fast` in order, `immediate` as a crash.
    pub(crate) async fn stop(&self, mode: &str) -> Done {
        let mut command = script();
        command.arg("stop").arg(&self.folder).arg(mode);
        processes::run(command).await?;
        Ok(())
    }

    /// Kills the postmaster and everything it has started, at once.
    pub(crate) async fn kill(&self) -> Done {
        let postmaster = self.postmaster().ok_or("the database does not run")?;
        let mut all = processes::children(postmaster)?;
        // First the one that would start others in their place.
        all.insert(0, postmaster);
        for id in &all {
            // One of them may just have ended.
            let _ = processes::send(*id, Signal::KILL);
        }
        while all.iter().any(|id| processes::is_there(*id)) {
            sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Makes a standby a server in its own right.
    pub(crate) async fn promote(&self) -> Done {
        let mut command = as_owner(&program("pg_ctl")?);
        command.args(["promote", "-w", "-s", "-D"]).arg(self.folder.join("data"));
        processes::run(command).await?;
        Ok(())
    }

    fn postmaster(&self) -> Option<u32> {
        let text = read_to_string(self.folder.join("data/postmaster.pid")).ok()?;
        text.lines().next()?.trim().parse().ok().filter(|id| processes::is_there(*id))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its owner waits for no runtime here, which may have ended.
        let _ = script().arg("stop").arg(&self.folder).arg("immediate").output();
    }
}

fn script() -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/postgres"))
}

/// A command as whoever owns the servers: never root, whom PostgreSQL refuses.
fn as_owner(program: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    // What it starts must not depend on a folder that only root may enter.
    command.current_dir("/").args(["-u", "postgres", "--"]).arg(program);
    command
}

async fn own(path: &Path) -> Done {
    if rustix::process::geteuid().is_root() {
        let mut command = Command::new("chown");
        command.arg("postgres").arg(path);
        processes::run(command).await?;
    }
    Ok(())
}

/// A program of the newest PostgreSQL that Debian has installed, or of the one in `PATH`.
fn program(name: &str) -> Done<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten() {
        let folder = entry?.path();
        let version =
            folder.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<u32>().ok());
        found.extend(version.map(|version| (version, folder)));
    }
    found.sort();
    Ok(found.pop().map_or_else(|| PathBuf::from(name), |(_, folder)| folder.join("bin").join(name)))
}

/// A port that nobody has now.
pub(crate) fn free_port() -> Done<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    use tokio::net::TcpStream;

    #[tokio::test]
    #[ignore = "needs PostgreSQL: scripts/test runs it"]
    async fn a_standby_takes_over_from_a_server_that_was_killed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let first = Postgres::create(folder.path().join("first"), "").await.unwrap();
        let second = first.standby(folder.path().join("second")).await.unwrap();
        let first = first.with_options("-c synchronous_standby_names=*").await.unwrap();
        assert_ne!(first.address, second.address);
        first.kill().await.unwrap();
        assert!(TcpStream::connect(first.address).await.is_err());
        second.promote().await.unwrap();
        assert!(TcpStream::connect(second.address).await.is_ok());
        second.stop("immediate").await.unwrap();
        first.start().await.unwrap();
        assert!(TcpStream::connect(first.address).await.is_ok());
    }
}
