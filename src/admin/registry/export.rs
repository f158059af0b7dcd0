//! What is in the store as a registry file says it: nothing secret, in an order that stays, defaults left out.
//! Not for: how YAML is written (`yaml.rs`).

use serde_json::Value;

use super::count::Count;
use super::document::{ApiEntry, ApplicationEntry, ScopeEntry, TenantEntry};
use super::present::Moment;
use super::yaml::Yaml;
use crate::admin::catalog::Catalog;
use crate::admin::{Admin, AdminError, applications, no_tenant};
use crate::crypto::algorithm::ALGORITHMS;
use crate::domain::api::Api;
use crate::domain::application::{Application, ApplicationType, AuthMethod, GrantType};
use crate::domain::quota::QuotaMode;
use crate::domain::scope::{Scope, ScopeSet};
use crate::domain::tenant::{DEFAULT_KEY_PERIOD, Host, Tenant};
use crate::domain::token::{ReuseShare, TokenProfile};

/// Writes down every tenant, or the one that is named.
///
/// # Errors
/// When there is no such tenant, or the store does not answer.
pub async fn export(admin: &Admin, only: Option<&str>) -> Result<String, AdminError> {
    let mut moment = Moment::begin(admin).await?;
    loop {
        let tenants = admin.store.tenants().await?;
        let mut yaml = Yaml::default();
        yaml.open_list(0, "tenants");
        let mut is_there = only.is_none();
        for tenant in tenants.iter().filter(|tenant| only.is_none_or(|name| name == tenant.name)) {
            write_tenant(admin, &mut yaml, tenant).await?;
            is_there = true;
        }
        match only {
            Some(name) if !is_there => return Err(no_tenant(name)),
            _ if moment.is_over(admin).await? => return Ok(yaml.finish()),
            _ => {}
        }
    }
}

/// Applications are written one by one, however many there are.
async fn write_tenant(admin: &Admin, yaml: &mut Yaml, tenant: &Tenant) -> Result<(), AdminError> {
    yaml.element(1, &to_value(&TenantEntry::of(tenant).without_defaults(tenant)));
    let catalog = Catalog::read(admin, tenant).await?;
    yaml.open_list(2, "scopes");
    for scope in catalog.scopes.values().filter(|scope| scope.api.is_none()) {
        yaml.element(3, &to_value(&ScopeEntry::of(scope)));
    }
    yaml.open_list(2, "apis");
    for api in catalog.apis.values().filter(|api| !api.identifier.is_ours()) {
        yaml.element(3, &to_value(&ApiEntry::with_scopes(api, catalog.scopes_of(&api.identifier))));
    }
    yaml.open_list(2, "applications");
    for registered in applications::list(admin, tenant).await? {
        yaml.element(3, &to_value(&ApplicationEntry::of(&registered.application).without_defaults()));
    }
    Ok(())
}

fn to_value(entry: &impl serde::Serialize) -> Value {
    serde_json::to_value(entry).unwrap_or_default()
}

impl TenantEntry {
    /// Everything of a tenant but what is in it.
    pub(in crate::admin) fn of(tenant: &Tenant) -> Self {
        Self {
            name: tenant.name.clone(),
            issuer: tenant.issuer.to_string(),
            hosts: Some(tenant.hosts.iter().map(Host::to_string).collect()),
            enabled: Some(tenant.enabled),
            algorithm: Some(tenant.algorithm.clone()),
            key_period: Some(tenant.key_period.into()),
            tokens_per_minute: tenant.quota.per_minute.map(Count::from),
            tokens_per_hour: tenant.quota.per_hour.map(Count::from),
            tokens_per_day: tenant.quota.per_day.map(Count::from),
            quota_mode: Some(tenant.quota.mode.as_str().to_owned()),
            scopes: None,
            apis: None,
            applications: None,
        }
    }

