//! `chancery apply` of a registry file with ten thousand applications.
//! Not for: what a registry file may say.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::Outcome;
use super::many::name;
use super::registry::SCOPE;

/// Applications in the file.
const APPLICATIONS: u32 = 10_000;

/// Whether the program has the command.
pub(super) fn is_there(binary: &PathBuf) -> bool {
    let asked = Command::new(binary).args(["apply", "--help"]).output();
    asked.is_ok_and(|output| output.status.success())
}

/// Writes the file for a tenant, and says where it is.
pub(super) fn write(folder: &Path, tenant: &str, host: &str) -> Outcome<PathBuf> {
    let mut text = format!(
        "tenants:\n  - name: {tenant}\n    hosts: [{host}]\n    issuer: https://{host}\n    scopes:\n      \
         - name: {SCOPE}\n      - name: orders:read\n    applications:\n"
    );
    for number in 0..APPLICATIONS {
        let scopes =
            if number.is_multiple_of(2) { SCOPE.to_owned() } else { format!("{SCOPE}, orders:read") };
        let name = name(number);
        write!(
            text,
            "      - client_id: applied-{number}\n        name: {name}\n        scopes: [{scopes}]\n"
        )?;
    }
    let file = folder.join("registry.yaml");
    std::fs::write(&file, text)?;
    Ok(file)
}

/// Makes the command that applies the file to the store in a folder.
pub(super) fn command(mut command: Command, folder: &Path, file: &Path) -> Command {
    let master = folder.join("benchmark.key");
    if master.exists() {
        command.env("CHANCERY_KEYS_MASTER", format!("file:{}", master.display()));
    }
    command.arg("--data").arg(folder).arg("apply").arg("-f").arg(file).args(["--output", "json"]);
    command
}

/// How long a first and a second apply take, and whether the second changes nothing.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub(super) fn measure(binary: &PathBuf) -> Outcome<(Duration, Duration, bool)> {
    let folder = tempfile::tempdir()?;
    let file = write(folder.path(), "default", "applied.localhost")?;
    let run = || {
        let started = Instant::now();
        let output = command(Command::new(binary), folder.path(), &file).output()?;
        if !output.status.success() {
            return Err("apply failed".into());
        }
        Ok::<_, Box<dyn std::error::Error>>((started.elapsed(), output.stdout))
    };
    let ((first, _), (second, said)) = (run()?, run()?);
    let said: serde_json::Value = serde_json::from_slice(&said)?;
    Ok((first, second, said.get("changed") == Some(&false.into())))
}
