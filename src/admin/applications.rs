//! Registering, changing and removing applications.
//! Not for: their further secrets (`credentials.rs`).

use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use super::application_rules::check;
use super::catalog::Catalog;
use super::change::{Change, QuotaChange, TokenChange, distinct, set};
use super::credentials::{self, Given, NewSecret};
use super::{Admin, AdminError, insist, view};
use crate::crypto::secret::Secret;
use crate::domain::Invalid;
use crate::domain::api::ApiIdentifier;
use crate::domain::application::{Application, ApplicationType, AuthMethod, ClientId, GrantType, Registered};
use crate::domain::id::ApplicationId;
use crate::domain::quota::Quota;
use crate::domain::scope::{ScopeName, ScopeSet};
use crate::domain::tenant::Tenant;
use crate::domain::token::{ReuseShare, StaticClaims, TokenSettings};
use crate::store::{Conflict, Recorded, RegistryChange, StoreError};

/// Longest name of an application, in characters.
pub(super) const MAX_NAME: usize = 200;

/// An application to be registered. What is `None` takes its default.
#[derive(Debug, Default)]
pub struct NewApplication {
    /// Its name for people.
    pub name: String,
    /// What kind of program it is; `m2m` by default.
    pub kind: Option<ApplicationType>,
    /// Its name on the wire; made by the server by default.
    pub client_id: Option<ClientId>,
    /// Its first secret; made by the server by default.
    pub secret: Option<Given>,
    /// Everything else, as for a change.
    pub settings: ApplicationChange,
}

/// What an application is to be changed to; what is `None` stays. A list replaces the whole list.
#[derive(Debug, Clone, Default)]
pub struct ApplicationChange {
    /// Its name for people.
    pub name: Option<String>,
    /// Whether it gets tokens.
    pub enabled: Option<bool>,
    /// The scopes it may ask for.
    pub scopes: Option<Vec<ScopeName>>,
    /// The scopes it gets when it asks for none; empty for none.
    pub default_scopes: Option<Vec<ScopeName>>,
    /// The grants it may use.
    pub grants: Option<Vec<GrantType>>,
    /// The ways it may prove itself.
    pub auth_methods: Option<Vec<AuthMethod>>,
    /// The APIs it may have tokens for without any of their scopes.
    pub apis: Option<Vec<ApiIdentifier>>,
    /// The API its tokens are for when a request chooses none.
    pub default_api: Change<ApiIdentifier>,
    /// The APIs it is the resource server of.
    pub acts_for: Option<Vec<ApiIdentifier>>,
    /// What its tokens are like.
    pub token: TokenChange,
    /// For how long a token of it is handed out again.
    pub token_reuse: Change<ReuseShare>,
    /// How many tokens it may have.
    pub quota: QuotaChange,
    /// What its tokens say besides.
    pub claims: Option<StaticClaims>,
}

/// Registers an application. A confidential one gets a secret, which is returned this once.
///
/// # Errors
/// When something given cannot be accepted, or the `client_id` is taken.
pub async fn add(
    admin: &Admin,
    tenant: &Tenant,
    new: NewApplication,
) -> Result<(Arc<Registered>, Option<Secret>), AdminError> {
    let kind = new.kind.unwrap_or(ApplicationType::M2m);
    let confidential = kind.is_confidential();
    let client_id = new.client_id.map_or_else(|| make_client_id(admin), Ok)?;
    let mut application = self::new(admin, tenant, client_id, kind);
    application.name = new.name;
    new.settings.apply(&mut application);
    let catalog = Catalog::read(admin, tenant).await?;
    let mut registered = check_new(admin, &catalog, application)?;
    let secret = match (confidential, new.secret) {
        (true, given) => {
            let new = NewSecret { given, ..NewSecret::default() };
            let (credential, secret) = credentials::make(admin, &registered.application, new)?;
            registered.credentials.push(credential);
            secret
        }
        (false, None) => None,
        (false, Some(_)) => return Err(public_has_no_secret(kind).into()),
    };
    let shown = secret.as_ref().map(|secret| secret.expose().to_owned());
    let answer = view::ApplicationView::new(&registered.application).with_client_secret(shown);
    match admin.create(vec![addition(admin, &registered)], &answer).await {
        Err(AdminError::Store(StoreError::Conflict(Conflict::Exists))) => {
            Err(taken(tenant, &registered.application.client_id))
        }
        answer => answer.map(|()| (Arc::new(registered), secret)),
    }
}

