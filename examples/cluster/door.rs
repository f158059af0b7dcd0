//! What callers ask, at a node or behind the balancer; all of it is taken down.
//! Not for: what operators ask (`desk.rs`).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chancery::crypto::random::Random;
use chancery::crypto::secret::Secret;
use chancery::crypto::sha256;
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

use super::connection::post;
use super::history::{self, History, Kind, Operation, Outcome, Place, Thing};
use super::wire::{Answer, Wire};

/// How long a caller waits.
const DEADLINE: Duration = Duration::from_secs(5);

/// What an application proves itself with, and what it asks for.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) client_id: Arc<str>,
    pub(crate) secret: Arc<str>,
    /// Which of its secrets that is.
    pub(crate) number: u32,
    pub(crate) scope: &'static str,
}

impl Login {
    /// The first secret of an application.
    pub(crate) fn new(client_id: &str, scope: &'static str) -> Self {
        Self { client_id: client_id.into(), secret: secret_text(client_id, 1), number: 1, scope }
    }

    /// The same application with another secret.
    pub(crate) fn with_secret(&self, number: u32) -> Self {
        Self { secret: secret_text(&self.client_id, number), number, ..self.clone() }
    }

    /// What must be true for it to have a token.
    pub(crate) fn things(&self) -> Vec<Thing> {
        let id = &self.client_id;
        vec![history::application(id), history::secret(id, self.number), history::scope(id, self.scope)]
    }
}

/// Of the form of a secret of the server's own, so that it is judged however many failed before, and not secret at all.
fn secret_text(client_id: &str, number: u32) -> Arc<str> {
    struct Known([u8; 32]);
    impl Random for Known {
        fn fill(&self, bytes: &mut [u8]) {
            for (byte, known) in bytes.iter_mut().zip(self.0) {
                *byte = known;
            }
        }
    }
    let known = Known(sha256(format!("secret {number} of {client_id}").as_bytes()));
    Secret::generate(&known).expose().into()
}

/// A token that was issued.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) owner: Login,
    pub(crate) text: Arc<str>,
    thing: Thing,
    /// Its time of issue, in seconds since the epoch.
    pub(crate) issued_at: i64,
}

/// Where callers ask.
pub(crate) struct Door {
    place: Place,
    wire: Wire,
    history: History,
    /// Numbers the requests, so that a balancer's log can be read beside the history.
    numbers: Arc<AtomicU64>,
}

impl Door {
    /// A door at an address.
    pub(crate) fn new(
        place: Place,
        address: SocketAddr,
        history: &History,
        numbers: &Arc<AtomicU64>,
    ) -> Self {
        let (history, numbers) = (history.clone(), Arc::clone(numbers));
        Self { place, wire: Wire::new(address, DEADLINE), history, numbers }
    }

    /// The same for callers who wait so long.
    pub(crate) fn with_deadline(mut self, deadline: Duration) -> Self {
        self.wire.set_deadline(deadline);
        self
    }

    /// The same for callers each of whom asks once, as most do: a token is good for minutes.
    pub(crate) fn for_strangers_to_each_other(mut self) -> Self {
        self.wire.set_single();
        self
    }

    /// Asks for a token.
    pub(crate) async fn token(&self, login: &Login) -> (Outcome, Option<Token>) {
        let Login { client_id, secret, scope, .. } = login;
        let form = format!(
            "grant_type=client_credentials&client_id={client_id}&client_secret={secret}&scope={scope}"
        );
        let mut operation = self.begin(Kind::Token, login.things());
        let answer = self.send("/oauth2/token", &form, operation.number).await;
        let token = answer.as_ref().ok().and_then(|answer| token_of(answer, login));
        let outcome = match (&answer, &token) {
            (Ok(answer), None) if answer.status == 200 => {
                Outcome::Lost("an answer without a token".to_owned())
            }
            _ => outcome_of(answer, |status, _| match status {
                200 => Some(Outcome::Granted),
                400 | 401 => Some(Outcome::Denied),
                _ => None,
            }),
        };
        operation.keys = token.iter().map(|(_, key)| Arc::clone(key)).collect();
        self.end(operation, outcome.clone());
        (outcome, token.map(|(token, _)| token))
    }

    /// Asks for a token without taking it down.
    pub(crate) async fn unjudged_token(&self, login: &Login) -> Option<Token> {
        let Login { client_id, secret, .. } = login;
        let form = format!("grant_type=client_credentials&client_id={client_id}&client_secret={secret}");
        let answer = self.send("/oauth2/token", &form, 0).await.ok()?;
        token_of(&answer, login).map(|(token, _)| token)
    }

