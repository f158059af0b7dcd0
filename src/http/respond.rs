//! Answers: the shapes that more than one endpoint uses.
//! Not for: deciding which one is due.

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{HeaderName, StatusCode};
use axum::response::Response;
use serde_json::Value;

use crate::oauth::error::ErrorCode;

pub(super) use crate::oauth::error::{OUR_FAULT, TRY_AGAIN};

/// The content type of the reference, for the endpoints it has and for all errors.
pub(super) const JSON_UTF8: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");

/// The content type of everything else.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The field with the id of the request.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How soon a caller should try again, in seconds.
pub(super) const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// When a limit that holds for a minute is over, in seconds.
const IN_A_MINUTE: HeaderValue = HeaderValue::from_static("60");

/// An answer of JSON.
pub(super) fn json(status: StatusCode, content_type: HeaderValue, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

/// The header fields of an answer that is given often, with all that the front would add, and a place for the request's id: to
/// copy them costs less than to put each into its place.
fn fields(more: Option<(HeaderName, HeaderValue)>) -> HeaderMap {
    let mut fields = HeaderMap::new();
    fields.insert(header::CONTENT_TYPE, JSON_UTF8);
    fields.insert(X_REQUEST_ID, HeaderValue::from_static(""));
    protect(&mut fields);
    fields.extend(more);
    fields
}

/// An answer with a token.
pub(super) fn token(body: impl Into<Body>) -> Response {
    static FIELDS: LazyLock<HeaderMap> = LazyLock::new(|| fields(None));
    let mut response = Response::new(body.into());
    response.headers_mut().clone_from(&FIELDS);
    response
}

/// What every answer says to whoever keeps it or looks at it, unless it says something else.
pub(super) fn protect(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    }
}

/// A refusal: `error` and, unless it is `invalid_client`, a description that is a constant.
pub(super) fn refusal(status: StatusCode, code: ErrorCode, description: Option<&'static str>) -> Response {
    let mut members = serde_json::Map::new();
    members.insert("error".to_owned(), code.as_str().into());
    if let Some(description) = description {
        members.insert("error_description".to_owned(), description.into());
    }
    let mut response = json(status, JSON_UTF8, Value::Object(members).to_string());
    let retry_after = match code {
        ErrorCode::TemporarilyUnavailable => Some(RETRY_AFTER),
        ErrorCode::TooManyRequests => Some(IN_A_MINUTE),
        _ => None,
    };
    if let Some(retry_after) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, retry_after);
    }
    response
}

/// A refusal that says why.
pub(super) fn refuse(status: StatusCode, code: ErrorCode, description: &'static str) -> Response {
    refusal(status, code, Some(description))
}

/// Our own trouble, which may pass.
pub(super) fn try_again() -> Response {
    refuse(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::TemporarilyUnavailable, TRY_AGAIN)
}

/// The same for overload, when there is no time to write it down each time.
pub(super) fn overload() -> Response {
    const BODY: &str = r#"{"error":"temporarily_unavailable","error_description":"The server cannot answer right now. Try again."}"#;
    static FIELDS: LazyLock<HeaderMap> = LazyLock::new(|| fields(Some((header::RETRY_AFTER, RETRY_AFTER))));
    let mut response = Response::new(Body::from(BODY));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.headers_mut().clone_from(&FIELDS);
    response
}

/// Nothing is at this path.
pub(super) async fn not_found() -> Response {
    refuse(StatusCode::NOT_FOUND, ErrorCode::InvalidRequest, "There is nothing at this path.")
}

/// What may be done here (RFC 9110 §9.3.7).
pub(super) fn options(allow: &'static str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    with(response, header::ALLOW, allow)
}

/// The path is there, the method is not (RFC 9110 §15.5.6).
pub(super) fn method_not_allowed(allow: &'static str) -> Response {
    const OTHER: &str = "The method is not allowed here; Allow says which are.";
    with(refuse(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::InvalidRequest, OTHER), header::ALLOW, allow)
}

/// The same answer with one more field.
pub(super) fn with(mut response: Response, name: HeaderName, value: &'static str) -> Response {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}
