//! What is taken of another server's applications: everything that can be here, with a word on what is not as it was.
//! Not for: reading files (`hydra.rs` and the others), or storing (`registry`).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::client::{Export, ForeignApi, ForeignClient, ForeignSecret};
use super::{Fate, Format, Outcome};
use crate::admin::apis::refuse_ours_as_new;
use crate::admin::applications::MAX_NAME;
use crate::admin::credentials::{Given, check_secret};
use crate::admin::registry::{ApiEntry, ApplicationEntry, Period, ScopeEntry, SecretEntry, TenantEntry};
use crate::crypto::algorithm;
use crate::crypto::slow_hash::Exported;
use crate::domain::api::ApiIdentifier;
use crate::domain::application::{ApplicationType, AuthMethod, ClientId, GrantType};
use crate::domain::power;
use crate::domain::scope::ScopeName;
use crate::domain::tenant::Tenant;
use crate::domain::time::{Timestamp, format_duration};
use crate::domain::token::TOKEN_LIFETIME_SECONDS;

/// Longest description of a scope, in characters.
const MAX_DESCRIPTION: usize = 500;

/// What was taken.
pub(super) struct Taken {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) notes: Vec<String>,
    /// By `client_id`.
    pub(super) secrets: HashMap<String, Given>,
    scopes: Vec<ScopeEntry>,
    apis: Vec<ApiEntry>,
    applications: Vec<ApplicationEntry>,
}

impl Taken {
    /// All of it as additions to a tenant.
    pub(super) fn within(&self, tenant: &Tenant) -> TenantEntry {
        TenantEntry {
            scopes: Some(self.scopes.clone()),
            apis: Some(self.apis.clone()),
            applications: Some(self.applications.clone()),
            ..TenantEntry::of(tenant)
        }
    }
}

/// Takes what can be taken.
pub(super) fn take(format: &Format, export: Export, now: Timestamp) -> Taken {
    let mut taken = Taken {
        outcomes: Vec::with_capacity(export.clients.len()),
        notes: export.notes,
        secrets: HashMap::new(),
        scopes: Vec::new(),
        apis: Vec::new(),
        applications: Vec::new(),
    };
    let mut seen = HashSet::new();
    for client in export.clients {
        let client_id = client.client_id.clone();
        let mut notes = client.notes.clone();
        let fate = match application(&client, &mut notes) {
            _ if !seen.insert(client_id.clone()) => Err("it is in the file twice".to_owned()),
            Ok(entry) => given(client, now).map(|given| (entry, given)),
            Err(why) => Err(why),
        };
        let (fate, notes) = match fate {
            Err(why) => (Fate::Left, vec![why]),
            Ok((entry, (given, expires_at))) => {
                let secret = SecretEntry {
                    label: format!("from {}", format.name),
                    env: Some(client_id.clone()),
                    expires_at: expires_at.map(|expiry| expiry.to_string()),
                    file: None,
                };
                taken.secrets.insert(client_id.clone(), given);
                taken.applications.push(ApplicationEntry { secrets: vec![secret], ..entry });
                (if notes.is_empty() { Fate::Taken } else { Fate::Changed }, notes)
            }
        };
        taken.outcomes.push(Outcome { client_id, fate, notes });
    }
    let described: BTreeMap<String, String> = export.scopes.into_iter().collect();
    taken.define(&described, export.apis);
    taken
}

