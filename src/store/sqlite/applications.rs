//! Applications and the scopes they are granted.
//! Not for: their credentials (`credentials.rs`).

use std::sync::Arc;

use rusqlite::{Connection, Row, Transaction, params};

use super::{credentials, row};
use crate::domain::api::ApiIdentifier;
use crate::domain::application::{Application, ApplicationType, AuthMethod, ClientId, GrantType, Registered};
use crate::domain::id::{ApplicationId, TenantId};
use crate::domain::scope::{ScopeName, ScopeSet};
use crate::domain::time::Timestamp;
use crate::domain::token::StaticClaims;
use crate::store::{AtVersion, Conflict, StoreError};

pub(super) fn find(
    connection: &Connection,
    tenant: TenantId,
    client_id: &str,
) -> Result<Option<Arc<Registered>>, StoreError> {
    let sql = "SELECT * FROM application WHERE tenant_id = ?1 AND client_id = ?2";
    let found = row::rows(connection, sql, params![tenant.to_string(), client_id], read)?;
    found.into_iter().next().map(|application| complete(connection, application)).transpose()
}

pub(super) fn page(
    connection: &Connection,
    tenant: TenantId,
    after: Option<&ClientId>,
    limit: usize,
) -> Result<Vec<Arc<Registered>>, StoreError> {
    let sql = "SELECT * FROM application WHERE tenant_id = ?1 AND client_id > ?2 ORDER BY client_id LIMIT ?3";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let after = after.map_or("", ClientId::as_str);
    row::rows(connection, sql, params![tenant.to_string(), after, limit], read)?
        .into_iter()
        .map(|application| complete(connection, application))
        .collect()
}

pub(super) fn name_of(
    connection: &Connection,
    application: ApplicationId,
) -> Result<Option<(TenantId, ClientId)>, StoreError> {
    let sql = "SELECT tenant_id, client_id FROM application WHERE id = ?1";
    let found = row::rows(connection, sql, [application.to_string()], |row| {
        Ok((
            row::parse(row, "tenant_id")?,
            row::checked(row, "client_id", |text| ClientId::parse(text).ok())?,
        ))
    })?;
    Ok(found.into_iter().next())
}

pub(super) fn add(transaction: &Transaction<'_>, application: &Application) -> Result<(), StoreError> {
    row::execute(
        transaction,
        "INSERT INTO application
            (id, tenant_id, client_id, name, type, enabled, grants, auth_methods, narrowed, default_api, token_lifetime,
             profile, backdating, claims, tokens_revoked_before, created_at, updated_at, version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        params![
            application.id.to_string(),
            application.tenant.to_string(),
            application.client_id.as_str(),
            application.name,
            application.kind.as_str(),
            application.enabled,
            names(&application.grants, GrantType::as_str),
            names(&application.auth_methods, AuthMethod::as_str),
            application.default_scopes.is_some(),
            application.default_api.as_ref().map(ApiIdentifier::as_str),
            row::seconds(application.token.lifetime),
            row::profile_name(&application.token),
            row::seconds(application.token.backdating),
            claims_text(application),
            application.tokens_revoked_before.map(Timestamp::as_millis),
            application.created_at.as_millis(),
            application.updated_at.as_millis(),
            application.version,
        ],
    )?;
    add_scopes(transaction, application)?;
    add_apis(transaction, application)
}

pub(super) fn change(transaction: &Transaction<'_>, application: &Application) -> Result<(), StoreError> {
    let changed = row::execute(
        transaction,
        "UPDATE application SET name = ?3, type = ?4, enabled = ?5, grants = ?6, auth_methods = ?7, narrowed = ?8,
            default_api = ?9, token_lifetime = ?10, profile = ?11, backdating = ?12, claims = ?13, updated_at = ?14,
            tokens_revoked_before = ?15, version = version + 1
         WHERE id = ?1 AND version = ?2",
        params![
            application.id.to_string(),
            application.version,
            application.name,
            application.kind.as_str(),
            application.enabled,
            names(&application.grants, GrantType::as_str),
            names(&application.auth_methods, AuthMethod::as_str),
            application.default_scopes.is_some(),
            application.default_api.as_ref().map(ApiIdentifier::as_str),
            row::seconds(application.token.lifetime),
            row::profile_name(&application.token),
            row::seconds(application.token.backdating),
            claims_text(application),
            application.updated_at.as_millis(),
            application.tokens_revoked_before.map(Timestamp::as_millis),
        ],
    )?;
    if changed == 0 {
        return Err(StoreError::Conflict(Conflict::Changed));
    }
    for sql in [
        "DELETE FROM application_scope WHERE application_id = ?1",
        "DELETE FROM application_api WHERE application_id = ?1",
    ] {
        row::execute(transaction, sql, [application.id.to_string()])?;
    }
    add_scopes(transaction, application)?;
    add_apis(transaction, application)
}

pub(super) fn remove(
    transaction: &Transaction<'_>,
    application: ApplicationId,
    version: AtVersion,
) -> Result<bool, StoreError> {
    let sql = "DELETE FROM application WHERE id = ?1 AND version = coalesce(?2, version)";
    Ok(row::execute(transaction, sql, params![application.to_string(), version])? > 0)
}

fn add_scopes(transaction: &Transaction<'_>, application: &Application) -> Result<(), StoreError> {
    let defaults = application.default_scopes.as_ref().map_or(&[][..], ScopeSet::names);
    for (position, name) in (0_i64..).zip(application.scopes.names()) {
        let default_position =
            (0_i64..).zip(defaults).find(|(_, default)| *default == name).map(|(place, _)| place);
        row::execute(
            transaction,
            "INSERT INTO application_scope (application_id, tenant_id, scope, position, default_position)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                application.id.to_string(),
                application.tenant.to_string(),
                name.as_str(),
                position,
                default_position,
            ],
        )?;
    }
    Ok(())
}

