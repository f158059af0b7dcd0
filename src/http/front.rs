//! The front: what is the same for every request before and after its handler.
//! Not for: what only one endpoint does.

use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::uri::Authority;
use axum::http::{Method, StatusCode, Version};
use axum::response::Response;
use futures_util::FutureExt;
use tower_service::Service;

use super::admin::{AdminApi, ROOT as ADMIN_ROOT};
use super::context::{AdminContext, Asking, Context};
use super::forwarded;
use super::read::values;
use super::respond::{self, X_REQUEST_ID, refuse};
use super::server::Answers;
use crate::admin::Admin;
use crate::domain::id::RequestId;
use crate::domain::tenant::{Host, default_port};
use crate::issuer::Directory;
use crate::issuer::directory::Found;
use crate::oauth::error::ErrorCode;

/// Most fields a request may have; hyper counts them for HTTP/1, this for HTTP/2 as well.
pub(super) const MAX_FIELDS: usize = 100;

/// Which listener a front stands behind.
pub enum Listener {
    /// Callers and resource servers.
    Public {
        /// Whether callers reach it by https, here or at a proxy.
        https: bool,
        /// Whether a single tenant answers to any host: on loopback only.
        any_host: bool,
    },
    /// Operators: what they change is changed with this.
    Admin(Box<Admin>),
}

/// What stands behind a front.
enum Behind {
    Public { https: bool, any_host: bool },
    Admin { probes: Router, api: Box<AdminApi> },
}

/// The one service behind a listener.
pub struct Front {
    behind: Behind,
    directory: Arc<Directory>,
    stopping: AtomicBool,
    behind_proxy: bool,
}

impl Answers for Front {
    async fn answer(&self, request: &mut Request, source: Option<IpAddr>) -> Response {
        let request_id = self.directory.new_request_id();
        let source = if self.behind_proxy { forwarded::source(request.headers()).or(source) } else { source };
        let (version, is_head) = (request.version(), *request.method() == Method::HEAD);
        let answer = AssertUnwindSafe(self.dispatch(request, request_id, source)).catch_unwind().await;
        let mut response = answer.unwrap_or_else(|_| {
            tracing::error!(%request_id, "a handler panicked");
            refuse(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::ServerError, respond::OUR_FAULT)
        });
        self.finish(&mut response, request_id, (version, is_head));
        response
    }

    fn refuse<B>(&self, request: &Request<B>) -> Response {
        let request_id = self.directory.new_request_id();
        tracing::debug!(%request_id, "there is no room for a request: too many on HTTP/2 are not answered yet");
        let mut response = respond::overload();
        self.finish(&mut response, request_id, (request.version(), *request.method() == Method::HEAD));
        response
    }

    fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }
}

impl Front {
    /// A front of a listener.
    #[must_use]
    pub fn new(listener: Listener, directory: Arc<Directory>) -> Self {
        let behind = match listener {
            Listener::Public { https, any_host } => Behind::Public { https, any_host },
            Listener::Admin(admin) => {
                let api = Box::new(AdminApi::new(*admin, Arc::clone(&directory)));
                Behind::Admin { probes: super::probes(), api }
            }
        };
        Self { behind, directory, stopping: AtomicBool::new(false), behind_proxy: false }
    }

    /// The same behind a proxy, which tells where requests come from.
    #[must_use]
    pub fn behind_proxy(self, behind_proxy: bool) -> Self {
        Self { behind_proxy, ..self }
    }

