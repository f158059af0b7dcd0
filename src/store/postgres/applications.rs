//! Applications and the scopes they are granted.
//! Not for: their credentials (`credentials.rs`).

use std::sync::{Arc, LazyLock};

use tokio_postgres::Row;

use super::error::Trouble;
use super::log::Ledger;
use super::registered;
use super::row::{self, Value, values};
use super::session::Link;
use super::step::Step;
use crate::domain::api::ApiIdentifier;
use crate::domain::application::{Application, ApplicationType, AuthMethod, ClientId, GrantType, Registered};
use crate::domain::id::{ApplicationId, TenantId};
use crate::domain::scope::ScopeSet;
use crate::domain::time::Timestamp;
use crate::domain::token::{ReuseShare, StaticClaims};
use crate::store::{AtVersion, Conflict, StoreError, stored};

/// The columns that `read` reads. Each is named, since a newer program may add some while this one runs.
pub(super) const COLUMNS: &str =
    "id, tenant_id, client_id, name, type, enabled, grants, auth_methods, narrowed, default_api,
    token_lifetime, profile, backdating, claims, tokens_revoked_before, created_at, updated_at, version,
    tokens_per_minute, tokens_per_hour, tokens_per_day, quota_mode, token_reuse_percent";

pub(super) static FIND: LazyLock<String> = LazyLock::new(|| {
    let found = format!("SELECT {COLUMNS} FROM application WHERE tenant_id = $1 AND client_id = $2");
    registered::with_everything(&found, "client_id")
});

pub(super) async fn find(
    session: Link,
    tenant: TenantId,
    client_id: String,
) -> Result<Option<Arc<Registered>>, Trouble> {
    // PostgreSQL could not hold such an id, so there is none.
    if client_id.contains('\0') {
        return Ok(None);
    }
    let found = session.newest_rows(&FIND, values![tenant.to_string(), client_id], registered::read);
    Ok(found.await?.pop())
}

pub(super) async fn page(
    session: Link,
    tenant: TenantId,
    after: Option<ClientId>,
    limit: usize,
) -> Result<Vec<Arc<Registered>>, Trouble> {
    let found = format!(
        "SELECT {COLUMNS} FROM application WHERE tenant_id = $1 AND client_id > $2 ORDER BY client_id LIMIT $3"
    );
    let sql = registered::with_everything(&found, "client_id");
    let after = after.map_or_else(String::new, |after| after.to_string());
    session.rows(&sql, values![tenant.to_string(), after, row::limit(limit)], registered::read).await
}

pub(super) fn add(ledger: &mut Ledger, application: &Application) {
    let sql = "INSERT INTO application
            (id, name, type, enabled, grants, auth_methods, narrowed, default_api, token_lifetime, profile, backdating,
             claims, tokens_revoked_before, updated_at, version, tokens_per_minute, tokens_per_hour, tokens_per_day,
             quota_mode, token_reuse_percent, tenant_id, client_id, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
             $23)";
    let mut values = shared(application);
    values.extend(values![
        application.tenant.to_string(),
        application.client_id.to_string(),
        application.created_at.as_millis(),
    ]);
    ledger.add(Step::new(sql, values));
    add_scopes(ledger, application);
    add_apis(ledger, application);
}

pub(super) fn change(ledger: &mut Ledger, application: &Application) {
    let sql = "UPDATE application SET name = $2, type = $3, enabled = $4, grants = $5, auth_methods = $6, narrowed = $7,
            default_api = $8, token_lifetime = $9, profile = $10, backdating = $11, claims = $12,
            tokens_revoked_before = $13, updated_at = $14, version = version + 1, tokens_per_minute = $16,
            tokens_per_hour = $17, tokens_per_day = $18, quota_mode = $19, token_reuse_percent = $20
         WHERE id = $1 AND version = $15";
    ledger.add(Step::new(sql, shared(application)).or(Conflict::Changed));
    for sql in [
        "DELETE FROM application_scope WHERE application_id = $1",
        "DELETE FROM application_api WHERE application_id = $1",
    ] {
        ledger.add(Step::new(sql, values![application.id.to_string()]));
    }
    add_scopes(ledger, application);
    add_apis(ledger, application);
}

/// The application has to have this version; any has none in particular, and so has one that is not there.
pub(super) fn must_have_version(ledger: &mut Ledger, application: ApplicationId, version: AtVersion) {
    if let Some(version) = version {
        let sql = "SELECT 1 FROM application WHERE id = $1 AND version = $2";
        ledger.add(Step::new(sql, values![application.to_string(), version]).or(Conflict::Changed));
    }
}