    fn without_defaults(mut self, tenant: &Tenant) -> Self {
        let default_algorithm = ALGORITHMS.first().map(|algorithm| algorithm.name());
        self.hosts = self.hosts.filter(|_| tenant.hosts != [tenant.issuer.host()]);
        self.enabled = self.enabled.filter(|enabled| !enabled);
        self.algorithm = self.algorithm.filter(|algorithm| Some(algorithm.as_str()) != default_algorithm);
        self.key_period = self.key_period.filter(|_| tenant.key_period != DEFAULT_KEY_PERIOD);
        self.quota_mode = self.quota_mode.filter(is_unusual);
        self
    }
}

impl ScopeEntry {
    pub(super) fn of(scope: &Scope) -> Self {
        Self { name: scope.name.to_string(), description: scope.description.clone() }
    }
}

impl ApiEntry {
    /// Everything of an API but its scopes.
    pub(super) fn of(api: &Api) -> Self {
        Self::with_scopes(api, [])
    }

    pub(super) fn with_scopes<'scope>(api: &Api, scopes: impl IntoIterator<Item = &'scope Scope>) -> Self {
        Self {
            identifier: api.identifier.to_string(),
            name: api.name.clone(),
            scopes: scopes.into_iter().map(ScopeEntry::of).collect(),
            algorithm: api.algorithm.clone(),
            token_lifetime: api.token.lifetime.map(Into::into),
            token_profile: api.token.profile.map(|profile| profile.as_str().to_owned()),
            nbf_backdating: api.token.backdating.map(Into::into),
        }
    }
}

impl ApplicationEntry {
    /// Everything of an application.
    pub(super) fn of(application: &Application) -> Self {
        Self {
            client_id: application.client_id.to_string(),
            name: application.name.clone(),
            kind: Some(application.kind.as_str().to_owned()),
            enabled: Some(application.enabled),
            scopes: text(application.scopes.names()),
            default_scopes: application.default_scopes.as_ref().map(ScopeSet::names).map(text),
            grants: Some(names(&application.grants, GrantType::as_str)),
            auth_methods: Some(names(&application.auth_methods, AuthMethod::as_str)),
            apis: text(&application.apis),
            default_api: application.default_api.as_ref().map(ToString::to_string),
            acts_for: text(&application.acts_for),
            token_lifetime: application.token.lifetime.map(Into::into),
            token_profile: application.token.profile.map(TokenProfile::as_str).map(str::to_owned),
            nbf_backdating: application.token.backdating.map(Into::into),
            token_reuse_percent: application.token_reuse.map(ReuseShare::percent).map(Count::from),
            tokens_per_minute: application.quota.per_minute.map(Count::from),
            tokens_per_hour: application.quota.per_hour.map(Count::from),
            tokens_per_day: application.quota.per_day.map(Count::from),
            quota_mode: Some(application.quota.mode.as_str().to_owned()),
            claims: application.claims.members().clone(),
            secrets: Vec::new(),
        }
    }

    fn without_defaults(mut self) -> Self {
        let kind = self.kind.as_deref().and_then(|kind| ApplicationType::parse(kind).ok());
        let (grants, methods) = if kind.is_some_and(ApplicationType::is_confidential) {
            let grants = names(&[GrantType::ClientCredentials], GrantType::as_str);
            (grants, names(&AuthMethod::ALL, AuthMethod::as_str))
        } else {
            (Vec::new(), Vec::new())
        };
        self.kind = self.kind.filter(|_| kind != Some(ApplicationType::M2m));
        self.enabled = self.enabled.filter(|enabled| !enabled);
        self.grants = self.grants.filter(|given| *given != grants);
        self.auth_methods = self.auth_methods.filter(|given| *given != methods);
        self.quota_mode = self.quota_mode.filter(is_unusual);
        self
    }
}

fn is_unusual(mode: &String) -> bool {
    mode != QuotaMode::default().as_str()
}

fn text(names: &[impl ToString]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn names<T: Copy>(values: &[T], name: impl Fn(T) -> &'static str) -> Vec<String> {
    values.iter().map(|value| name(*value).to_owned()).collect()
}
