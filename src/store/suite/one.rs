//! One change of the registry at a time, in words, for the clauses.
//! Not for: the program itself, which makes changes with `change_registry`.

use crate::domain::api::{Api, ApiIdentifier};
use crate::domain::application::Application;
use crate::domain::audit::AuditEvent;
use crate::domain::credential::{Credential, KeyedDigest};
use crate::domain::id::{ApplicationId, CredentialId, TenantId};
use crate::domain::scope::{Scope, ScopeName};
use crate::domain::signing_key::SigningKey;
use crate::domain::tenant::Tenant;
use crate::store::{Conflict, Recorded, RegistryChange, ScopeChange, Store, StoreError};

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
    pub(in crate::store) async fn add_tenant(
        &self,
        tenant: Tenant,
        key: SigningKey,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        self.make(RegistryChange::AddTenant(tenant, key), event).await
    }

    /// Replaces a tenant at its version.
    pub(in crate::store) async fn change_tenant(
        &self,
        tenant: Tenant,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        self.make(RegistryChange::ChangeTenant(tenant), event).await
    }

    /// Removes a tenant with all that is its own; whether it was there.
    pub(in crate::store) async fn remove_tenant(
        &self,
        tenant: TenantId,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        self.make_if_there(RegistryChange::RemoveTenant(tenant, None), event).await
    }

    /// Adds a scope.
    pub(in crate::store) async fn add_scope(
        &self,
        scope: Scope,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        self.make(RegistryChange::AddScope(scope), event).await
    }

    /// Changes the description of a scope at its version; whether it was there, at that version.
    pub(in crate::store) async fn change_scope(
        &self,
        scope: Scope,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        self.make_if_there(RegistryChange::ChangeScope(scope), event).await
    }

    /// Removes a scope; whether it was there.
    pub(in crate::store) async fn remove_scope(
        &self,
        tenant: TenantId,
        name: ScopeName,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        self.make_if_there(RegistryChange::RemoveScope(tenant, name, None), event).await
    }

    /// Adds an API with the scopes it defines.
    pub(in crate::store) async fn add_api(
        &self,
        api: Api,
        scopes: Vec<Scope>,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        self.make(RegistryChange::AddApi(api, scopes), event).await
    }

    /// Replaces an API at its version.
    pub(in crate::store) async fn change_api(
        &self,
        api: Api,
        scopes: ScopeChange,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        self.make(RegistryChange::ChangeApi(api, scopes), event).await
    }

    /// Removes an API with its scopes; whether it was there.
    pub(in crate::store) async fn remove_api(
        &self,
        tenant: TenantId,
        identifier: ApiIdentifier,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        self.make_if_there(RegistryChange::RemoveApi(tenant, identifier, None), event).await
    }

    /// Adds an application with its first credential, if it has one.
    pub(in crate::store) async fn add_application(
        &self,
        application: Application,
        credential: Option<Credential>,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        let credentials = credential.into_iter().collect();
        self.make(RegistryChange::AddApplication(application, credentials), event).await
    }

    /// Replaces an application at its version.
    pub(in crate::store) async fn change_application(
        &self,
        application: Application,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        self.make(RegistryChange::ChangeApplication(application), event).await
    }

    /// Removes an application with its credentials; whether it was there.
    pub(in crate::store) async fn remove_application(
        &self,
        application: ApplicationId,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        self.make_if_there(RegistryChange::RemoveApplication(application, None), event).await
    }

    /// Adds a credential to an application.
    pub(in crate::store) async fn add_credential(
        &self,
        credential: Credential,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        self.make(RegistryChange::AddCredential(credential, None), event).await
    }

    /// Removes a credential of an application; whether it was there.
    pub(in crate::store) async fn remove_credential(
        &self,
        application: ApplicationId,
        credential: CredentialId,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        self.make_if_there(RegistryChange::RemoveCredential(application, credential, None), event).await
    }

    /// Replaces the imported hash of a credential by our digest; whether the credential still had the hash.
    pub(in crate::store) async fn replace_verifier(
        &self,
        application: ApplicationId,
        credential: CredentialId,
        keyed: KeyedDigest,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        self.make_if_there(RegistryChange::ReplaceVerifier(application, credential, keyed), event).await
    }
}
