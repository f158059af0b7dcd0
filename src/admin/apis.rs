//! Adding, changing and removing APIs and the scopes they define.
//! Not for: granting them (`applications.rs`).

use serde_json::{Value, json};

use super::change::{Change, TokenChange, distinct, set};
use super::{Admin, AdminError, insist, keys, view};
use crate::crypto::algorithm::{self, ALGORITHMS, Algorithm};
use crate::domain::api::{Api, ApiIdentifier};
use crate::domain::power::{ADMIN_SCOPES, AdminScope};
use crate::domain::scope::{Scope, ScopeName};
use crate::domain::tenant::Tenant;
use crate::domain::token::TokenSettings;
use crate::domain::{Invalid, check_label};
use crate::store::{Conflict, Recorded, RegistryChange, ScopeChange, StoreError};

/// Longest name of an API, in characters.
const MAX_NAME: usize = 200;

/// What an API is to be changed to; what is `None` stays. A list replaces the whole list.
#[derive(Debug, Clone, Default)]
pub struct ApiChange {
    /// Its name for people.
    pub name: Option<String>,
    /// The scopes it defines.
    pub scopes: Option<Vec<ScopeName>>,
    /// What its tokens are like.
    pub token: TokenChange,
    /// The algorithm its tokens are signed with.
    pub algorithm: Change<String>,
}

/// An API with the names of the scopes it defines.
#[derive(Debug, Clone)]
pub struct Described {
    /// The API.
    pub api: Api,
    /// Its scopes, by name.
    pub scopes: Vec<ScopeName>,
}

/// Adds an API.
///
/// # Errors
/// When something given cannot be accepted, or the identifier or a scope is taken.
pub async fn add(
    admin: &Admin,
    tenant: &Tenant,
    identifier: ApiIdentifier,
    settings: ApiChange,
) -> Result<Described, AdminError> {
    refuse_ours_as_new(&identifier)?;
    if admin.store.application(tenant.id, identifier.as_str()).await?.is_some() {
        return Err(AdminError::Conflict(looks_alike(identifier.as_str())));
    }
    let mut api = new(admin, tenant, identifier);
    let mut names = settings.apply(&mut api).map(distinct).unwrap_or_default();
    names.sort();
    check(admin, &api)?;
    let scopes = names.iter().map(|name| scope_of(admin, &api, name)).collect();
    let described = Described { api, scopes: names };
    let answer = view::ApiView::new(&described);
    match admin.create(vec![addition(admin, &described, scopes)], &answer).await {
        Err(AdminError::Store(StoreError::Conflict(Conflict::Exists))) => {
            Err(taken(&described.api.identifier))
        }
        answer => {
            answer?;
            // A key for the algorithm it asks for is published from now on, so that it signs the sooner.
            keys::provide(admin, tenant).await;
            Ok(described)
        }
    }
}

/// Nobody can add an API of the server's own.
pub(super) fn refuse_ours_as_new(identifier: &ApiIdentifier) -> Result<(), Invalid> {
    if identifier.is_ours() {
        return Err(Invalid(format!("{identifier} is for the server's own APIs: choose another identifier")));
    }
    Ok(())
}

