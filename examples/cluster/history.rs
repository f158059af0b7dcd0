//! What happened: every operation with its beginning, its end, where it was asked, what about, and what became of it.
//! Not for: judging it (`judge.rs`).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Something that can be true or not: that an application may have tokens, that a secret is good, that a token is.
pub(crate) type Thing = Arc<str>;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Asks for a token, which takes that all its things are true.
    Token,
    /// Asks whether a token is active, which takes the same.
    Introspect,
    /// Asks for a token in the name of an application that does not exist.
    Unknown,
    /// Asks for the public keys.
    Keys,
    /// Makes its thing true for the first time.
    Make,
    /// Makes its thing untrue.
    Forbid,
    /// Makes its thing true again.
    Allow,
    /// Looks whether its thing is in the store.
    Look,
}

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was done; the answer to a question was yes.
    Granted,
    /// It was refused; the answer to a question was no.
    Denied,
    /// 503: nothing can be said or done now.
    Away,
    /// There was no answer, or none that means anything: what became of it is unknown.
    Lost(String),
}

/// Where something is asked: a node, or whatever distributes requests among them.
pub(crate) type Place = Option<usize>;

/// One operation.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) start: Duration,
    pub(crate) end: Duration,
    pub(crate) place: Place,
    pub(crate) kind: Kind,
    /// What it is about; of a token and of an introspection, all that must be true.
    pub(crate) things: Vec<Thing>,
    pub(crate) outcome: Outcome,
    /// Of a token the key that signed it, of the public keys all of them.
    pub(crate) keys: Vec<Thing>,
    /// The number under which a balancer knows the request.
    pub(crate) number: u64,
}

impl Operation {
    /// One that begins now.
    pub(crate) fn begin(history: &History, place: Place, kind: Kind, things: Vec<Thing>) -> Self {
        let (start, outcome) = (history.now(), Outcome::Lost("not ended".to_owned()));
        Self { start, end: start, place, kind, things, outcome, keys: Vec::new(), number: 0 }
    }

    /// How long it took.
    pub(crate) fn took(&self) -> Duration {
        self.end.saturating_sub(self.start)
    }
}

/// A time in which a node did not run, or had no database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    /// The node; all of them when there is none.
    pub(crate) node: Option<usize>,
    pub(crate) start: Duration,
    pub(crate) end: Duration,
}

impl Span {
    /// Whether it concerns a node.
    pub(crate) fn is_of(&self, place: Place) -> bool {
        self.node.is_none() || self.node == place
    }
}

/// All that happened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    pub(crate) operations: Vec<Operation>,
    /// When nodes were paused.
    pub(crate) pauses: Vec<Span>,
    /// When nodes could not reach the database.
    pub(crate) outages: Vec<Span>,
}

/// Takes down what happens, from everywhere at once.
#[derive(Clone)]
pub(crate) struct History(Arc<Inner>);

struct Inner {
    origin: Instant,
    record: Mutex<Record>,
}

impl History {
    /// Begins now.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner { origin: Instant::now(), record: Mutex::default() }))
    }

    /// How long ago it began, on the monotonic clock.
    pub(crate) fn now(&self) -> Duration {
        self.0.origin.elapsed()
    }

    /// Takes down an operation that has ended now.
    pub(crate) fn note_ended(&self, mut operation: Operation, outcome: Outcome) {
        operation.end = self.now();
        operation.outcome = outcome;
        self.with(|record| record.operations.push(operation));
    }

    /// Takes down that a node was paused until now.
    pub(crate) fn note_pause(&self, node: usize, start: Duration) {
        let end = self.now();
        self.with(|record| record.pauses.push(Span { node: Some(node), start, end }));
    }

    /// Takes down that a node, or all of them, could not reach the database.
    pub(crate) fn note_outage(&self, outage: Span) {
        self.with(|record| record.outages.push(outage));
    }

    /// All that was taken down, in the order in which it ended.
    pub(crate) fn record(&self) -> Record {
        self.with(|record| record.clone())
    }

    fn with<T>(&self, work: impl FnOnce(&mut Record) -> T) -> T {
        work(&mut self.0.record.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// That an application may have tokens.
pub(crate) fn application(client_id: &str) -> Thing {
    format!("application {client_id}").into()
}

/// That a secret of an application is good.
pub(crate) fn secret(client_id: &str, number: u32) -> Thing {
    format!("secret {number} of {client_id}").into()
}

/// That an application has a scope.
pub(crate) fn scope(client_id: &str, name: &str) -> Thing {
    format!("scope {name} of {client_id}").into()
}

/// That a token was not revoked.
pub(crate) fn token(id: &str) -> Thing {
    format!("token {id}").into()
}

/// That a change is in the audit.
pub(crate) fn event(action: &str, subject: &str) -> Thing {
    format!("audit event {action} {subject}").into()
}
