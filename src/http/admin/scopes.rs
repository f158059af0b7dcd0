//! `/admin/v1/scopes`.
//! Not for: granting them (`applications.rs`).

use axum::http::Method;
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::field::{self, Body};
use super::page::Place;
use super::problem::Problem;
use super::route::{Gives, Operation, Route, Taken, schema_of};
use crate::admin::scopes;
use crate::admin::view::ScopeView;
use crate::domain::api::ApiIdentifier;
use crate::domain::power::{Act, Area};
use crate::domain::scope::ScopeName;

static NEW: Body = Body {
    fields: &[&[field::SCOPE_NAME.required(), field::DESCRIPTION, field::API]],
    example: || json!({ "name": "invoices:read", "description": "Read invoices" }),
};

static CHANGE: Body = Body {
    fields: &[&[field::DESCRIPTION.required()]],
    example: || json!({ "description": "Read and list invoices" }),
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: Method::GET,
        path: "/scopes",
        needs: (Area::Scopes, Act::Read),
        platform: false,
        about: Operation {
            id: "list_scopes",
            summary: "List the scopes of a tenant, those of its APIs among them",
            query: &[],
            body: None,
            terms: Taken::AsItIs,
            gives: Gives::Page(schema_of::<ScopeView>, example),
        },
        answer: |call| Box::pin(list(call)),
    },
    Route {
        method: Method::POST,
        path: "/scopes",
        needs: (Area::Scopes, Act::Write),
        platform: false,
        about: Operation {
            id: "add_scope",
            summary: "Add a scope",
            query: &[],
            body: Some(&NEW),
            terms: Taken::Once("name"),
            gives: Gives::One(schema_of::<ScopeView>, example),
        },
        answer: |call| Box::pin(add(call)),
    },
    Route {
        method: Method::GET,
        path: "/scopes/{name}",
        needs: (Area::Scopes, Act::Read),
        platform: false,
        about: Operation {
            id: "get_scope",
            summary: "Show a scope",
            query: &[],
            body: None,
            terms: Taken::AsItIs,
            gives: Gives::One(schema_of::<ScopeView>, example),
        },
        answer: |call| Box::pin(show(call)),
    },
    Route {
        method: Method::PATCH,
        path: "/scopes/{name}",
        needs: (Area::Scopes, Act::Write),
        platform: false,
        about: Operation {
            id: "change_scope",
            summary: "Change the description of a scope",
            query: &[],
            body: Some(&CHANGE),
            terms: Taken::AtVersion,
            gives: Gives::One(schema_of::<ScopeView>, example),
        },
        answer: |call| Box::pin(change(call)),
    },
    Route {
        method: Method::DELETE,
        path: "/scopes/{name}",
        needs: (Area::Scopes, Act::Write),
        platform: false,
        about: Operation {
            id: "remove_scope",
            summary: "Remove a scope that no application is granted",
            query: &[],
            body: None,
            terms: Taken::AtVersionIfGiven,
            gives: Gives::Nothing,
        },
        answer: |call| Box::pin(remove(call)),
    },
];

fn example() -> Value {
    json!({
        "name": "invoices:read",
        "description": "Read invoices",
        "api": null,
        "created_at": "2026-01-31T12:00:00.000Z",
        "version": 1,
    })
}

async fn list(call: &Call) -> Result<Answer, Problem> {
    let place = Place::read(call, "scopes")?;
    let all = call.admin.store.scopes(call.tenant()?.id).await?;
    place.cut(&all, |scope| scope.name.as_str(), ScopeView::new)
}

async fn add(call: &Call) -> Result<Answer, Problem> {
    let members = &call.members;
    let name = ScopeName::parse(members.text("name").unwrap_or_default())?;
    let description = members.text("description").unwrap_or_default().to_owned();
    let api = members.parsed("api", ApiIdentifier::parse)?;
    let scope = scopes::add_to(&call.admin, call.tenant()?, name, description, api).await?;
    Answer::one(&ScopeView::new(&scope))
}

async fn show(call: &Call) -> Result<Answer, Problem> {
    let scope = scopes::find(&call.admin, call.tenant()?, call.segment(0)).await?;
    Answer::one(&ScopeView::new(&scope))
}

async fn change(call: &Call) -> Result<Answer, Problem> {
    let description = call.members.text("description").unwrap_or_default().to_owned();
    let scope = scopes::change(&call.admin, call.tenant()?, call.segment(0), description).await?;
    Answer::one(&ScopeView::new(&scope))
}

async fn remove(call: &Call) -> Result<Answer, Problem> {
    scopes::remove(&call.admin, call.tenant()?, call.segment(0)).await?;
    Ok(Answer::nothing())
}
