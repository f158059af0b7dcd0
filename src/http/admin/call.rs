//! A request to the admin API that was let in, and what is answered.
//! Not for: letting it in (`guard.rs`).

use std::collections::HashMap;

use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Serialize;
use serde_json::Value;

use super::members::Members;
use super::problem::{Kind, Problem};
use super::route::{Parameter, ParameterKind};
use crate::admin::Admin;
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::http::respond::{self, JSON};

/// What a path segment holds as it is (RFC 3986 §2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request that was let in.
pub(super) struct Call {
    /// Who asks, and what it works with.
    pub(super) admin: Admin,
    /// The tenant that is meant, if it is known.
    pub(super) named: Option<Tenant>,
    /// The one tenant that whoever asks may see, or has named; `None` for all.
    pub(super) within: Option<Tenant>,
    /// What stands for the segments in braces.
    pub(super) path: Vec<String>,
    pub(super) query: Query,
    pub(super) members: Members,
}

impl Call {
    /// The tenant that is meant.
    ///
    /// # Errors
    /// When there are several, and nobody says which.
    pub(super) fn tenant(&self) -> Result<&Tenant, Problem> {
        const WHICH: &str = "there are several tenants, or none, and none is called default: say with the parameter tenant \
                             which is meant";
        self.named.as_ref().ok_or_else(|| Problem::new(Kind::NotFound, WHICH))
    }

    /// What stands for a segment in braces, from the left.
    pub(super) fn segment(&self, place: usize) -> &str {
        self.path.get(place).map_or("", String::as_str)
    }
}

/// What is answered.
pub(super) struct Answer(pub(super) Option<Value>);

impl Answer {
    /// One thing.
    ///
    /// # Errors
    /// Never for what is shown here; JSON has a form for all of it.
    pub(super) fn one(thing: &impl Serialize) -> Result<Self, Problem> {
        let value = serde_json::to_value(thing).map_err(|error| Problem::ours(error.to_string()))?;
        Ok(Self(Some(value)))
    }

    /// Nothing.
    pub(super) const fn nothing() -> Self {
        Self(None)
    }

    /// Writes it down. What was made has its place named by its member `created`.
    pub(super) fn render(self, uri: &Uri, created: Option<&str>) -> Response {
        let Some(value) = self.0 else {
            let mut response = Response::default();
            *response.status_mut() = StatusCode::NO_CONTENT;
            return response;
        };
        let status = if created.is_some() { StatusCode::CREATED } else { StatusCode::OK };
        let mut response = respond::json(status, JSON, value.to_string());
        let headers = response.headers_mut();
        if let Some(version) = value.get("version").and_then(Value::as_i64) {
            insert(headers, header::ETAG, &etag(version));
        }
        if let Some(name) = created.and_then(|member| value.get(member)).and_then(Value::as_str) {
            let place = format!("{}/{}", uri.path(), utf8_percent_encode(name, ESCAPED));
            insert(headers, header::LOCATION, &place);
        }
        response
    }
}

/// The tag of a version.
pub(super) fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The text that a segment of a path or a part of a query stands for.
pub(super) fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// The parameters of the query, each of which is one of the route's.
#[derive(Debug, Default)]
pub(super) struct Query(HashMap<&'static str, String>);

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// When a parameter is unknown, there twice, or does not read as what it should be.
    pub(super) fn read(query: &str, known: &[&'static Parameter]) -> Result<Self, Problem> {
        let mut read = HashMap::new();
        let wrong = |name: &str, what: &str| {
            Err(Problem::malformed("a parameter of the query is not what it should be").at(name, what))
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) =
                (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))
            else {
                return wrong("query", "it is not UTF-8");
            };
            let Some(parameter) = known.iter().find(|one| one.name == name) else {
                return wrong(&name, "there is no such parameter here");
            };
            if let Err(what) = parameter.kind.check(&value) {
                return wrong(&name, &what);
            }
            if read.insert(parameter.name, value).is_some() {
                return wrong(&name, "it is there twice");
            }
        }
        Ok(Self(read))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.text(name)?.parse().ok()
    }

    pub(super) fn time(&self, name: &str) -> Option<Timestamp> {
        self.text(name).and_then(Timestamp::parse)
    }
}

impl ParameterKind {
    fn check(self, value: &str) -> Result<(), String> {
        match self {
            Self::Text(longest) => {
                let length = value.chars().count();
                if length == 0 || length > longest || value.chars().any(char::is_control) {
                    return Err(format!("it is 1 to {longest} characters, none of them a control character"));
                }
            }
            Self::Number(least, most) => {
                let is_plain = value.bytes().all(|byte| byte.is_ascii_digit());
                let number = value.parse::<u64>().ok().filter(|_| is_plain);
                if number.is_none_or(|number| number < least || number > most) {
                    return Err(format!("it is a whole number from {least} to {most}"));
                }
            }
            Self::Choice(names) => {
                if !names.contains(&value) {
                    return Err(format!("it is one of {}", names.join(", ")));
                }
            }
            Self::Time => {
                if Timestamp::parse(value).is_none() {
                    return Err("it is an instant such as 2026-01-31T12:00:00Z (RFC 3339)".to_owned());
                }
            }
        }
        Ok(())
    }
}
