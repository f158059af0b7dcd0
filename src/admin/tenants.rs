//! Adding, changing and removing tenants.
//! Not for: finding them for a request (`issuer/directory.rs`).

use serde_json::json;

use super::{Admin, AdminError, insist, tenant};
use crate::crypto::algorithm::ALGORITHMS;
use crate::domain::Invalid;
use crate::domain::id::TenantId;
use crate::domain::signing_key::KeyState;
use crate::domain::tenant::{Host, IssuerUrl, Tenant, check_tenant_name};
use crate::keys::vault::CannotUse;
use crate::store::{Conflict, StoreError};

/// What a tenant is to be changed to; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct TenantChange {
    /// Its host names, all of them.
    pub hosts: Option<Vec<Host>>,
    /// Its issuer.
    pub issuer: Option<IssuerUrl>,
    /// Whether it issues tokens.
    pub enabled: Option<bool>,
}

/// Adds a tenant with its first signing key.
///
/// # Errors
/// When the name, a host or the issuer cannot be had.
pub async fn add(
    admin: &Admin,
    name: &str,
    hosts: Vec<Host>,
    issuer: IssuerUrl,
) -> Result<Tenant, AdminError> {
    check_tenant_name(name)?;
    let (id, now) = (TenantId::new(admin.random.as_ref()), admin.now());
    let tenant = Tenant {
        id,
        name: name.to_owned(),
        hosts: distinct(hosts)?,
        issuer,
        enabled: true,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let algorithm = *ALGORITHMS.first().ok_or(CannotUse::NotMade)?;
    let key = admin.vault.make_key(id, algorithm, KeyState::Active, now)?;
    let event = admin.event(
        id,
        "tenant.add",
        name,
        json!({ "issuer": tenant.issuer.as_str(), "hosts": names(&tenant) }),
    );
    match admin.store.add_tenant(tenant.clone(), key, event).await {
        Err(StoreError::Conflict(Conflict::Exists)) => Err(taken(name)),
        answer => Ok(answer.map(|()| tenant)?),
    }
}

/// Changes a tenant.
///
/// # Errors
/// When it does not exist, or a host or the issuer cannot be had.
pub async fn change(admin: &Admin, name: &str, change: TenantChange) -> Result<Tenant, AdminError> {
    insist(|| change_once(admin, name, change.clone())).await
}

async fn change_once(admin: &Admin, name: &str, change: TenantChange) -> Result<Tenant, AdminError> {
    let before = tenant(admin, name).await?;
    let mut after = before.clone();
    after.hosts = change.hosts.map(distinct).transpose()?.unwrap_or(after.hosts);
    after.issuer = change.issuer.unwrap_or(after.issuer);
    after.enabled = change.enabled.unwrap_or(after.enabled);
    if after == before {
        return Ok(before);
    }
    after.updated_at = admin.now();
    let detail = json!({
        "before": { "issuer": before.issuer.as_str(), "hosts": names(&before), "enabled": before.enabled },
        "after": { "issuer": after.issuer.as_str(), "hosts": names(&after), "enabled": after.enabled },
    });
    let event = admin.event(after.id, "tenant.set", name, detail);
    match admin.store.change_tenant(after.clone(), event).await {
        Err(StoreError::Conflict(Conflict::Exists)) => Err(taken(name)),
        answer => Ok(answer.map(|()| Tenant { version: after.version + 1, ..after })?),
    }
}

/// Removes a tenant with everything in it.
///
/// # Errors
/// When it does not exist.
pub async fn remove(admin: &Admin, name: &str) -> Result<Tenant, AdminError> {
    let tenant = tenant(admin, name).await?;
    let event = admin.event(tenant.id, "tenant.remove", name, json!({ "issuer": tenant.issuer.as_str() }));
    admin.store.remove_tenant(tenant.id, event).await?;
    Ok(tenant)
}

fn distinct(hosts: Vec<Host>) -> Result<Vec<Host>, Invalid> {
    let mut seen: Vec<Host> = Vec::with_capacity(hosts.len());
    for host in hosts {
        if !seen.contains(&host) {
            seen.push(host);
        }
    }
    if seen.is_empty() {
        return Err(Invalid("a tenant needs at least one host: give --host".to_owned()));
    }
    Ok(seen)
}

fn names(tenant: &Tenant) -> Vec<&str> {
    tenant.hosts.iter().map(Host::as_str).collect()
}

fn taken(name: &str) -> AdminError {
    AdminError::Conflict(format!(
        "tenant {name:?}: its name, issuer or one of its hosts belongs to a tenant already; see 'chancery tenant list'"
    ))
}
