//! A store that can be told to fail: any backend, with a switch in front.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use async_trait::async_trait;
use chancery::domain::api::{Api, ApiIdentifier};
use chancery::domain::application::{Application, ClientId, Registered};
use chancery::domain::audit::{AuditEvent, RecordedEvent};
use chancery::domain::credential::{Credential, KeyedDigest};
use chancery::domain::id::{ApplicationId, CredentialId, TenantId, TokenId};
use chancery::domain::scope::{Scope, ScopeName};
use chancery::domain::signing_key::{KeptDigestKey, SigningKey};
use chancery::domain::tenant::Tenant;
use chancery::domain::time::Timestamp;
use chancery::store::{Changes, Health, KeyChange, ScopeChange, Store, StoreError};

type Answer<T> = Result<T, StoreError>;

/// What the inner parts of a store might say, and what no caller may ever read.
pub(crate) const INSIDE: &str =
    "thread 'store' panicked at src/store/sqlite/row.rs:70: SELECT * FROM application";

/// How the store behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Mood {
    Works,
    Unavailable,
    Corrupt,
    Panics,
}

pub(crate) struct Faulty {
    inner: Arc<dyn Store>,
    mood: AtomicU8,
}

impl Faulty {
    pub(super) fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, mood: AtomicU8::new(Mood::Works as u8) }
    }

    pub(crate) fn turn(&self, mood: Mood) {
        self.mood.store(mood as u8, Ordering::SeqCst);
    }

    fn works(&self) -> Answer<&dyn Store> {
        let mood = self.mood.load(Ordering::SeqCst);
        assert_ne!(mood, Mood::Panics as u8, "{INSIDE}");
        match mood {
            mood if mood == Mood::Unavailable as u8 => Err(StoreError::Unavailable(INSIDE.to_owned())),
            mood if mood == Mood::Corrupt as u8 => Err(StoreError::Corrupt(INSIDE.to_owned())),
            _ => Ok(self.inner.as_ref()),
        }
    }
}

#[async_trait]
impl Store for Faulty {
    async fn tenants(&self) -> Answer<Vec<Tenant>> {
        self.works()?.tenants().await
    }
    async fn add_tenant(&self, tenant: Tenant, key: SigningKey, event: AuditEvent) -> Answer<()> {
        self.works()?.add_tenant(tenant, key, event).await
    }
    async fn change_tenant(&self, tenant: Tenant, event: AuditEvent) -> Answer<()> {
        self.works()?.change_tenant(tenant, event).await
    }
    async fn remove_tenant(&self, tenant: TenantId, event: AuditEvent) -> Answer<bool> {
        self.works()?.remove_tenant(tenant, event).await
    }
    async fn scopes(&self, tenant: TenantId) -> Answer<Vec<Scope>> {
        self.works()?.scopes(tenant).await
    }
    async fn add_scope(&self, scope: Scope, event: AuditEvent) -> Answer<()> {
        self.works()?.add_scope(scope, event).await
    }
    async fn change_scope(&self, scope: Scope, event: AuditEvent) -> Answer<bool> {
        self.works()?.change_scope(scope, event).await
    }
    async fn remove_scope(&self, tenant: TenantId, name: ScopeName, event: AuditEvent) -> Answer<bool> {
        self.works()?.remove_scope(tenant, name, event).await
    }
    async fn apis(&self, tenant: TenantId) -> Answer<Vec<Api>> {
        self.works()?.apis(tenant).await
    }
    async fn add_api(&self, api: Api, scopes: Vec<Scope>, event: AuditEvent) -> Answer<()> {
        self.works()?.add_api(api, scopes, event).await
    }
    async fn change_api(&self, api: Api, scopes: ScopeChange, event: AuditEvent) -> Answer<()> {
        self.works()?.change_api(api, scopes, event).await
    }
    async fn remove_api(&self, tenant: TenantId, api: ApiIdentifier, event: AuditEvent) -> Answer<bool> {
        self.works()?.remove_api(tenant, api, event).await
    }
    async fn application(&self, tenant: TenantId, client_id: &str) -> Answer<Option<Arc<Registered>>> {
        self.works()?.application(tenant, client_id).await
    }
    async fn applications(
        &self,
        tenant: TenantId,
        after: Option<ClientId>,
        limit: usize,
    ) -> Answer<Vec<Arc<Registered>>> {
        self.works()?.applications(tenant, after, limit).await
    }
    async fn add_application(
        &self,
        application: Application,
        credential: Option<Credential>,
        event: AuditEvent,
    ) -> Answer<()> {
        self.works()?.add_application(application, credential, event).await
    }
    async fn change_application(&self, application: Application, event: AuditEvent) -> Answer<()> {
        self.works()?.change_application(application, event).await
    }
    async fn remove_application(&self, application: ApplicationId, event: AuditEvent) -> Answer<bool> {
        self.works()?.remove_application(application, event).await
    }
    async fn add_credential(&self, credential: Credential, event: AuditEvent) -> Answer<()> {
        self.works()?.add_credential(credential, event).await
    }
    async fn remove_credential(
        &self,
        application: ApplicationId,
        credential: CredentialId,
        event: AuditEvent,
    ) -> Answer<bool> {
        self.works()?.remove_credential(application, credential, event).await
    }
    async fn replace_verifier(
        &self,
        application: ApplicationId,
        credential: CredentialId,
        keyed: KeyedDigest,
        event: AuditEvent,
    ) -> Answer<bool> {
        self.works()?.replace_verifier(application, credential, keyed, event).await
    }
    async fn record_use(&self, uses: Vec<(CredentialId, Timestamp)>) -> Answer<()> {
        self.works()?.record_use(uses).await
    }
    async fn signing_keys(&self, tenant: TenantId) -> Answer<Vec<SigningKey>> {
        self.works()?.signing_keys(tenant).await
    }
    async fn change_signing_keys(
        &self,
        tenant: TenantId,
        change: KeyChange,
        event: AuditEvent,
    ) -> Answer<bool> {
        self.works()?.change_signing_keys(tenant, change, event).await
    }
    async fn reseal_signing_key(&self, key: SigningKey, former: String, event: AuditEvent) -> Answer<bool> {
        self.works()?.reseal_signing_key(key, former, event).await
    }
    async fn digest_keys(&self) -> Answer<Vec<KeptDigestKey>> {
        self.works()?.digest_keys().await
    }
    async fn keep_digest_key(&self, key: KeptDigestKey, event: AuditEvent) -> Answer<()> {
        self.works()?.keep_digest_key(key, event).await
    }
    async fn revoke_token(&self, tenant: TenantId, token: TokenId, expires_at: Timestamp) -> Answer<bool> {
        self.works()?.revoke_token(tenant, token, expires_at).await
    }
    async fn is_revoked(&self, tenant: TenantId, token: TokenId, expires_at: Timestamp) -> Answer<bool> {
        self.works()?.is_revoked(tenant, token, expires_at).await
    }
    async fn audit_events(&self, after: i64, limit: usize) -> Answer<Vec<RecordedEvent>> {
        self.works()?.audit_events(after, limit).await
    }
    async fn changes_since(&self, revision: i64) -> Answer<Changes> {
        self.works()?.changes_since(revision).await
    }
    async fn forget_past(&self, now: Timestamp) -> Answer<bool> {
        self.works()?.forget_past(now).await
    }
    async fn check(&self) -> Answer<Health> {
        self.works()?.check().await
    }
}
