//! What operators ask of the admin API of a node; changes are taken down.
//! Not for: what callers ask (`door.rs`).

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::door::{Login, outcome_of};
use super::history::{self, History, Kind, Operation, Outcome, Thing};
use super::wire::{Answer, Wire};

/// How long an operator waits.
const DEADLINE: Duration = Duration::from_secs(15);

/// The longest life of a token: none is over before it was looked at.
const TOKEN_LIFETIME: u64 = 86_400;

/// How long before a token's time of issue its time begins: clocks differ.
const BACKDATING: u64 = 30;

/// The request whether a node is ready.
const READY: &str = "GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A change that is to be made.
pub(crate) struct Change<'text> {
    pub(crate) kind: Kind,
    pub(crate) things: Vec<Thing>,
    pub(crate) method: &'static str,
    pub(crate) path: &'text str,
    pub(crate) body: Value,
}

/// Where an operator asks.
pub(crate) struct Desk {
    node: usize,
    wire: Wire,
    authorization: String,
    history: History,
}

impl Desk {
    /// A desk at a node.
    pub(crate) fn new(
        node: usize,
        address: SocketAddr,
        (name, secret): (&str, &str),
        history: &History,
    ) -> Self {
        let authorization = BASE64.encode(format!("{name}:{secret}").as_bytes());
        Self { node, wire: Wire::new(address, DEADLINE), authorization, history: history.clone() }
    }

    /// Registers an application with its first secret.
    pub(crate) async fn register(&self, login: &Login, scopes: &[&str]) -> Outcome {
        let id = &login.client_id;
        let body = json!({
            "name": format!("Application {id}"),
            "client_id": &**id,
            "client_secret": &*login.secret,
            "scopes": scopes,
            "token_lifetime": TOKEN_LIFETIME,
            "nbf_backdating": BACKDATING,
        });
        let things = vec![
            history::application(id),
            history::secret(id, login.number),
            history::event("application.add", id),
        ];
        let change = Change { kind: Kind::Make, things, method: "POST", path: "applications", body };
        self.change(change).await.0
    }

    /// Adds a secret to an application, and gives its id.
    pub(crate) async fn add_secret(&self, login: &Login) -> (Outcome, Option<String>) {
        let path = format!("applications/{}/secrets", login.client_id);
        let body = json!({ "client_secret": &*login.secret, "label": format!("number {}", login.number) });
        let event = history::event("application.secret.add", &login.client_id);
        let things = vec![history::secret(&login.client_id, login.number), event];
        let change = Change { kind: Kind::Make, things, method: "POST", path: &path, body };
        let (outcome, answer) = self.change(change).await;
        (outcome, answer.get("id").and_then(Value::as_str).map(str::to_owned))
    }

    /// The id of the secret that an application was registered with, which has no label.
    pub(crate) async fn first_secret(&self, login: &Login) -> Option<String> {
        let path = format!("applications/{}/secrets", login.client_id);
        let listed = self.send("GET", &path, &Value::Null).await.ok()?.json();
        let secrets = listed.get("items").and_then(Value::as_array)?;
        let first = secrets
            .iter()
            .find(|one| one.get("label").is_none_or(|label| label.as_str().is_none_or(str::is_empty)))?;
        first.get("id").and_then(Value::as_str).map(str::to_owned)
    }

    /// Removes a secret of an application.
    pub(crate) async fn remove_secret(&self, login: &Login, id: &str) -> Outcome {
        let path = format!("applications/{}/secrets/{id}", login.client_id);
        let things = vec![history::secret(&login.client_id, login.number)];
        let change = Change { kind: Kind::Forbid, things, method: "DELETE", path: &path, body: Value::Null };
        self.change(change).await.0
    }

    /// Disables an application.
    pub(crate) async fn disable(&self, login: &Login) -> Outcome {
        let things = vec![history::application(&login.client_id)];
        self.set(Kind::Forbid, things, &login.client_id, json!({ "enabled": false })).await
    }

    /// Takes all scopes from an application but these.
    pub(crate) async fn leave_scopes(&self, login: &Login, scopes: &[&str]) -> Outcome {
        let things = vec![history::scope(&login.client_id, login.scope)];
        let body = json!({ "scopes": scopes, "default_scopes": scopes });
        self.set(Kind::Forbid, things, &login.client_id, body).await
    }

