//! The store for many nodes: PostgreSQL, plain SQL, and no connection, statement or wait without a bound.
//! Not for: rules about what may be stored; those are checked before they come here.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;

use super::copy::Mark;
use super::{
    BUSY_DEADLINE, Changes, FORGOTTEN_AT_ONCE, Health, KeptAnswer, KeyChange, Match, Migrated,
    REFUSED_AFTER_EXPIRY, Recorded, Schema, Store, StoreError,
};
use crate::domain::api::Api;
use crate::domain::application::{ClientId, Registered};
use crate::domain::audit::{AuditEvent, AuditFilter, RecordedEvent};
use crate::domain::id::{TenantId, TokenId};
use crate::domain::operator::Operator;
use crate::domain::scope::Scope;
use crate::domain::signing_key::{KeptDigestKey, SigningKey};
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;

mod about;
mod address;
mod answers;
mod apis;
mod applications;
mod asking;
mod copy;
mod credentials;
mod error;
mod excess;
mod keys;
mod log;
mod moved;
mod newest;
mod noticed;
mod opening;
mod operators;
mod pool;
mod refusals;
mod registered;
mod registry;
mod row;
pub mod schema;
mod scopes;
mod search;
mod session;
mod statistics;
mod step;
mod tenants;
#[cfg(test)]
pub(super) mod tests;
mod tls;
mod tokens;

pub use about::About;
pub use address::{Access, Address, Password};
use asking::{DEADLINE, MIGRATED_WITHIN, QUIET_DEADLINE, ask};
pub use copy::PostgresSession;
use log::Ledger;
use pool::{Pool, Purpose};
use session::Link;

/// The fewest connections that the purposes below need.
pub const FEWEST_CONNECTIONS: usize = 4;

/// Connections for administrators, so that a long question does not keep all others waiting.
const FOR_ADMINISTRATORS: usize = 2;

/// How long a connection is waited for by a request.
const WAIT: Duration = Duration::from_secs(1);

/// A PostgreSQL. Dropping it waits for nothing: whatever was answered is durable.
pub struct Postgres {
    requests: Pool,
    /// Following has a connection of its own, over which notices come.
    follower: Pool,
    /// What only administrators ask may take long, and can wait.
    administrators: Pool,
    notices: Arc<Notify>,
}

impl Postgres {
    /// Opens the store and brings its schema up to date.
    ///
    /// # Errors
    /// When the database does not answer, is too old, or its schema is newer than this program can work with.
    pub async fn open(access: &Access) -> Result<(Self, Migrated), StoreError> {
        let store = Self::reach(access, false)?;
        let migrate = |session| schema::migrate(session, schema::MIGRATIONS);
        let migrated = ask(&store.administrators, MIGRATED_WITHIN, migrate).await?;
        Ok((store, migrated))
    }

    /// Opens the store to look at it, whatever its schema, and says which that is. Nothing is migrated, and every change
    /// is refused. Where the schema is another one many a question has no answer.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn look(access: &Access) -> Result<(Self, Schema), StoreError> {
        let store = Self::reach(access, true)?;
        let find = |session: Link| async move { schema::find(&session).await };
        let schema::Found { number, works_with } = ask(&store.administrators, QUIET_DEADLINE, find).await?;
        Ok((store, Schema { number, works_with, known: schema::NEWEST }))
    }

    /// What can be said of the server.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn about(&self) -> Result<About, StoreError> {
        self.read_quietly(about::ask).await
    }

    fn reach(access: &Access, looks: bool) -> Result<Self, StoreError> {
        access.check_password()?;
        let (tls, notices) = (access.address.tls.connector()?, Arc::new(Notify::new()));
        let newest = Arc::default();
        let all = access.connections.max(FEWEST_CONNECTIONS);
        let open = |connections, wait, statement, listens| {
            let purpose = Purpose { connections, wait, statement, listens, looks };
            Pool::new(access, &tls, (&notices, &newest), purpose)
        };
        Ok(Self {
            requests: open(all - FOR_ADMINISTRATORS - 1, WAIT, DEADLINE, false)?,
            follower: open(1, WAIT, DEADLINE, true)?,
            administrators: open(FOR_ADMINISTRATORS, BUSY_DEADLINE, QUIET_DEADLINE, false)?,
            notices,
        })
    }
}

