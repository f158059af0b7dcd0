//! A load that is spread over many applications, at a rate that is given: each request is sent at its time, whether or not
//! those before it were answered.
//! Not for: finding out how many there can be (`load.rs`).

use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::sleep_until;

use super::Outcome;
use super::connection::{Connection, post};
use super::registry::{SCOPE, SECRET};

/// Connections that take turns. More than ever wait at half the load that there can be.
const CONNECTIONS: usize = 64;

/// Which applications are asked for, how often, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    /// How a number becomes a `client_id`.
    pub(super) client_id: fn(u32) -> String,
    /// How many applications there are.
    pub(super) count: u32,
    /// Requests per second.
    pub(super) per_second: u32,
    /// How long, in seconds.
    pub(super) seconds: u64,
}

/// Asks, and prints: answers, seconds, median and 99th percentile in microseconds, from when a request was due.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub(super) fn run(address: SocketAddr, spread: Spread) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut times, elapsed) = runtime.block_on(async {
        let started = Instant::now();
        let (done, mut finished) = mpsc::unbounded_channel();
        let (give_back, mut free) = mpsc::unbounded_channel();
        for _ in 0..CONNECTIONS {
            give_back.send(Connection::open(address).await?)?;
        }
        let every = Duration::from_secs(1) / spread.per_second;
        let total = u64::from(spread.per_second) * spread.seconds;
        for number in 0..u32::try_from(total)? {
            let due = started + every * number;
            sleep_until(due.into()).await;
            let request = request(&(spread.client_id)(scattered(number) % spread.count));
            let mut connection: Connection = free.recv().await.ok_or("no connection")?;
            let (done, give_back) = (done.clone(), give_back.clone());
            tokio::spawn(async move {
                let answer = connection.ask(&request).await.and_then(|answer| {
                    let is_token = answer.starts_with(b"HTTP/1.1 200");
                    if is_token { Ok(()) } else { Err(String::from_utf8_lossy(answer).into_owned()) }
                });
                let _ = done.send((answer, due.elapsed()));
                let _ = give_back.send(connection);
            });
        }
        drop(done);
        let mut times = Vec::new();
        while let Some((answer, time)) = finished.recv().await {
            answer?;
            times.push(time);
        }
        Ok::<_, Box<dyn std::error::Error>>((times, started.elapsed()))
    })?;
    times.sort_unstable();
    let percentile = |percent: usize| times.get(times.len() * percent / 100).map_or(0, Duration::as_micros);
    writeln!(stdout(), "{} {} {} {}", times.len(), elapsed.as_secs_f64(), percentile(50), percentile(99))?;
    Ok(())
}

fn request(client_id: &str) -> Arc<str> {
    let form =
        format!("grant_type=client_credentials&client_id={client_id}&client_secret={SECRET}&scope={SCOPE}");
    post("localhost", "/oauth2/token", &form).into()
}

/// Each number somewhere else, and the same in every run (the finaliser of `MurmurHash3`).
fn scattered(number: u32) -> u32 {
    let mut value = number.wrapping_add(1);
    value = (value ^ (value >> 16)).wrapping_mul(0x85eb_ca6b);
    value = (value ^ (value >> 13)).wrapping_mul(0xc2b2_ae35);
    value ^ (value >> 16)
}
