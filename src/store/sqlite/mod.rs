//! The embedded store: SQLite in WAL mode, one writer thread, a few readers, plain SQL.
//! Not for: rules about what may be stored; those are checked before they come here.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, Transaction};

use super::copy::Mark;
use super::{
    Changes, Conflict, FORGOTTEN_AT_ONCE, Health, KeptAnswer, KeyChange, Match, Migrated,
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

mod answers;
mod apis;
mod applications;
mod connection;
mod copy;
mod credentials;
mod error;
mod excess;
mod keys;
mod log;
mod moved;
mod noticed;
mod operators;
mod refusals;
mod registered;
mod registry;
mod row;
pub mod schema;
mod scopes;
mod search;
mod statistics;
mod tenants;
mod tokens;
mod worker;

pub use copy::SqliteSession;
use worker::Worker;

/// Readers beside the one writer. Reads are short and mostly answered from memory above.
const READERS: usize = 2;

/// Readers for administrators, so that a long question does not keep all others waiting.
const READERS_FOR_ADMINISTRATORS: usize = 2;

/// The embedded store. Whatever was answered is durable; dropping it closes the file, so that all of it is in that one
/// unless another process has it open.
pub struct Sqlite {
    writer: Worker,
    readers: Worker,
    /// Following has a connection of its own, so that no stranger's question stands before it.
    follower: Worker,
    /// What only administrators ask may take long, and can wait.
    administrators: Worker,
}

impl Sqlite {
    /// Opens the store in `file`, making it (mode 0600) when it is absent, and brings its schema up to date.
    ///
    /// # Errors
    /// When the file cannot be opened, is no store of ours, or its schema is newer than this program.
    pub fn open(file: &Path) -> Result<(Self, Migrated), StoreError> {
        connection::create_private(file)?;
        let mut writer = connection::open(file)?;
        let migrated = schema::migrate(&mut writer)?;
        let open = |count: usize| (0..count).map(|_| connection::open(file)).collect::<Result<Vec<_>, _>>();
        let store = Self {
            writer: Worker::start(vec![writer])?,
            readers: Worker::start(open(READERS)?)?,
            follower: Worker::start(open(1)?)?,
            administrators: Worker::start_quiet(open(READERS_FOR_ADMINISTRATORS)?)?,
        };
        Ok((store, migrated))
    }

    /// Opens the store in `file` to look at it, whatever its schema, and says which that is. It is not made, not
    /// migrated, and refuses every change. Where the schema is another one many a question has no answer.
    ///
    /// # Errors
    /// When the file cannot be opened, or is no database.
    pub fn look(file: &Path) -> Result<(Self, Schema), StoreError> {
        let number = schema::number(&connection::look(file)?)?;
        let schema = Schema { number, works_with: number, known: schema::NEWEST };
        let start = || Worker::start(vec![connection::look(file)?]);
        let store =
            Self { writer: start()?, readers: start()?, follower: start()?, administrators: start()? };
        Ok((store, schema))
    }

    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        Self::ask(&self.readers, question).await
    }

    async fn read_quietly<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        Self::ask(&self.administrators, question).await
    }

    async fn follow<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        Self::ask(&self.follower, question).await
    }

    async fn ask<T: Send + 'static>(
        worker: &Worker,
        question: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        worker
            .run(move |connection| {
                // One transaction, so that several statements see one state.
                let transaction = connection.unchecked_transaction().map_err(error::from)?;
                question(&transaction)
            })
            .await
    }

    async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer
            .run(move |connection| {
                let transaction = connection
                    .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
                    .map_err(error::from)?;
                moved::refuse(&transaction)?;
                let answer = change(&transaction)?;
                transaction.commit().map_err(error::from)?;
                Ok(answer)
            })
            .await
    }
}