    /// Whether a token is active, asked without taking it down.
    pub(crate) async fn is_active(&self, token: &Token) -> bool {
        let answer = self.send("/oauth2/introspect", &owned(token), 0).await;
        answer.is_ok_and(|answer| answer.json().get("active").and_then(Value::as_bool) == Some(true))
    }

    /// Asks, as its owner, whether a token is active.
    pub(crate) async fn introspect(&self, token: &Token) -> Outcome {
        let mut things = token.owner.things();
        // The scope is what the token has, whatever becomes of the application's.
        things.truncate(2);
        things.push(Arc::clone(&token.thing));
        let operation = self.begin(Kind::Introspect, things);
        let answer = self.send("/oauth2/introspect", &owned(token), operation.number).await;
        let outcome =
            outcome_of(answer, |status, body| match (status, body.get("active").and_then(Value::as_bool)) {
                (200, Some(true)) => Some(Outcome::Granted),
                (200, Some(false)) | (401, _) => Some(Outcome::Denied),
                _ => None,
            });
        self.end(operation, outcome.clone());
        outcome
    }

    /// Revokes a token as its owner.
    pub(crate) async fn revoke(&self, token: &Token) -> Outcome {
        let operation = self.begin(Kind::Forbid, vec![Arc::clone(&token.thing)]);
        let answer = self.send("/oauth2/revoke", &owned(token), operation.number).await;
        let outcome = outcome_of(answer, |status, _| (status == 200).then_some(Outcome::Granted));
        self.end(operation, outcome.clone());
        outcome
    }

    /// Asks for a token in the name of an application that never was.
    pub(crate) async fn unknown(&self, client_id: &str) {
        let login = Login::new(client_id, "read");
        let form =
            format!("grant_type=client_credentials&client_id={client_id}&client_secret={}", login.secret);
        let operation = self.begin(Kind::Unknown, vec![client_id.into()]);
        let answer = self.send("/oauth2/token", &form, operation.number).await;
        let outcome = outcome_of(answer, |status, _| match status {
            200 => Some(Outcome::Granted),
            400 | 401 => Some(Outcome::Denied),
            _ => None,
        });
        self.end(operation, outcome);
    }

    /// Asks for the public keys, and gives their ids.
    pub(crate) async fn keys(&self) -> Vec<Thing> {
        let mut operation = self.begin(Kind::Keys, Vec::new());
        let request = format!("GET /oauth2/jwks?n={} HTTP/1.1\r\nHost: localhost\r\n\r\n", operation.number);
        let answer = self.wire.ask(&request).await;
        let outcome = outcome_of(answer, |status, body| {
            let keys = body.get("keys").and_then(Value::as_array).filter(|_| status == 200)?;
            let ids = keys.iter().filter_map(|key| key.get("kid").and_then(Value::as_str));
            operation.keys = ids.map(Into::into).collect();
            Some(Outcome::Granted)
        });
        let keys = operation.keys.clone();
        self.end(operation, outcome);
        keys
    }

    async fn send(&self, path: &str, form: &str, number: u64) -> Result<Answer, String> {
        self.wire.ask(&post("localhost", &format!("{path}?n={number}"), form)).await
    }

    fn begin(&self, kind: Kind, things: Vec<Thing>) -> Operation {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let mut operation = Operation::begin(&self.history, self.place, kind, things);
        operation.number = number;
        operation
    }

    fn end(&self, operation: Operation, outcome: Outcome) {
        self.history.note_ended(operation, outcome);
    }
}

fn owned(token: &Token) -> String {
    let Login { client_id, secret, .. } = &token.owner;
    format!("client_id={client_id}&client_secret={secret}&token={}", token.text)
}

/// What an answer comes to. Whoever is told to come back must be told when.
pub(crate) fn outcome_of(
    answer: Result<Answer, String>,
    read: impl FnOnce(u16, &Value) -> Option<Outcome>,
) -> Outcome {
    match answer {
        Err(why) => Outcome::Lost(why),
        Ok(answer) if answer.status == 503 && answer.has("retry-after") => Outcome::Away,
        Ok(answer) => read(answer.status, &answer.json()).unwrap_or_else(|| Outcome::Lost(answer.shown())),
    }
}

/// The token in an answer, and the id of the key that signed it.
fn token_of(answer: &Answer, owner: &Login) -> Option<(Token, Thing)> {
    let answer = answer.json();
    let text = answer.get("access_token")?.as_str()?;
    let part = |position: usize| {
        let bytes = BASE64URL_NOPAD.decode(text.split('.').nth(position)?.as_bytes()).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok()
    };
    let (head, claims) = (part(0)?, part(1)?);
    let thing = history::token(claims.get("jti")?.as_str()?);
    let issued_at = claims.get("iat")?.as_i64()?;
    let token = Token { owner: owner.clone(), text: text.into(), thing, issued_at };
    Some((token, head.get("kid")?.as_str()?.into()))
}
