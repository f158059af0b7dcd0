//! What a registry file says: tenants with their scopes, APIs and applications, each thing described as a whole.
//! Not for: what the values may be (`wanted.rs`), or YAML (`read.rs`, `yaml.rs`).

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::count::Count;
use super::period::Period;
use crate::crypto::algorithm::ALGORITHMS;
use crate::domain::application::{ApplicationType, AuthMethod, GrantType};
use crate::domain::quota::QuotaMode;
use crate::domain::token::TokenProfile;

/// The registry of a Chancery installation. What is left out takes its default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a registry with its tenants")]
#[schemars(title = "Chancery registry")]
pub struct Document {
    /// Tenants. One that is not here stays as it is.
    pub tenants: Vec<TenantEntry>,
}

/// A tenant: one user directory with hosts, issuer, signing keys, applications, scopes and APIs of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a tenant with its members")]
pub struct TenantEntry {
    /// Its name: 1 to 63 lower-case letters, digits and hyphens.
    pub name: String,
    /// What its tokens say in `iss`: an https URL without a slash at the end.
    pub issuer: String,
    /// The hosts that reach it. By default that of the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<String>>,
    /// Whether it issues tokens. By default it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// What its tokens are signed with unless an API asks for another algorithm. By default RS256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = algorithms()))]
    pub algorithm: Option<String>,
    /// How long a signing key signs before the next one takes its place: 1d to 3660d. By default 90d.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_period: Option<Period>,
    /// How many tokens all its applications together may have in a minute of UTC: 1 to 4294967295. By default there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maximum" = u32::MAX))]
    pub tokens_per_minute: Option<Count>,
    /// How many tokens all its applications together may have in an hour of UTC: 1 to 4294967295. By default there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maximum" = u32::MAX))]
    pub tokens_per_hour: Option<Count>,
    /// How many tokens all its applications together may have in a day of UTC: 1 to 4294967295. By default there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maximum" = u32::MAX))]
    pub tokens_per_day: Option<Count>,
    /// What becomes of a token beyond these: it is refused, or issued and reported. By default enforce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = QuotaMode::ALL.map(QuotaMode::as_str)))]
    pub quota_mode: Option<String>,
    /// The scopes of the whole tenant. When this is left out, nothing is said of them: they stay, and are never pruned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<ScopeEntry>>,
    /// The APIs with the scopes they define. When this is left out, nothing is said of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apis: Option<Vec<ApiEntry>>,
    /// The applications. When this is left out, nothing is said of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applications: Option<Vec<ApplicationEntry>>,
}

/// A scope: what applications may be granted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a scope with its members")]
pub struct ScopeEntry {
    /// Its name, as callers ask for it. It is unique in the tenant.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[!#-\[\]-~]+$"))]
    pub name: String,
    /// What it permits, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// An API: a resource server that tokens are meant for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an API with its members")]
pub struct ApiEntry {
    /// Its identifier, an absolute URI: what its tokens say in `aud`.
    pub identifier: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The scopes it defines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<ScopeEntry>,
    /// What its tokens are signed with. By default what the tenant's are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = algorithms()))]
    pub algorithm: Option<String>,
    /// How long its tokens live: 60s to 24h. By default as the application says, or 5m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_lifetime: Option<Period>,
    /// The shape of its tokens. By default rfc9068.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = TokenProfile::ALL.map(TokenProfile::as_str)))]
    pub token_profile: Option<String>,
    /// How long before `iat` the `nbf` of its tokens lies: 0s to 60s. By default 0s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf_backdating: Option<Period>,
}

/// An application: a registered caller.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an application with its members")]
pub struct ApplicationEntry {
    /// Its name on the wire: 1 to 128 printable ASCII characters. It is unique in the tenant.
    #[schemars(length(min = 1, max = 128))]
    pub client_id: String,
    /// What people call it.
    #[schemars(length(min = 1, max = 200))]
    pub name: String,
    /// What kind of program it is. By default m2m.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ApplicationType::ALL.map(ApplicationType::as_str)))]
    pub kind: Option<String>,
    /// Whether it gets tokens. By default it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// The scopes it may ask for, those of the tenant and those of APIs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// The scopes it gets when it asks for none. By default all it may ask for; an empty list is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_scopes: Option<Vec<String>>,
    /// The grants it may use. By default `client_credentials`, and none for types spa and native.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = name_grants)]
    pub grants: Option<Vec<String>>,
    /// The ways it may prove itself. By default the secret by Basic and in the form, and none for types spa and native.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = name_auth_methods)]
    pub auth_methods: Option<Vec<String>>,
    /// The APIs it may have tokens for without any of their scopes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apis: Vec<String>,
    /// The API its tokens are for when a request chooses none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_api: Option<String>,
    /// The APIs it is the resource server of: it may ask about tokens for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acts_for: Vec<String>,
    /// How long its tokens live: 60s to 24h. By default 5m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_lifetime: Option<Period>,
    /// The shape of its tokens. By default ciam, and rfc9068 for an API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = TokenProfile::ALL.map(TokenProfile::as_str)))]
    pub token_profile: Option<String>,
    /// How long before `iat` the `nbf` of its tokens lies: 0s to 60s. By default 0s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf_backdating: Option<Period>,
    /// For how much of its lifetime a token is handed out again, in percent: 1 to 90. By default each is a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maximum" = 90))]
    pub token_reuse_percent: Option<Count>,
    /// How many tokens it may have in a minute of UTC: 1 to 4294967295. By default there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maximum" = u32::MAX))]
    pub tokens_per_minute: Option<Count>,
    /// How many tokens it may have in an hour of UTC: 1 to 4294967295. By default there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maximum" = u32::MAX))]
    pub tokens_per_hour: Option<Count>,
    /// How many tokens it may have in a day of UTC: 1 to 4294967295. By default there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maximum" = u32::MAX))]
    pub tokens_per_day: Option<Count>,
    /// What becomes of a token beyond these: it is refused, or issued and reported. By default enforce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = QuotaMode::ALL.map(QuotaMode::as_str)))]
    pub quota_mode: Option<String>,
    /// Claims that all its tokens have. Registered claims cannot be set.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub claims: Map<String, Value>,
    /// Secrets it must have. One that it has already stays; none is ever removed, and none is ever written down here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretEntry>,
}

/// A secret, by where it is: either in a file or in an environment variable.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a secret by where it is")]
pub struct SecretEntry {
    /// What the operator calls it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// The file that holds it, relative to the folder of the registry file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The name of the environment variable that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// From when on it proves nothing (RFC 3339). By default it has no end. When that time is past it is passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

fn algorithms() -> Vec<&'static str> {
    ALGORITHMS.iter().map(|algorithm| algorithm.name()).collect()
}

fn name_grants(list: &mut Schema) {
    name_elements(list, &GrantType::ALL.map(GrantType::as_str));
}

fn name_auth_methods(list: &mut Schema) {
    name_elements(list, &AuthMethod::ALL.map(AuthMethod::as_str));
}

/// Says of a list which elements there are.
fn name_elements(list: &mut Schema, names: &[&str]) {
    if let Some(elements) = list.get_mut("items").and_then(Value::as_object_mut) {
        elements.insert("enum".to_owned(), names.into());
    }
}
