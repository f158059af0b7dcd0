//! What operators are shown, in JSON: one shape for command line, admin API and audit.
//! Not for: anything secret; a secret that was just made is added by whoever shows it once.

use serde::Serialize;

use crate::domain::application::{Application, AuthMethod, GrantType, Registered};
use crate::domain::credential::Credential;
use crate::domain::scope::{Scope, ScopeName, ScopeSet};
use crate::domain::signing_key::SigningKey;
use crate::domain::tenant::{Host, Tenant};
use crate::domain::time::Timestamp;

/// A tenant.
#[derive(Debug, Serialize)]
pub struct TenantView {
    name: String,
    id: String,
    hosts: Vec<String>,
    issuer: String,
    enabled: bool,
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
            created_at: tenant.created_at.to_string(),
            updated_at: tenant.updated_at.to_string(),
            version: tenant.version,
        }
    }
}

/// A scope.
#[derive(Debug, Serialize)]
pub struct ScopeView {
    name: String,
    description: String,
    created_at: String,
}

impl ScopeView {
    /// Shows a scope.
    #[must_use]
    pub fn new(scope: &Scope) -> Self {
        Self {
            name: scope.name.to_string(),
            description: scope.description.clone(),
            created_at: scope.created_at.to_string(),
        }
    }
}

/// An application.
#[derive(Debug, Serialize)]
pub struct ApplicationView {
    client_id: String,
    /// Only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    enabled: bool,
    scopes: Vec<String>,
    default_scopes: Vec<String>,
    grants: Vec<&'static str>,
    auth_methods: Vec<&'static str>,
    /// Seconds.
    token_lifetime: u64,
    created_at: String,
    updated_at: String,
    version: i64,
    /// Only where one application is shown by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<Vec<SecretView>>,
}

impl ApplicationView {
    /// Shows an application.
    #[must_use]
    pub fn new(application: &Application) -> Self {
        let text = |names: &[ScopeName]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
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
            token_lifetime: application.token_lifetime.as_secs(),
            created_at: application.created_at.to_string(),
            updated_at: application.updated_at.to_string(),
            version: application.version,
            secrets: None,
        }
    }

    /// Adds the secret that was just made; this once.
    #[must_use]
    pub fn with_client_secret(mut self, secret: Option<String>) -> Self {
        self.client_secret = secret;
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
#[derive(Debug, Serialize)]
pub struct SecretView {
    id: String,
    /// Only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    label: String,
    live: bool,
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
            created_at: credential.created_at.to_string(),
            expires_at: credential.expires_at.map(|expiry| expiry.to_string()),
            last_used_at: credential.last_used_at.map(|used| used.to_string()),
        }
    }

    /// Adds the secret that was just made; this once.
    #[must_use]
    pub fn with_client_secret(mut self, secret: String) -> Self {
        self.client_secret = Some(secret);
        self
    }
}

/// A signing key, public half only.
#[derive(Debug, Serialize)]
pub struct KeyView {
    kid: String,
    algorithm: String,
    state: &'static str,
    thumbprint: String,
    created_at: String,
    state_since: String,
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
        }
    }
}
