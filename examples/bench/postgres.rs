//! A node on PostgreSQL: its tokens beside those of one on SQLite, and what a million applications cost it.
//! `scripts/bench --postgres`; it takes some ten minutes, and some gigabytes of disk for a while.
//! Not for: what happens when the database goes away (`examples/cluster`).

use std::io::{Write, stdout};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use chancery::store::Store;
use chancery::store::postgres::{Access, Address, Postgres};

use super::load::Kind;
use super::process::{self, Server};
use super::report::median;
use super::{BUSY, Outcome, ROUNDS, SECONDS, many, registry};

/// Applications of the larger store, unless the caller says otherwise.
pub(super) const APPLICATIONS: u32 = 1_000_000;

/// Those of the smaller one (`registry.rs`).
const FEW: u32 = 1_000;

/// How many rounds of requests for few and for many applications there are.
const SPREAD_ROUNDS: usize = 5;

/// How long requests are spread in each of them, in seconds.
const SPREAD_SECONDS: u64 = 10;

/// A database of our own, and the folder with the master key of what is in it.
struct Database {
    url: String,
    folder: tempfile::TempDir,
}

impl Database {
    /// Makes one on the server of `url`, with three tenants and `further` more applications.
    async fn filled(url: &str, name: &str, further: u32) -> Outcome<Self> {
        psql(url, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))?;
        psql(url, &format!("CREATE DATABASE {name}"))?;
        let own = url.rsplit_once('/').ok_or("a URL without a database")?.0;
        let database = Self { url: format!("{own}/{name}"), folder: tempfile::tempdir()? };
        let admin = registry::administer(database.folder.path(), open(&database.url).await?)?;
        registry::fill(&admin).await?;
        if further > 0 {
            many::add_all(&admin, further).await?;
            // As autovacuum would have done by and by.
            psql(&database.url, "VACUUM ANALYZE")?;
        }
        Ok(database)
    }

    fn start(&self, binary: &Path) -> Outcome<Server> {
        Server::start_on(binary, self.folder.path(), Some(&self.url))
    }
}

/// Measures everything, and prints a table as it goes. Whether every row is reached.
pub(super) fn run(binary: &Path, url: &str, count: u32) -> Outcome<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let few = runtime.block_on(Database::filled(url, "bench_few", 0))?;
    writeln!(stdout(), "| row | required | measured | |\n| --- | --- | --- | --- |")?;
    let is_as_fast = compare(binary, &few)?;
    let started = now();
    let many = runtime.block_on(Database::filled(url, "bench_many", count))?;
    let size = psql(&many.url, "SELECT pg_size_pretty(pg_database_size(current_database()))")?;
    let took = started.elapsed().as_secs_f64();
    row(&format!("filling a database with {count} applications"), "", &format!("{took:.0} s, {size}"), "")?;
    drop(runtime);
    let mut starts: Vec<_> =
        (0..5).map(|_| many.start(binary).map(|server| server.first_token)).collect::<Outcome<_>>()?;
    starts.sort_unstable();
    let start = starts.get(2).ok_or("no start")?.as_secs_f64() * 1e3;
    let reached = judged("start to first token", "under 2 s", &format!("{start:.0} ms"), start < 2_000.0)?;
    Ok(spread(binary, &few, &many, count)? && reached && is_as_fast)
}

/// Tokens of one known application, by turns from a node on either store.
fn compare(binary: &Path, few: &Database) -> Outcome<bool> {
    let folder = tempfile::tempdir()?;
    registry::prepare(folder.path())?;
    let on_sqlite = Server::start(binary, folder.path())?;
    let on_postgres = few.start(binary)?;
    let mut ratios = Vec::new();
    let mut rates = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let sqlite = process::load(&on_sqlite, Kind::Token, BUSY, SECONDS)?.per_second;
        let postgres = process::load(&on_postgres, Kind::Token, BUSY, SECONDS)?.per_second;
        ratios.push(postgres / sqlite);
        rates.0.push(sqlite);
        rates.1.push(postgres);
    }
    let (sqlite, postgres, ratio) =
        (median(rates.0.into_iter()), median(rates.1.into_iter()), median(ratios.into_iter()));
    let measured = format!("{postgres:.0}; on SQLite {sqlite:.0}: **{ratio:.3}**");
    judged("RS256 tokens per second", "at least 0.98 of those on SQLite", &measured, ratio >= 0.98)
}

/// Tokens of few and of many applications by turns, at half the rate that there can be.
fn spread(binary: &Path, few: &Database, many: &Database, count: u32) -> Outcome<bool> {
    let (with_few, with_many) = (few.start(binary)?, many.start(binary)?);
    let half = process::load(&with_few, Kind::Token, BUSY, SECONDS)?.per_second / 2.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some thousand")]
    let half = half as u32;
    // Until the memory of both is as full as it becomes.
    process::spread(&with_few, "few", FEW, (half, SPREAD_SECONDS))?;
    process::spread(&with_many, "many", count, (half, 6 * SPREAD_SECONDS))?;
    let (mut ratios, mut p99) = (Vec::new(), (Vec::new(), Vec::new()));
    for _ in 0..SPREAD_ROUNDS {
        let one = process::spread(&with_few, "few", FEW, (half, SPREAD_SECONDS))?;
        let other = process::spread(&with_many, "many", count, (half, SPREAD_SECONDS))?;
        ratios.push(other.p99 / one.p99);
        p99.0.push(one.p99 / 1e3);
        p99.1.push(other.p99 / 1e3);
    }
    let (few, many, ratio) =
        (median(p99.0.into_iter()), median(p99.1.into_iter()), median(ratios.into_iter()));
    let is_quick = judged(
        &format!("p99 at {half} tokens per second, spread over all applications"),
        &format!("at most 1.5 times that of {FEW} applications"),
        &format!("{many:.2} ms; {few:.2} ms: **{ratio:.2}**"),
        ratio <= 1.5,
    )?;
    let memory = with_many.peak_memory_kib()? / 1024;
    let measured = format!("**{memory} MiB**");
    Ok(judged("memory of the node, at most", "under 200 MiB", &measured, memory < 200)? && is_quick)
}

async fn open(url: &str) -> Outcome<Arc<dyn Store>> {
    let access = Access { address: Address::parse(url)?, password: None, connections: 10 };
    Ok(Arc::new(Postgres::open(&access).await?.0))
}

fn psql(url: &str, sql: &str) -> Outcome<String> {
    let output = Command::new("psql")
        .env("PGOPTIONS", "-c client_min_messages=warning")
        .args(["-qAtX", "-v", "ON_ERROR_STOP=1", "-c", sql, url])
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err("psql failed".into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// Prints a row of which something is required.
fn judged(name: &str, required: &str, measured: &str, reached: bool) -> Outcome<bool> {
    row(name, required, measured, if reached { "reached" } else { "**missed**" })?;
    Ok(reached)
}

fn row(name: &str, required: &str, measured: &str, verdict: &str) -> Outcome {
    writeln!(stdout(), "| {name} | {required} | {measured} | {verdict} |")?;
    Ok(())
}
