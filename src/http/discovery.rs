//! What resource servers and callers find out by themselves: keys and metadata.
//! Not for: what stands in them (`oauth/jwks.rs`, `oauth/metadata.rs`).

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::response::Response;

use super::context::Context;
use super::respond::{JSON, json};
use crate::domain::signing_key::JWKS_MAX_AGE;
use crate::issuer::document::Document;
use crate::oauth::{jwks as keys, metadata as server_metadata};

/// `GET /oauth2/jwks`.
pub(super) fn jwks(context: &Context<'_>, headers: &HeaderMap) -> Response {
    cacheable(headers, keys::document(&context.issuer))
}

/// `GET` of the metadata.
pub(super) fn metadata(context: &Context<'_>, headers: &HeaderMap) -> Response {
    cacheable(headers, server_metadata::document(&context.issuer))
}

/// Whether the metadata of the tenant's issuer are at this path.
pub(super) fn is_metadata_path(context: &Context<'_>, path: &str) -> bool {
    server_metadata::paths(&context.issuer.tenant().issuer).iter().any(|own| own == path)
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
