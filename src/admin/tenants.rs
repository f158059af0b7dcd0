//! Adding, changing and removing tenants.
//! Not for: finding them for a request (`issuer/directory.rs`).

use std::time::Duration;

use serde_json::{Value, json};

use super::apis::find_algorithm;
use super::change::{QuotaChange, distinct, set};
use super::{Admin, AdminError, apis, insist, keys, tenant, view};
use crate::crypto::algorithm::ALGORITHMS;
use crate::domain::Invalid;
use crate::domain::id::TenantId;
use crate::domain::quota::Quota;
use crate::domain::signing_key::{KeyState, SigningKey};
use crate::domain::tenant::{
    DEFAULT_KEY_PERIOD, Host, IssuerUrl, Tenant, check_key_period, check_tenant_name,
};
use crate::keys::CannotUse;
use crate::store::{Conflict, Recorded, RegistryChange, StoreError};

/// A tenant to be added.
#[derive(Debug)]
pub struct NewTenant {
    /// Its name.
    pub name: String,
    /// Its host names.
    pub hosts: Vec<Host>,
    /// Its issuer.
    pub issuer: IssuerUrl,
    /// The algorithm its tokens are signed with; the first there is by default.
    pub algorithm: Option<String>,
    /// How many tokens all its applications together may have.
    pub quota: QuotaChange,
}

/// What a tenant is to be changed to; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct TenantChange {
    /// Its host names, all of them.
    pub hosts: Option<Vec<Host>>,
    /// Its issuer.
    pub issuer: Option<IssuerUrl>,
    /// Whether it issues tokens.
    pub enabled: Option<bool>,
    /// The algorithm its tokens are signed with.
    pub algorithm: Option<String>,
    /// How long a signing key signs.
    pub key_period: Option<Duration>,
    /// How many tokens all its applications together may have.
    pub quota: QuotaChange,
}

/// Adds a tenant without a quota, as `add_new` does.
///
/// # Errors
/// Those of `add_new`.
pub async fn add(
    admin: &Admin,
    name: &str,
    hosts: Vec<Host>,
    issuer: IssuerUrl,
    algorithm: Option<&str>,
) -> Result<Tenant, AdminError> {
    let (name, algorithm) = (name.to_owned(), algorithm.map(str::to_owned));
    add_new(admin, NewTenant { name, hosts, issuer, algorithm, quota: QuotaChange::default() }).await
}

/// Adds a tenant with its first signing key, which signs at once: nobody has fetched the tenant's keys before.
///
/// # Errors
/// When the name, a host or the issuer cannot be had, or there is no such algorithm.
pub async fn add_new(admin: &Admin, new: NewTenant) -> Result<Tenant, AdminError> {
    check_tenant_name(&new.name)?;
    let default = || ALGORITHMS.first().copied().ok_or(CannotUse::NotMade);
    let algorithm = match new.algorithm.as_deref() {
        Some(name) => find_algorithm(admin, name)?,
        None => default()?,
    };
    let (id, now) = (TenantId::new(admin.random.as_ref()), admin.now());
    let mut tenant = Tenant {
        id,
        name: new.name,
        hosts: at_least_one(new.hosts)?,
        issuer: new.issuer,
        enabled: true,
        algorithm: algorithm.name().to_owned(),
        key_period: DEFAULT_KEY_PERIOD,
        quota: Quota::default(),
        created_at: now,
        updated_at: now,
        version: 1,
    };
    new.quota.apply(&mut tenant.quota);
    let key = admin.vault.make_key(id, algorithm, KeyState::Active, now)?;
    match admin.create(addition(admin, &tenant, key), &view::TenantView::new(&tenant)).await {
        Err(AdminError::Store(StoreError::Conflict(Conflict::Exists))) => Err(taken(&tenant.name)),
        answer => answer.map(|()| tenant),
    }
}

/// The changes that add a tenant with its first key, and the API that administers it.
pub(super) fn addition(admin: &Admin, tenant: &Tenant, key: SigningKey) -> Vec<Recorded> {
    let event = admin.event(tenant.id, "tenant.add", &tenant.name, describe(tenant));
    vec![
        Recorded::new(RegistryChange::AddTenant(tenant.clone(), key), event),
        Recorded::part(apis::administration(admin, tenant)),
    ]
}

