//! Refusals of the admin API, as problem documents (RFC 9457). Each kind has its place on the page `docs/problems.md`,
//! which the server shows where `type` leads.
//! Not for: refusals of the public endpoints (`oauth_error.rs`).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use crate::admin::AdminError;
use crate::domain::Invalid;
use crate::domain::id::RequestId;
use crate::http::respond;
use crate::store::{Conflict, StoreError};

/// The path of the page.
pub(super) const PAGE_PATH: &str = "/admin/v1/problems";

/// The page.
pub(super) const PAGE: &str = include_str!("../../../docs/problems.md");

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// What is wrong, as far as programs tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Malformed,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Stalled,
    Conflict,
    Changed,
    TooLarge,
    MediaType,
    Invalid,
    KeyUsed,
    VersionRequired,
    OurFault,
    Unavailable,
}

impl Kind {
    /// Every kind.
    #[cfg(test)]
    const ALL: [Self; 15] = [
        Self::Malformed,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Stalled,
        Self::Conflict,
        Self::Changed,
        Self::TooLarge,
        Self::MediaType,
        Self::Invalid,
        Self::KeyUsed,
        Self::VersionRequired,
        Self::OurFault,
        Self::Unavailable,
    ];

    /// Its status.
    pub(super) fn status(self) -> u16 {
        self.shape().0.as_u16()
    }

    /// Its title.
    pub(super) const fn title(self) -> &'static str {
        self.shape().2
    }

    /// Its status, its place on the page, and its title.
    const fn shape(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed => (StatusCode::BAD_REQUEST, "malformed", "The request is malformed"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "Nobody is known to be asking"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "Who asks may not do this"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is no such thing"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "That cannot be done here")
            }
            Self::Stalled => (StatusCode::REQUEST_TIMEOUT, "stalled", "The request did not arrive in time"),
            Self::Conflict => (StatusCode::CONFLICT, "conflict", "It does not fit what is there"),
            Self::Changed => (StatusCode::PRECONDITION_FAILED, "changed", "It was changed in the meantime"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The request is too large"),
            Self::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "Send JSON"),
            Self::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "invalid", "A value cannot be accepted"),
            Self::KeyUsed => (StatusCode::UNPROCESSABLE_ENTITY, "key-used", "The Idempotency-Key was used"),
            Self::VersionRequired => {
                (StatusCode::PRECONDITION_REQUIRED, "version-required", "Say which version is meant")
            }
            Self::OurFault => (StatusCode::INTERNAL_SERVER_ERROR, "our-fault", "The server has a fault"),
            Self::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The server cannot answer now")
            }
        }
    }
}

/// What is logged of a refusal, and never told.
#[derive(Debug, Default)]
pub(super) struct ForLog {
    /// What went wrong beneath.
    pub(super) cause: Option<String>,
    /// Who asked.
    pub(super) actor: Option<String>,
}

/// A refusal.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) kind: Kind,
    detail: String,
    /// What is wrong with each part of the request.
    errors: Vec<(String, String)>,
    challenge: Option<String>,
    /// What is logged and never told.
    pub(super) for_log: Box<ForLog>,
}

impl Problem {
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), challenge: None, for_log: Box::default() }
    }

    /// A request that says something in a way that cannot be read.
    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(Kind::Malformed, detail)
    }

    /// A fault of ours: the cause is logged, and not told.
    pub(super) fn ours(cause: impl Into<String>) -> Self {
        Self::new(Kind::OurFault, respond::OUR_FAULT).because(cause)
    }

    /// Adds for the log who asked.
    pub(super) fn of(mut self, actor: &str) -> Self {
        self.for_log.actor = Some(actor.to_owned());
        self
    }

    fn because(mut self, cause: impl Into<String>) -> Self {
        self.for_log.cause = Some(cause.into());
        self
    }

    /// Adds where in the request what is wrong: a JSON pointer (RFC 6901) or the name of a parameter.
    pub(super) fn at(mut self, place: impl Into<String>, what: impl Into<String>) -> Self {
        self.errors.push((place.into(), what.into()));
        self
    }

    /// Adds what `WWW-Authenticate` says (RFC 6750 §3).
    pub(super) fn with_challenge(mut self, challenge: impl Into<String>) -> Self {
        self.challenge = Some(challenge.into());
        self
    }

    /// Writes it down.
    pub(super) fn render(&self, request_id: RequestId) -> Response {
        let (status, place, title) = self.kind.shape();
        let mut body = json!({
            "type": format!("{PAGE_PATH}#{place}"),
            "title": title,
            "status": status.as_u16(),
            "detail": self.detail,
            "instance": format!("urn:uuid:{request_id}"),
        });
        if let (false, Some(members)) = (self.errors.is_empty(), body.as_object_mut()) {
            let error = |(place, what): &(String, String)| json!({ "at": place, "detail": what });
            members.insert("errors".to_owned(), Value::Array(self.errors.iter().map(error).collect()));
        }
        let mut response = respond::json(status, PROBLEM_JSON, body.to_string());
        let headers = response.headers_mut();
        if let Some(challenge) = self.challenge.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        match self.kind {
            Kind::Unavailable => drop(headers.insert(header::RETRY_AFTER, respond::RETRY_AFTER)),
            Kind::TooLarge | Kind::Stalled => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Self::new(Kind::Invalid, invalid.0)
    }
}

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        match error {
            // How to go on is told there in the words of the command line.
            AdminError::NotFound { what, name, .. } => {
                Self::new(Kind::NotFound, format!("there is no {what} {name:?}"))
            }
            AdminError::Conflict(text) => Self::new(Kind::Conflict, text),
            AdminError::Changed => Self::new(Kind::Changed, AdminError::Changed.to_string()),
            AdminError::KeyUsedOtherwise => {
                Self::new(Kind::KeyUsed, AdminError::KeyUsedOtherwise.to_string())
            }
            AdminError::Forbidden(text) => Self::new(Kind::Forbidden, text),
            AdminError::Invalid(invalid) => invalid.into(),
            AdminError::Store(error) => error.into(),
            AdminError::Key(error) => Self::ours(error.to_string()),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let problem = match &error {
            StoreError::Unavailable(_) | StoreError::Moved => {
                Self::new(Kind::Unavailable, respond::TRY_AGAIN)
            }
            // What a change refers to was removed while it was made, or is still in use.
            StoreError::Conflict(Conflict::Changed) => {
                Self::new(Kind::Changed, AdminError::Changed.to_string())
            }
            StoreError::Conflict(_) => return Self::new(Kind::Conflict, error.to_string()),
            StoreError::Corrupt(_) | StoreError::NewerSchema { .. } => return Self::ours(error.to_string()),
        };
        problem.because(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_place_on_the_page() {
        for kind in Kind::ALL {
            let (_, place, title) = kind.shape();
            assert!(PAGE.contains(&format!("\n## {place}\n")), "{place}");
            assert!(PAGE.contains(title), "{title}");
        }
    }
}
