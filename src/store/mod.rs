//! What is remembered: the contract, and the list of its backends.
//! Not for: protocol decisions, or anything that needs the master key.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::api::Api;
use crate::domain::application::{ClientId, Registered};
use crate::domain::audit::{AuditEvent, AuditFilter, RecordedEvent};
use crate::domain::id::{KeyId, TenantId, TokenId};
use crate::domain::operator::Operator;
use crate::domain::scope::Scope;
use crate::domain::signing_key::{KeptDigestKey, KeyState, SigningKey};
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;

pub mod cached;
pub mod copy;
mod error;
mod noticed;
pub mod postgres;
mod registry;
pub mod sqlite;
mod stored;
#[cfg(test)]
mod suite;

pub use error::{Conflict, StoreError};
pub use noticed::{Noticed, REFUSALS_KEPT, REFUSALS_KEPT_FOR, Spender, Sums, UsageBatch};
pub use registry::{AtVersion, KeptAnswer, Recorded, RegistryChange, ScopeChange};

/// Every backend: the scheme of its URL and what it is.
pub const BACKENDS: &[(&str, &str)] = &[
    ("sqlite", "the embedded store, one file"),
    ("postgres", "a database that many nodes share: PostgreSQL 14 or later"),
];

/// The contract. Each question is atomic by itself; what belongs together is one question. Not found is `Option` or
/// `false`, never an error. Every change is durable when it is answered and carries its audit event in the same
/// transaction. The tests in `suite` are the contract's text; every backend passes them.
#[async_trait]
pub trait Store: Noticed + Send + Sync {
    /// All tenants, by name.
    async fn tenants(&self) -> Result<Vec<Tenant>, StoreError>;
    /// The scopes of a tenant, by name.
    async fn scopes(&self, tenant: TenantId) -> Result<Vec<Scope>, StoreError>;
    /// The APIs of a tenant, by identifier.
    async fn apis(&self, tenant: TenantId) -> Result<Vec<Api>, StoreError>;
    /// An application with its credentials.
    async fn application(
        &self,
        tenant: TenantId,
        client_id: &str,
    ) -> Result<Option<Arc<Registered>>, StoreError>;
    /// Applications by `client_id`, those after `after`, at most `limit`.
    async fn applications(
        &self,
        tenant: TenantId,
        after: Option<ClientId>,
        limit: usize,
    ) -> Result<Vec<Arc<Registered>>, StoreError>;
    /// Applications whose `client_id` or name begins with a text, whatever the case of its letters A to Z: first those
    /// whose `client_id` does, by `client_id`, then the others, by name and `client_id`. Those after `after`, at most
    /// `limit`.
    async fn find_applications(
        &self,
        tenant: TenantId,
        text: &str,
        after: Option<Match>,
        limit: usize,
    ) -> Result<Vec<(Match, Arc<Registered>)>, StoreError>;

    /// All operators, by name.
    async fn operators(&self) -> Result<Vec<Operator>, StoreError>;

