//! A thousand who change one application at once, each at the version it has read: whether anything is lost.
//! Not for: what a change takes (`administrators.rs`).

use std::io::{Write, stdout};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Outcome;
use super::administrators::{Desk, body_of};
use super::connection::Connection;

/// As many connections as the admin listener has room for, but for a few that others need.
const CONNECTIONS: u32 = 250;

/// Changes that each of them tries in a round: a thousand in all.
const TRIES: u32 = 4;

/// What became of the changes.
#[derive(Default)]
struct Became {
    made: i64,
    refused: i64,
}

/// Rounds of a thousand changes until `seconds` are over, one at least; prints the changes that were made, those that were
/// refused, the version in the end, the audit events, and the seconds.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub(super) fn run(desk: &Desk, client_id: &str, seconds: u64) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (started, mut all, mut round) = (Instant::now(), Became::default(), 0);
        while round == 0 || started.elapsed() < Duration::from_secs(seconds) {
            round += 1;
            let mut one = |number| tokio::spawn(change(desk.clone(), client_id.to_owned(), (round, number)));
            let tasks: Vec<_> = (0..CONNECTIONS).map(&mut one).collect();
            for task in tasks {
                let became = task.await??;
                all.made += became.made;
                all.refused += became.refused;
            }
        }
        let elapsed = started.elapsed().as_secs_f64();
        let mut connection = Connection::open(desk.address).await?;
        let shown = body_of(connection.ask(&desk.get(&format!("applications/{client_id}"))).await?)?;
        let version = shown.get("version").and_then(Value::as_i64).unwrap_or(0);
        let events = count_events(&mut connection, desk, client_id).await?;
        writeln!(stdout(), "{} {} {version} {events} {elapsed}", all.made, all.refused)?;
        Ok(())
    })
}

/// One of them: it reads the version, and changes the application at that version.
async fn change(desk: Desk, client_id: String, (round, number): (u32, u32)) -> Result<Became, String> {
    let mut connection = Connection::open(desk.address).await?;
    let mut became = Became::default();
    for attempt in 0..TRIES {
        let shown = body_of(connection.ask(&desk.get(&format!("applications/{client_id}"))).await?)?;
        let version = shown.get("version").and_then(Value::as_i64).unwrap_or(0);
        let name = format!("{round}, {number}, {attempt}");
        let request = desk.change(&client_id, &format!("\"{version}\""), &name);
        let answer = connection.ask(&request).await?;
        if answer.starts_with(b"HTTP/1.1 200") {
            became.made += 1;
        } else if answer.starts_with(b"HTTP/1.1 412") {
            became.refused += 1;
        } else {
            return Err(String::from_utf8_lossy(answer).into_owned());
        }
    }
    Ok(became)
}

/// How often the audit says that the application was changed.
async fn count_events(connection: &mut Connection, desk: &Desk, client_id: &str) -> Outcome<usize> {
    let filter = format!("audit?limit=200&action=application.set&subject={client_id}");
    let (mut count, mut path) = (0, filter.clone());
    loop {
        let page = body_of(connection.ask(&desk.get(&path)).await?)?;
        count += page.get("items").and_then(Value::as_array).map_or(0, Vec::len);
        match page.get("next").and_then(Value::as_str) {
            Some(next) => path = format!("{filter}&cursor={next}"),
            None => return Ok(count),
        }
    }
}
