//! `/admin/v1/applications`.
//! Not for: their secrets (`secrets.rs`).

use axum::http::Method;
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::field::{self, Body, Field};
use super::members::Members;
use super::page::Place;
use super::problem::Problem;
use super::route::{Gives, Operation, Parameter, ParameterKind, Route, Taken, schema_of};
use crate::admin::applications::{self, ApplicationChange, NewApplication};
use crate::admin::change::{QuotaChange, TokenChange};
use crate::admin::credentials::Given;
use crate::admin::search::{self, Page};
use crate::admin::view::ApplicationView;
use crate::crypto::secret::Secret;
use crate::domain::Invalid;
use crate::domain::api::ApiIdentifier;
use crate::domain::application::{ApplicationType, AuthMethod, ClientId, GrantType};
use crate::domain::power::{Act, Area};
use crate::domain::quota::{self, QuotaMode};
use crate::domain::scope::ScopeName;
use crate::domain::token::{ReuseShare, StaticClaims, TokenProfile};
use crate::store::Match;

const SETTINGS: &[Field] = &[
    field::ENABLED,
    field::SCOPES,
    field::DEFAULT_SCOPES,
    field::GRANTS,
    field::AUTH_METHODS,
    field::APIS,
    field::DEFAULT_API,
    field::ACTS_FOR,
    field::TOKEN_LIFETIME,
    field::TOKEN_PROFILE,
    field::NBF_BACKDATING,
    field::TOKEN_REUSE_PERCENT,
    field::CLAIMS,
];

static NEW: Body = Body {
    fields: &[
        &[field::NAME.required(), field::TYPE, field::CLIENT_ID, field::CLIENT_SECRET],
        SETTINGS,
        field::QUOTA,
    ],
    example: || json!({ "name": "Billing", "scopes": [], "token_lifetime": 600 }),
};

static CHANGE: Body = Body {
    fields: &[&[field::NAME], SETTINGS, field::QUOTA],
    example: || json!({ "name": "Billing of orders", "token_lifetime": null }),
};

const SEARCH: Parameter = Parameter {
    name: "search",
    about: "Only those whose name or client_id begins so, whatever the case of the letters A to Z",
    kind: ParameterKind::Text(200),
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: Method::GET,
        path: "/applications",
        needs: (Area::Applications, Act::Read),
        platform: false,
        about: Operation {
            id: "list_applications",
            summary: "List or search applications",
            query: &[SEARCH],
            body: None,
            terms: Taken::AsItIs,
            gives: Gives::Page(schema_of::<ApplicationView>, example),
        },
        answer: |call| Box::pin(list(call)),
    },
    Route {
        method: Method::POST,
        path: "/applications",
        needs: (Area::Applications, Act::Write),
        platform: false,
        about: Operation {
            id: "add_application",
            summary: "Register an application; its secret is in the answer, this once",
            query: &[],
            body: Some(&NEW),
            terms: Taken::Once("client_id"),
            gives: Gives::One(schema_of::<ApplicationView>, example),
        },
        answer: |call| Box::pin(add(call)),
    },
    Route {
        method: Method::GET,
        path: "/applications/{client_id}",
        needs: (Area::Applications, Act::Read),
        platform: false,
        about: Operation {
            id: "get_application",
            summary: "Show an application",
            query: &[],
            body: None,
            terms: Taken::AsItIs,
            gives: Gives::One(schema_of::<ApplicationView>, example),
        },
        answer: |call| Box::pin(show(call)),
    },
    Route {
        method: Method::PATCH,
        path: "/applications/{client_id}",
        needs: (Area::Applications, Act::Write),
        platform: false,
        about: Operation {
            id: "change_application",
            summary: "Change an application (RFC 7396): what is left out stays, a list replaces the whole list",
            query: &[],
            body: Some(&CHANGE),
            terms: Taken::AtVersion,
            gives: Gives::One(schema_of::<ApplicationView>, example),
        },
        answer: |call| Box::pin(change(call)),
    },
    Route {
        method: Method::DELETE,
        path: "/applications/{client_id}",
        needs: (Area::Applications, Act::Write),
        platform: false,
        about: Operation {
            id: "remove_application",
            summary: "Remove an application with its secrets",
            query: &[],
            body: None,
            terms: Taken::AtVersionIfGiven,
            gives: Gives::Nothing,
        },
        answer: |call| Box::pin(remove(call)),
    },
    Route {
        method: Method::POST,
        path: "/applications/{client_id}/revoke-tokens",
        needs: (Area::Applications, Act::Write),
        platform: false,
        about: Operation {
            id: "revoke_application_tokens",
            summary: "Refuse every token issued to an application until now, where tokens are asked about",
            query: &[],
            body: None,
            terms: Taken::AtVersionIfGiven,
            gives: Gives::One(schema_of::<ApplicationView>, example),
        },
        answer: |call| Box::pin(revoke_tokens(call)),
    },
];

fn example() -> Value {
    json!({
        "client_id": "3f0d7a52c1e94b6f8a0b1c2d3e4f5a6b",
        "name": "Billing",
        "type": "m2m",
        "enabled": true,
        "scopes": ["orders:read"],
        "default_scopes": ["orders:read"],
        "grants": ["client_credentials"],
        "auth_methods": ["client_secret_basic", "client_secret_post"],
        "apis": [],
        "default_api": null,
        "acts_for": [],
        "token_lifetime": 600,
        "token_profile": null,
        "nbf_backdating": null,
        "token_reuse_percent": null,
        "tokens_per_minute": 600,
        "tokens_per_hour": null,
        "tokens_per_day": null,
        "quota_mode": "enforce",
        "claims": {},
        "tokens_revoked_before": null,
        "created_at": "2026-01-31T12:00:00.000Z",
        "updated_at": "2026-01-31T12:00:00.000Z",
        "version": 1,
    })
}

