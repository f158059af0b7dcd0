//! An application of a registry file with its values read, and the secrets it must have.
//! Not for: what it refers to (`plan/applications.rs`).

use super::quota::QuotaEntry;
use super::{Reading, TokenEntry};
use crate::admin::applications::{MAX_NAME, public_has_no_secret};
use crate::admin::change::distinct;
use crate::admin::credentials::{Given, check_secret, check_secret_label};
use crate::admin::registry::SecretSource;
use crate::admin::registry::count::Count;
use crate::admin::registry::document::{ApplicationEntry, SecretEntry};
use crate::admin::registry::mistakes::Mistakes;
use crate::admin::registry::place::Place;
use crate::crypto::secret::looks_like_ours;
use crate::domain::api::ApiIdentifier;
use crate::domain::application::{Application, ApplicationType, AuthMethod, ClientId, GrantType};
use crate::domain::quota::Quota;
use crate::domain::scope::{ScopeName, ScopeSet};
use crate::domain::time::Timestamp;
use crate::domain::token::{ReuseShare, StaticClaims, TokenSettings};
use crate::domain::{Invalid, check_label};

/// An application that is to be.
pub(in crate::admin::registry) struct WantedApplication {
    pub(in crate::admin::registry) client_id: ClientId,
    pub(in crate::admin::registry) kind: ApplicationType,
    pub(in crate::admin::registry) scopes: ScopeSet,
    pub(in crate::admin::registry) apis: Vec<ApiIdentifier>,
    pub(in crate::admin::registry) default_api: Option<ApiIdentifier>,
    pub(in crate::admin::registry) acts_for: Vec<ApiIdentifier>,
    pub(in crate::admin::registry) secrets: Vec<WantedSecret>,
    name: String,
    enabled: bool,
    default_scopes: Option<ScopeSet>,
    grants: Vec<GrantType>,
    auth_methods: Vec<AuthMethod>,
    token: TokenSettings,
    token_reuse: Option<ReuseShare>,
    quota: Quota,
    claims: StaticClaims,
}

/// A secret that an application must have.
pub(in crate::admin::registry) struct WantedSecret {
    pub(in crate::admin::registry) label: String,
    pub(in crate::admin::registry) given: Given,
    pub(in crate::admin::registry) expires_at: Option<Timestamp>,
}

impl WantedApplication {
    /// Gives an application everything that the file says of it.
    pub(in crate::admin::registry) fn shape(&self, application: &mut Application) {
        application.name.clone_from(&self.name);
        application.kind = self.kind;
        application.enabled = self.enabled;
        application.grants.clone_from(&self.grants);
        application.auth_methods.clone_from(&self.auth_methods);
        application.scopes.clone_from(&self.scopes);
        application.default_scopes.clone_from(&self.default_scopes);
        application.apis.clone_from(&self.apis);
        application.default_api.clone_from(&self.default_api);
        application.acts_for.clone_from(&self.acts_for);
        application.token = self.token;
        application.token_reuse = self.token_reuse;
        application.quota = self.quota;
        application.claims.clone_from(&self.claims);
    }
}

