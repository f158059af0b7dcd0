//! An `OAuthError` into a response: the single renderer, the one log line, and what is kept of a refusal.
//! Not for: why a request is refused (`oauth`, `read.rs`).

use std::borrow::Cow;

use axum::http::{StatusCode, header};
use axum::response::Response;

use super::context::Context;
use super::rate_limit;
use super::read::Fault;
use super::respond::{refusal, with};
use crate::domain::application::ClientId;
use crate::domain::refusal::{Endpoint, Refusal};
use crate::oauth::error::{ErrorCode, OAuthError};

/// Renders a refusal, logs its true reason, once, and notes it.
pub(super) fn render(error: &OAuthError, context: &Context<'_>, endpoint: Endpoint) -> Response {
    log(error, context);
    let hint = error.hint_for_log().map(str::to_owned);
    note(
        context,
        endpoint,
        Why { code: error.code, reason: error.reason_for_log(), application: error.application(), hint },
    );
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = refusal(status, error.code, error.description);
    if let Some(limit) = error.limit() {
        rate_limit::refuse(response.headers_mut(), limit);
    }
    if error.code == ErrorCode::InvalidClient {
        // RFC 6749 §5.2, RFC 9110 §11.6.1: any 401 carries a challenge; it is the same for all.
        return with(response, header::WWW_AUTHENTICATE, r#"Basic realm="chancery""#);
    }
    response
}

/// Answers and notes a fault before the protocol is reached. It is no log line: strangers make them by the thousand.
pub(super) fn answer(fault: Fault, context: &Context<'_>, endpoint: Endpoint) -> Response {
    let (code, reason) = (fault.code(), fault.description());
    note(context, endpoint, Why { code, reason, application: None, hint: None });
    fault.answer()
}

/// Why a request is refused.
struct Why<'of> {
    code: ErrorCode,
    reason: &'static str,
    application: Option<&'of ClientId>,
    hint: Option<String>,
}

fn note(context: &Context<'_>, endpoint: Endpoint, why: Why<'_>) {
    let issuer = &context.issuer;
    issuer.note_refused(Refusal {
        request: context.request_id,
        at: issuer.now(),
        tenant: issuer.tenant().id,
        application: why.application.cloned(),
        endpoint,
        error: Cow::Borrowed(why.code.as_str()),
        reason: Cow::Borrowed(why.reason),
        hint: why.hint,
        source: context.source,
    });
}

/// What a caller did wrong is a warning, what we did is an error. That a limit is reached was said when it was; each
/// request that it refuses is for whoever looks closely.
fn log(error: &OAuthError, context: &Context<'_>) {
    let (request_id, source) = (context.request_id, context.source.map(tracing::field::display));
    let (code, reason) = (error.code.as_str(), error.reason_for_log());
    let (application, hint, cause) =
        (error.application().map(ClientId::as_str), error.hint_for_log(), error.cause_for_log());
    let tenant = context.issuer.tenant().name.as_str();
    if error.code.status() >= 500 {
        tracing::error!(%request_id, error = code, tenant, application, hint, source, cause, "{reason}");
    } else if error.limit().is_some() {
        tracing::debug!(%request_id, error = code, tenant, application, hint, source, "{reason}");
    } else {
        tracing::warn!(%request_id, error = code, tenant, application, hint, source, cause, "{reason}");
    }
}