    /// Changes something of an application that permits or forbids nothing.
    pub(crate) async fn rename(&self, client_id: &str, name: &str) -> Outcome {
        self.set(Kind::Allow, Vec::new(), client_id, json!({ "name": name })).await
    }

    async fn set(&self, kind: Kind, things: Vec<Thing>, client_id: &str, body: Value) -> Outcome {
        let path = format!("applications/{client_id}");
        self.change(Change { kind, things, method: "PATCH", path: &path, body }).await.0
    }

    /// Makes a change, and gives what is answered.
    pub(crate) async fn change(&self, change: Change<'_>) -> (Outcome, Value) {
        let Change { kind, things, method, path, body } = change;
        let operation = Operation::begin(&self.history, Some(self.node), kind, things);
        let answer = self.send(method, path, &body).await;
        let mut said = Value::Null;
        let outcome = outcome_of(answer, |status, body| {
            body.clone_into(&mut said);
            (200..300).contains(&status).then_some(Outcome::Granted)
        });
        self.history.note_ended(operation, outcome.clone());
        (outcome, said)
    }

    /// Looks whether an application is in the store.
    pub(crate) async fn look_for(&self, login: &Login) {
        let operation = Operation::begin(
            &self.history,
            Some(self.node),
            Kind::Look,
            vec![history::application(&login.client_id)],
        );
        let answer = self.send("GET", &format!("applications/{}", login.client_id), &Value::Null).await;
        let outcome = outcome_of(answer, |status, _| match status {
            200 => Some(Outcome::Granted),
            404 => Some(Outcome::Denied),
            _ => None,
        });
        self.history.note_ended(operation, outcome);
    }

    /// Looks through the whole audit for these things, each of which is an event.
    pub(crate) async fn look_through_audit(&self, wanted: &[Thing]) -> Result<(), String> {
        let start = Operation::begin(&self.history, Some(self.node), Kind::Look, Vec::new());
        let (mut found, mut path) = (HashSet::new(), "audit?limit=200".to_owned());
        loop {
            let page = self.send("GET", &path, &Value::Null).await?;
            let page = (page.status == 200).then(|| page.json()).ok_or_else(|| page.shown())?;
            for item in page.get("items").and_then(Value::as_array).into_iter().flatten() {
                let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
                found.insert(history::event(text("action"), text("subject")));
            }
            match page.get("next").and_then(Value::as_str) {
                Some(next) => path = format!("audit?limit=200&cursor={next}"),
                None => break,
            }
        }
        for thing in wanted {
            let outcome = if found.contains(thing) { Outcome::Granted } else { Outcome::Denied };
            self.history.note_ended(Operation { things: vec![thing.clone()], ..start.clone() }, outcome);
        }
        Ok(())
    }

    /// Whether the node says that it is ready and has no warning.
    pub(crate) async fn is_well(&self) -> bool {
        let answer = self.wire.ask(READY).await;
        answer.is_ok_and(|answer| answer.status == 200 && answer.json().get("warning").is_none())
    }

    /// Whether the node says that it is ready all the same, and warns.
    pub(crate) async fn warns(&self) -> bool {
        let answer = self.wire.ask(READY).await;
        answer.is_ok_and(|answer| answer.status == 200 && answer.json().get("warning").is_some())
    }

    /// How many tokens the node says that it has issued while the database was away.
    pub(crate) async fn issued_while_away(&self) -> Option<u64> {
        let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let answer = self.wire.ask(request).await.ok()?;
        let value = |line: &str| {
            line.strip_prefix("chancery_tokens_issued_while_store_away_total ")?.trim().parse().ok()
        };
        answer.body.lines().find_map(value)
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Result<Answer, String> {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let json = if body.is_null() { "" } else { "Content-Type: application/json\r\n" };
        let at_any_version = if method == "PATCH" { "If-Match: *\r\n" } else { "" };
        self.wire
            .ask(&format!(
                "{method} /admin/v1/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {}\r\n\
                 {json}{at_any_version}Content-Length: {}\r\n\r\n{text}",
                self.authorization,
                text.len()
            ))
            .await
    }
}
