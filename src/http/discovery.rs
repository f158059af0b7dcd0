//! What resource servers and callers find out by themselves: keys and metadata.
//! Not for: what stands in them (`oauth/jwks.rs`, `oauth/metadata.rs`).

use axum::Extension;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;

use super::context::Context;
use super::respond::{self, JSON, json};
use crate::domain::signing_key::JWKS_MAX_AGE;
use crate::issuer::document::Document;
use crate::oauth::{jwks as keys, metadata as server_metadata};

/// `GET /oauth2/jwks`.
pub(super) async fn jwks(Extension(context): Extension<Context>, request: Request) -> Response {
    cacheable(request.headers(), keys::document(&context.issuer))
}

/// `GET` of the metadata, at the paths that belong to the tenant's issuer.
pub(super) async fn metadata(
    Extension(context): Extension<Context>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if is_metadata_path(&context, &uri) {
        cacheable(&headers, server_metadata::document(&context.issuer))
    } else {
        respond::not_found().await
    }
}

/// Every path that is no fixed route: the metadata of an issuer with a path of its own, or nothing.
pub(super) async fn elsewhere(
    context: Extension<Context>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    const ALLOW: &str = "GET, HEAD, OPTIONS";
    if !is_metadata_path(&context, &uri) {
        return respond::not_found().await;
    }
    match method {
        Method::GET | Method::HEAD => metadata(context, uri, headers).await,
        Method::OPTIONS => respond::options(ALLOW),
        _ => respond::method_not_allowed(ALLOW),
    }
}

fn is_metadata_path(context: &Context, uri: &Uri) -> bool {
    server_metadata::paths(&context.issuer.tenant().issuer).iter().any(|path| path == uri.path())
}

/// A document that may be kept for a while, or the word that the caller's copy is still good (RFC 9110 §13.1.2).
fn cacheable(headers: &HeaderMap, document: &Document) -> Response {
    let tag = format!("\"{}\"", document.tag());
    let mut response = if is_current(headers, &tag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        json(StatusCode::OK, JSON, document.body())
    };
    let age = format!("public, max-age={}", JWKS_MAX_AGE.as_secs());
    for (name, value) in [(header::CACHE_CONTROL, age), (header::ETAG, tag)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Compared weakly, as RFC 9110 §13.1.2 says.
fn is_current(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|field| field.to_str().ok())
        .flat_map(|field| field.split(','))
        .map(str::trim)
        .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}
