//! The admin API: every route on one page, and the one way in. Whatever is done is done in `admin`.
//! Not for: rules about what may be done (`admin`), or probes (`health.rs`).

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Method, request::Parts};
use axum::response::Response;
use bytes::Bytes;
use tokio::time::sleep;

mod apis;
mod applications;
mod audit;
mod call;
mod excess;
mod field;
mod guard;
mod keys;
mod members;
mod openapi;
mod operators;
mod page;
mod problem;
mod route;
mod scopes;
mod secrets;
mod statistics;
mod tenants;
mod terms;

use super::context::Asking;
use super::read;
use super::respond;
use crate::admin::{Actor, Admin, once};
use crate::issuer::Directory;
use crate::store::StoreError;
use call::{Answer, Call, Query};
use guard::Caller;
use members::Members;
use problem::{Kind, Problem};
use route::{Parameter, Route, Taken};

/// Where all of it is.
pub(super) const ROOT: &str = "/admin/v1";

/// The path of the OpenAPI document.
const DOCUMENT_PATH: &str = "/admin/v1/openapi.json";

/// How long an administrator waits when the store has just gone away.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

/// Every route.
const ROUTES: &[&[Route]] = &[
    tenants::ROUTES,
    applications::ROUTES,
    secrets::ROUTES,
    scopes::ROUTES,
    apis::ROUTES,
    keys::ROUTES,
    operators::ROUTES,
    statistics::ROUTES,
    excess::ROUTES,
    audit::ROUTES,
];

fn routes() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().copied().flatten()
}

/// The admin API at work.
pub(super) struct AdminApi {
    /// What changes are made with; who makes them is known with each request.
    admin: Admin,
    directory: Arc<Directory>,
    schemas: OnceLock<openapi::Schemas>,
    document: OnceLock<Bytes>,
}

impl AdminApi {
    pub(super) fn new(admin: Admin, directory: Arc<Directory>) -> Self {
        Self { admin, directory, schemas: OnceLock::new(), document: OnceLock::new() }
    }

    /// Answers a request, and logs a refusal once.
    pub(super) async fn answer(&self, request: Request, asking: Asking) -> Response {
        match self.try_answer(request, &asking).await {
            Ok(response) => response,
            Err(problem) => {
                log(&problem, &asking);
                problem.render(asking.request_id)
            }
        }
    }

    async fn try_answer(&self, request: Request, asking: &Asking) -> Result<Response, Problem> {
        let (head, body) = request.into_parts();
        if let Some(response) = self.published(&head) {
            return Ok(response);
        }
        let (route, path) = match find(&head) {
            Found::Route(route, path) => (route, path),
            Found::Other(allow) if head.method == Method::OPTIONS => {
                return Ok(allowing(respond::options("OPTIONS"), &allow));
            }
            Found::Other(allow) => {
                let problem = Problem::new(Kind::MethodNotAllowed, "the method is not one of those in Allow");
                return Ok(allowing(problem.render(asking.request_id), &allow));
            }
            Found::Nothing => return Err(Problem::new(Kind::NotFound, "there is nothing at this path")),
        };
        self.directory.check_store().await?;
        tokio::select! {
            answered = self.answer_route((route, path), (&head, body), asking) => answered,
            error = self.store_stays_away() => Err(error.into()),
        }
    }

    /// Waits until the store is found away, and then long enough for an answer that is on its way. Whether what was asked
    /// for has been done is not known then.
    async fn store_stays_away(&self) -> StoreError {
        loop {
            self.directory.store_missed().await;
            sleep(ON_ITS_WAY).await;
            if let Err(error) = self.directory.check_store().await {
                return error;
            }
        }
    }

