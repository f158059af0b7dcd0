//! Changes of the registry: what can become of tenants, scopes, APIs, applications, credentials and operators.
//! Not for: carrying them out, which each backend does in its own words.

use crate::crypto::seal::Sealed;
use crate::domain::api::{Api, ApiIdentifier};
use crate::domain::application::Application;
use crate::domain::audit::AuditEvent;
use crate::domain::credential::{Credential, KeyedDigest};
use crate::domain::id::{ApplicationId, CredentialId, OperatorId, TenantId};
use crate::domain::operator::Operator;
use crate::domain::scope::{Scope, ScopeName};
use crate::domain::signing_key::SigningKey;
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;

/// One change. What is changed or removed must be there, and at the version that is given; else it is
/// `Conflict::Changed`.
#[derive(Debug, Clone)]
pub enum RegistryChange {
    /// Adds a tenant with its first signing key.
    AddTenant(Tenant, SigningKey),
    /// Replaces a tenant if its version is still the one given; the stored version is then one more.
    ChangeTenant(Tenant),
    /// Removes a tenant with all that is its own.
    RemoveTenant(TenantId, AtVersion),
    /// Adds a scope.
    AddScope(Scope),
    /// Changes a scope's description if its version is still the one given; the stored version is then one more.
    ChangeScope(Scope),
    /// Removes a scope that no application is granted.
    RemoveScope(TenantId, ScopeName, AtVersion),
    /// Adds an API with the scopes it defines.
    AddApi(Api, Vec<Scope>),
    /// Replaces an API if its version is still the one given; the stored version is then one more. Scopes are added to
    /// it and removed from it; one that an application is granted cannot be removed.
    ChangeApi(Api, ScopeChange),
    /// Removes an API, with its scopes, that no application has to do with.
    RemoveApi(TenantId, ApiIdentifier, AtVersion),
    /// Adds an application with its first credentials.
    AddApplication(Application, Vec<Credential>),
    /// Replaces an application if its version is still the one given; the stored version is then one more.
    ChangeApplication(Application),
    /// Removes an application with its credentials.
    RemoveApplication(ApplicationId, AtVersion),
    /// Adds a credential to an application of this version, which it keeps.
    AddCredential(Credential, AtVersion),
    /// Removes a credential of an application of this version, which it keeps.
    RemoveCredential(ApplicationId, CredentialId, AtVersion),
    /// Replaces the imported hash of a credential by our digest, if the credential still has the hash.
    ReplaceVerifier(ApplicationId, CredentialId, KeyedDigest),
    /// Adds an operator.
    AddOperator(Operator),
    /// Replaces an operator if its version is still the one given; the stored version is then one more.
    ChangeOperator(Operator),
    /// Removes an operator.
    RemoveOperator(OperatorId, AtVersion),
    /// Keeps the answer to a request, unless one is kept for the same key: then it is `Conflict::Answered`.
    KeepAnswer(KeptAnswer),
}

/// The version something must have to be removed; `None` for any.
pub type AtVersion = Option<i64>;

/// How the scopes of an API change.
#[derive(Debug, Clone, Default)]
pub struct ScopeChange {
    /// Scopes it defines from now on.
    pub added: Vec<Scope>,
    /// Scopes it defines no more.
    pub removed: Vec<ScopeName>,
}

/// A change with its audit event. What is part of another change has none of its own.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The change.
    pub what: RegistryChange,
    /// Its audit event.
    pub event: Option<AuditEvent>,
}

impl Recorded {
    /// A change with its audit event.
    #[must_use]
    pub fn new(what: RegistryChange, event: AuditEvent) -> Self {
        Self { what, event: Some(event) }
    }

    /// A change that is part of the one before.
    #[must_use]
    pub fn part(what: RegistryChange) -> Self {
        Self { what, event: None }
    }
}

/// The answer to a creation, for whoever asks again because it was lost on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptAnswer {
    /// Who asked.
    pub caller: String,
    /// What the caller calls its request.
    pub key: String,
    /// The SHA-256 of the request.
    pub request: [u8; 32],
    /// The answer, which may hold a secret.
    pub sealed: Sealed,
    /// The fingerprint of the master key it is sealed under.
    pub sealed_under: String,
    /// When it was given.
    pub kept_at: Timestamp,
    /// Until when it is kept.
    pub expires_at: Timestamp,
}
