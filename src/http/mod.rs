//! HTTP: every route on one page, and the only folder that names axum, hyper or rustls.
//! Not for: protocol decisions (`oauth`) or SQL (`store`).

use axum::Router;
use axum::routing::{MethodRouter, get, post};

mod asked;
pub mod client;
mod connection;
mod context;
mod discovery;
pub mod framing;
mod front;
mod health;
mod introspect;
mod oauth_error;
mod read;
mod respond;
mod revoke;
pub mod server;
pub mod stop;
pub mod tls;
mod token;
mod wire;

pub use front::{Front, Listener};

use crate::oauth::metadata::{
    INTROSPECTION_PATH, JWKS_PATH, OAUTH_WELL_KNOWN, OPENID_WELL_KNOWN, REVOCATION_PATH, TOKEN_PATH,
};

/// What callers and resource servers reach.
fn public_routes() -> Router {
    Router::new()
        .route(TOKEN_PATH, only("POST, OPTIONS", post(token::answer)))
        .route(INTROSPECTION_PATH, only("POST, OPTIONS", post(introspect::answer)))
        .route(REVOCATION_PATH, only("POST, OPTIONS", post(revoke::answer)))
        .route(JWKS_PATH, only("GET, HEAD, OPTIONS", get(discovery::jwks)))
        .route(OAUTH_WELL_KNOWN, only("GET, HEAD, OPTIONS", get(discovery::metadata)))
        .route(OPENID_WELL_KNOWN, only("GET, HEAD, OPTIONS", get(discovery::metadata)))
        // An issuer with a path has its metadata at paths of its own.
        .fallback(discovery::elsewhere)
}

/// What operators and their probes reach.
fn admin_routes() -> Router {
    Router::new()
        .route("/health/live", only("GET, HEAD, OPTIONS", get(health::live)))
        .route("/health/ready", only("GET, HEAD, OPTIONS", get(health::ready)))
        .fallback(respond::not_found)
}

/// Answers `OPTIONS` and refuses every other method with what is allowed (RFC 9110 §9.3.7, §15.5.6).
fn only(allow: &'static str, routes: MethodRouter) -> MethodRouter {
    routes
        .options(move || async move { respond::options(allow) })
        .fallback(move || async move { respond::method_not_allowed(allow) })
}
