//! `/admin/v1/tenants`.
//! Not for: which tenant the other routes mean (the parameter `tenant`).

use axum::http::Method;
use serde_json::{Value, json};

use super::applications::quota;
use super::call::{Answer, Call};
use super::field::{self, Body};
use super::page::Place;
use super::problem::{Kind, Problem};
use super::route::{Gives, Operation, Route, Taken, schema_of};
use crate::admin::tenants::{self, NewTenant, TenantChange};
use crate::admin::view::TenantView;
use crate::admin::{self, AdminError};
use crate::domain::power::{Act, Area};
use crate::domain::tenant::{Host, IssuerUrl, Tenant};

static NEW: Body = Body {
    fields: &[
        &[field::TENANT_NAME.required(), field::HOSTS.required(), field::ISSUER.required(), field::ALGORITHM],
        field::QUOTA,
    ],
    example: || json!({ "name": "partners", "hosts": ["id.partners.example"], "issuer": "https://id.partners.example" }),
};

static CHANGE: Body = Body {
    fields: &[
        &[field::HOSTS, field::ISSUER, field::ENABLED, field::ALGORITHM, field::KEY_PERIOD],
        field::QUOTA,
    ],
    example: || json!({ "algorithm": "ES256" }),
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: Method::GET,
        path: "/tenants",
        needs: (Area::Tenants, Act::Read),
        platform: false,
        about: Operation {
            id: "list_tenants",
            summary: "List the tenants that the caller administers",
            query: &[],
            body: None,
            terms: Taken::AsItIs,
            gives: Gives::Page(schema_of::<TenantView>, example),
        },
        answer: |call| Box::pin(list(call)),
    },
    Route {
        method: Method::POST,
        path: "/tenants",
        needs: (Area::Tenants, Act::Write),
        platform: true,
        about: Operation {
            id: "add_tenant",
            summary: "Add a tenant, with its first signing key",
            query: &[],
            body: Some(&NEW),
            terms: Taken::Once("name"),
            gives: Gives::One(schema_of::<TenantView>, example),
        },
        answer: |call| Box::pin(add(call)),
    },
    Route {
        method: Method::GET,
        path: "/tenants/{name}",
        needs: (Area::Tenants, Act::Read),
        platform: false,
        about: Operation {
            id: "get_tenant",
            summary: "Show a tenant",
            query: &[],
            body: None,
            terms: Taken::AsItIs,
            gives: Gives::One(schema_of::<TenantView>, example),
        },
        answer: |call| Box::pin(show(call)),
    },
    Route {
        method: Method::PATCH,
        path: "/tenants/{name}",
        needs: (Area::Tenants, Act::Write),
        platform: false,
        about: Operation {
            id: "change_tenant",
            summary: "Change a tenant (RFC 7396); hosts, issuer, enabled and the quota need admin:platform",
            query: &[],
            body: Some(&CHANGE),
            terms: Taken::AtVersion,
            gives: Gives::One(schema_of::<TenantView>, example),
        },
        answer: |call| Box::pin(change(call)),
    },
    Route {
        method: Method::DELETE,
        path: "/tenants/{name}",
        needs: (Area::Tenants, Act::Write),
        platform: true,
        about: Operation {
            id: "remove_tenant",
            summary: "Remove a disabled tenant with everything in it: applications, secrets, scopes, keys",
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
        "name": "partners",
        "id": "6c0bfb43-43b5-4c5c-9d0e-6a2d8ad1a7c5",
        "hosts": ["id.partners.example"],
        "issuer": "https://id.partners.example",
        "enabled": true,
        "algorithm": "RS256",
        "key_period": 7_776_000,
        "tokens_per_minute": null,
        "tokens_per_hour": null,
        "tokens_per_day": 1_000_000,
        "quota_mode": "report",
        "created_at": "2026-01-31T12:00:00.000Z",
        "updated_at": "2026-01-31T12:00:00.000Z",
        "version": 1,
    })
}

async fn list(call: &Call) -> Result<Answer, Problem> {
    let place = Place::read(call, "tenants")?;
    let mut all = call.admin.store.tenants().await?;
    all.retain(|tenant| call.within.as_ref().is_none_or(|own| own.id == tenant.id));
    place.cut(&all, |tenant| tenant.name.as_str(), TenantView::new)
}

async fn add(call: &Call) -> Result<Answer, Problem> {
    let members = &call.members;
    let new = NewTenant {
        name: members.text("name").unwrap_or_default().to_owned(),
        hosts: members.list("hosts", Host::parse)?.unwrap_or_default(),
        issuer: IssuerUrl::parse(members.text("issuer").unwrap_or_default())?,
        algorithm: members.text("algorithm").map(str::to_owned),
        quota: quota(members)?,
    };
    let tenant = tenants::add_new(&call.admin, new).await?;
    Answer::one(&TenantView::new(&tenant))
}

/// The tenant of the path, if whoever asks may see it.
async fn named(call: &Call) -> Result<Tenant, AdminError> {
    let name = call.segment(0);
    match &call.within {
        Some(own) if own.name != name => Err(admin::no_tenant(name)),
        _ => admin::tenant(&call.admin, name).await,
    }
}

async fn show(call: &Call) -> Result<Answer, Problem> {
    Answer::one(&TenantView::new(&named(call).await?))
}

async fn change(call: &Call) -> Result<Answer, Problem> {
    let members = &call.members;
    let change = TenantChange {
        hosts: members.list("hosts", Host::parse)?,
        issuer: members.parsed("issuer", IssuerUrl::parse)?,
        enabled: members.boolean("enabled"),
        algorithm: members.text("algorithm").map(str::to_owned),
        key_period: members.seconds("key_period"),
        quota: quota(members)?,
    };
    let name = named(call).await?.name;
    Answer::one(&TenantView::new(&tenants::change(&call.admin, &name, change).await?))
}

async fn remove(call: &Call) -> Result<Answer, Problem> {
    let tenant = named(call).await?;
    if tenant.enabled {
        // Everything in it goes, and nothing brings it back.
        return Err(Problem::new(Kind::Conflict, "only a disabled tenant can be removed: disable it first"));
    }
    tenants::remove(&call.admin, &tenant.name).await?;
    Ok(Answer::nothing())
}