#[async_trait]
impl Store for Postgres {
    async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        self.follow(tenants::all).await
    }

    async fn scopes(&self, tenant: TenantId) -> Result<Vec<Scope>, StoreError> {
        self.read_quietly(move |session| scopes::all(session, tenant)).await
    }

    async fn apis(&self, tenant: TenantId) -> Result<Vec<Api>, StoreError> {
        self.follow(move |session| apis::all(session, tenant)).await
    }

    async fn application(
        &self,
        tenant: TenantId,
        client_id: &str,
    ) -> Result<Option<Arc<Registered>>, StoreError> {
        let client_id = client_id.to_owned();
        self.read(move |session| applications::find(session, tenant, client_id.clone())).await
    }

    async fn applications(
        &self,
        tenant: TenantId,
        after: Option<ClientId>,
        limit: usize,
    ) -> Result<Vec<Arc<Registered>>, StoreError> {
        self.read_quietly(move |session| applications::page(session, tenant, after.clone(), limit)).await
    }

    async fn find_applications(
        &self,
        tenant: TenantId,
        text: &str,
        after: Option<Match>,
        limit: usize,
    ) -> Result<Vec<(Match, Arc<Registered>)>, StoreError> {
        let text = text.to_owned();
        self.read_quietly(move |session| search::find(session, tenant, text.clone(), after.clone(), limit))
            .await
    }

    async fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        self.read_quietly(operators::all).await
    }

    async fn change_registry(&self, changes: Vec<Recorded>) -> Result<(), StoreError> {
        let changes = Arc::new(changes);
        self.change(move |session| {
            let changes = Arc::clone(&changes);
            async move {
                let mut ledger = Ledger::open(&session).await?;
                for change in changes.iter() {
                    registry::make(&mut ledger, change);
                }
                ledger.close(&session).await
            }
        })
        .await
    }

    async fn kept_answer(
        &self,
        caller: &str,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<KeptAnswer>, StoreError> {
        let (caller, key) = (caller.to_owned(), key.to_owned());
        self.read_quietly(move |session| answers::find(session, caller.clone(), key.clone(), now)).await
    }

    async fn signing_keys(&self, tenant: TenantId) -> Result<Vec<SigningKey>, StoreError> {
        self.follow(move |session| keys::all(session, tenant)).await
    }

    async fn change_signing_keys(
        &self,
        tenant: TenantId,
        change: KeyChange,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        let change = Arc::new((change, event));
        self.change_if(move |session| {
            let change = Arc::clone(&change);
            async move {
                let mut ledger = Ledger::open(&session).await?;
                keys::change(&mut ledger, tenant, &change.0)?;
                ledger.record(&change.1);
                ledger.note(tenant, None);
                ledger.close(&session).await
            }
        })
        .await
    }

    async fn reseal_signing_key(
        &self,
        key: SigningKey,
        former: String,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        let change = Arc::new((key, former, event));
        self.change_if(move |session| {
            let change = Arc::clone(&change);
            async move {
                let (key, former, event) = &*change;
                let mut ledger = Ledger::open(&session).await?;
                keys::reseal(&mut ledger, key, former);
                ledger.record(event);
                ledger.note(key.tenant, None);
                ledger.close(&session).await
            }
        })
        .await
    }

    async fn digest_keys(&self) -> Result<Vec<KeptDigestKey>, StoreError> {
        self.follow(keys::digest_keys).await
    }

    async fn keep_digest_key(&self, key: KeptDigestKey, event: AuditEvent) -> Result<(), StoreError> {
        let change = Arc::new((key, event));
        self.change(move |session| {
            let change = Arc::clone(&change);
            async move {
                let mut ledger = Ledger::open(&session).await?;
                keys::keep_digest_key(&mut ledger, &session, &change.0).await?;
                ledger.record(&change.1);
                ledger.close(&session).await
            }
        })
        .await
    }

    async fn revoke_token(
        &self,
        tenant: TenantId,
        client_id: &ClientId,
        token: TokenId,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let client_id = client_id.clone();
        self.note(move |session| tokens::revoke(session, (tenant, client_id.clone()), token, expires_at))
            .await
    }

    async fn is_revoked(
        &self,
        tenant: TenantId,
        token: TokenId,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.read(move |session| tokens::is_revoked(session, tenant, token, expires_at)).await
    }

    async fn audit_events(&self, after: i64, limit: usize) -> Result<Vec<RecordedEvent>, StoreError> {
        self.read_quietly(move |session| log::events(session, after, limit)).await
    }

    async fn find_audit_events(
        &self,
        filter: AuditFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        self.read_quietly(move |session| log::find(session, filter.clone(), before, limit)).await
    }

    async fn changes_since(&self, revision: i64) -> Result<Changes, StoreError> {
        self.follow(move |session| log::changes_since(session, revision)).await
    }

    async fn changed(&self) {
        self.notices.notified().await;
    }

    async fn forget_past(&self, now: Timestamp) -> Result<bool, StoreError> {
        let past = now.minus(REFUSED_AFTER_EXPIRY);
        self.read_quietly(move |session| async move {
            let forgotten = [
                log::forget(&session).await?,
                tokens::forget(&session, past).await?,
                answers::forget(&session, now).await?,
                noticed::forget(&session, now).await?,
            ];
            let forgotten = forgotten.into_iter().max().unwrap_or(0);
            Ok(i64::try_from(forgotten).is_ok_and(|forgotten| forgotten >= FORGOTTEN_AT_ONCE))
        })
        .await
    }

    async fn moved(&self) -> Result<Option<Mark>, StoreError> {
        self.follow(|session| async move { moved::find(&session).await }).await
    }

    async fn check(&self) -> Result<Health, StoreError> {
        self.read_quietly(schema::check).await
    }
}
