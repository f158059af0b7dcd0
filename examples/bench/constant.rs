//! The HTTP server of Chancery with an answer that is always the same behind it: the most that it could give; or with one
//! signature for each answer.
//! Not for: anything else that a token needs.

use std::io::{Write, stdout};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, PRAGMA};
use axum::response::Response;
use chancery::crypto::algorithm::Signer;
use chancery::http::server::{Answers, Server, bind};
use chancery::http::stop::Stop;
use chancery::threads::Workers;
use http_body_util::BodyExt;

use super::{Outcome, raw};

/// An answer as long as a token's, with as many header fields.
struct Constant {
    headers: HeaderMap,
    body: Bytes,
    /// What makes a signature before each answer.
    signer: Option<Arc<dyn Signer>>,
}

impl Answers for Constant {
    async fn answer(&self, request: &mut Request, _: Option<IpAddr>) -> Response {
        // The form is read, and nothing done with it.
        let _ = request.body_mut().collect().await;
        if let Some(signer) = &self.signer {
            let mut signature = Vec::with_capacity(signer.signature_length());
            // One that fails takes no time, which the row would show.
            let _ = signer.sign(&self.body, &mut signature);
        }
        let mut response = Response::new(Body::from(self.body.clone()));
        response.headers_mut().clone_from(&self.headers);
        response
    }

    fn refuse<B>(&self, _: &Request<B>) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response
    }

    fn stop(&self) {}
}

/// Serves answers with a body of so many bytes until it is killed, on so many threads, and prints where. With an algorithm
/// each of them takes a signature.
pub(super) fn run(length: usize, threads: usize, algorithm: Option<&str>) -> Outcome {
    let signer = algorithm.map(raw::signer).transpose()?;
    let text = |text| HeaderValue::from_static(text);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, text("application/json;charset=UTF-8"));
    headers.insert(CACHE_CONTROL, text("no-store"));
    headers.insert(PRAGMA, text("no-cache"));
    headers.insert("x-content-type-options", text("nosniff"));
    headers.insert("x-request-id", text("9939bc3f-5edf-46c3-8f5c-2b1dc1acfa90"));
    let (start, end) = (r#"{"access_token":""#, r#""}"#);
    let body = format!("{start}{}{end}", "a".repeat(length.saturating_sub(start.len() + end.len()))).into();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        writeln!(stdout(), "{}", listener.local_addr()?)?;
        let (workers, _at_work) = Workers::start(threads)?;
        let (_stopper, stop) = Stop::new();
        let front = Arc::new(Constant { headers, body, signer });
        Server { front, certificates: None, max_connections: 10_000, workers }.serve(listener, stop).await;
        Ok(())
    })
}
