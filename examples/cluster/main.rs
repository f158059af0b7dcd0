//! The harness of three nodes: PostgreSQL, faults, loads, and a judge of what happened. `scripts/cluster` runs the short
//! form, `scripts/soak` the long one; docs/benchmarks.md says how each row is measured.
//! Not for: how fast one node is (`examples/bench`).

use std::error::Error;
use std::io::{Write, stdout};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::ExitCode;

mod balancer;
#[path = "../bench/connection.rs"]
mod connection;
mod crowd;
mod desk;
mod door;
mod history;
mod judge;
mod ledger;
mod load;
mod node;
mod postgres;
mod processes;
mod proxy;
mod report;
mod rows;
mod site;
mod wire;

type Done<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// What is to be run.
#[derive(Clone, Default)]
pub(crate) struct Plan {
    binary: PathBuf,
    /// Where the row that runs now has everything.
    folder: PathBuf,
    /// As long as the rows ask for, rather than as long as a test may take.
    is_long: bool,
    /// All nodes on one SQLite file, for the rows that need no database server.
    embedded: bool,
    only: Vec<String>,
}

impl Plan {
    fn read(mut arguments: impl Iterator<Item = String>) -> Done<Self> {
        const USAGE: &str = "usage: cluster [--long] [--sqlite] [--only ROW]… CHANCERY_BINARY";
        let mut plan = Self::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--long" => plan.is_long = true,
                "--sqlite" => plan.embedded = true,
                "--only" => plan.only.push(arguments.next().ok_or(USAGE)?),
                other if other.starts_with('-') || !plan.binary.as_os_str().is_empty() => {
                    return Err(USAGE.into());
                }
                other => plan.binary = PathBuf::from(other),
            }
        }
        if plan.binary.as_os_str().is_empty() {
            return Err(USAGE.into());
        }
        plan.binary = plan.binary.canonicalize()?;
        if let Some(name) = plan.only.iter().find(|name| rows::ROWS.iter().all(|row| row.name != **name)) {
            let names: Vec<&str> = rows::ROWS.iter().map(|row| row.name).collect();
            return Err(format!("there is no row {name}, only {}", names.join(", ")).into());
        }
        Ok(plan)
    }

    /// Whether a row is to be run.
    fn wants(&self, row: &rows::Row) -> bool {
        let is_named = self.only.is_empty() || self.only.iter().any(|name| name == row.name);
        is_named && (row.runs_embedded || !self.embedded)
    }

    /// The first in the short form, the second in the long one.
    pub(crate) fn either<T>(&self, short: T, long: T) -> T {
        if self.is_long { long } else { short }
    }
}

fn main() -> Done<ExitCode> {
    let plan = Plan::read(std::env::args().skip(1))?;
    // Few threads: the processors are for the nodes.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let all_reached = runtime.block_on(async {
        tokio::select! {
            all_reached = run(&plan) => all_reached,
            () = interrupted() => Err("interrupted".into()),
        }
    });
    // What was under way is dropped here, and its processes with it.
    drop(runtime);
    Ok(if all_reached? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the rows, and says whether all were reached. In the short form, which is one of many tests on whatever machine, a
/// row that has broken no promise and was too slow is run once more.
async fn run(plan: &Plan) -> Done<bool> {
    let mut all_reached = true;
    writeln!(stdout(), "| row | required | measured | |\n| --- | --- | --- | --- |")?;
    for row in rows::ROWS.iter().filter(|row| plan.wants(row)) {
        let mut report = attempt(plan, row).await?;
        if !plan.is_long && report.is_only_slow() {
            report = attempt(plan, row).await?;
        }
        all_reached &= report.is_reached();
    }
    Ok(all_reached)
}

/// Runs a row in a folder of its own, and prints what came of it.
async fn attempt(plan: &Plan, row: &rows::Row) -> Done<report::Report> {
    let mut folder = tempfile::Builder::new().prefix("chancery-cluster-").tempdir()?;
    // The database runs as another user and has its folder in here.
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755))?;
    let plan = Plan { folder: folder.path().to_owned(), ..plan.clone() };
    let before = processes::spent();
    let mut report = match (row.run)(&plan).await {
        Ok(report) => report,
        Err(error) => report::Report::failed(&error.to_string()),
    };
    if let Some(((busy, all), (busy_now, all_now))) = before.zip(processes::spent()) {
        let percent = (100 * (busy_now - busy)).checked_div(all_now - all).unwrap_or(100);
        report.tell(&format!("processors {percent} % busy"));
    }
    writeln!(stdout(), "| {}: {} | {report} |", row.name, row.title)?;
    if !report.is_reached() {
        folder.disable_cleanup(true);
        report.explain()?;
        writeln!(stdout(), "    logs and settings are in {}", folder.path().display())?;
    }
    Ok(report)
}

/// Waits until somebody asks the harness to end.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}
