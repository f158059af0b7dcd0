//! A store that can be told to fail: any backend, with a switch in front.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use async_trait::async_trait;
use chancery::domain::api::Api;
use chancery::domain::application::{ClientId, Registered};
use chancery::domain::audit::{AuditEvent, AuditFilter, RecordedEvent};
use chancery::domain::id::{RequestId, TenantId, TokenId};
use chancery::domain::operator::Operator;
use chancery::domain::refusal::Refusal;
use chancery::domain::scope::Scope;
use chancery::domain::signing_key::{KeptDigestKey, SigningKey};
use chancery::domain::statistic::{Statistic, StatisticsQuery};
use chancery::domain::tenant::Tenant;
use chancery::domain::time::Timestamp;
use chancery::store::{
    Changes, Health, KeptAnswer, KeyChange, Match, Noticed, Recorded, Store, StoreError, UsageBatch,
};

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
impl Noticed for Faulty {
    async fn record_usage(&self, batch: UsageBatch) -> Answer<()> {
        self.works()?.record_usage(batch).await
    }
    async fn statistics(&self, query: StatisticsQuery) -> Answer<Vec<Statistic>> {
        self.works()?.statistics(query).await
    }
    async fn record_refusals(&self, refusals: Vec<Refusal>) -> Answer<()> {
        self.works()?.record_refusals(refusals).await
    }
    async fn refusal(&self, request: RequestId) -> Answer<Option<Refusal>> {
        self.works()?.refusal(request).await
    }
}

#[async_trait]
impl Store for Faulty {
    async fn tenants(&self) -> Answer<Vec<Tenant>> {
        self.works()?.tenants().await
    }
    async fn scopes(&self, tenant: TenantId) -> Answer<Vec<Scope>> {
        self.works()?.scopes(tenant).await
    }
    async fn apis(&self, tenant: TenantId) -> Answer<Vec<Api>> {
        self.works()?.apis(tenant).await
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
    async fn find_applications(
        &self,
        tenant: TenantId,
        text: &str,
        after: Option<Match>,
        limit: usize,
    ) -> Answer<Vec<(Match, Arc<Registered>)>> {
        self.works()?.find_applications(tenant, text, after, limit).await
    }
    async fn operators(&self) -> Answer<Vec<Operator>> {
        self.works()?.operators().await
    }
    async fn change_registry(&self, changes: Vec<Recorded>) -> Answer<()> {
        self.works()?.change_registry(changes).await
    }
    async fn kept_answer(&self, caller: &str, key: &str, now: Timestamp) -> Answer<Option<KeptAnswer>> {
        self.works()?.kept_answer(caller, key, now).await
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
    async fn find_audit_events(
        &self,
        filter: AuditFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Answer<Vec<RecordedEvent>> {
        self.works()?.find_audit_events(filter, before, limit).await
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