/// An application of which nothing more is said yet.
pub(super) fn new(admin: &Admin, tenant: &Tenant, client_id: ClientId, kind: ApplicationType) -> Application {
    let now = admin.now();
    Application {
        id: ApplicationId::new(admin.random.as_ref()),
        tenant: tenant.id,
        client_id,
        name: String::new(),
        kind,
        enabled: true,
        grants: kind.usual_grants(),
        auth_methods: kind.usual_auth_methods(),
        scopes: ScopeSet::default(),
        default_scopes: None,
        apis: Vec::new(),
        default_api: None,
        acts_for: Vec::new(),
        token: TokenSettings::default(),
        token_reuse: None,
        quota: Quota::default(),
        claims: StaticClaims::default(),
        tokens_revoked_before: None,
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

/// What a new application must be. It has no credentials yet.
pub(super) fn check_new(
    admin: &Admin,
    catalog: &Catalog,
    application: Application,
) -> Result<Registered, AdminError> {
    let client_id = application.client_id.as_str();
    if catalog.apis.contains_key(client_id) {
        return Err(AdminError::Conflict(super::apis::looks_alike(client_id)));
    }
    let scope_apis = check(catalog, &application)?;
    let registered = Registered { application, credentials: Vec::new(), scope_apis };
    admin.check_powers(registered.powers(), "such an application")?;
    Ok(registered)
}

/// The change that adds an application with its credentials.
pub(super) fn addition(admin: &Admin, registered: &Registered) -> Recorded {
    let Registered { application, credentials, .. } = registered;
    let (tenant, client_id) = (application.tenant, application.client_id.as_str());
    let event = admin.event(tenant, "application.add", client_id, describe(application));
    Recorded::new(RegistryChange::AddApplication(application.clone(), credentials.clone()), event)
}

fn taken(tenant: &Tenant, id: &ClientId) -> AdminError {
    AdminError::Conflict(format!(
        "an application with client id {id:?} exists already in tenant {}",
        tenant.name
    ))
}

/// An application by its `client_id`.
///
/// # Errors
/// When there is none.
pub async fn find(admin: &Admin, tenant: &Tenant, client_id: &str) -> Result<Arc<Registered>, AdminError> {
    admin.store.application(tenant.id, client_id).await?.ok_or_else(|| AdminError::NotFound {
        what: "application with client id",
        name: client_id.to_owned(),
        mend: " in this tenant: see 'chancery app list'",
    })
}

/// All applications of a tenant, by `client_id`.
///
/// # Errors
/// When the store does not answer.
pub async fn list(admin: &Admin, tenant: &Tenant) -> Result<Vec<Arc<Registered>>, AdminError> {
    const PAGE: usize = 500;
    let mut all: Vec<Arc<Registered>> = Vec::new();
    loop {
        let after = all.last().map(|last| last.application.client_id.clone());
        let page = admin.store.applications(tenant.id, after, PAGE).await?;
        let is_last = page.len() < PAGE;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

/// Changes an application.
///
/// # Errors
/// When it does not exist, or something given cannot be accepted.
pub async fn change(
    admin: &Admin,
    tenant: &Tenant,
    client_id: &str,
    change: ApplicationChange,
) -> Result<Arc<Registered>, AdminError> {
    insist(admin, || change_once(admin, tenant, client_id, change.clone())).await
}

async fn change_once(
    admin: &Admin,
    tenant: &Tenant,
    client_id: &str,
    change: ApplicationChange,
) -> Result<Arc<Registered>, AdminError> {
    let registered = find(admin, tenant, client_id).await?;
    admin.check_version(registered.application.version)?;
    let mut after = registered.application.clone();
    change.apply(&mut after);
    let catalog = Catalog::read(admin, tenant).await?;
    let Some((change, mut after)) = alteration(admin, &catalog, &registered, after)? else {
        return Ok(registered);
    };
    admin.store.change_registry(vec![change]).await?;
    after.application.version += 1;
    Ok(Arc::new(after))
}

/// The change that makes an application what it is to be, and what it is then; nothing when it is that already.
pub(super) fn alteration(
    admin: &Admin,
    catalog: &Catalog,
    before: &Registered,
    mut after: Application,
) -> Result<Option<(Recorded, Registered)>, AdminError> {
    if after == before.application {
        return Ok(None);
    }
    let scope_apis = check(catalog, &after)?;
    after.updated_at = admin.now();
    let (tenant, client_id) = (after.tenant, after.client_id.clone());
    let detail = json!({ "before": describe(&before.application), "after": describe(&after) });
    let event = admin.event(tenant, "application.set", client_id.as_str(), detail);
    let change = Recorded::new(RegistryChange::ChangeApplication(after.clone()), event);
    let after = Registered { application: after, credentials: before.credentials.clone(), scope_apis };
    for one in [before, &after] {
        admin.check_powers(one.powers(), "the application")?;
    }
    Ok(Some((change, after)))
}

/// Refuses every token that was issued to an application until now.
///
/// # Errors
/// When the application does not exist.
pub async fn revoke_tokens(
    admin: &Admin,
    tenant: &Tenant,
    client_id: &str,
) -> Result<Arc<Registered>, AdminError> {
    insist(admin, || async {
        let registered = find(admin, tenant, client_id).await?;
        admin.check_version(registered.application.version)?;
        admin.check_powers(registered.powers(), "the application")?;
        let now = admin.now();
        let before = registered.application.tokens_revoked_before.map_or(now, |before| before.max(now));
        let mut after = Registered::clone(&registered);
        after.application.tokens_revoked_before = Some(before);
        after.application.updated_at = now;
        let detail = json!({ "issued_until": before.to_string() });
        let event = admin.event(tenant.id, "application.revoke_tokens", client_id, detail);
        let change = RegistryChange::ChangeApplication(after.application.clone());
        admin.store.change_registry(vec![Recorded::new(change, event)]).await?;
        after.application.version += 1;
        Ok(Arc::new(after))
    })
    .await
}

/// Removes an application with its credentials.
///
/// # Errors
/// When it does not exist.
pub async fn remove(admin: &Admin, tenant: &Tenant, client_id: &str) -> Result<Arc<Registered>, AdminError> {
    insist(admin, || async {
        let registered = find(admin, tenant, client_id).await?;
        admin.check_version(registered.application.version)?;
        admin.store.change_registry(vec![removal(admin, &registered)?]).await?;
        Ok(registered)
    })
    .await
}

/// The change that removes an application with its credentials.
pub(super) fn removal(admin: &Admin, registered: &Registered) -> Result<Recorded, AdminError> {
    let application = &registered.application;
    admin.check_powers(registered.powers(), "the application")?;
    let (tenant, client_id) = (application.tenant, application.client_id.as_str());
    let event = admin.event(tenant, "application.remove", client_id, describe(application));
    Ok(Recorded::new(RegistryChange::RemoveApplication(application.id, Some(application.version)), event))
}

impl ApplicationChange {
    pub(super) fn apply(self, application: &mut Application) {
        set(&mut application.name, self.name);
        set(&mut application.enabled, self.enabled);
        set(&mut application.scopes, self.scopes.map(ScopeSet::new));
        set(&mut application.grants, self.grants.map(distinct));
        set(&mut application.auth_methods, self.auth_methods.map(distinct));
        set(&mut application.apis, self.apis.map(distinct));
        set(&mut application.acts_for, self.acts_for.map(distinct));
        set(&mut application.claims, self.claims);
        self.default_api.apply(&mut application.default_api);
        self.token.apply(&mut application.token);
        self.token_reuse.apply(&mut application.token_reuse);
        self.quota.apply(&mut application.quota);
        set(&mut application.default_scopes, self.default_scopes.map(|names| Some(ScopeSet::new(names))));
    }
}

/// Assigned by the server (RFC 9068 §5), so that no caller can choose one that looks like a user's name: 128 random
/// bits in hexadecimal, which no form or header escapes.
fn make_client_id(admin: &Admin) -> Result<ClientId, Invalid> {
    let mut bytes = [0; 16];
    admin.random.fill(&mut bytes);
    ClientId::parse(&HEXLOWER.encode(&bytes))
}

fn describe(application: &Application) -> Value {
    serde_json::to_value(view::ApplicationView::new(application)).unwrap_or_default()
}

pub(super) fn public_has_no_secret(kind: ApplicationType) -> Invalid {
    Invalid(format!("type {} is a public client and has no secret (RFC 6749 §2.1)", kind.as_str()))
}