impl Reading<'_> {
    pub(super) fn application(
        &self,
        mistakes: &mut Mistakes,
        place: Place<'_>,
        entry: &ApplicationEntry,
    ) -> Option<WantedApplication> {
        let client_id = mistakes.take(place, "client_id", ClientId::parse(&entry.client_id));
        let named = mistakes.take(place, "name", check_label("name", &entry.name, MAX_NAME));
        let kind = entry.kind.as_deref().map_or(Ok(ApplicationType::M2m), ApplicationType::parse);
        let kind = mistakes.take(place, "type", kind);
        let given = entry.grants.as_deref().unwrap_or_default();
        let grants = mistakes.take_all(place, "grants", given, GrantType::parse);
        let given = entry.auth_methods.as_deref().unwrap_or_default();
        let methods = mistakes.take_all(place, "auth_methods", given, AuthMethod::parse);
        let scopes = mistakes.take_all(place, "scopes", &entry.scopes, ScopeName::parse);
        let given = entry.default_scopes.as_deref().unwrap_or_default();
        let defaults = mistakes.take_all(place, "default_scopes", given, ScopeName::parse).map(ScopeSet::new);
        let apis = mistakes.take_all(place, "apis", &entry.apis, ApiIdentifier::parse);
        let default_api = entry.default_api.as_deref().map(ApiIdentifier::parse).transpose();
        let default_api = mistakes.take(place, "default_api", default_api);
        let acts_for = mistakes.take_all(place, "acts_for", &entry.acts_for, ApiIdentifier::parse);
        let token = TokenEntry {
            lifetime: entry.token_lifetime.as_ref(),
            profile: entry.token_profile.as_deref(),
            backdating: entry.nbf_backdating.as_ref(),
        };
        let token = token.read(mistakes, place);
        let token_reuse = entry.token_reuse_percent.map(|Count(percent)| ReuseShare::from_percent(percent));
        let token_reuse = mistakes.take(place, "token_reuse_percent", token_reuse.transpose());
        let quota = QuotaEntry::from(entry).read(mistakes, place);
        let claims = mistakes.take(place, "claims", StaticClaims::new(entry.claims.clone()));
        let secrets = self.secrets(mistakes, place, kind, &entry.secrets);
        named?;
        let kind = kind?;
        Some(WantedApplication {
            client_id: client_id?,
            kind,
            scopes: ScopeSet::new(scopes?),
            apis: distinct(apis?),
            default_api: default_api?,
            acts_for: distinct(acts_for?),
            secrets: secrets?,
            name: entry.name.clone(),
            enabled: entry.enabled.unwrap_or(true),
            default_scopes: entry.default_scopes.as_ref().and(defaults),
            grants: if entry.grants.is_some() { distinct(grants?) } else { kind.usual_grants() },
            auth_methods: if entry.auth_methods.is_some() {
                distinct(methods?)
            } else {
                kind.usual_auth_methods()
            },
            token: token?,
            token_reuse: token_reuse?,
            quota: quota?,
            claims: claims?,
        })
    }

    /// The secrets that are to be made to exist; one whose time is past proves nothing any more, and is passed over.
    fn secrets(
        &self,
        mistakes: &mut Mistakes,
        place: Place<'_>,
        kind: Option<ApplicationType>,
        entries: &[SecretEntry],
    ) -> Option<Vec<WantedSecret>> {
        let before = mistakes.0.len();
        if let Some(kind) = kind.filter(|kind| !kind.is_confidential() && !entries.is_empty()) {
            mistakes.note(place, public_has_no_secret(kind));
            return None;
        }
        let mut secrets = Vec::with_capacity(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            let place = format!("{place}: secrets[{index}]");
            secrets.extend(mistakes.take(place, "secret", self.secret(entry)).flatten());
        }
        (mistakes.0.len() == before).then_some(secrets)
    }

    fn secret(&self, entry: &SecretEntry) -> Result<Option<WantedSecret>, Invalid> {
        check_secret_label(&entry.label)?;
        let source = match (&entry.file, &entry.env) {
            (Some(name), _) | (_, Some(name)) if looks_like_ours(name) => {
                return Err(Invalid("this is a secret itself: write where it is, and renew it".to_owned()));
            }
            (Some(file), None) => SecretSource::File(file.clone()),
            (None, Some(name)) => SecretSource::Environment(name.clone()),
            _ => return Err(Invalid("give either file or env, where it is".to_owned())),
        };
        let expires_at = entry.expires_at.as_deref().map(read_time).transpose()?;
        if expires_at.is_some_and(|expiry| expiry <= self.now) {
            return Ok(None);
        }
        let given = match self.secrets.read(&source)? {
            Given::Secret(secret) => Given::Secret(check_secret(secret)?),
            Given::Hash(hash) => Given::Hash(hash),
        };
        Ok(Some(WantedSecret { label: entry.label.clone(), given, expires_at }))
    }
}

fn read_time(text: &str) -> Result<Timestamp, Invalid> {
    Timestamp::parse(text)
        .ok_or_else(|| Invalid(format!("{text:?} is not a time: write 2027-01-31T12:00:00Z (RFC 3339)")))
}
