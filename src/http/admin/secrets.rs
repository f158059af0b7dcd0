//! `/admin/v1/applications/{client_id}/secrets`.
//! Not for: the application itself (`applications.rs`).

use axum::http::Method;
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::field::{self, Body};
use super::page::Place;
use super::problem::Problem;
use super::route::{Gives, Operation, Route, Taken, schema_of};
use crate::admin::applications;
use crate::admin::credentials::{self, Given, NewSecret};
use crate::admin::view::SecretView;
use crate::crypto::secret::Secret;
use crate::domain::power::{Act, Area};

static NEW: Body = Body {
    fields: &[&[field::LABEL, field::EXPIRES_IN, field::CLIENT_SECRET]],
    example: || json!({ "label": "since the move", "expires_in": 7_776_000 }),
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: Method::GET,
        path: "/applications/{client_id}/secrets",
        needs: (Area::Applications, Act::Read),
        platform: false,
        about: Operation {
            id: "list_secrets",
            summary: "List what is known of an application's secrets, without the secrets",
            query: &[],
            body: None,
            terms: Taken::AsItIs,
            gives: Gives::Page(schema_of::<SecretView>, example),
        },
        answer: |call| Box::pin(list(call)),
    },
    Route {
        method: Method::POST,
        path: "/applications/{client_id}/secrets",
        needs: (Area::Applications, Act::Write),
        platform: false,
        about: Operation {
            id: "add_secret",
            summary: "Add a secret to an application; it is in the answer, this once",
            query: &[],
            body: Some(&NEW),
            terms: Taken::Once("id"),
            gives: Gives::One(schema_of::<SecretView>, example),
        },
        answer: |call| Box::pin(add(call)),
    },
    Route {
        method: Method::DELETE,
        path: "/applications/{client_id}/secrets/{id}",
        needs: (Area::Applications, Act::Write),
        platform: false,
        about: Operation {
            id: "remove_secret",
            summary: "Remove a secret; within a second it proves nothing any more",
            query: &[],
            body: None,
            terms: Taken::AsItIs,
            gives: Gives::Nothing,
        },
        answer: |call| Box::pin(remove(call)),
    },
];

fn example() -> Value {
    json!({
        "id": "0b5d2f0e-0d8e-4f7e-9a51-5a0f6f1f3a77",
        "label": "since the move",
        "live": true,
        "created_at": "2026-01-31T12:00:00.000Z",
        "expires_at": "2026-05-01T12:00:00.000Z",
        "last_used_at": null,
    })
}

async fn list(call: &Call) -> Result<Answer, Problem> {
    let place = Place::read(call, "secrets")?;
    let registered = applications::find(&call.admin, call.tenant()?, call.segment(0)).await?;
    let mut all: Vec<_> = registered.credentials.iter().map(|one| (one.id.to_string(), one)).collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    let now = call.admin.now();
    place.cut(&all, |(id, _)| id, |(_, credential)| SecretView::new(credential, now))
}

async fn add(call: &Call) -> Result<Answer, Problem> {
    let members = &call.members;
    let new = NewSecret {
        label: members.text("label").map(str::to_owned),
        expires: members.seconds("expires_in"),
        given: members.text("client_secret").map(|text| Given::Secret(Secret::new(text.to_owned()))),
    };
    let (credential, secret) = credentials::add(&call.admin, call.tenant()?, call.segment(0), new).await?;
    let view = SecretView::new(&credential, call.admin.now());
    Answer::one(&view.with_client_secret(secret.map(|secret| secret.expose().to_owned())))
}

async fn remove(call: &Call) -> Result<Answer, Problem> {
    credentials::remove(&call.admin, call.tenant()?, call.segment(0), call.segment(1)).await?;
    Ok(Answer::nothing())
}
