//! `/admin/v1/operators`: people who administer.
//! Not for: letting them in (`guard.rs`).

use axum::http::Method;
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::field::{self, Body};
use super::page::Place;
use super::problem::Problem;
use super::route::{Gives, Operation, Route, Taken, schema_of};
use crate::admin::operators::{self, OperatorChange};
use crate::admin::view::OperatorView;
use crate::domain::operator::Operator;
use crate::domain::power::{Act, Area};
use crate::domain::tenant::Tenant;

static NEW: Body = Body {
    fields: &[&[field::OPERATOR_NAME.required(), field::OPERATOR_SCOPES.required(), field::EVERY_TENANT]],
    example: || json!({ "name": "ann@example.com", "scopes": ["admin:read", "admin:applications:write"] }),
};

static CHANGE: Body =
    Body { fields: &[&[field::OPERATOR_SCOPES, field::ENABLED]], example: || json!({ "enabled": false }) };

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: Method::GET,
        path: "/operators",
        needs: (Area::Operators, Act::Read),
        platform: false,
        about: Operation {
            id: "list_operators",
            summary: "List the operators of a tenant, or of all tenants",
            query: &[],
            body: None,
            terms: Taken::AsItIs,
            gives: Gives::Page(schema_of::<OperatorView>, example),
        },
        answer: |call| Box::pin(list(call)),
    },
    Route {
        method: Method::POST,
        path: "/operators",
        needs: (Area::Operators, Act::Write),
        platform: false,
        about: Operation {
            id: "add_operator",
            summary: "Add an operator; its secret is in the answer, this once",
            query: &[],
            body: Some(&NEW),
            terms: Taken::Once("name"),
            gives: Gives::One(schema_of::<OperatorView>, example),
        },
        answer: |call| Box::pin(add(call)),
    },
    Route {
        method: Method::GET,
        path: "/operators/{name}",
        needs: (Area::Operators, Act::Read),
        platform: false,
        about: Operation {
            id: "get_operator",
            summary: "Show an operator",
            query: &[],
            body: None,
            terms: Taken::AsItIs,
            gives: Gives::One(schema_of::<OperatorView>, example),
        },
        answer: |call| Box::pin(show(call)),
    },
    Route {
        method: Method::PATCH,
        path: "/operators/{name}",
        needs: (Area::Operators, Act::Write),
        platform: false,
        about: Operation {
            id: "change_operator",
            summary: "Change what an operator may do",
            query: &[],
            body: Some(&CHANGE),
            terms: Taken::AtVersion,
            gives: Gives::One(schema_of::<OperatorView>, example),
        },
        answer: |call| Box::pin(change(call)),
    },
    Route {
        method: Method::DELETE,
        path: "/operators/{name}",
        needs: (Area::Operators, Act::Write),
        platform: false,
        about: Operation {
            id: "remove_operator",
            summary: "Remove an operator",
            query: &[],
            body: None,
            terms: Taken::AtVersionIfGiven,
            gives: Gives::Nothing,
        },
        answer: |call| Box::pin(remove(call)),
    },
    Route {
        method: Method::POST,
        path: "/operators/{name}/renew-secret",
        needs: (Area::Operators, Act::Write),
        platform: false,
        about: Operation {
            id: "renew_operator_secret",
            summary: "Give an operator a new secret in place of the old one; it is in the answer, this once",
            query: &[],
            body: None,
            terms: Taken::AtVersionIfGiven,
            gives: Gives::One(schema_of::<OperatorView>, example),
        },
        answer: |call| Box::pin(renew_secret(call)),
    },
];

fn example() -> Value {
    json!({
        "name": "ann@example.com",
        "tenant": "default",
        "scopes": ["admin:read", "admin:applications:write"],
        "enabled": true,
        "created_at": "2026-01-31T12:00:00.000Z",
        "updated_at": "2026-01-31T12:00:00.000Z",
        "version": 1,
    })
}

async fn list(call: &Call) -> Result<Answer, Problem> {
    let place = Place::read(call, "operators")?;
    let all = operators::list(&call.admin, call.within.as_ref()).await?;
    let tenants = call.admin.store.tenants().await?;
    place.cut(&all, |operator| operator.name.as_str(), |operator| view(operator, &tenants))
}

async fn add(call: &Call) -> Result<Answer, Problem> {
    let members = &call.members;
    let name = members.text("name").unwrap_or_default();
    let scopes = members.list("scopes", |name| Ok(name.to_owned()))?.unwrap_or_default();
    let every_tenant = members.boolean("every_tenant").unwrap_or(false);
    let tenant = if every_tenant { None } else { Some(call.tenant()?) };
    let (operator, secret) = operators::add(&call.admin, tenant, name, scopes).await?;
    Answer::one(&OperatorView::new(&operator, tenant).with_secret(secret.expose().to_owned()))
}

async fn show(call: &Call) -> Result<Answer, Problem> {
    let operator = operators::find(&call.admin, call.within.as_ref(), call.segment(0)).await?;
    shown(call, &operator).await
}

async fn change(call: &Call) -> Result<Answer, Problem> {
    let members = &call.members;
    let scopes = members.list("scopes", |name| Ok(name.to_owned()))?;
    let change = OperatorChange { scopes, enabled: members.boolean("enabled") };
    let operator = operators::change(&call.admin, call.within.as_ref(), call.segment(0), change).await?;
    shown(call, &operator).await
}

async fn remove(call: &Call) -> Result<Answer, Problem> {
    operators::remove(&call.admin, call.within.as_ref(), call.segment(0)).await?;
    Ok(Answer::nothing())
}

async fn renew_secret(call: &Call) -> Result<Answer, Problem> {
    let name = call.segment(0);
    let (operator, secret) = operators::renew_secret(&call.admin, call.within.as_ref(), name).await?;
    let tenants = call.admin.store.tenants().await?;
    Answer::one(&view(&operator, &tenants).with_secret(secret.expose().to_owned()))
}

async fn shown(call: &Call, operator: &Operator) -> Result<Answer, Problem> {
    Answer::one(&view(operator, &call.admin.store.tenants().await?))
}

fn view(operator: &Operator, tenants: &[Tenant]) -> OperatorView {
    OperatorView::new(operator, tenants.iter().find(|tenant| Some(tenant.id) == operator.tenant))
}