    /// Makes changes of the registry in this order, all or none, each with its audit event. The first that does not fit
    /// is the error.
    async fn change_registry(&self, changes: Vec<Recorded>) -> Result<(), StoreError>;
    /// The answer kept for a caller's request, until it expires.
    async fn kept_answer(
        &self,
        caller: &str,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<KeptAnswer>, StoreError>;

    /// The signing keys of a tenant, oldest first.
    async fn signing_keys(&self, tenant: TenantId) -> Result<Vec<SigningKey>, StoreError>;
    /// Adds and moves signing keys of a tenant, all or none. It does nothing and answers `false` unless each key is still
    /// in the state it is to leave, there is at most one upcoming and one active key of each algorithm afterwards, and
    /// some key is active. A key that becomes gone loses its private half and keeps its id.
    async fn change_signing_keys(
        &self,
        tenant: TenantId,
        change: KeyChange,
        event: AuditEvent,
    ) -> Result<bool, StoreError>;
    /// Replaces how the private half of a key is sealed, if it is still sealed under the master key `former`.
    async fn reseal_signing_key(
        &self,
        key: SigningKey,
        former: String,
        event: AuditEvent,
    ) -> Result<bool, StoreError>;
    /// The digest keys of former master keys.
    async fn digest_keys(&self) -> Result<Vec<KeptDigestKey>, StoreError>;
    /// Keeps the digest key of a master key: adds it, or replaces how it is sealed.
    async fn keep_digest_key(&self, key: KeptDigestKey, event: AuditEvent) -> Result<(), StoreError>;

    /// Refuses a token of an application from now until its end and for `REFUSED_AFTER_EXPIRY` more; whether it was not
    /// refused already. The end is the token's own, to the second, and part of its name: who asks later gives the same. No
    /// audit event, as it is a caller's own deed. It leaves nothing behind when the token is over, and servers need not know
    /// it, unless the application's tokens are reused: then the application has changed, so that none of them hands the
    /// token out again.
    async fn revoke_token(
        &self,
        tenant: TenantId,
        client_id: &ClientId,
        token: TokenId,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Whether a token is refused. Never from a memory: a revocation that was answered holds at once.
    async fn is_revoked(
        &self,
        tenant: TenantId,
        token: TokenId,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Audit events after a place in the order, at most `limit`, oldest first.
    async fn audit_events(&self, after: i64, limit: usize) -> Result<Vec<RecordedEvent>, StoreError>;
    /// Audit events that a filter lets through, before a place in the order if one is given, at most `limit`, newest
    /// first.
    async fn find_audit_events(
        &self,
        filter: AuditFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError>;

    /// What changed after a revision. Revision 0 is before everything.
    async fn changes_since(&self, revision: i64) -> Result<Changes, StoreError>;
    /// Waits for a notice that something may have changed. Notices can be lost, so whoever follows also asks from time to
    /// time; a store that gives none waits for ever.
    async fn changed(&self) {
        std::future::pending::<()>().await;
    }
    /// Forgets what nobody needs any more: all but the newest changes to follow, refused tokens that have been over for
    /// `REFUSED_AFTER_EXPIRY`, kept answers that have expired, and what servers noticed, each for as long as it is kept.
    /// At most `FORGOTTEN_AT_ONCE` of each, so that no change waits long; whether there may be more.
    async fn forget_past(&self, now: Timestamp) -> Result<bool, StoreError>;
    /// Why nothing may be changed here, if so. Every change and `changes_since` then answer `StoreError::Moved`; other
    /// questions are answered with what there is.
    async fn moved(&self) -> Result<Option<copy::Mark>, StoreError> {
        Ok(None)
    }
    /// The schema's number and whether the data is whole.
    async fn check(&self) -> Result<Health, StoreError>;
}

/// The place of an application among those found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// Its `client_id` begins with the text.
    ClientId(ClientId),
    /// Only its name does.
    Name(String, ClientId),
}

impl Match {
    /// The `client_id` of the application.
    #[must_use]
    pub fn client_id(&self) -> &ClientId {
        match self {
            Self::ClientId(client_id) | Self::Name(_, client_id) => client_id,
        }
    }

    /// The same, taken out of the place.
    #[must_use]
    pub fn into_client_id(self) -> ClientId {
        match self {
            Self::ClientId(client_id) | Self::Name(_, client_id) => client_id,
        }
    }
}

/// How the signing keys of a tenant change.
#[derive(Debug, Clone, Default)]
pub struct KeyChange {
    /// Keys that go from state to state, in this order.
    pub moved: Vec<KeyMove>,
    /// A key that is new.
    pub added: Option<SigningKey>,
}

/// A signing key that goes from state to state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyMove {
    /// Which key.
    pub key: KeyId,
    /// The state it must be in.
    pub from: KeyState,
    /// The state it comes into.
    pub to: KeyState,
    /// When.
    pub at: Timestamp,
}

/// What changed, for servers that keep parts of the store in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The newest revision: the place to ask from next time.
    pub revision: i64,
    /// What changed: a tenant, or an application of it. `None` when too much has changed since to list it, so that
    /// everything kept in memory is suspect.
    pub list: Option<Vec<(TenantId, Option<ClientId>)>>,
}

/// What opening a store did to its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// The schema's number before.
    pub from: u32,
    /// The schema's number now.
    pub to: u32,
}

/// The schema that a store was found to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// Its number.
    pub number: u32,
    /// The oldest program, by the newest schema it knows, that works with it.
    pub works_with: u32,
    /// The newest that this program knows.
    pub known: u32,
}

/// The state of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The number of the newest migration applied.
    pub schema: u32,
    /// What an integrity check finds; empty when the data is whole.
    pub damage: Vec<String>,
}

/// How many changes are kept for servers to follow.
pub const CHANGES_KEPT: i64 = 10_000;

/// How long a refused token is remembered after its end. Clocks are wrong by minutes, and at a machine's start by the
/// hours between local time and UTC: whoever forgets with such a clock must not make a token good again.
pub const REFUSED_AFTER_EXPIRY: Duration = Duration::from_hours(36);

/// How many things of a kind are forgotten in one transaction.
pub const FORGOTTEN_AT_ONCE: i64 = 1_000;

/// How long a change from another process may wait for the store.
pub const BUSY_DEADLINE: Duration = Duration::from_secs(5);
