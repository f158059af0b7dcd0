//! A registry file with its values read: everything that can be said without looking at the store.
//! Not for: what refers to what (`plan`).

use std::collections::HashSet;
use std::hash::Hash;
use std::time::Duration;

use super::document::{ApiEntry, Document, ScopeEntry, TenantEntry};
use super::mistakes::Mistakes;
use super::place::TenantPlace;
use super::{Options, SecretReader};
use crate::admin::apis::refuse_ours_as_new;
use crate::admin::scopes::check_description;
use crate::crypto::algorithm::ALGORITHMS;
use crate::domain::Invalid;
use crate::domain::api::ApiIdentifier;
use crate::domain::quota::Quota;
use crate::domain::scope::ScopeName;
use crate::domain::tenant::{DEFAULT_KEY_PERIOD, Host, IssuerUrl, check_key_period, check_tenant_name};
use crate::domain::time::Timestamp;
use crate::domain::token::{TokenProfile, TokenSettings};

mod application;
mod quota;

pub(super) use application::{WantedApplication, WantedSecret};
use quota::QuotaEntry;

/// What is to be.
pub(super) struct Wanted {
    pub(super) tenants: Vec<WantedTenant>,
    /// Every tenant that the file names, those among them that are not to be looked at.
    pub(super) named: HashSet<String>,
}

/// A tenant that is to be. Of what is `None` nothing is said.
pub(super) struct WantedTenant {
    /// Its place in the file.
    pub(super) index: usize,
    pub(super) name: String,
    pub(super) hosts: Vec<Host>,
    pub(super) issuer: IssuerUrl,
    pub(super) enabled: bool,
    pub(super) algorithm: String,
    pub(super) key_period: Duration,
    pub(super) quota: Quota,
    pub(super) scopes: Option<Vec<WantedScope>>,
    pub(super) apis: Option<Vec<WantedApi>>,
    pub(super) applications: Option<Vec<WantedApplication>>,
}

/// A scope that is to be, of the tenant or of an API.
pub(super) struct WantedScope {
    pub(super) name: ScopeName,
    pub(super) description: String,
}

/// An API that is to be.
pub(super) struct WantedApi {
    pub(super) identifier: ApiIdentifier,
    pub(super) name: String,
    pub(super) algorithm: Option<String>,
    pub(super) token: TokenSettings,
    pub(super) scopes: Vec<WantedScope>,
}

impl WantedTenant {
    pub(super) fn place(&self) -> TenantPlace<'_> {
        TenantPlace { index: self.index, name: &self.name }
    }
}

impl Wanted {
    /// Reads every value of a document.
    ///
    /// # Errors
    /// Every value that cannot be accepted.
    pub(super) fn read(
        document: &Document,
        options: &Options,
        secrets: &dyn SecretReader,
        now: Timestamp,
    ) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let mut named = HashSet::new();
        let mut tenants = Vec::with_capacity(document.tenants.len());
        let reading = Reading { secrets, now };
        for (index, entry) in document.tenants.iter().enumerate() {
            if !named.insert(entry.name.clone()) {
                mistakes.note(TenantPlace { index, name: &entry.name }, "this tenant is there twice");
            }
            if options.tenant.as_ref().is_none_or(|only| *only == entry.name) {
                tenants.extend(reading.tenant(&mut mistakes, index, entry));
            }
        }
        if let Some(only) = options.tenant.as_ref().filter(|only| !named.contains(*only)) {
            mistakes.note("tenants", format_args!("there is no tenant {only:?} in the file"));
        }
        if options.prune_tenants && named.is_empty() {
            mistakes.note("tenants", "the file names no tenant, so that every tenant would be removed");
        }
        mistakes.refuse_any()?;
        Ok(Self { tenants, named })
    }
}

/// What values are read with.
struct Reading<'of> {
    secrets: &'of dyn SecretReader,
    now: Timestamp,
}

impl Reading<'_> {
    fn tenant(&self, mistakes: &mut Mistakes, index: usize, entry: &TenantEntry) -> Option<WantedTenant> {
        let place = TenantPlace { index, name: &entry.name };
        let name = mistakes.take(place, "name", check_tenant_name(&entry.name));
        let issuer = mistakes.take(place, "issuer", IssuerUrl::parse(&entry.issuer));
        let hosts = match (&entry.hosts, &issuer) {
            (Some(hosts), _) if hosts.is_empty() => {
                mistakes.note(place, "hosts: a tenant needs at least one");
                None
            }
            (Some(hosts), _) => mistakes.take_all(place, "hosts", hosts, Host::parse),
            (None, issuer) => issuer.as_ref().map(|issuer| vec![issuer.host()]),
        };
        let algorithm = entry.algorithm.clone().or_else(default_algorithm);
        let key_period = entry.key_period.as_ref().map_or(Ok(DEFAULT_KEY_PERIOD), |period| {
            period.duration().and_then(|period| check_key_period(period).map(|()| period))
        });
        let key_period = mistakes.take(place, "key_period", key_period);
        let quota = QuotaEntry::from(entry).read(mistakes, place);
        let scopes = entry.scopes.as_ref().map(|entries| {
            let scopes = entries.iter().enumerate();
            scopes
                .filter_map(|(at, entry)| read_scope(mistakes, place.of("scopes", at, &entry.name), entry))
                .collect()
        });
        let apis = entry.apis.as_ref().map(|entries| {
            let apis = entries.iter().enumerate();
            apis.filter_map(|(at, entry)| read_api(mistakes, place, at, entry)).collect()
        });
        let applications = entry.applications.as_ref().map(|entries| {
            let applications = entries.iter().enumerate();
            applications
                .filter_map(|(at, entry)| {
                    self.application(mistakes, place.of("applications", at, &entry.client_id), entry)
                })
                .collect()
        });
        refuse_twice(mistakes, place, entry);
        name?;
        Some(WantedTenant {
            index,
            name: entry.name.clone(),
            hosts: crate::admin::change::distinct(hosts?),
            issuer: issuer?,
            enabled: entry.enabled.unwrap_or(true),
            algorithm: algorithm?,
            key_period: key_period?,
            quota: quota?,
            scopes,
            apis,
            applications,
        })
    }
}

