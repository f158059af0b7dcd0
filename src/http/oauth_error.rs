//! An `OAuthError` into a response: the single renderer, and the one log line.
//! Not for: faults before the protocol is reached (`read.rs`).

use axum::http::{StatusCode, header};
use axum::response::Response;

use super::context::Context;
use super::respond::{refusal, with};
use crate::oauth::error::{ErrorCode, OAuthError};

/// Renders a refusal and logs its true reason, once.
pub(super) fn render(error: &OAuthError, context: &Context) -> Response {
    log(error, context);
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let response = refusal(status, error.code, error.description);
    if error.code == ErrorCode::InvalidClient {
        // RFC 6749 §5.2, RFC 9110 §11.6.1: any 401 carries a challenge; it is the same for all.
        return with(response, header::WWW_AUTHENTICATE, r#"Basic realm="chancery""#);
    }
    response
}

/// What a caller did wrong is a warning, what we did is an error.
fn log(error: &OAuthError, context: &Context) {
    let (request_id, source) = (context.request_id, context.source.map(tracing::field::display));
    let (code, reason) = (error.code.as_str(), error.reason_for_log());
    let (application, hint, cause) =
        (error.application_for_log(), error.hint_for_log(), error.cause_for_log());
    let tenant = context.issuer.tenant().name.as_str();
    if error.code.status() >= 500 {
        tracing::error!(%request_id, error = code, tenant, application, hint, source, cause, "{reason}");
    } else {
        tracing::warn!(%request_id, error = code, tenant, application, hint, source, cause, "{reason}");
    }
}
