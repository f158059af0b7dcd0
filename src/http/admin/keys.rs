//! `/admin/v1/keys`: signing keys.
//! Not for: what happens to them by itself (`keys/schedule.rs`).

use axum::http::Method;
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::field::{self, Body};
use super::page::Place;
use super::problem::Problem;
use super::route::{Gives, Operation, Route, Taken, schema_of};
use crate::admin::keys;
use crate::admin::view::{KeyView, RevokedView};
use crate::domain::power::{Act, Area};

static ROTATE: Body = Body { fields: &[&[field::ALGORITHM]], example: || json!({ "algorithm": "RS256" }) };

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: Method::GET,
        path: "/keys",
        needs: (Area::Keys, Act::Read),
        platform: false,
        about: Operation {
            id: "list_keys",
            summary: "List the signing keys of a tenant",
            query: &[],
            body: None,
            terms: Taken::AsItIs,
            gives: Gives::Page(schema_of::<KeyView>, example),
        },
        answer: |call| Box::pin(list(call)),
    },
    Route {
        method: Method::POST,
        path: "/keys",
        needs: (Area::Keys, Act::Write),
        platform: false,
        about: Operation {
            id: "rotate_key",
            summary: "Make the next signing key now; it signs when every verifier can know it, in 8 minutes",
            query: &[],
            body: Some(&ROTATE),
            terms: Taken::AsItIs,
            gives: Gives::One(schema_of::<KeyView>, example),
        },
        answer: |call| Box::pin(rotate(call)),
    },
    Route {
        method: Method::POST,
        path: "/keys/{kid}/revoke",
        needs: (Area::Keys, Act::Write),
        platform: false,
        about: Operation {
            id: "revoke_key",
            summary: "Revoke a key that has leaked, at once: its tokens are refused, and another key signs",
            query: &[],
            body: None,
            terms: Taken::AsItIs,
            gives: Gives::One(schema_of::<RevokedView>, revoked_example),
        },
        answer: |call| Box::pin(revoke(call)),
    },
];

fn example() -> Value {
    json!({
        "kid": "a8a6d3a0-3f6a-4a0c-8f0e-9f0c1b7d2e61",
        "algorithm": "RS256",
        "state": "active",
        "thumbprint": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        "created_at": "2026-01-31T12:00:00.000Z",
        "state_since": "2026-01-31T12:00:00.000Z",
        "signs_from": null,
        "published_until": null,
    })
}

fn revoked_example() -> Value {
    let mut revoked = example();
    if let Some(members) = revoked.as_object_mut() {
        members.insert("state".to_owned(), "gone".into());
        members.insert("replaced_by".to_owned(), "5d1f0a52-0a3e-4a3b-bb7e-2f9f1d1f6c10".into());
        members.insert("breaks".to_owned(), json!([]));
    }
    revoked
}

async fn list(call: &Call) -> Result<Answer, Problem> {
    let place = Place::read(call, "keys")?;
    let all = keys::list(&call.admin, call.tenant()?).await?;
    let mut all: Vec<_> = all.into_iter().map(|key| (key.id.to_string(), key)).collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    place.cut(&all, |(kid, _)| kid, |(_, key)| KeyView::new(key))
}

async fn rotate(call: &Call) -> Result<Answer, Problem> {
    let key = keys::rotate(&call.admin, call.tenant()?, call.members.text("algorithm")).await?;
    Answer::one(&KeyView::new(&key))
}

async fn revoke(call: &Call) -> Result<Answer, Problem> {
    Answer::one(&RevokedView::new(&keys::revoke(&call.admin, call.tenant()?, call.segment(0)).await?))
}