/// An API of which nothing is said yet.
pub(super) fn new(admin: &Admin, tenant: &Tenant, identifier: ApiIdentifier) -> Api {
    let now = admin.now();
    Api {
        tenant: tenant.id,
        identifier,
        name: String::new(),
        token: TokenSettings::default(),
        algorithm: None,
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

/// The change that adds an API with its scopes.
pub(super) fn addition(admin: &Admin, described: &Described, scopes: Vec<Scope>) -> Recorded {
    let api = &described.api;
    let event = admin.event(api.tenant, "api.add", api.identifier.as_str(), describe(described));
    Recorded::new(RegistryChange::AddApi(api.clone(), scopes), event)
}

/// The API that administers this server, with its scopes, for a tenant that is new.
pub(super) fn administration(admin: &Admin, tenant: &Tenant) -> RegistryChange {
    let name = "Administration of this server".to_owned();
    let api = Api { name, ..new(admin, tenant, ApiIdentifier::admin()) };
    let scope = |one: &AdminScope| {
        let name = ScopeName::parse(one.name).ok()?;
        Some(Scope { description: one.description.to_owned(), ..scope_of(admin, &api, &name) })
    };
    let scopes = ADMIN_SCOPES.iter().filter_map(scope).collect();
    RegistryChange::AddApi(api, scopes)
}

/// An API by its identifier.
///
/// # Errors
/// When there is none.
pub async fn find(admin: &Admin, tenant: &Tenant, identifier: &str) -> Result<Described, AdminError> {
    let all = list(admin, tenant).await?;
    all.into_iter().find(|one| one.api.identifier.as_str() == identifier).ok_or_else(|| no_api(identifier))
}

/// All APIs of a tenant, by identifier.
///
/// # Errors
/// When the store does not answer.
pub async fn list(admin: &Admin, tenant: &Tenant) -> Result<Vec<Described>, AdminError> {
    let scopes = admin.store.scopes(tenant.id).await?;
    let describe = |api: Api| {
        let own = scopes.iter().filter(|scope| scope.api.as_ref() == Some(&api.identifier));
        Described { scopes: own.map(|scope| scope.name.clone()).collect(), api }
    };
    Ok(admin.store.apis(tenant.id).await?.into_iter().map(describe).collect())
}

/// Changes an API.
///
/// # Errors
/// When it does not exist, something given cannot be accepted, a scope is taken, or one that is to go is granted.
pub async fn change(
    admin: &Admin,
    tenant: &Tenant,
    identifier: &str,
    change: ApiChange,
) -> Result<Described, AdminError> {
    insist(admin, || change_once(admin, tenant, identifier, change.clone())).await
}

async fn change_once(
    admin: &Admin,
    tenant: &Tenant,
    identifier: &str,
    change: ApiChange,
) -> Result<Described, AdminError> {
    let before = find(admin, tenant, identifier).await?;
    admin.check_version(before.api.version)?;
    let mut after = before.clone();
    let names = change.apply(&mut after.api).map(distinct);
    after.scopes = names.unwrap_or(after.scopes);
    after.scopes.sort();
    let added = after.scopes.iter().filter(|name| !before.scopes.contains(name));
    let added = added.map(|name| scope_of(admin, &after.api, name)).collect();
    let Some((change, mut after)) = alteration(admin, &before, after, added)? else {
        return Ok(before);
    };
    match admin.store.change_registry(vec![change]).await {
        Err(StoreError::Conflict(Conflict::Exists)) => Err(taken(&after.api.identifier)),
        Err(StoreError::Conflict(Conflict::InUse)) => Err(AdminError::Conflict(format!(
            "a scope that {identifier} is to lose is still granted to an application: take it away with 'chancery app set' first"
        ))),
        answer => {
            answer?;
            keys::provide(admin, tenant).await;
            after.api.version += 1;
            Ok(after)
        }
    }
}

/// The change that makes an API what it is to be, and what it is then; nothing when it is that already.
pub(super) fn alteration(
    admin: &Admin,
    before: &Described,
    mut after: Described,
    added: Vec<Scope>,
) -> Result<Option<(Recorded, Described)>, AdminError> {
    if after.api == before.api && after.scopes == before.scopes {
        return Ok(None);
    }
    let identifier = &before.api.identifier;
    super::scopes::refuse_ours(Some(identifier))?;
    check(admin, &after.api)?;
    after.api.updated_at = admin.now();
    let removed = before.scopes.iter().filter(|name| !after.scopes.contains(name)).cloned().collect();
    let detail = json!({ "before": describe(before), "after": describe(&after) });
    let event = admin.event(after.api.tenant, "api.set", identifier.as_str(), detail);
    let change = RegistryChange::ChangeApi(after.api.clone(), ScopeChange { added, removed });
    Ok(Some((Recorded::new(change, event), after)))
}

/// Removes an API and its scopes.
///
/// # Errors
/// When it does not exist, or an application has still to do with it.
pub async fn remove(admin: &Admin, tenant: &Tenant, identifier: &str) -> Result<Described, AdminError> {
    let described = find(admin, tenant, identifier).await?;
    admin.check_version(described.api.version)?;
    match admin.store.change_registry(vec![removal(admin, &described)?]).await {
        Err(StoreError::Conflict(Conflict::InUse)) => Err(AdminError::Conflict(format!(
            "an application still has to do with {identifier}: take its scopes, --api, --acts-for and --default-api away \
             with 'chancery app set' first"
        ))),
        answer => Ok(answer.map(|()| described)?),
    }
}

/// The change that removes an API with its scopes.
pub(super) fn removal(admin: &Admin, described: &Described) -> Result<Recorded, AdminError> {
    let api = &described.api;
    if api.identifier.is_ours() {
        return Err(AdminError::Conflict(format!("{} is the server's own, and stays", api.identifier)));
    }
    let event = admin.event(api.tenant, "api.remove", api.identifier.as_str(), describe(described));
    let change = RegistryChange::RemoveApi(api.tenant, api.identifier.clone(), admin.terms.version);
    Ok(Recorded::new(change, event))
}

/// An application of an API's name would have tokens of profile `ciam` that seem to be meant for the API.
pub(super) fn looks_alike(name: &str) -> String {
    format!("{name} cannot be both a client id and an API's identifier: choose another")
}

/// What is said when no API has this identifier.
pub(super) fn no_api(identifier: &str) -> AdminError {
    AdminError::NotFound {
        what: "API",
        name: identifier.to_owned(),
        mend: " in this tenant: see 'chancery api list', or add it with 'chancery api add'",
    }
}

/// The algorithm of this name, for tokens to be signed with.
///
/// # Errors
/// When there is none of that name, or it is experimental and that is not allowed.
pub(super) fn find_algorithm(admin: &Admin, name: &str) -> Result<&'static dyn Algorithm, Invalid> {
    let is_allowed = |algorithm: &dyn Algorithm| admin.experimental || !algorithm.is_experimental();
    match algorithm::find(name) {
        Some(algorithm) if is_allowed(algorithm) => Ok(algorithm),
        Some(_) => Err(Invalid(format!(
            "{name} is experimental: set keys.experimental to true (CHANCERY_KEYS_EXPERIMENTAL) if you want it all the same"
        ))),
        None => {
            let allowed = ALGORITHMS.iter().filter(|algorithm| is_allowed(**algorithm));
            let names: Vec<_> = allowed.map(|algorithm| algorithm.name()).collect();
            Err(Invalid(format!("{name:?} is not an algorithm: one of {}", names.join(", "))))
        }
    }
}

impl ApiChange {
    /// Makes the change, but for the scopes, which it returns.
    fn apply(self, api: &mut Api) -> Option<Vec<ScopeName>> {
        set(&mut api.name, self.name);
        self.token.apply(&mut api.token);
        self.algorithm.apply(&mut api.algorithm);
        self.scopes
    }
}

pub(super) fn check(admin: &Admin, api: &Api) -> Result<(), Invalid> {
    if !api.name.is_empty() {
        check_label("name", &api.name, MAX_NAME)?;
    }
    api.token.check()?;
    api.algorithm.as_deref().map_or(Ok(()), |name| find_algorithm(admin, name).map(|_| ()))
}

pub(super) fn scope_of(admin: &Admin, api: &Api, name: &ScopeName) -> Scope {
    Scope {
        tenant: api.tenant,
        name: name.clone(),
        description: String::new(),
        api: Some(api.identifier.clone()),
        created_at: admin.now(),
        version: 1,
    }
}

fn taken(identifier: &ApiIdentifier) -> AdminError {
    AdminError::Conflict(format!(
        "{identifier} or one of the scopes is there already: a scope's name belongs to one API, or to the whole tenant; \
         see 'chancery api list' and 'chancery scope list'"
    ))
}

fn describe(described: &Described) -> Value {
    serde_json::to_value(view::ApiView::new(described)).unwrap_or_default()
}