/// Changes a tenant.
///
/// # Errors
/// When it does not exist, or a host or the issuer cannot be had.
pub async fn change(admin: &Admin, name: &str, change: TenantChange) -> Result<Tenant, AdminError> {
    insist(admin, || change_once(admin, name, change.clone())).await
}

async fn change_once(admin: &Admin, name: &str, change: TenantChange) -> Result<Tenant, AdminError> {
    let before = tenant(admin, name).await?;
    admin.check_version(before.version)?;
    let is_of_the_platform = change.hosts.is_some()
        || change.issuer.is_some()
        || change.enabled.is_some()
        // It is there for the other tenants' sake.
        || change.quota != QuotaChange::default();
    if is_of_the_platform && !admin.actor.powers.are_of_the_platform() {
        let text = "hosts, issuer, enabled and the quota are changed by who administers every tenant (admin:platform)";
        return Err(AdminError::Forbidden(text.to_owned()));
    }
    let mut after = before.clone();
    after.hosts = change.hosts.map(at_least_one).transpose()?.unwrap_or(after.hosts);
    after.issuer = change.issuer.unwrap_or(after.issuer);
    set(&mut after.enabled, change.enabled);
    set(&mut after.algorithm, change.algorithm);
    set(&mut after.key_period, change.key_period);
    change.quota.apply(&mut after.quota);
    let Some((change, after)) = alteration(admin, &before, after)? else { return Ok(before) };
    match admin.store.change_registry(vec![change]).await {
        Err(StoreError::Conflict(Conflict::Exists)) => return Err(taken(name)),
        answer => answer?,
    }
    if after.algorithm != before.algorithm {
        keys::provide(admin, &after).await;
    }
    Ok(Tenant { version: after.version + 1, ..after })
}

/// The change that makes a tenant what it is to be, and what it is then; nothing when it is that already.
pub(super) fn alteration(
    admin: &Admin,
    before: &Tenant,
    mut after: Tenant,
) -> Result<Option<(Recorded, Tenant)>, AdminError> {
    if after.algorithm != before.algorithm {
        find_algorithm(admin, &after.algorithm)?;
    }
    check_key_period(after.key_period)?;
    if after == *before {
        return Ok(None);
    }
    after.updated_at = admin.now();
    let detail = json!({ "before": describe(before), "after": describe(&after) });
    let event = admin.event(after.id, "tenant.set", &after.name, detail);
    Ok(Some((Recorded::new(RegistryChange::ChangeTenant(after.clone()), event), after)))
}

/// Removes a tenant with everything in it.
///
/// # Errors
/// When it does not exist.
pub async fn remove(admin: &Admin, name: &str) -> Result<Tenant, AdminError> {
    let tenant = tenant(admin, name).await?;
    admin.check_version(tenant.version)?;
    admin.store.change_registry(vec![removal(admin, &tenant)]).await?;
    Ok(tenant)
}

/// The change that removes a tenant with everything in it.
pub(super) fn removal(admin: &Admin, tenant: &Tenant) -> Recorded {
    let detail = json!({ "issuer": tenant.issuer.as_str() });
    let event = admin.event(tenant.id, "tenant.remove", &tenant.name, detail);
    Recorded::new(RegistryChange::RemoveTenant(tenant.id, admin.terms.version), event)
}

fn at_least_one(hosts: Vec<Host>) -> Result<Vec<Host>, Invalid> {
    if hosts.is_empty() {
        return Err(Invalid("a tenant needs at least one host: give --host".to_owned()));
    }
    Ok(distinct(hosts))
}

/// What of a tenant can be changed.
fn describe(tenant: &Tenant) -> Value {
    json!({
        "issuer": tenant.issuer.as_str(),
        "hosts": names(tenant),
        "enabled": tenant.enabled,
        "algorithm": tenant.algorithm,
        "key_period": tenant.key_period.as_secs(),
        "tokens_per_minute": tenant.quota.per_minute,
        "tokens_per_hour": tenant.quota.per_hour,
        "tokens_per_day": tenant.quota.per_day,
        "quota_mode": tenant.quota.mode.as_str(),
    })
}

fn names(tenant: &Tenant) -> Vec<&str> {
    tenant.hosts.iter().map(Host::as_str).collect()
}

fn taken(name: &str) -> AdminError {
    AdminError::Conflict(format!(
        "tenant {name:?}: its name, issuer or one of its hosts belongs to a tenant already; see 'chancery tenant list'"
    ))
}
