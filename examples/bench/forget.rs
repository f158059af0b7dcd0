//! Ten million tokens that were revoked and are over: how long each step of forgetting them takes, and whether the store
//! grows. `scripts/bench --forget`; it takes some minutes, and some gigabytes of disk for a while.
//! Not for: how a token is revoked.

use std::io::{Write, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chancery::crypto::random::SystemRandom;
use chancery::domain::id::TenantId;
use chancery::domain::time::Timestamp;
use chancery::store::sqlite::Sqlite;
use chancery::store::{Store, StoreError};

use super::Outcome;

/// Generations of revoked tokens, each of which is over before the next comes.
const GENERATIONS: i64 = 10;

/// Tokens in each.
const TOKENS: i64 = 1_000_000;

/// What the steps of forgetting one generation took.
struct Steps {
    times: Vec<Duration>,
    longest_read: Duration,
    kib: u64,
}

/// Lets generations come and go in a store in a folder of its own, and prints a table.
pub(super) fn run() -> Outcome {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("chancery.db");
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&file)?.0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    writeln!(
        stdout(),
        "| revoked so far | steps | median | longest | longest read meanwhile | store |\n| --- | --- | --- | --- | --- | --- |"
    )?;
    for generation in 1..=GENERATIONS {
        fill(&file, generation)?;
        let steps = runtime.block_on(forget(&store, &file))?;
        writeln!(
            stdout(),
            "| {} | {} | {:.1} ms | {:.1} ms | {:.1} ms | {} MiB |",
            generation * TOKENS,
            steps.times.len(),
            millis(steps.times.get(steps.times.len() / 2)),
            millis(steps.times.last()),
            millis(Some(&steps.longest_read)),
            steps.kib / 1024,
        )?;
    }
    Ok(())
}

/// What a generation of callers would have done, in one go: it is forgetting that is measured.
fn fill(file: &std::path::Path, generation: i64) -> Outcome {
    let connection = rusqlite::Connection::open(file)?;
    connection.busy_timeout(Duration::from_mins(1))?;
    connection.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
         INSERT INTO revoked_token
         SELECT 1000 * (?1 * 100000 + i / 100), '11111111-1111-4111-8111-111111111111',
                lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8'
                      || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))
         FROM n",
        [generation, TOKENS],
    )?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

/// Reads from the store as a request does that finds nothing in memory, again and again; the longest time of all so far,
/// in microseconds.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
async fn read(store: Arc<dyn Store>, longest: Arc<AtomicU64>) -> Result<(), StoreError> {
    loop {
        let started = Instant::now();
        store.application(TenantId::new(&SystemRandom), "app").await?;
        let took = started.elapsed();
        longest.fetch_max(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Forgets, as a server does but with shorter pauses, while others read.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
async fn forget(store: &Arc<dyn Store>, file: &std::path::Path) -> Outcome<Steps> {
    let longest = Arc::new(AtomicU64::new(0));
    let reading = tokio::spawn(read(Arc::clone(store), Arc::clone(&longest)));
    let mut times = Vec::new();
    loop {
        let started = Instant::now();
        let more = store.forget_past(Timestamp::from_seconds(1_000_000_000_000)).await?;
        times.push(started.elapsed());
        if !more {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    times.sort_unstable();
    reading.abort();
    let longest_read = Duration::from_micros(longest.load(Ordering::Relaxed));
    Ok(Steps { times, longest_read, kib: std::fs::metadata(file)?.len() / 1024 })
}

fn millis(time: Option<&Duration>) -> f64 {
    time.map_or(0.0, Duration::as_secs_f64) * 1000.0
}