pub(super) fn remove(ledger: &mut Ledger, application: ApplicationId, version: AtVersion) {
    let sql = "DELETE FROM application WHERE id = $1 AND version = coalesce($2, version)";
    ledger.add(Step::new(sql, values![application.to_string(), version]).or(Conflict::Changed));
}

/// Adding and changing give these columns the same numbers.
fn shared(application: &Application) -> Vec<Value> {
    values![
        application.id.to_string(),
        application.name.clone(),
        application.kind.as_str(),
        application.enabled,
        stored::names(&application.grants, GrantType::as_str),
        stored::names(&application.auth_methods, AuthMethod::as_str),
        application.default_scopes.is_some(),
        application.default_api.as_ref().map(|api| api.as_str().to_owned()),
        stored::seconds(application.token.lifetime),
        stored::profile_name(&application.token),
        stored::seconds(application.token.backdating),
        stored::claims(application),
        application.tokens_revoked_before.map(Timestamp::as_millis),
        application.updated_at.as_millis(),
        application.version,
        stored::limit(application.quota.per_minute),
        stored::limit(application.quota.per_hour),
        stored::limit(application.quota.per_day),
        application.quota.mode.as_str(),
        stored::percent(application.token_reuse),
    ]
}

/// One statement for all of them: which of them are there is looked at when it ends.
fn add_scopes(ledger: &mut Ledger, application: &Application) {
    let names = application.scopes.names();
    if names.is_empty() {
        return;
    }
    let defaults = application.default_scopes.as_ref().map_or(&[][..], ScopeSet::names);
    let default_position =
        |name| (0_i64..).zip(defaults).find(|(_, default)| *default == name).map(|(place, _)| place);
    let defaults: Vec<Option<i64>> = names.iter().map(default_position).collect();
    let names: Vec<String> = names.iter().map(|name| name.as_str().to_owned()).collect();
    ledger.add(Step::new(
        "INSERT INTO application_scope (application_id, tenant_id, scope, position, default_position)
         SELECT $1, $2, one.scope, one.place - 1, one.default_place
         FROM unnest($3::text[], $4::bigint[]) WITH ORDINALITY AS one (scope, default_place, place)",
        values![application.id.to_string(), application.tenant.to_string(), names, defaults],
    ));
}

fn add_apis(ledger: &mut Ledger, application: &Application) {
    for (role, apis) in [(stored::CALLS, &application.apis), (stored::ACTS_FOR, &application.acts_for)] {
        for (position, api) in (0_i64..).zip(apis) {
            ledger.add(Step::new(
                "INSERT INTO application_api (application_id, tenant_id, api, role, position)
                 VALUES ($1, $2, $3, $4, $5)",
                values![
                    application.id.to_string(),
                    application.tenant.to_string(),
                    api.as_str().to_owned(),
                    role,
                    position,
                ],
            ));
        }
    }
}

/// An application without what stands in other tables, and whether its default scopes are fewer than all.
pub(super) fn read(row: &Row) -> Result<(Application, bool), StoreError> {
    let application = Application {
        id: row::parse(row, "id")?,
        tenant: row::parse(row, "tenant_id")?,
        client_id: row::checked(row, "client_id", |text| ClientId::parse(text).ok())?,
        name: row::get(row, "name")?,
        kind: row::checked(row, "type", |text| ApplicationType::parse(text).ok())?,
        enabled: row::get(row, "enabled")?,
        grants: row::names(row, "grants", |text| GrantType::parse(text).ok())?,
        auth_methods: row::names(row, "auth_methods", |text| AuthMethod::parse(text).ok())?,
        scopes: ScopeSet::default(),
        default_scopes: None,
        apis: Vec::new(),
        default_api: row::optional(row, "default_api", |text| ApiIdentifier::parse(text).ok())?,
        acts_for: Vec::new(),
        token: row::token_settings(row)?,
        token_reuse: row::number(row, "token_reuse_percent", |percent| {
            ReuseShare::from_percent(percent).ok()
        })?,
        quota: row::quota(row)?,
        claims: row::checked(row, "claims", |text| StaticClaims::new(serde_json::from_str(text).ok()?).ok())?,
        tokens_revoked_before: row::optional_time(row, "tokens_revoked_before")?,
        created_at: row::time(row, "created_at")?,
        updated_at: row::time(row, "updated_at")?,
        version: row::get(row, "version")?,
    };
    Ok((application, row::get(row, "narrowed")?))
}
