//! Changes of the registry: what can become of tenants, scopes, APIs, applications, credentials and operators.
//! Not for: carrying them out, which each backend does in its own words.

use super::{Conflict, Store, StoreError};
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

/// One change at a time, in words.
impl dyn Store + '_ {
    async fn make(&self, what: RegistryChange, event: AuditEvent) -> Result<(), StoreError> {
        self.change_registry(vec![Recorded::new(what, event)]).await
    }

    async fn make_if_there(&self, what: RegistryChange, event: AuditEvent) -> Result<bool, StoreError> {
        match self.make(what, event).await {
            Err(StoreError::Conflict(Conflict::Changed)) => Ok(false),
            answer => answer.map(|()| true),
        }
    }

    /// Adds a tenant with its first signing key.
    ///
    /// # Errors
    /// `Conflict::Exists` when its name, issuer or a host is taken.
    pub async fn add_tenant(
        &self,
        tenant: Tenant,
        key: SigningKey,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        self.make(RegistryChange::AddTenant(tenant, key), event).await
    }

    /// Replaces a tenant at its version.
    ///
    /// # Errors
    /// `Conflict::Changed` when that is no longer its version, `Conflict::Exists` when something of it is taken.
    pub async fn change_tenant(&self, tenant: Tenant, event: AuditEvent) -> Result<(), StoreError> {
        self.make(RegistryChange::ChangeTenant(tenant), event).await
    }

    /// Removes a tenant with all that is its own; whether it was there.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn remove_tenant(&self, tenant: TenantId, event: AuditEvent) -> Result<bool, StoreError> {
        self.make_if_there(RegistryChange::RemoveTenant(tenant, None), event).await
    }

    /// Adds a scope.
    ///
    /// # Errors
    /// `Conflict::Exists` when its name is taken.
    pub async fn add_scope(&self, scope: Scope, event: AuditEvent) -> Result<(), StoreError> {
        self.make(RegistryChange::AddScope(scope), event).await
    }

    /// Changes the description of a scope at its version; whether it was there, at that version.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn change_scope(&self, scope: Scope, event: AuditEvent) -> Result<bool, StoreError> {
        self.make_if_there(RegistryChange::ChangeScope(scope), event).await
    }

    /// Removes a scope; whether it was there.
    ///
    /// # Errors
    /// `Conflict::InUse` when it is granted.
    pub async fn remove_scope(
        &self,
        tenant: TenantId,
        name: ScopeName,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        self.make_if_there(RegistryChange::RemoveScope(tenant, name, None), event).await
    }

    /// Adds an API with the scopes it defines.
    ///
    /// # Errors
    /// `Conflict::Exists` when its identifier or a scope is taken.
    pub async fn add_api(&self, api: Api, scopes: Vec<Scope>, event: AuditEvent) -> Result<(), StoreError> {
        self.make(RegistryChange::AddApi(api, scopes), event).await
    }

    /// Replaces an API at its version.
    ///
    /// # Errors
    /// `Conflict::Changed`, `Conflict::Exists` when a scope is taken, `Conflict::InUse` when one that goes is granted.
    pub async fn change_api(
        &self,
        api: Api,
        scopes: ScopeChange,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        self.make(RegistryChange::ChangeApi(api, scopes), event).await
    }

    /// Removes an API with its scopes; whether it was there.
    ///
    /// # Errors
    /// `Conflict::InUse` when an application has to do with it.
    pub async fn remove_api(
        &self,
        tenant: TenantId,
        identifier: ApiIdentifier,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        self.make_if_there(RegistryChange::RemoveApi(tenant, identifier, None), event).await
    }

    /// Adds an application with its first credential, if it has one.
    ///
    /// # Errors
    /// `Conflict::Exists` when its `client_id` is taken, `Conflict::Missing` when a scope or an API is not there.
    pub async fn add_application(
        &self,
        application: Application,
        credential: Option<Credential>,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        let credentials = credential.into_iter().collect();
        self.make(RegistryChange::AddApplication(application, credentials), event).await
    }

    /// Replaces an application at its version.
    ///
    /// # Errors
    /// `Conflict::Changed` when that is no longer its version.
    pub async fn change_application(
        &self,
        application: Application,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        self.make(RegistryChange::ChangeApplication(application), event).await
    }

    /// Removes an application with its credentials; whether it was there.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn remove_application(
        &self,
        application: ApplicationId,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        self.make_if_there(RegistryChange::RemoveApplication(application, None), event).await
    }

    /// Adds a credential to an application.
    ///
    /// # Errors
    /// `Conflict::Missing` when the application is not there.
    pub async fn add_credential(&self, credential: Credential, event: AuditEvent) -> Result<(), StoreError> {
        self.make(RegistryChange::AddCredential(credential, None), event).await
    }

    /// Removes a credential of an application; whether it was there.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn remove_credential(
        &self,
        application: ApplicationId,
        credential: CredentialId,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        self.make_if_there(RegistryChange::RemoveCredential(application, credential, None), event).await
    }

    /// Replaces the imported hash of a credential by our digest; whether the credential still had the hash.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn replace_verifier(
        &self,
        application: ApplicationId,
        credential: CredentialId,
        keyed: KeyedDigest,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        self.make_if_there(RegistryChange::ReplaceVerifier(application, credential, keyed), event).await
    }
}
