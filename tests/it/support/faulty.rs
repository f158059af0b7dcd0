//! A store that can be told to fail: any backend, with a switch in front.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use chancery::domain::api::Api;
use chancery::domain::application::{ClientId, Registered};
use chancery::domain::audit::{AuditEvent, AuditFilter, RecordedEvent};
use chancery::domain::excess::{ExcessQuery, Fetched};
use chancery::domain::id::{RequestId, TenantId, TokenId};
use chancery::domain::operator::Operator;
use chancery::domain::refusal::Refusal;
use chancery::domain::scope::Scope;
use chancery::domain::signing_key::{KeptDigestKey, SigningKey};
use chancery::domain::statistic::{Statistic, StatisticsQuery};
use chancery::domain::tenant::Tenant;
use chancery::domain::time::Timestamp;
use chancery::store::{
    Changes, Health, KeptAnswer, KeyChange, Match, Noticed, Recorded, Spender, Store, StoreError, Sums,
    UsageBatch,
};
use tokio::sync::{Notify, watch};

type Answer<T> = Result<T, StoreError>;

/// What the inner parts of a store might say, and what no caller may ever read.
pub(crate) const INSIDE: &str =
    "thread 'store' panicked at src/store/sqlite/row.rs:70: SELECT * FROM application";

/// How the store behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Works,
    Unavailable,
    Moved,
    Corrupt,
    /// Gives no answer before it is in another mood.
    Hangs,
    Panics,
}

pub(crate) struct Faulty {
    inner: Arc<dyn Store>,
    mood: watch::Sender<Mood>,
    asked: AtomicUsize,
    notices: Notify,
}

impl Faulty {
    pub(super) fn new(inner: Arc<dyn Store>) -> Self {
        let (mood, _) = watch::channel(Mood::Works);
        Self { inner, mood, asked: AtomicUsize::new(0), notices: Notify::new() }
    }

    pub(crate) fn turn(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// How many questions it was asked since the last time.
    pub(crate) fn take_asked(&self) -> usize {
        self.asked.swap(0, Ordering::SeqCst)
    }

    /// Gives notice of a change.
    pub(crate) fn notice(&self) {
        self.notices.notify_one();
    }

    async fn works(&self) -> Answer<&dyn Store> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut mood = self.mood.subscribe();
        let mood = *mood.wait_for(|mood| *mood != Mood::Hangs).await.unwrap();
        assert_ne!(mood, Mood::Panics, "{INSIDE}");
        match mood {
            Mood::Unavailable => Err(StoreError::Unavailable(INSIDE.to_owned())),
            Mood::Moved => Err(StoreError::Moved),
            Mood::Corrupt => Err(StoreError::Corrupt(INSIDE.to_owned())),
            Mood::Works | Mood::Hangs | Mood::Panics => Ok(self.inner.as_ref()),
        }
    }
}

#[async_trait]
impl Noticed for Faulty {
    async fn record_usage(&self, batch: UsageBatch) -> Answer<()> {
        self.works().await?.record_usage(batch).await
    }
    async fn statistics(&self, query: StatisticsQuery) -> Answer<Vec<Statistic>> {
        self.works().await?.statistics(query).await
    }
    async fn excess(&self, query: ExcessQuery) -> Answer<Vec<Fetched>> {
        self.works().await?.excess(query).await
    }

    async fn issued(&self, whose: Vec<Spender>, at: Timestamp) -> Answer<Vec<Sums>> {
        self.works().await?.issued(whose, at).await
    }
    async fn record_refusals(&self, refusals: Vec<Refusal>) -> Answer<()> {
        self.works().await?.record_refusals(refusals).await
    }
    async fn refusal(&self, request: RequestId) -> Answer<Option<Refusal>> {
        self.works().await?.refusal(request).await
    }
}

#[async_trait]
impl Store for Faulty {
    async fn tenants(&self) -> Answer<Vec<Tenant>> {
        self.works().await?.tenants().await
    }
    async fn scopes(&self, tenant: TenantId) -> Answer<Vec<Scope>> {
        self.works().await?.scopes(tenant).await
    }
    async fn apis(&self, tenant: TenantId) -> Answer<Vec<Api>> {
        self.works().await?.apis(tenant).await
    }
    async fn application(&self, tenant: TenantId, client_id: &str) -> Answer<Option<Arc<Registered>>> {
        self.works().await?.application(tenant, client_id).await
    }
    async fn applications(
        &self,
        tenant: TenantId,
        after: Option<ClientId>,
        limit: usize,
    ) -> Answer<Vec<Arc<Registered>>> {
        self.works().await?.applications(tenant, after, limit).await
    }
    async fn find_applications(
        &self,
        tenant: TenantId,
        text: &str,
        after: Option<Match>,
        limit: usize,
    ) -> Answer<Vec<(Match, Arc<Registered>)>> {
        self.works().await?.find_applications(tenant, text, after, limit).await
    }
    async fn operators(&self) -> Answer<Vec<Operator>> {
        self.works().await?.operators().await
    }
    async fn change_registry(&self, changes: Vec<Recorded>) -> Answer<()> {
        self.works().await?.change_registry(changes).await
    }
    async fn kept_answer(&self, caller: &str, key: &str, now: Timestamp) -> Answer<Option<KeptAnswer>> {
        self.works().await?.kept_answer(caller, key, now).await
    }
    async fn signing_keys(&self, tenant: TenantId) -> Answer<Vec<SigningKey>> {
        self.works().await?.signing_keys(tenant).await
    }
    async fn change_signing_keys(
        &self,
        tenant: TenantId,
        change: KeyChange,
        event: AuditEvent,
    ) -> Answer<bool> {
        self.works().await?.change_signing_keys(tenant, change, event).await
    }
    async fn reseal_signing_key(&self, key: SigningKey, former: String, event: AuditEvent) -> Answer<bool> {
        self.works().await?.reseal_signing_key(key, former, event).await
    }
    async fn digest_keys(&self) -> Answer<Vec<KeptDigestKey>> {
        self.works().await?.digest_keys().await
    }
    async fn keep_digest_key(&self, key: KeptDigestKey, event: AuditEvent) -> Answer<()> {
        self.works().await?.keep_digest_key(key, event).await
    }
    async fn revoke_token(
        &self,
        tenant: TenantId,
        client_id: &ClientId,
        token: TokenId,
        expires_at: Timestamp,
    ) -> Answer<bool> {
        self.works().await?.revoke_token(tenant, client_id, token, expires_at).await
    }
    async fn is_revoked(&self, tenant: TenantId, token: TokenId, expires_at: Timestamp) -> Answer<bool> {
        self.works().await?.is_revoked(tenant, token, expires_at).await
    }
    async fn audit_events(&self, after: i64, limit: usize) -> Answer<Vec<RecordedEvent>> {
        self.works().await?.audit_events(after, limit).await
    }
    async fn find_audit_events(
        &self,
        filter: AuditFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Answer<Vec<RecordedEvent>> {
        self.works().await?.find_audit_events(filter, before, limit).await
    }
    async fn changes_since(&self, revision: i64) -> Answer<Changes> {
        self.works().await?.changes_since(revision).await
    }
    async fn changed(&self) {
        self.notices.notified().await;
    }
    async fn forget_past(&self, now: Timestamp) -> Answer<bool> {
        self.works().await?.forget_past(now).await
    }
    async fn check(&self) -> Answer<Health> {
        self.works().await?.check().await
    }
}
