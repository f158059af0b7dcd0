//! What a route is: where it leads, who may go there, what it takes and gives. The router, the guard and the OpenAPI
//! document read the same list of them.
//! Not for: the list itself (`mod.rs`).

use std::pin::Pin;

use axum::http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use super::call::{Answer, Call};
use super::field::Body;
use super::problem::Problem;
use crate::domain::power::{Act, Area};

/// What becomes of a request.
pub(super) type Handled<'call> = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + Send + 'call>>;

/// A way to do something.
pub(super) struct Route {
    pub(super) method: Method,
    /// Its path after `/admin/v1`; a segment in braces stands for any text.
    pub(super) path: &'static str,
    /// Who may go there.
    pub(super) needs: (Area, Act),
    /// Whether only those who administer every tenant may.
    pub(super) platform: bool,
    pub(super) about: Operation,
    pub(super) answer: for<'call> fn(&'call Call) -> Handled<'call>,
}

/// What there is to know of a route.
pub(super) struct Operation {
    /// Its name for generated clients.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) query: &'static [Parameter],
    pub(super) body: Option<&'static Body>,
    pub(super) terms: Taken,
    pub(super) gives: Gives,
}

/// On which terms something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// None.
    AsItIs,
    /// Only at the version that `If-Match` names, which must be given.
    AtVersion,
    /// At the version that `If-Match` names, if it is given.
    AtVersionIfGiven,
    /// Once for each `Idempotency-Key`; the member of the answer that names what was made.
    Once(&'static str),
}

/// What is given back.
pub(super) enum Gives {
    /// One thing.
    One(SchemaOf, fn() -> Value),
    /// A page of things.
    Page(SchemaOf, fn() -> Value),
    /// Nothing (204).
    Nothing,
}

/// How a schema is made.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The schema of a type.
pub(super) fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// A parameter of the query.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) kind: ParameterKind,
}

/// What a parameter may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParameterKind {
    /// Text of at most so many characters, without control characters.
    Text(usize),
    /// A whole number in a range.
    Number(u64, u64),
    /// One of these.
    Choice(&'static [&'static str]),
    /// An instant (RFC 3339).
    Time,
}

pub(super) const TENANT: Parameter = Parameter {
    name: "tenant",
    about: "The tenant that is meant: the caller's own unless given, or the one called default",
    kind: ParameterKind::Text(63),
};
pub(super) const LIMIT: Parameter = Parameter {
    name: "limit",
    about: "How many at most; 50 unless given",
    kind: ParameterKind::Number(1, 200),
};
pub(super) const CURSOR: Parameter = Parameter {
    name: "cursor",
    about: "Where to go on: the member next of the page before",
    kind: ParameterKind::Text(2_000),
};

impl Route {
    /// The texts that stand for the segments in braces, if this is its path.
    pub(super) fn matches<'path>(&self, path: &'path str) -> Option<Vec<&'path str>> {
        let (mut wanted, mut given) = (self.path.split('/'), path.split('/'));
        let mut texts = Vec::new();
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return Some(texts),
                (Some(name), Some(text)) if name.starts_with('{') && !text.is_empty() => texts.push(text),
                (Some(name), Some(text)) if name == text => {}
                _ => return None,
            }
        }
    }

    /// The names of the segments in braces.
    pub(super) fn segments(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|name| name.strip_prefix('{')?.strip_suffix('}'))
    }

    /// The scopes any of which lets a token in, the narrowest first.
    pub(super) fn scopes(&self) -> impl Iterator<Item = &'static str> {
        let (area, act) = self.needs;
        let lets_in = move |name: &str| crate::domain::power::Powers::of([name]).permit(area, act);
        crate::domain::power::ADMIN_SCOPES
            .iter()
            .rev()
            .map(|scope| scope.name)
            .filter(move |name| lets_in(name))
    }
}
