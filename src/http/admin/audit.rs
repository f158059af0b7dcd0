//! `/admin/v1/audit`: who changed what, when and from where.
//! Not for: requests that were refused (`statistics.rs`).

use axum::http::Method;
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::page::Place;
use super::problem::Problem;
use super::route::{Gives, Operation, Parameter, ParameterKind, Route, Taken, schema_of};
use crate::admin::audit;
use crate::admin::audit_view::AuditEventView;
use crate::domain::audit::AuditFilter;
use crate::domain::power::{Act, Area};

const fn exactly(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, about, kind: ParameterKind::Text(300) }
}

const ACTOR: Parameter =
    exactly("actor", "Only what this actor did, such as app:default/ops or operator:ann");
const ACTION: Parameter = exactly("action", "Only this action, such as application.add");
const SUBJECT: Parameter = exactly("subject", "Only what was done to this, such as a client_id");
const SINCE: Parameter =
    Parameter { name: "since", about: "At that time or later", kind: ParameterKind::Time };
const UNTIL: Parameter = Parameter { name: "until", about: "Before that time", kind: ParameterKind::Time };

pub(super) const ROUTES: &[Route] = &[Route {
    method: Method::GET,
    path: "/audit",
    needs: (Area::Audit, Act::Read),
    platform: false,
    about: Operation {
        id: "list_audit_events",
        summary: "List audit events of a tenant, or of all tenants and none, the newest first",
        query: &[ACTOR, ACTION, SUBJECT, SINCE, UNTIL],
        body: None,
        terms: Taken::AsItIs,
        gives: Gives::Page(schema_of::<AuditEventView>, example),
    },
    answer: |call| Box::pin(list(call)),
}];

fn example() -> Value {
    json!({
        "sequence": 17,
        "at": "2026-01-31T12:00:00.000Z",
        "tenant": "default",
        "tenant_id": "6c0bfb43-43b5-4c5c-9d0e-6a2d8ad1a7c5",
        "actor": "operator:ann@example.com",
        "source": "192.0.2.7",
        "request": "2b1c0f5e-6f0a-4f3e-8f56-0a4a4e8a7d11",
        "action": "scope.add",
        "subject": "invoices:read",
        "detail": { "description": "Read invoices", "api": null },
        "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    })
}

async fn list(call: &Call) -> Result<Answer, Problem> {
    let place = Place::read(call, "audit")?;
    let before = match place.after.as_deref() {
        None => None,
        Some([sequence]) => Some(sequence.parse().map_err(|_| Place::unknown())?),
        Some(_) => return Err(Place::unknown()),
    };
    let text = |name: &str| call.query.text(name).map(str::to_owned);
    let filter = AuditFilter {
        tenant: call.within.as_ref().map(|tenant| tenant.id),
        actor: text("actor"),
        action: text("action"),
        subject: text("subject"),
        since: call.query.time("since"),
        until: call.query.time("until"),
    };
    let mut found = audit::search(&call.admin, filter, before, place.limit + 1).await?;
    let more = found.len() > place.limit;
    found.truncate(place.limit);
    let last = found.last().map(|last| last.recorded.sequence.to_string());
    let views = found.iter().map(AuditEventView::new).collect();
    place.page(views, more, |_: &AuditEventView| last.into_iter().collect())
}