async fn list(call: &Call) -> Result<Answer, Problem> {
    let place =
        Place::read(call, if call.query.text("search").is_some() { "search" } else { "applications" })?;
    let after = place.after.as_deref().map(after).transpose()?;
    let search = call.query.text("search").map(str::to_owned);
    let page = Page { search, after, limit: place.limit };
    let (found, more) = search::page(&call.admin, call.tenant()?, page).await?;
    let last = found.last().map(|(place, _)| names_of(place)).unwrap_or_default();
    let views = found.iter().map(|(_, one)| ApplicationView::new(&one.application)).collect();
    place.page(views, more, |_| last)
}

/// The names a cursor holds, back as a place. What is no place of a page is no cursor of ours.
fn after(names: &[String]) -> Result<Match, Problem> {
    let client_id = |text: &String| ClientId::parse(text).map_err(Problem::from);
    match names {
        [id] => Ok(Match::ClientId(client_id(id)?)),
        [name, id] => Ok(Match::Name(name.clone(), client_id(id)?)),
        _ => Err(Place::unknown()),
    }
}

fn names_of(place: &Match) -> Vec<String> {
    match place {
        Match::ClientId(id) => vec![id.to_string()],
        Match::Name(name, id) => vec![name.clone(), id.to_string()],
    }
}

async fn add(call: &Call) -> Result<Answer, Problem> {
    let members = &call.members;
    let new = NewApplication {
        name: members.text("name").unwrap_or_default().to_owned(),
        kind: members.parsed("type", ApplicationType::parse)?,
        client_id: members.parsed("client_id", ClientId::parse)?,
        secret: members.text("client_secret").map(|text| Given::Secret(Secret::new(text.to_owned()))),
        settings: ApplicationChange { name: None, ..settings(members)? },
    };
    let (registered, secret) = applications::add(&call.admin, call.tenant()?, new).await?;
    let secret = secret.map(|secret| secret.expose().to_owned());
    Answer::one(&ApplicationView::new(&registered.application).with_client_secret(secret))
}

async fn show(call: &Call) -> Result<Answer, Problem> {
    let registered = applications::find(&call.admin, call.tenant()?, call.segment(0)).await?;
    Answer::one(&ApplicationView::new(&registered.application))
}

async fn change(call: &Call) -> Result<Answer, Problem> {
    let change = settings(&call.members)?;
    let changed = applications::change(&call.admin, call.tenant()?, call.segment(0), change).await?;
    Answer::one(&ApplicationView::new(&changed.application))
}

async fn remove(call: &Call) -> Result<Answer, Problem> {
    applications::remove(&call.admin, call.tenant()?, call.segment(0)).await?;
    Ok(Answer::nothing())
}

async fn revoke_tokens(call: &Call) -> Result<Answer, Problem> {
    let changed = applications::revoke_tokens(&call.admin, call.tenant()?, call.segment(0)).await?;
    Answer::one(&ApplicationView::new(&changed.application))
}

fn settings(members: &Members) -> Result<ApplicationChange, Invalid> {
    Ok(ApplicationChange {
        name: members.text("name").map(str::to_owned),
        enabled: members.boolean("enabled"),
        scopes: members.list("scopes", ScopeName::parse)?,
        default_scopes: members.list("default_scopes", ScopeName::parse)?,
        grants: members.list("grants", GrantType::parse)?,
        auth_methods: members.list("auth_methods", AuthMethod::parse)?,
        apis: members.list("apis", ApiIdentifier::parse)?,
        default_api: members.change("default_api", |own| own.parsed("default_api", ApiIdentifier::parse))?,
        acts_for: members.list("acts_for", ApiIdentifier::parse)?,
        token: token_settings(members)?,
        token_reuse: members.change("token_reuse_percent", |own| {
            own.whole("token_reuse_percent").map(ReuseShare::from_percent).transpose()
        })?,
        quota: quota(members)?,
        claims: members.object("claims").map(|claims| StaticClaims::new(claims.clone())).transpose()?,
    })
}

/// What tokens are like; APIs have the same.
pub(super) fn token_settings(members: &Members) -> Result<TokenChange, Invalid> {
    Ok(TokenChange {
        lifetime: members.change("token_lifetime", |own| Ok(own.seconds("token_lifetime")))?,
        profile: members.change("token_profile", |own| own.parsed("token_profile", TokenProfile::parse))?,
        backdating: members.change("nbf_backdating", |own| Ok(own.seconds("nbf_backdating")))?,
    })
}

/// How many tokens there may be; tenants have the same.
pub(super) fn quota(members: &Members) -> Result<QuotaChange, Invalid> {
    let limit = |name| members.change(name, |own| own.whole(name).map(quota::limit).transpose());
    Ok(QuotaChange {
        per_minute: limit("tokens_per_minute")?,
        per_hour: limit("tokens_per_hour")?,
        per_day: limit("tokens_per_day")?,
        mode: members.change("quota_mode", |own| own.parsed("quota_mode", QuotaMode::parse))?,
    })
}
