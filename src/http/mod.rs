//! HTTP: every route on one page, and the only folder that names axum, hyper or rustls.
//! Not for: protocol decisions (`oauth`) or SQL (`store`).

use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use axum::routing::{MethodRouter, get};

mod admin;
mod asked;
pub mod client;
mod connection;
mod context;
mod course;
mod discovery;
mod forwarded;
pub mod framing;
mod front;
mod guest;
mod health;
mod introspect;
mod metrics;
mod oauth_error;
pub mod open_files;
mod rate_limit;
mod read;
mod respond;
mod revoke;
mod room;
pub mod server;
pub mod stop;
pub mod tls;
mod token;
mod unfinished;
mod wake;
mod wire;

pub use front::{Front, Listener};

use crate::oauth::metadata::{INTROSPECTION_PATH, JWKS_PATH, REVOCATION_PATH, TOKEN_PATH};
use context::Context;

/// What callers and resource servers reach. Paths are compared as they came: no other spelling leads anywhere (A30).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Token,
    Introspection,
    Revocation,
    Jwks,
    Metadata,
}

impl Endpoint {
    /// The endpoint at a path. An issuer with a path has its metadata at paths of its own.
    fn at(path: &str, context: &Context<'_>) -> Option<Self> {
        match path {
            TOKEN_PATH => Some(Self::Token),
            INTROSPECTION_PATH => Some(Self::Introspection),
            REVOCATION_PATH => Some(Self::Revocation),
            JWKS_PATH => Some(Self::Jwks),
            path => discovery::is_metadata_path(context, path).then_some(Self::Metadata),
        }
    }

    /// What may be done there.
    const fn allow(self) -> &'static str {
        match self {
            Self::Token | Self::Introspection | Self::Revocation => "POST, OPTIONS",
            Self::Jwks | Self::Metadata => "GET, HEAD, OPTIONS",
        }
    }
}

/// Answers a request to a tenant: every public route on one page. A match and no router: axum's boxes each handler and
/// what it returns, which costs as much as reading and judging the form does.
async fn answer_public(context: &Context<'_>, request: &mut Request) -> Response {
    let Some(endpoint) = Endpoint::at(request.uri().path(), context) else {
        return respond::not_found().await;
    };
    match (endpoint, request.method()) {
        (Endpoint::Token, &Method::POST) => token::answer(context, request).await,
        (Endpoint::Introspection, &Method::POST) => Box::pin(introspect::answer(context, request)).await,
        (Endpoint::Revocation, &Method::POST) => Box::pin(revoke::answer(context, request)).await,
        (Endpoint::Jwks, &Method::GET | &Method::HEAD) => discovery::jwks(context, request.headers()),
        (Endpoint::Metadata, &Method::GET | &Method::HEAD) => discovery::metadata(context, request.headers()),
        (endpoint, &Method::OPTIONS) => respond::options(endpoint.allow()),
        (endpoint, _) => respond::method_not_allowed(endpoint.allow()),
    }
}

/// What probes and monitoring reach.
fn probes() -> Router {
    Router::new()
        .route("/health/live", only("GET, HEAD, OPTIONS", get(health::live)))
        .route("/health/ready", only("GET, HEAD, OPTIONS", get(health::ready)))
        .route("/metrics", only("GET, HEAD, OPTIONS", get(metrics::answer)))
        .fallback(respond::not_found)
}

/// Answers `OPTIONS` and refuses every other method with what is allowed (RFC 9110 §9.3.7, §15.5.6).
fn only(allow: &'static str, routes: MethodRouter) -> MethodRouter {
    routes
        .options(move || async move { respond::options(allow) })
        .fallback(move || async move { respond::method_not_allowed(allow) })
}