impl Taken {
    /// Defines the scopes and APIs that applications have, and the APIs that the file has besides.
    fn define(&mut self, described: &BTreeMap<String, String>, apis: Vec<ForeignApi>) {
        let mut owners: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for api in apis.iter().filter(|api| is_identifier(&api.identifier)) {
            for (scope, _) in &api.scopes {
                owners.entry(scope.clone()).or_default().insert(api.identifier.clone());
            }
        }
        let is_shared = |scope: &str| owners.get(scope).is_some_and(|owners| owners.len() > 1);
        let mut defined = HashSet::new();
        for foreign in apis {
            if self.has_api(&foreign.identifier) {
                continue;
            }
            if !is_identifier(&foreign.identifier) {
                let text =
                    format!("API {:?} was left out: its identifier is no absolute URI", foreign.identifier);
                self.notes.push(text);
                continue;
            }
            let mut scopes = Vec::new();
            for (name, description) in &foreign.scopes {
                if is_scope(name) && !is_shared(name) && defined.insert(name.clone()) {
                    scopes.push(ScopeEntry { name: name.clone(), description: shortened(description) });
                }
            }
            self.api(&foreign, scopes);
        }
        for (name, owners) in owners.iter().filter(|(name, owners)| owners.len() > 1 && is_scope(name)) {
            let names: Vec<_> = owners.iter().map(String::as_str).collect();
            let text = format!(
                "scope {name} is the whole tenant's here: several APIs define it ({})",
                names.join(", ")
            );
            self.notes.push(text);
            self.scopes.push(ScopeEntry { name: name.clone(), description: String::new() });
            defined.insert(name.clone());
        }
        let granted: BTreeSet<String> =
            self.applications.iter().flat_map(|one| &one.scopes).cloned().collect();
        for name in granted.into_iter().filter(|name| !defined.contains(name)) {
            let description = described.get(&name).map(|text| shortened(text)).unwrap_or_default();
            self.scopes.push(ScopeEntry { name, description });
        }
        let named: BTreeSet<String> = self.applications.iter().flat_map(|one| &one.apis).cloned().collect();
        for identifier in named {
            if !self.has_api(&identifier) {
                self.apis.push(ApiEntry { identifier, ..ApiEntry::default() });
            }
        }
    }

    fn has_api(&self, identifier: &str) -> bool {
        self.apis.iter().any(|api| api.identifier == identifier)
    }

    fn api(&mut self, foreign: &ForeignApi, scopes: Vec<ScopeEntry>) {
        let mut notes = Vec::new();
        let token_lifetime = foreign.lifetime.map(|lifetime| clamped(lifetime, &mut notes));
        let algorithm = foreign.algorithm.clone().filter(|name| {
            let is_ours = algorithm::find(name).is_some_and(|algorithm| !algorithm.is_experimental());
            if !is_ours {
                notes.push(format!("its tokens were signed with {name}; here with what the tenant's are"));
            }
            is_ours
        });
        let entry = ApiEntry {
            identifier: foreign.identifier.clone(),
            name: shortened_to(&foreign.name, MAX_NAME),
            scopes,
            algorithm,
            token_lifetime,
            ..ApiEntry::default()
        };
        self.apis.push(entry);
        self.notes.extend(notes.into_iter().map(|note| format!("API {}: {note}", foreign.identifier)));
    }
}

/// What an application becomes, but for its secret; or why it is left.
fn application(client: &ForeignClient, notes: &mut Vec<String>) -> Result<ApplicationEntry, String> {
    ClientId::parse(&client.client_id).map_err(|error| error.to_string())?;
    if client.is_public {
        return Err("it is a public client, which cannot keep a secret".to_owned());
    }
    if !client.grants.iter().any(|grant| grant == GrantType::ClientCredentials.as_str()) {
        return Err("it may not use client_credentials".to_owned());
    }
    let mut scopes = client.scopes.clone();
    scopes.retain(|scope| keeps_scope(scope, notes));
    let mut apis = client.apis.clone();
    apis.retain(|api| keeps_api(api, notes));
    let default_scopes = client.default_scopes.as_ref().map(|defaults| {
        let kept = defaults.iter().filter(|scope| scopes.contains(scope));
        kept.cloned().collect()
    });
    let is_web = client.grants.iter().any(|grant| grant == GrantType::AuthorizationCode.as_str());
    let kind = if is_web { ApplicationType::Web } else { ApplicationType::M2m };
    Ok(ApplicationEntry {
        client_id: client.client_id.clone(),
        name: name(client, notes),
        kind: Some(kind.as_str().to_owned()),
        enabled: Some(!client.is_disabled),
        grants: Some(grants(client, notes)),
        auth_methods: methods(client, notes)?,
        default_scopes,
        default_api: client.default_api.clone().filter(|api| apis.contains(api)),
        token_lifetime: client.lifetime.map(|lifetime| clamped(lifetime, notes)),
        scopes,
        apis,
        ..ApplicationEntry::default()
    })
}