    async fn answer_route(
        &self,
        route: (&'static Route, Vec<String>),
        (head, body): (&Parts, Body),
        asking: &Asking,
    ) -> Result<Response, Problem> {
        let caller = guard::authenticate(&head.headers, &self.admin, &self.directory).await?;
        self.answer_known(route, (head, body), &caller, asking)
            .await
            .map_err(|problem| problem.of(&caller.name))
    }

    /// Answers somebody who has proved who they are.
    async fn answer_known(
        &self,
        (route, path): (&'static Route, Vec<String>),
        (head, mut body): (&Parts, Body),
        caller: &Caller,
        asking: &Asking,
    ) -> Result<Response, Problem> {
        caller.check(route)?;
        let (body, _) = read::body(&mut body).await.map_err(unreadable)?;
        let call = self.call(route, (head, &body), (caller, path), asking).await?;
        let made = match route.about.terms {
            Taken::Once(member) => Some(member),
            Taken::AsItIs | Taken::AtVersion | Taken::AtVersionIfGiven => None,
        };
        if let Some(answer) = once::answered_before(&call.admin).await? {
            tracing::info!(request_id = %asking.request_id, actor = caller.name, "a creation was asked for again, and answered alike");
            return Ok(Answer(Some(answer)).render(&head.uri, made));
        }
        let answered = match (route.answer)(&call).await {
            // The same request came twice at once, and the other one was faster.
            Err(problem) if problem.kind == Kind::Conflict => match once::answered_before(&call.admin).await?
            {
                Some(answer) => Ok(Answer(Some(answer))),
                None => Err(problem),
            },
            answered => answered,
        };
        Ok(answered?.render(&head.uri, made))
    }

    /// What anybody may read: the OpenAPI document, and the page about problems.
    fn published(&self, head: &Parts) -> Option<Response> {
        let (content_type, body) = match head.uri.path() {
            DOCUMENT_PATH => {
                let document = self.document.get_or_init(|| openapi::document().to_string().into());
                (respond::JSON, document.clone())
            }
            problem::PAGE_PATH => {
                let markdown = HeaderValue::from_static("text/markdown; charset=utf-8");
                (markdown, Bytes::from_static(problem::PAGE.as_bytes()))
            }
            _ => return None,
        };
        Some(match head.method {
            Method::GET | Method::HEAD => respond::json(axum::http::StatusCode::OK, content_type, body),
            Method::OPTIONS => respond::options("GET, HEAD, OPTIONS"),
            _ => respond::method_not_allowed("GET, HEAD, OPTIONS"),
        })
    }

    /// Reads all of a request that was let in.
    async fn call(
        &self,
        route: &'static Route,
        (head, body): (&Parts, &Bytes),
        (caller, path): (&Caller, Vec<String>),
        asking: &Asking,
    ) -> Result<Call, Problem> {
        let query = Query::read(head.uri.query().unwrap_or_default(), &route.parameters())?;
        let terms = terms::read(route, (head, body), caller)?;
        let members = self.members(route, &head.headers, body)?;
        let (named, within) = caller.tenant(query.text("tenant"), &self.admin).await?;
        let actor = Actor {
            name: caller.name.clone(),
            source: asking.source.map_or_else(|| "unknown".to_owned(), |source| source.to_string()),
            request: Some(asking.request_id.to_string()),
            powers: caller.powers,
        };
        let admin = Admin { actor, terms, ..self.admin.clone() };
        Ok(Call { admin, named, within, path, query, members })
    }

    fn members(&self, route: &Route, headers: &HeaderMap, body: &Bytes) -> Result<Members, Problem> {
        if route.about.body.is_none() {
            return if body.is_empty() {
                Ok(Members::default())
            } else {
                Err(Problem::malformed("this takes no body"))
            };
        }
        if !is_json(headers, &route.method) {
            return Err(Problem::new(Kind::MediaType, "send the body as application/json"));
        }
        let schemas = self.schemas.get_or_init(openapi::Schemas::new);
        let id = route.about.id;
        let no_schema = || Problem::ours(format!("the schema of {id} does not compile"));
        let schema = schemas.of(id).ok_or_else(no_schema)?;
        Members::read(body, schema)
    }
}

enum Found {
    /// This one, and what stands for its segments in braces.
    Route(&'static Route, Vec<String>),
    /// Others at this path, with these methods.
    Other(String),
    Nothing,
}

fn find(head: &Parts) -> Found {
    let Some(path) = head.uri.path().strip_prefix(ROOT) else { return Found::Nothing };
    let mut allowed = Vec::new();
    for route in routes() {
        let Some(texts) = route.matches(path) else { continue };
        let is_asked =
            route.method == head.method || (route.method == Method::GET && head.method == Method::HEAD);
        if !is_asked {
            allowed.push(route.method.as_str());
            continue;
        }
        // A text that is not UTF-8 is the name of nothing.
        return match texts.into_iter().map(call::decode).collect() {
            Some(texts) => Found::Route(route, texts),
            None => Found::Nothing,
        };
    }
    if allowed.is_empty() {
        return Found::Nothing;
    }
    if allowed.contains(&"GET") {
        allowed.push("HEAD");
    }
    allowed.push("OPTIONS");
    Found::Other(allowed.join(", "))
}

impl Route {
    /// Every parameter it takes.
    fn parameters(&self) -> Vec<&'static Parameter> {
        let own = self.about.query.iter();
        let tenant = (!self.path.starts_with("/tenants")).then_some(&route::TENANT);
        let paged = match self.about.gives {
            route::Gives::Page(..) => [&route::LIMIT, &route::CURSOR].as_slice(),
            route::Gives::One(..) | route::Gives::Nothing => &[],
        };
        own.chain(tenant).chain(paged.iter().copied()).collect()
    }
}

fn allowing(mut response: Response, allow: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(allow) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

/// Exactly one content type: JSON, or for a change a merge patch (RFC 7396 §4).
fn is_json(headers: &HeaderMap, method: &Method) -> bool {
    let mut fields = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(field), None) = (fields.next(), fields.next()) else { return false };
    let media_type = field.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
        || (*method == Method::PATCH && media_type.eq_ignore_ascii_case("application/merge-patch+json"))
}

fn unreadable(fault: read::Fault) -> Problem {
    let kind = match fault {
        read::Fault::NotAForm => Kind::MediaType,
        read::Fault::TooLong => Kind::TooLarge,
        read::Fault::Stalled => Kind::Stalled,
        read::Fault::Broken => Kind::Malformed,
        read::Fault::Crowded => Kind::Unavailable,
    };
    Problem::new(kind, fault.description())
}

/// What a caller did wrong is a warning if it has to do with who may do what, what we did is an error.
fn log(problem: &Problem, asking: &Asking) {
    let (request_id, source) = (asking.request_id, asking.source.map(tracing::field::display));
    let (cause, actor) = (problem.for_log.cause.as_deref(), problem.for_log.actor.as_deref());
    match problem.kind {
        Kind::OurFault | Kind::Unavailable => {
            tracing::error!(%request_id, source, actor, cause, "an administrator could not be answered");
        }
        Kind::Unauthorized | Kind::Forbidden => {
            tracing::warn!(%request_id, source, actor, kind = ?problem.kind, "an administrator was refused");
        }
        _ => {
            tracing::debug!(%request_id, source, actor, kind = ?problem.kind, "an administrator was refused");
        }
    }
}
