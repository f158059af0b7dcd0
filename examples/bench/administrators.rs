//! Administrators at work: connections that each ask the admin API, wait for the answer, and ask something else.
//! Not for: many who change one thing (`race.rs`).

use std::error::Error;
use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::Outcome;
use super::connection::{Connection, post};
use super::load;
use super::many::{ADMINISTRATOR, ADMINISTRATOR_SCOPE, client_id, name};
use super::registry::SECRET;

/// What administrators do, by name. `mixed` is list, search and show in turn.
pub(super) const DEEDS: [&str; 9] = [
    "list",
    "search: all, by client_id",
    "search: all, by name",
    "search: ten",
    "search: none",
    "show",
    "audit",
    "change",
    "mixed",
];

/// Where to ask, and as whom.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) address: SocketAddr,
    pub(super) token: String,
}

impl Desk {
    /// Gets a token for whoever administers.
    pub(super) fn open(public: SocketAddr, address: SocketAddr) -> Outcome<Self> {
        let form = format!(
            "grant_type=client_credentials&client_id={ADMINISTRATOR}&client_secret={SECRET}&scope={ADMINISTRATOR_SCOPE}"
        );
        let token = load::token(public, &post("localhost", "/oauth2/token", &form))?;
        Ok(Self { address, token })
    }

    /// A request that reads.
    pub(super) fn get(&self, path: &str) -> String {
        format!(
            "GET /admin/v1/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n",
            self.token
        )
    }

    /// A request that changes an application at a version.
    pub(super) fn change(&self, client_id: &str, etag: &str, name: &str) -> String {
        let body = json!({ "name": name }).to_string();
        format!(
            "PATCH /admin/v1/applications/{client_id} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             If-Match: {etag}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        )
    }
}

/// The body of an answer that is a success.
pub(super) fn body_of(answer: &[u8]) -> Result<Value, String> {
    let text = String::from_utf8_lossy(answer);
    let body = text.split_once("\r\n\r\n").filter(|_| text.starts_with("HTTP/1.1 200")).map(|(_, body)| body);
    body.and_then(|body| serde_json::from_str(body).ok()).ok_or_else(|| text.into_owned())
}

/// Numbers without an order, the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(below.max(1))).unwrap_or(0)
    }
}

/// A store as an administrator knows it.
struct Books {
    desk: Desk,
    tenant: String,
    count: u32,
}

impl Books {
    /// A page somewhere in a list: cursors are opaque to callers, but these must be at random places.
    fn page(&self, list: &str, names: &[String], search: &str) -> String {
        let cursor = BASE64URL_NOPAD.encode(json!([list, self.tenant, names]).to_string().as_bytes());
        self.desk.get(&format!("applications?limit=50{search}&cursor={cursor}"))
    }

    /// A request of this kind, about anything.
    fn request(&self, deed: &str, dice: &mut Dice) -> String {
        let number = dice.roll(self.count);
        let id = client_id(number);
        match deed {
            "list" => self.page("applications", &[id], ""),
            "search: all, by client_id" => self.page("search", &[id], "&search=service"),
            "search: all, by name" => self.page("search", &[name(number), id], "&search=team"),
            "search: ten" if number.is_multiple_of(2) => {
                self.desk.get(&format!("applications?search={}", id.get(..14).unwrap_or_default()))
            }
            "search: ten" => {
                let name = name(number).replace(' ', "%20");
                self.desk.get(&format!("applications?search={}", name.get(..13).unwrap_or_default()))
            }
            "search: none" => self.desk.get(&format!("applications?search=nobody-{number}")),
            "audit" => self.desk.get(&format!("audit?limit=50&subject={id}")),
            "change" => self.desk.change(&id, "*", &format!("Team {number:07} of {}", dice.roll(1_000_000))),
            "mixed" => {
                let deed = DEEDS.get(usize::try_from(dice.roll(6)).unwrap_or(0)).unwrap_or(&"show");
                self.request(deed, dice)
            }
            _ => self.desk.get(&format!("applications/{id}")),
        }
    }
}

/// Does it for `seconds` on so many connections, and prints: answers, seconds, median and 99th percentile in microseconds.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub(super) fn run(desk: Desk, deed: &str, connections: u64, (seconds, count): (u64, u32)) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut times, elapsed) = runtime.block_on(async {
        let tenant = tenant_of(&desk).await?;
        let books = Arc::new(Books { desk, tenant, count });
        let started = Instant::now();
        let end = started + Duration::from_secs(seconds);
        let start = |seed| tokio::spawn(work(Arc::clone(&books), deed.to_owned(), Dice(seed), end));
        let tasks: Vec<_> = (1..=connections).map(start).collect();
        let mut times = Vec::new();
        for task in tasks {
            times.extend(task.await?.map_err(|why| format!("{deed}: {why}"))?);
        }
        Ok::<_, Box<dyn Error>>((times, started.elapsed()))
    })?;
    times.sort_unstable();
    let percentile = |percent: usize| times.get(times.len() * percent / 100).map_or(0, Duration::as_micros);
    writeln!(stdout(), "{} {} {} {}", times.len(), elapsed.as_secs_f64(), percentile(50), percentile(99))?;
    Ok(())
}

/// The tenant's id, out of a cursor.
async fn tenant_of(desk: &Desk) -> Outcome<String> {
    let mut connection = Connection::open(desk.address).await?;
    let page = body_of(connection.ask(&desk.get("applications?limit=1")).await?)?;
    let cursor = page.get("next").and_then(Value::as_str).unwrap_or_default();
    let place: Value = serde_json::from_slice(&BASE64URL_NOPAD.decode(cursor.as_bytes())?)?;
    Ok(place.get(1).and_then(Value::as_str).ok_or("no tenant in the cursor")?.to_owned())
}

/// One administrator.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
async fn work(
    books: Arc<Books>,
    deed: String,
    mut dice: Dice,
    end: Instant,
) -> Result<Vec<Duration>, String> {
    let mut connection = Connection::open(books.desk.address).await?;
    let mut times = Vec::new();
    while Instant::now() < end {
        let request = books.request(&deed, &mut dice);
        let asked = Instant::now();
        let answer = connection.ask(&request).await?;
        times.push(asked.elapsed());
        if !answer.starts_with(b"HTTP/1.1 200") {
            return Err(String::from_utf8_lossy(answer).into_owned());
        }
    }
    Ok(times)
}