fn default_algorithm() -> Option<String> {
    ALGORITHMS.first().map(|algorithm| algorithm.name().to_owned())
}

fn read_scope(
    mistakes: &mut Mistakes,
    place: impl std::fmt::Display + Copy,
    entry: &ScopeEntry,
) -> Option<WantedScope> {
    let name = mistakes.take(place, "name", ScopeName::parse(&entry.name));
    let described = mistakes.take(place, "description", check_description(&entry.description));
    described?;
    Some(WantedScope { name: name?, description: entry.description.clone() })
}

fn read_api(
    mistakes: &mut Mistakes,
    tenant: TenantPlace<'_>,
    at: usize,
    entry: &ApiEntry,
) -> Option<WantedApi> {
    let place = tenant.of("apis", at, &entry.identifier);
    let identifier = ApiIdentifier::parse(&entry.identifier)
        .and_then(|identifier| refuse_ours_as_new(&identifier).map(|()| identifier));
    let identifier = mistakes.take(place, "identifier", identifier);
    let token = TokenEntry {
        lifetime: entry.token_lifetime.as_ref(),
        profile: entry.token_profile.as_deref(),
        backdating: entry.nbf_backdating.as_ref(),
    };
    let token = token.read(mistakes, place);
    let before = mistakes.0.len();
    let mut scopes = Vec::with_capacity(entry.scopes.len());
    for (index, scope) in entry.scopes.iter().enumerate() {
        let place = format!("{place}: scopes[{index}]");
        scopes.extend(read_scope(mistakes, place.as_str(), scope));
    }
    let all_read = mistakes.0.len() == before;
    let (name, algorithm) = (entry.name.clone(), entry.algorithm.clone());
    let api = WantedApi { identifier: identifier?, name, algorithm, token: token?, scopes };
    all_read.then_some(api)
}

/// What a file says of tokens.
struct TokenEntry<'of> {
    lifetime: Option<&'of super::Period>,
    profile: Option<&'of str>,
    backdating: Option<&'of super::Period>,
}

impl TokenEntry<'_> {
    fn read(&self, mistakes: &mut Mistakes, place: impl std::fmt::Display + Copy) -> Option<TokenSettings> {
        let lifetime = self.lifetime.map(super::Period::duration).transpose();
        let lifetime = mistakes.take(place, "token_lifetime", lifetime);
        let profile = self.profile.map(TokenProfile::parse).transpose();
        let profile = mistakes.take(place, "token_profile", profile);
        let backdating = self.backdating.map(super::Period::duration).transpose();
        let backdating = mistakes.take(place, "nbf_backdating", backdating);
        let settings = TokenSettings { lifetime: lifetime?, profile: profile?, backdating: backdating? };
        mistakes.take(place, "tokens", settings.check()).map(|()| settings)
    }
}

/// Names that are there more than once. A scope's name belongs to one API, or to the whole tenant.
fn refuse_twice(mistakes: &mut Mistakes, place: TenantPlace<'_>, entry: &TenantEntry) {
    let mut scopes = HashSet::new();
    for (at, scope) in entry.scopes.iter().flatten().enumerate() {
        note_second(mistakes, &mut scopes, scope.name.as_str(), place.of("scopes", at, &scope.name));
    }
    let mut apis = HashSet::new();
    for (at, api) in entry.apis.iter().flatten().enumerate() {
        let place = place.of("apis", at, &api.identifier);
        note_second(mistakes, &mut apis, api.identifier.as_str(), place);
        for scope in &api.scopes {
            let place = format!("{place}: scope {:?}", scope.name);
            note_second(mistakes, &mut scopes, scope.name.as_str(), place);
        }
    }
    let mut applications = HashSet::new();
    for (at, application) in entry.applications.iter().flatten().enumerate() {
        let place = place.of("applications", at, &application.client_id);
        note_second(mistakes, &mut applications, application.client_id.as_str(), place);
    }
}

fn note_second<T: Eq + Hash>(
    mistakes: &mut Mistakes,
    seen: &mut HashSet<T>,
    name: T,
    place: impl std::fmt::Display,
) {
    if !seen.insert(name) {
        mistakes.note(place, Invalid("this name is there already".to_owned()));
    }
}
