//! The admin API, by its real router: who may, what becomes of it, on which terms.

mod conditions;
mod guard;
mod life;
mod quotas;
mod tenancy;

use chancery::admin::applications::{ApplicationChange, NewApplication};
use serde_json::{Value, json};

use crate::support::ask::{Ask, get, token_request};
use crate::support::reply::Reply;
use crate::support::server::{App, TestServer};

/// A server with its two listeners.
struct Administered {
    public: TestServer,
    admin: TestServer,
}

impl Administered {
    async fn start() -> Self {
        Self::of(TestServer::start().await).await
    }

    async fn with_two_tenants() -> Self {
        Self::of(TestServer::with_two_tenants().await).await
    }

    async fn of(public: TestServer) -> Self {
        let admin = public.another_node().await.behind_admin();
        Self { public, admin }
    }

    /// An application of a tenant that has these scopes of the admin API.
    async fn administrator(&self, tenant: &str, client_id: &str, scopes: &[&str]) -> App {
        let settings = ApplicationChange::default();
        let new = NewApplication { settings, ..NewApplication::default() };
        let app = self.public.add(tenant, client_id, scopes, new).await;
        self.public.advance_a_second();
        app
    }

    /// A token of the tenant `default` with these scopes of the admin API.
    async fn token(&self, scopes: &[&str]) -> String {
        let name = format!("administrator-{}", scopes.join("-"));
        let app = self.administrator("default", &name, scopes).await;
        self.public.answer(token_request(&[]).of(&app)).await.token()
    }

    async fn answer(&self, ask: Ask) -> Reply {
        self.admin.answer(ask).await
    }
}

/// A request to the admin API with a token.
fn ask(method: &str, path: &str, token: &str) -> Ask {
    get(&format!("/admin/v1{path}")).method(method).with("authorization", format!("Bearer {token}"))
}

/// With a JSON body.
fn with_json(ask: Ask, body: &Value) -> Ask {
    ask.with("content-type", "application/json").body(body.to_string())
}

fn post(path: &str, token: &str, body: &Value) -> Ask {
    with_json(ask("POST", path, token), body)
}

fn patch(path: &str, token: &str, etag: &str, body: &Value) -> Ask {
    with_json(ask("PATCH", path, token), body).with("if-match", etag)
}

/// Expects a problem document (RFC 9457) of this kind.
#[track_caller]
fn expect_problem(reply: &Reply, status: u16, kind: &str) {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    let problem = reply.json();
    assert_eq!(problem["type"], format!("/admin/v1/problems#{kind}"), "{reply:?}");
    assert_eq!(problem["status"], status);
    let instance = format!("urn:uuid:{}", reply.header("x-request-id").unwrap());
    assert_eq!(problem["instance"], instance);
    reply.expect_never_cached();
}

/// A new application's members.
fn application(name: &str) -> Value {
    json!({ "name": name })
}