    async fn dispatch(
        &self,
        request: &mut Request,
        request_id: RequestId,
        source: Option<IpAddr>,
    ) -> Response {
        if is_unknown(request.method()) {
            return refuse(
                StatusCode::NOT_IMPLEMENTED,
                ErrorCode::InvalidRequest,
                "The method is not known here.",
            );
        }
        if request.headers().len() > MAX_FIELDS {
            const MANY: &str = "The request has too many header fields.";
            return refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, ErrorCode::InvalidRequest, MANY);
        }
        if has_unknown_coding(request.headers()) {
            const CODING: &str = "The transfer coding is not known here.";
            return refuse(StatusCode::NOT_IMPLEMENTED, ErrorCode::InvalidRequest, CODING);
        }
        if let Behind::Public { https, .. } = self.behind
            && let Some(host) = written_plainly(request, https)
            && let Some((issuer, since)) = self.directory.known_at(host)
        {
            let directory = &*self.directory;
            let context = Context { issuer, since: Some(since), directory, request_id, source };
            return super::answer_public(&context, request).await;
        }
        // In a box of its own: what is rare does not make every request larger.
        Box::pin(self.dispatch_slowly(request, request_id, source)).await
    }

    /// Finds out whom a request is for where that takes more than one look.
    async fn dispatch_slowly(
        &self,
        request: &mut Request,
        request_id: RequestId,
        source: Option<IpAddr>,
    ) -> Response {
        let Ok(host) = host_of(request) else {
            return refuse(
                StatusCode::BAD_REQUEST,
                ErrorCode::InvalidRequest,
                "The request names no single valid host.",
            );
        };
        match self.behind {
            Behind::Admin { ref api, .. } if request.uri().path().starts_with(ADMIN_ROOT) => {
                api.answer(std::mem::take(request), Asking { request_id, source }).await
            }
            Behind::Admin { ref probes, .. } => self.answer_probe(probes, std::mem::take(request)).await,
            Behind::Public { https, any_host } => {
                let host = host.map(|host| host.without_default_port(https));
                match self.directory.find(host.as_ref(), any_host).await {
                    Ok(Found::Tenant(issuer)) => {
                        let directory = &*self.directory;
                        let context = Context { issuer, since: None, directory, request_id, source };
                        super::answer_public(&context, request).await
                    }
                    Ok(Found::Nobody) => {
                        const NOBODY: &str = "This server does not answer for the host the request names.";
                        refuse(StatusCode::MISDIRECTED_REQUEST, ErrorCode::InvalidRequest, NOBODY)
                    }
                    Ok(Found::Broken) => respond::try_again(),
                    Err(error) => {
                        tracing::error!(%request_id, %error, "the store does not answer");
                        respond::try_again()
                    }
                }
            }
        }
    }

    async fn answer_probe(&self, probes: &Router, mut request: Request) -> Response {
        let stopping = self.stopping.load(Ordering::Acquire);
        let context = AdminContext { directory: Arc::clone(&self.directory), stopping };
        request.extensions_mut().insert(context);
        let answered: Result<Response, Infallible> = probes.clone().call(request).await;
        answered.unwrap_or_else(|never| match never {})
    }

    fn finish(&self, response: &mut Response, request_id: RequestId, (version, is_head): (Version, bool)) {
        let mut buffer = [0; 36];
        let headers = response.headers_mut();
        let value = HeaderValue::from_str(request_id.encode(&mut buffer));
        let value = value.unwrap_or(const { HeaderValue::from_static("") });
        // Looked for one by one, as in a request. Whoever left a place for the id has protected the answer as well.
        if let Some((_, place)) = headers.iter_mut().find(|(name, _)| **name == X_REQUEST_ID) {
            *place = value;
        } else {
            headers.insert(X_REQUEST_ID, value);
            respond::protect(headers);
        }
        if matches!(self.behind, Behind::Public { https: true, .. }) {
            // RFC 6797 §6.1.
            headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
        }
        if self.stopping.load(Ordering::Acquire) && version < Version::HTTP_2 {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if is_head {
            strip(response);
        }
    }
}

/// Takes the body out of an answer to HEAD. hyper does so over HTTP/1 only (RFC 9110 §9.3.2), and then knows not how long it
/// was.
fn strip(response: &mut Response) {
    let body = std::mem::take(response.body_mut());
    if let Some(length) = body.size_hint().exact() {
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
}

/// Methods that RFC 9110 and RFC 5789 do not name (A04). QUERY is on its way into the registry, and known.
fn is_unknown(method: &Method) -> bool {
    let is_named = matches!(
        *method,
        Method::POST
            | Method::GET
            | Method::HEAD
            | Method::PUT
            | Method::DELETE
            | Method::CONNECT
            | Method::OPTIONS
            | Method::TRACE
            | Method::PATCH
    );
    !is_named && method.as_str() != "QUERY"
}

/// Whether a body is coded in any way but chunked (RFC 9112 §6.1); hyper undoes only that.
fn has_unknown_coding(headers: &HeaderMap) -> bool {
    let mut codings = values(headers, header::TRANSFER_ENCODING);
    codings.any(|coding| !coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"))
}

/// The request names no single valid host.
struct BadHost;

/// The host a request is for: that of an absolute target (RFC 9112 §3.2.2) or `:authority` before `Host`. HTTP/1.0
/// may have none.
fn host_of(request: &Request<Body>) -> Result<Option<Host>, BadHost> {
    let field = host_field(request.headers())?;
    let target = request.uri().authority().map(Authority::as_str).map(parse).transpose()?;
    match (target, field, request.version()) {
        (None, None, Version::HTTP_09 | Version::HTTP_10) => Ok(None),
        // RFC 9112 §3.2: an HTTP/1.1 request without Host is refused, even where the target wins.
        (None, None, _) | (Some(_), None, Version::HTTP_11) => Err(BadHost),
        (Some(target), Some(field), Version::HTTP_2) if target != field => Err(BadHost),
        (Some(target), _, _) => Ok(Some(target)),
        (None, Some(field), _) => Ok(Some(field)),
    }
}

/// The host a request is for, as it is written, where it is written once and without the default port. It is not checked.
fn written_plainly(request: &Request<Body>, https: bool) -> Option<&str> {
    let mut fields = values(request.headers(), header::HOST);
    let text = match (request.uri().authority(), fields.next(), request.version()) {
        (None, Some(field), _) => field.to_str().ok()?,
        (Some(target), None, Version::HTTP_2) => target.as_str(),
        _ => return None,
    };
    (fields.next().is_none() && !text.ends_with(default_port(https))).then_some(text)
}

fn host_field(headers: &HeaderMap) -> Result<Option<Host>, BadHost> {
    let mut fields = values(headers, header::HOST);
    match (fields.next(), fields.next()) {
        (None, _) => Ok(None),
        (Some(field), None) => field.to_str().map_err(|_| BadHost).and_then(parse).map(Some),
        (Some(_), Some(_)) => Err(BadHost),
    }
}

fn parse(text: &str) -> Result<Host, BadHost> {
    Host::parse(text).map_err(|_| BadHost)
}
