//! What operators are shown, in JSON: one shape for command line, admin API and audit.
//! Not for: anything secret; a secret that was just made is added by whoever shows it once.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::apis::Described;
use super::keys::Revoked;
use super::reseal::Resealed;
use super::settings_view::{QuotaView, TokenView};
use crate::crypto::slow_hash::SlowHash;
use crate::domain::application::{Application, AuthMethod, GrantType, Registered};
use crate::domain::credential::Credential;
use crate::domain::operator::Operator;
use crate::domain::scope::{Scope, ScopeSet};
use crate::domain::signing_key::SigningKey;
use crate::domain::tenant::{Host, Tenant};
use crate::domain::time::Timestamp;
use crate::domain::token::{DEFAULT_TOKEN_LIFETIME, ReuseShare, TokenSettings};
use crate::keys::schedule::{published_until, signs_from};

/// A secret on its way to whoever is shown it, this once.
#[derive(Serialize, JsonSchema)]
#[schemars(transparent)]
struct ShownOnce(String);

impl fmt::Debug for ShownOnce {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ShownOnce(…)")
    }
}

/// A tenant.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Tenant")]
pub struct TenantView {
    name: String,
    id: String,
    hosts: Vec<String>,
    issuer: String,
    enabled: bool,
    algorithm: String,
    /// Seconds.
    key_period: u64,
    /// Of all its applications together.
    #[serde(flatten)]
    quota: QuotaView,
    created_at: String,
    updated_at: String,
    version: i64,
}

impl TenantView {
    /// Shows a tenant.
    #[must_use]
    pub fn new(tenant: &Tenant) -> Self {
        Self {
            name: tenant.name.clone(),
            id: tenant.id.to_string(),
            hosts: tenant.hosts.iter().map(Host::to_string).collect(),
            issuer: tenant.issuer.to_string(),
            enabled: tenant.enabled,
            algorithm: tenant.algorithm.clone(),
            key_period: tenant.key_period.as_secs(),
            quota: QuotaView::new(tenant.quota),
            created_at: tenant.created_at.to_string(),
            updated_at: tenant.updated_at.to_string(),
            version: tenant.version,
        }
    }
}

/// A scope.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Scope")]
pub struct ScopeView {
    name: String,
    description: String,
    /// The API that defines it; null for one that is the whole tenant's.
    api: Option<String>,
    created_at: String,
    version: i64,
}

impl ScopeView {
    /// Shows a scope.
    #[must_use]
    pub fn new(scope: &Scope) -> Self {
        Self {
            name: scope.name.to_string(),
            description: scope.description.clone(),
            api: scope.api.as_ref().map(ToString::to_string),
            created_at: scope.created_at.to_string(),
            version: scope.version,
        }
    }
}

/// An API.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Api")]
pub struct ApiView {
    identifier: String,
    name: String,
    scopes: Vec<String>,
    /// Null for the tenant's.
    algorithm: Option<String>,
    #[serde(flatten)]
    token: TokenView,
    created_at: String,
    updated_at: String,
    version: i64,
}

impl ApiView {
    /// Shows an API.
    #[must_use]
    pub fn new(described: &Described) -> Self {
        let api = &described.api;
        Self {
            identifier: api.identifier.to_string(),
            name: api.name.clone(),
            scopes: described.scopes.iter().map(ToString::to_string).collect(),
            algorithm: api.algorithm.clone(),
            token: TokenView::new(api.token),
            created_at: api.created_at.to_string(),
            updated_at: api.updated_at.to_string(),
            version: api.version,
        }
    }
}

/// An application.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Application")]
pub struct ApplicationView {
    client_id: String,
    /// Only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<ShownOnce>,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    enabled: bool,
    scopes: Vec<String>,
    default_scopes: Vec<String>,
    grants: Vec<&'static str>,
    auth_methods: Vec<&'static str>,
    apis: Vec<String>,
    default_api: Option<String>,
    acts_for: Vec<String>,
    /// Its lifetime is that of tokens without an API.
    #[serde(flatten)]
    token: TokenView,
    /// For how much of its lifetime a token is handed out again, in percent; null when each is a new one.
    token_reuse_percent: Option<u8>,
    #[serde(flatten)]
    quota: QuotaView,
    claims: Map<String, Value>,
    /// Its tokens issued until then are refused; null when none is.
    tokens_revoked_before: Option<String>,
    created_at: String,
    updated_at: String,
    version: i64,
    /// Only beside a secret: never, which is 0 (RFC 7591 §3.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u64>,
    /// Only where one application is shown by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<Vec<SecretView>>,
}

impl ApplicationView {
    /// Shows an application.
    #[must_use]
    pub fn new(application: &Application) -> Self {
        fn text(names: &[impl ToString]) -> Vec<String> {
            names.iter().map(ToString::to_string).collect()
        }
        let lifetime = Some(application.token.lifetime.unwrap_or(DEFAULT_TOKEN_LIFETIME));
        let defaults = application.default_scopes.as_ref().unwrap_or(&application.scopes);
        Self {
            client_id: application.client_id.to_string(),
            client_secret: None,
            name: application.name.clone(),
            kind: application.kind.as_str(),
            enabled: application.enabled,
            scopes: text(ScopeSet::names(&application.scopes)),
            default_scopes: text(ScopeSet::names(defaults)),
            grants: application.grants.iter().map(|grant| GrantType::as_str(*grant)).collect(),
            auth_methods: application.auth_methods.iter().map(|method| AuthMethod::as_str(*method)).collect(),
            apis: text(&application.apis),
            default_api: application.default_api.as_ref().map(ToString::to_string),
            acts_for: text(&application.acts_for),
            token: TokenView::new(TokenSettings { lifetime, ..application.token }),
            token_reuse_percent: application.token_reuse.map(ReuseShare::percent),
            quota: QuotaView::new(application.quota),
            claims: application.claims.members().clone(),
            tokens_revoked_before: application.tokens_revoked_before.map(|before| before.to_string()),
            created_at: application.created_at.to_string(),
            updated_at: application.updated_at.to_string(),
            version: application.version,
            client_secret_expires_at: None,
            secrets: None,
        }
    }