fn given(client: ForeignClient, now: Timestamp) -> Result<(Given, Option<Timestamp>), String> {
    if client.secret_expires_at.is_some_and(|expiry| expiry <= now) {
        return Err("its secret has expired".to_owned());
    }
    let given = match client.secret {
        ForeignSecret::None => return Err("the file has no secret of it".to_owned()),
        ForeignSecret::Plain(secret) => Given::Secret(secret),
        ForeignSecret::Encoded(text) => {
            Exported::parse(text.expose()).map(Given::from).map_err(|error| format!("its secret: {error}"))?
        }
    };
    let given = match given {
        Given::Secret(secret) => Given::Secret(check_secret(secret).map_err(|error| error.to_string())?),
        hash @ Given::Hash(_) => hash,
    };
    Ok((given, client.secret_expires_at))
}

/// A scope of a foreign server must not come to mean a power over this one.
fn keeps_scope(scope: &str, notes: &mut Vec<String>) -> bool {
    if power::find(scope).is_some() {
        notes.push(format!(
            "scope {scope} was left out: here it is a power over this server; grant it by hand if meant"
        ));
        return false;
    }
    let is_fine = is_scope(scope);
    if !is_fine {
        notes.push(format!("scope {scope:?} was left out: it breaks the grammar of RFC 6749, section 3.3"));
    }
    is_fine
}

fn keeps_api(api: &str, notes: &mut Vec<String>) -> bool {
    let is_fine = is_identifier(api);
    if !is_fine {
        notes.push(format!("audience {api:?} was left out: an API's identifier is an absolute URI here"));
    }
    is_fine
}

fn grants(client: &ForeignClient, notes: &mut Vec<String>) -> Vec<String> {
    let mut grants = client.grants.clone();
    grants.retain(|grant| {
        let is_known = GrantType::parse(grant).is_ok();
        if !is_known {
            notes.push(format!("grant {grant:?} was left out: it is not known here"));
        }
        is_known
    });
    grants
}

/// Nothing, which is the default, when nothing was said.
fn methods(client: &ForeignClient, notes: &mut Vec<String>) -> Result<Option<Vec<String>>, String> {
    if client.auth_methods.is_empty() {
        return Ok(None);
    }
    let is_known = |method: &&String| AuthMethod::parse(method).is_ok();
    let (known, others): (Vec<_>, Vec<_>) = client.auth_methods.iter().partition(is_known);
    if known.is_empty() {
        let names: Vec<_> = others.into_iter().map(|name| format!("{name:?}")).collect();
        return Err(format!(
            "it proves itself by {}, which is not a secret that can be taken over",
            names.join(", ")
        ));
    }
    notes.extend(others.into_iter().map(|name| format!("authentication method {name:?} was left out")));
    Ok(Some(known.into_iter().cloned().collect()))
}

fn name(client: &ForeignClient, notes: &mut Vec<String>) -> String {
    let name = shortened_to(&client.name, MAX_NAME);
    if name != client.name {
        notes.push("its name was shortened to what a name can be".to_owned());
    }
    if name.is_empty() { client.client_id.clone() } else { name }
}

fn clamped(lifetime: u64, notes: &mut Vec<String>) -> Period {
    let (shortest, longest) = (*TOKEN_LIFETIME_SECONDS.start(), *TOKEN_LIFETIME_SECONDS.end());
    let allowed = lifetime.clamp(shortest, longest);
    if allowed != lifetime {
        let shown = |seconds| format_duration(std::time::Duration::from_secs(seconds));
        notes.push(format!("its tokens live {} here, not {}", shown(allowed), shown(lifetime)));
    }
    Period::from(std::time::Duration::from_secs(allowed))
}

fn is_scope(name: &str) -> bool {
    ScopeName::parse(name).is_ok() && power::find(name).is_none()
}

fn is_identifier(text: &str) -> bool {
    ApiIdentifier::parse(text).is_ok_and(|identifier| refuse_ours_as_new(&identifier).is_ok())
}

fn shortened(text: &str) -> String {
    shortened_to(text, MAX_DESCRIPTION)
}

/// The text without control characters and white space around it, and not longer than that.
fn shortened_to(text: &str, longest: usize) -> String {
    let clean: String = text.chars().filter(|one| !one.is_control()).collect();
    clean.trim().chars().take(longest).collect::<String>().trim_end().to_owned()
}
