//! `/admin/v1/apis`.
//! Not for: which application may call which (`applications.rs`).

use axum::http::Method;
use serde_json::{Value, json};

use super::applications::token_settings;
use super::call::{Answer, Call};
use super::field::{self, Body, Field};
use super::members::Members;
use super::page::Place;
use super::problem::Problem;
use super::route::{Gives, Operation, Route, Taken, schema_of};
use crate::admin::apis::{self, ApiChange};
use crate::admin::view::ApiView;
use crate::domain::Invalid;
use crate::domain::api::ApiIdentifier;
use crate::domain::power::{Act, Area};
use crate::domain::scope::ScopeName;

const SETTINGS: &[Field] = &[
    field::API_NAME,
    field::API_SCOPES,
    field::API_ALGORITHM,
    field::TOKEN_LIFETIME,
    field::TOKEN_PROFILE,
    field::NBF_BACKDATING,
];

static NEW: Body = Body {
    fields: &[&[field::IDENTIFIER.required()], SETTINGS],
    example: || json!({ "identifier": "https://api.example.com/orders", "scopes": ["orders:write"] }),
};

static CHANGE: Body =
    Body { fields: &[SETTINGS], example: || json!({ "name": "Orders", "algorithm": null }) };

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: Method::GET,
        path: "/apis",
        needs: (Area::Apis, Act::Read),
        platform: false,
        about: Operation {
            id: "list_apis",
            summary: "List the APIs of a tenant",
            query: &[],
            body: None,
            terms: Taken::AsItIs,
            gives: Gives::Page(schema_of::<ApiView>, example),
        },
        answer: |call| Box::pin(list(call)),
    },
    Route {
        method: Method::POST,
        path: "/apis",
        needs: (Area::Apis, Act::Write),
        platform: false,
        about: Operation {
            id: "add_api",
            summary: "Add an API: a resource server that tokens are meant for",
            query: &[],
            body: Some(&NEW),
            terms: Taken::Once("identifier"),
            gives: Gives::One(schema_of::<ApiView>, example),
        },
        answer: |call| Box::pin(add(call)),
    },
    Route {
        method: Method::GET,
        path: "/apis/{identifier}",
        needs: (Area::Apis, Act::Read),
        platform: false,
        about: Operation {
            id: "get_api",
            summary: "Show an API",
            query: &[],
            body: None,
            terms: Taken::AsItIs,
            gives: Gives::One(schema_of::<ApiView>, example),
        },
        answer: |call| Box::pin(show(call)),
    },
    Route {
        method: Method::PATCH,
        path: "/apis/{identifier}",
        needs: (Area::Apis, Act::Write),
        platform: false,
        about: Operation {
            id: "change_api",
            summary: "Change an API (RFC 7396): what is left out stays, a list replaces the whole list",
            query: &[],
            body: Some(&CHANGE),
            terms: Taken::AtVersion,
            gives: Gives::One(schema_of::<ApiView>, example),
        },
        answer: |call| Box::pin(change(call)),
    },
    Route {
        method: Method::DELETE,
        path: "/apis/{identifier}",
        needs: (Area::Apis, Act::Write),
        platform: false,
        about: Operation {
            id: "remove_api",
            summary: "Remove an API, with its scopes, that no application has to do with",
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
        "identifier": "https://api.example.com/orders",
        "name": "Orders",
        "scopes": ["orders:write"],
        "algorithm": null,
        "token_lifetime": null,
        "token_profile": null,
        "nbf_backdating": null,
        "created_at": "2026-01-31T12:00:00.000Z",
        "updated_at": "2026-01-31T12:00:00.000Z",
        "version": 1,
    })
}

async fn list(call: &Call) -> Result<Answer, Problem> {
    let place = Place::read(call, "apis")?;
    let all = apis::list(&call.admin, call.tenant()?).await?;
    place.cut(&all, |one| one.api.identifier.as_str(), ApiView::new)
}

async fn add(call: &Call) -> Result<Answer, Problem> {
    let identifier = ApiIdentifier::parse(call.members.text("identifier").unwrap_or_default())?;
    let api = apis::add(&call.admin, call.tenant()?, identifier, settings(&call.members)?).await?;
    Answer::one(&ApiView::new(&api))
}

async fn show(call: &Call) -> Result<Answer, Problem> {
    let api = apis::find(&call.admin, call.tenant()?, call.segment(0)).await?;
    Answer::one(&ApiView::new(&api))
}

async fn change(call: &Call) -> Result<Answer, Problem> {
    let change = settings(&call.members)?;
    let api = apis::change(&call.admin, call.tenant()?, call.segment(0), change).await?;
    Answer::one(&ApiView::new(&api))
}

async fn remove(call: &Call) -> Result<Answer, Problem> {
    apis::remove(&call.admin, call.tenant()?, call.segment(0)).await?;
    Ok(Answer::nothing())
}

fn settings(members: &Members) -> Result<ApiChange, Invalid> {
    Ok(ApiChange {
        name: members.text("name").map(str::to_owned),
        scopes: members.list("scopes", ScopeName::parse)?,
        token: token_settings(members)?,
        algorithm: members.change("algorithm", |own| own.parsed("algorithm", |name| Ok(name.to_owned())))?,
    })
}