#[async_trait]
impl Store for Sqlite {
    async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        self.follow(tenants::all).await
    }

    async fn scopes(&self, tenant: TenantId) -> Result<Vec<Scope>, StoreError> {
        self.read_quietly(move |connection| scopes::all(connection, tenant)).await
    }

    async fn apis(&self, tenant: TenantId) -> Result<Vec<Api>, StoreError> {
        self.follow(move |connection| apis::all(connection, tenant)).await
    }

    async fn application(
        &self,
        tenant: TenantId,
        client_id: &str,
    ) -> Result<Option<Arc<Registered>>, StoreError> {
        let client_id = client_id.to_owned();
        self.read(move |connection| applications::find(connection, tenant, &client_id)).await
    }

    async fn applications(
        &self,
        tenant: TenantId,
        after: Option<ClientId>,
        limit: usize,
    ) -> Result<Vec<Arc<Registered>>, StoreError> {
        self.read_quietly(move |connection| applications::page(connection, tenant, after.as_ref(), limit))
            .await
    }

    async fn find_applications(
        &self,
        tenant: TenantId,
        text: &str,
        after: Option<Match>,
        limit: usize,
    ) -> Result<Vec<(Match, Arc<Registered>)>, StoreError> {
        let text = text.to_owned();
        self.read_quietly(move |connection| search::find(connection, tenant, &text, after.as_ref(), limit))
            .await
    }

    async fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        self.read_quietly(operators::all).await
    }

    async fn change_registry(&self, changes: Vec<Recorded>) -> Result<(), StoreError> {
        self.write(move |transaction| {
            changes.iter().try_for_each(|change| registry::make(transaction, change))
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
        self.read_quietly(move |connection| answers::find(connection, &caller, &key, now)).await
    }

    async fn signing_keys(&self, tenant: TenantId) -> Result<Vec<SigningKey>, StoreError> {
        self.follow(move |connection| keys::all(connection, tenant)).await
    }

    async fn change_signing_keys(
        &self,
        tenant: TenantId,
        change: KeyChange,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        let changed = self.write(move |transaction| {
            keys::change(transaction, tenant, &change)?;
            log::record(transaction, &event)?;
            log::note(transaction, tenant, None)
        });
        match changed.await {
            Err(StoreError::Conflict(Conflict::Changed | Conflict::Exists | Conflict::Missing)) => Ok(false),
            answer => answer.map(|()| true),
        }
    }

    async fn reseal_signing_key(
        &self,
        key: SigningKey,
        former: String,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        self.write(move |transaction| {
            let resealed = keys::reseal(transaction, &key, &former)?;
            if resealed {
                log::record(transaction, &event)?;
                log::note(transaction, key.tenant, None)?;
            }
            Ok(resealed)
        })
        .await
    }

    async fn digest_keys(&self) -> Result<Vec<KeptDigestKey>, StoreError> {
        self.follow(keys::digest_keys).await
    }

    async fn keep_digest_key(&self, key: KeptDigestKey, event: AuditEvent) -> Result<(), StoreError> {
        self.write(move |transaction| {
            keys::keep_digest_key(transaction, &key)?;
            log::record(transaction, &event)
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
        self.write(move |transaction| {
            let is_new = tokens::revoke(transaction, tenant, token, expires_at)?;
            if is_new && applications::reuses_tokens(transaction, tenant, &client_id)? {
                log::note(transaction, tenant, Some(&client_id))?;
            }
            Ok(is_new)
        })
        .await
    }

    async fn is_revoked(
        &self,
        tenant: TenantId,
        token: TokenId,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.read(move |connection| tokens::is_revoked(connection, tenant, token, expires_at)).await
    }

    async fn audit_events(&self, after: i64, limit: usize) -> Result<Vec<RecordedEvent>, StoreError> {
        self.read_quietly(move |connection| log::events(connection, after, limit)).await
    }

    async fn find_audit_events(
        &self,
        filter: AuditFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        self.read_quietly(move |connection| log::find(connection, &filter, before, limit)).await
    }

    async fn changes_since(&self, revision: i64) -> Result<Changes, StoreError> {
        self.follow(move |connection| log::changes_since(connection, revision)).await
    }

    async fn forget_past(&self, now: Timestamp) -> Result<bool, StoreError> {
        let past = now.minus(REFUSED_AFTER_EXPIRY);
        self.write(move |transaction| {
            let forgotten = [
                log::forget(transaction)?,
                tokens::forget(transaction, past)?,
                answers::forget(transaction, now)?,
                noticed::forget(transaction, now)?,
            ];
            let forgotten = forgotten.into_iter().max().unwrap_or(0);
            Ok(i64::try_from(forgotten).is_ok_and(|forgotten| forgotten >= FORGOTTEN_AT_ONCE))
        })
        .await
    }

    async fn moved(&self) -> Result<Option<Mark>, StoreError> {
        self.follow(moved::find).await
    }

    async fn check(&self) -> Result<Health, StoreError> {
        self.read_quietly(schema::check).await
    }
}