/// What an application has to do with an API, as it is stored.
const CALLS: &str = "calls";
const ACTS_FOR: &str = "acts for";

fn add_apis(transaction: &Transaction<'_>, application: &Application) -> Result<(), StoreError> {
    for (role, apis) in [(CALLS, &application.apis), (ACTS_FOR, &application.acts_for)] {
        for (position, api) in (0_i64..).zip(apis) {
            row::execute(
                transaction,
                "INSERT INTO application_api (application_id, tenant_id, api, role, position)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    application.id.to_string(),
                    application.tenant.to_string(),
                    api.as_str(),
                    role,
                    position
                ],
            )?;
        }
    }
    Ok(())
}

/// Adds what stands in other tables.
pub(super) fn complete(
    connection: &Connection,
    (mut application, narrowed): (Application, bool),
) -> Result<Arc<Registered>, StoreError> {
    let id = application.id.to_string();
    let scope = |row: &Row<'_>| row::checked(row, "scope", |text| ScopeName::parse(text).ok());
    let api = |row: &Row<'_>| row::optional(row, "api", |text| ApiIdentifier::parse(text).ok());
    let sql = "SELECT scope, api, default_position FROM application_scope
               JOIN scope ON scope.tenant_id = application_scope.tenant_id AND scope.name = scope
               WHERE application_id = ?1 ORDER BY position";
    let granted = row::rows(connection, sql, [&id], |row| {
        Ok((scope(row)?, api(row)?, row::get::<Option<i64>>(row, "default_position")?))
    })?;
    if narrowed {
        let mut defaults: Vec<_> = granted.iter().filter(|(_, _, position)| position.is_some()).collect();
        defaults.sort_by_key(|(_, _, position)| *position);
        application.default_scopes = Some(ScopeSet::new(defaults.into_iter().map(|(name, ..)| name.clone())));
    }
    application.scopes = ScopeSet::new(granted.iter().map(|(name, ..)| name.clone()));
    let scope_apis = granted.into_iter().filter_map(|(name, api, _)| api.map(|api| (name, api))).collect();
    let sql = "SELECT api FROM application_api WHERE application_id = ?1 AND role = ?2 ORDER BY position";
    for (role, apis) in [(CALLS, &mut application.apis), (ACTS_FOR, &mut application.acts_for)] {
        let found = row::rows(connection, sql, [id.as_str(), role], api)?;
        apis.extend(found.into_iter().flatten());
    }
    let credentials = credentials::of(connection, application.id)?;
    Ok(Arc::new(Registered { application, credentials, scope_apis }))
}

pub(super) fn read(row: &Row<'_>) -> Result<(Application, bool), StoreError> {
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
        claims: row::checked(row, "claims", |text| StaticClaims::new(serde_json::from_str(text).ok()?).ok())?,
        tokens_revoked_before: row::optional_time(row, "tokens_revoked_before")?,
        created_at: row::time(row, "created_at")?,
        updated_at: row::time(row, "updated_at")?,
        version: row::get(row, "version")?,
    };
    Ok((application, row::get(row, "narrowed")?))
}

fn names<T: Copy>(values: &[T], name: impl Fn(T) -> &'static str) -> String {
    values.iter().map(|value| name(*value)).collect::<Vec<_>>().join(" ")
}

fn claims_text(application: &Application) -> String {
    serde_json::Value::Object(application.claims.members().clone()).to_string()
}