    /// Adds the secret that was just made; this once.
    #[must_use]
    pub fn with_client_secret(mut self, secret: Option<String>) -> Self {
        self.client_secret_expires_at = secret.as_ref().map(|_| 0);
        self.client_secret = secret.map(ShownOnce);
        self
    }

    /// Adds what is known of its secrets.
    #[must_use]
    pub fn with_secrets(mut self, registered: &Registered, now: Timestamp) -> Self {
        self.secrets = Some(registered.credentials.iter().map(|one| SecretView::new(one, now)).collect());
        self
    }
}

/// A secret, without the secret.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Secret")]
pub struct SecretView {
    id: String,
    /// Only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<ShownOnce>,
    label: String,
    live: bool,
    /// The kind of hash that another server made of it, until it is used for the first time; null when it is kept by our
    /// digest.
    hash: Option<&'static str>,
    created_at: String,
    expires_at: Option<String>,
    last_used_at: Option<String>,
}

impl SecretView {
    /// Shows a secret.
    #[must_use]
    pub fn new(credential: &Credential, now: Timestamp) -> Self {
        Self {
            id: credential.id.to_string(),
            client_secret: None,
            label: credential.label.clone(),
            live: credential.is_live(now),
            hash: credential.imported().map(SlowHash::name),
            created_at: credential.created_at.to_string(),
            expires_at: credential.expires_at.map(|expiry| expiry.to_string()),
            last_used_at: credential.last_used_at.map(|used| used.to_string()),
        }
    }

    /// Adds the secret that was just made; this once.
    #[must_use]
    pub fn with_client_secret(mut self, secret: Option<String>) -> Self {
        self.client_secret = secret.map(ShownOnce);
        self
    }
}

/// A signing key, public half only.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Key")]
pub struct KeyView {
    kid: String,
    algorithm: String,
    state: &'static str,
    thumbprint: String,
    created_at: String,
    state_since: String,
    /// Only of an upcoming key: when it signs at the earliest.
    signs_from: Option<String>,
    /// Only of a retiring key: until when it is published at least.
    published_until: Option<String>,
}

impl KeyView {
    /// Shows a signing key.
    #[must_use]
    pub fn new(key: &SigningKey) -> Self {
        Self {
            kid: key.id.to_string(),
            algorithm: key.algorithm.clone(),
            state: key.state.as_str(),
            thumbprint: key.public.thumbprint(),
            created_at: key.created_at.to_string(),
            state_since: key.state_since.to_string(),
            signs_from: signs_from(key).map(|from| from.to_string()),
            published_until: published_until(key).map(|until| until.to_string()),
        }
    }
}

/// A key that was revoked.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RevokedKey")]
pub struct RevokedView {
    #[serde(flatten)]
    key: KeyView,
    /// The key that signs in its place; null when it did not sign.
    replaced_by: Option<String>,
    /// What verifiers will notice, in sentences.
    breaks: Vec<&'static str>,
}

impl RevokedView {
    /// Shows a revoked key.
    #[must_use]
    pub fn new(revoked: &Revoked) -> Self {
        Self {
            key: KeyView::new(&revoked.key),
            replaced_by: revoked.replaced_by.map(|next| next.to_string()),
            breaks: revoked.breaks.clone(),
        }
    }
}

/// What became of sealing everything under another master key.
#[derive(Debug, Serialize)]
pub struct ResealedView<'of> {
    /// The fingerprint of the master key that everything is sealed under now.
    master_key: &'of str,
    signing_keys: usize,
    digest_keys: usize,
    result: &'static str,
}

impl<'of> ResealedView<'of> {
    /// Shows what was sealed anew.
    #[must_use]
    pub fn new(resealed: Resealed, master_key: &'of str) -> Self {
        let Resealed { signing_keys, digest_keys } = resealed;
        let result = if signing_keys + digest_keys == 0 { "nothing was left to do" } else { "sealed anew" };
        Self { master_key, signing_keys, digest_keys, result }
    }
}

/// An operator.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Operator")]
pub struct OperatorView {
    name: String,
    /// Only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<ShownOnce>,
    /// The tenant it administers; null for all of them.
    tenant: Option<String>,
    scopes: Vec<String>,
    enabled: bool,
    created_at: String,
    updated_at: String,
    version: i64,
}

impl OperatorView {
    /// Shows an operator of a tenant, or of all of them.
    #[must_use]
    pub fn new(operator: &Operator, tenant: Option<&Tenant>) -> Self {
        Self {
            name: operator.name.clone(),
            secret: None,
            tenant: tenant.map(|tenant| tenant.name.clone()),
            scopes: operator.scopes.clone(),
            enabled: operator.enabled,
            created_at: operator.created_at.to_string(),
            updated_at: operator.updated_at.to_string(),
            version: operator.version,
        }
    }

    /// Adds the secret that was just made; this once.
    #[must_use]
    pub fn with_secret(mut self, secret: String) -> Self {
        self.secret = Some(ShownOnce(secret));
        self
    }
}
