//! Who may come in: the Bearer token of a request (RFC 6750), verified as RFC 9068 §4 asks.
//! Not for: fetching keys (`keys.rs`).

use axum::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chancery::domain::time::{Clock, SystemClock};
use chancery::http::client::Issuer;
use chancery::oauth::verify::{Expected, NotAccepted, Verified, verify};
use serde_json::Value;

use super::keys::{Keys, Unavailable};

/// Verifies the tokens of one API by one issuer.
pub(super) struct Guard {
    issuer: String,
    audience: String,
    keys: Keys,
    clock: SystemClock,
}

/// Whose token it was.
pub(super) struct Caller {
    /// Its `sub`.
    pub(super) subject: String,
}

/// Why nobody comes in. What exactly is wrong with a token is not the caller's to know.
pub(super) enum Refusal {
    /// There is no token: the answer names no error (RFC 6750 §3.1).
    NoToken,
    /// The field is malformed, or stands twice.
    InvalidRequest,
    /// The token cannot be relied on.
    InvalidToken,
    /// The token lacks this scope.
    InsufficientScope(&'static str),
    /// The issuer's keys cannot be had.
    Unavailable,
}

impl Guard {
    /// A guard for tokens that `issuer` made for `audience`.
    pub(super) fn new(issuer: Issuer, audience: &str) -> Self {
        Self {
            issuer: issuer.name().to_owned(),
            audience: audience.to_owned(),
            keys: Keys::new(issuer),
            clock: SystemClock::new(),
        }
    }

    /// Lets in whoever brings a good token with this scope.
    pub(super) async fn admit(&self, fields: &HeaderMap, scope: &'static str) -> Result<Caller, Refusal> {
        let verified = self.verify(bearer(fields)?).await?;
        // `verify` takes both profiles. An API's tokens are of one type; another type is no access token for it.
        let kind = verified.header.get("typ").and_then(Value::as_str).unwrap_or_default();
        if !["at+jwt", "application/at+jwt"].iter().any(|accepted| accepted.eq_ignore_ascii_case(kind)) {
            return Err(Refusal::InvalidToken);
        }
        let text = |name: &str| verified.claims.get(name).and_then(Value::as_str);
        if !text("scope").unwrap_or_default().split(' ').any(|granted| granted == scope) {
            return Err(Refusal::InsufficientScope(scope));
        }
        let subject = text("sub").ok_or(Refusal::InvalidToken)?;
        Ok(Caller { subject: subject.to_owned() })
    }

    async fn verify(&self, token: &str) -> Result<Verified, Refusal> {
        let expected =
            Expected { issuer: &self.issuer, audience: Some(&self.audience), now: self.clock.now() };
        let held = self.keys.fresh().await?;
        match verify(token, &held.keys, expected) {
            // The issuer may have a new key since.
            Err(NotAccepted::UnknownKey) => {
                let held = self.keys.newer_than(&held).await?;
                verify(token, &held.keys, expected).map_err(|_| Refusal::InvalidToken)
            }
            verified => verified.map_err(|_| Refusal::InvalidToken),
        }
    }
}

/// The token in the one `Authorization` field there is.
fn bearer(fields: &HeaderMap) -> Result<&str, Refusal> {
    let mut all = fields.get_all(AUTHORIZATION).iter();
    let field = all.next().ok_or(Refusal::NoToken)?;
    let text = field.to_str().map_err(|_| Refusal::InvalidRequest)?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if all.next().is_some() {
        Err(Refusal::InvalidRequest)
    } else if !scheme.eq_ignore_ascii_case("Bearer") {
        Err(Refusal::NoToken)
    } else if token.is_empty() {
        Err(Refusal::InvalidRequest)
    } else {
        Ok(token)
    }
}

impl From<Unavailable> for Refusal {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let challenge = |status: StatusCode, more: &str| {
            (status, [(WWW_AUTHENTICATE, format!("Bearer realm=\"orders\"{more}"))]).into_response()
        };
        match self {
            Self::NoToken => challenge(StatusCode::UNAUTHORIZED, ""),
            Self::InvalidRequest => challenge(StatusCode::BAD_REQUEST, ", error=\"invalid_request\""),
            Self::InvalidToken => challenge(StatusCode::UNAUTHORIZED, ", error=\"invalid_token\""),
            Self::InsufficientScope(scope) => {
                let more = format!(", error=\"insufficient_scope\", scope=\"{scope}\"");
                challenge(StatusCode::FORBIDDEN, &more)
            }
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "10")]).into_response(),
        }
    }
}
