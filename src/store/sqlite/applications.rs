//! Applications and the scopes they are granted.
//! Not for: their credentials (`credentials.rs`).

use std::sync::Arc;

use rusqlite::{Connection, Row, Transaction, params};

use super::{registered, row};
use crate::domain::api::ApiIdentifier;
use crate::domain::application::{Application, ApplicationType, AuthMethod, ClientId, GrantType, Registered};
use crate::domain::id::{ApplicationId, TenantId};
use crate::domain::scope::ScopeSet;
use crate::domain::time::Timestamp;
use crate::domain::token::{ReuseShare, StaticClaims};
use crate::store::{AtVersion, Conflict, StoreError, stored};

pub(super) fn find(
    connection: &Connection,
    tenant: TenantId,
    client_id: &str,
) -> Result<Option<Arc<Registered>>, StoreError> {
    let sql = "SELECT * FROM application WHERE tenant_id = ?1 AND client_id = ?2";
    let found = row::rows(connection, sql, params![tenant.to_string(), client_id], read)?;
    Ok(registered::complete(connection, found)?.pop())
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
    let page = row::rows(connection, sql, params![tenant.to_string(), after, limit], read)?;
    registered::complete(connection, page)
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
    let sql = "INSERT INTO application
            (id, tenant_id, client_id, name, type, enabled, grants, auth_methods, narrowed, default_api, token_lifetime,
             profile, backdating, claims, tokens_revoked_before, created_at, updated_at, version, tokens_per_minute,
             tokens_per_hour, tokens_per_day, quota_mode, token_reuse_percent)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
             ?23)";
    write(transaction, sql, application)?;
    add_scopes(transaction, application)?;
    add_apis(transaction, application)
}

pub(super) fn change(transaction: &Transaction<'_>, application: &Application) -> Result<(), StoreError> {
    let sql = "UPDATE application SET name = ?4, type = ?5, enabled = ?6, grants = ?7, auth_methods = ?8, narrowed = ?9,
            default_api = ?10, token_lifetime = ?11, profile = ?12, backdating = ?13, claims = ?14,
            tokens_revoked_before = ?15, updated_at = ?17, version = version + 1, tokens_per_minute = ?19,
            tokens_per_hour = ?20, tokens_per_day = ?21, quota_mode = ?22, token_reuse_percent = ?23
         WHERE id = ?1 AND version = ?18";
    if write(transaction, sql, application)? == 0 {
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

/// Whether an application has a version; any has none in particular, and so has one that is not there.
pub(super) fn has_version(
    connection: &Connection,
    application: ApplicationId,
    version: AtVersion,
) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM application WHERE id = ?1 AND version = ?2";
    let is_it = |version| {
        row::rows(connection, sql, params![application.to_string(), version], |_| Ok(()))
            .map(|rows| !rows.is_empty())
    };
    version.map_or(Ok(true), is_it)
}

pub(super) fn remove(
    transaction: &Transaction<'_>,
    application: ApplicationId,
    version: AtVersion,
) -> Result<bool, StoreError> {
    let sql = "DELETE FROM application WHERE id = ?1 AND version = coalesce(?2, version)";
    Ok(row::execute(transaction, sql, params![application.to_string(), version])? > 0)
}

/// Adding and changing give the columns the same numbers; those that never change have no part in a change.
fn write(transaction: &Transaction<'_>, sql: &str, application: &Application) -> Result<usize, StoreError> {
    let values = params![
        application.id.to_string(),
        application.tenant.to_string(),
        application.client_id.as_str(),
        application.name,
        application.kind.as_str(),
        application.enabled,
        stored::names(&application.grants, GrantType::as_str),
        stored::names(&application.auth_methods, AuthMethod::as_str),
        application.default_scopes.is_some(),
        application.default_api.as_ref().map(ApiIdentifier::as_str),
        stored::seconds(application.token.lifetime),
        stored::profile_name(&application.token),
        stored::seconds(application.token.backdating),
        stored::claims(application),
        application.tokens_revoked_before.map(Timestamp::as_millis),
        application.created_at.as_millis(),
        application.updated_at.as_millis(),
        application.version,
        stored::limit(application.quota.per_minute),
        stored::limit(application.quota.per_hour),
        stored::limit(application.quota.per_day),
        application.quota.mode.as_str(),
        stored::percent(application.token_reuse),
    ];
    row::execute(transaction, sql, values)
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

fn add_apis(transaction: &Transaction<'_>, application: &Application) -> Result<(), StoreError> {
    for (role, apis) in [(stored::CALLS, &application.apis), (stored::ACTS_FOR, &application.acts_for)] {
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

/// An application without what stands in other tables, and whether its default scopes are fewer than all.
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
