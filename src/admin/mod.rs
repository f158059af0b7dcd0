//! What an operator can do, whoever asks: command line, admin API and registry file share it.
//! Not for: parsing arguments or rendering answers.

use std::sync::Arc;

use serde_json::Value;

use crate::crypto::random::Random;
use crate::domain::Invalid;
use crate::domain::audit::AuditEvent;
use crate::domain::id::TenantId;
use crate::domain::tenant::Tenant;
use crate::domain::time::{Clock, Timestamp};
use crate::keys::CannotUse;
use crate::keys::vault::Vault;
use crate::store::{Conflict, Store, StoreError};

pub mod apis;
pub mod applications;
pub mod change;
pub mod credentials;
pub mod keys;
pub mod mending;
pub mod refusals;
pub mod reseal;
pub mod scopes;
pub mod statistics;
pub mod tenants;
pub mod usage_view;
pub mod view;

/// How often a change is tried again because somebody else's came first.
const MAX_ATTEMPTS: usize = 100;

/// An operator at work: who it is, and what it works with.
pub struct Admin {
    /// What is administered.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids and secrets.
    pub random: Arc<dyn Random>,
    /// Seals keys and digests secrets.
    pub vault: Vault,
    /// Whether algorithms may be chosen that are experimental.
    pub experimental: bool,
    /// Who it is, for the audit.
    pub actor: String,
}

/// Why something was not done. The text says what and how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// What was named does not exist.
    #[error("there is no {what} {name:?}{mend}")]
    NotFound {
        /// The kind of thing.
        what: &'static str,
        /// What it was called.
        name: String,
        /// How to go on.
        mend: &'static str,
    },
    /// It does not fit what is there.
    #[error("{0}")]
    Conflict(String),
    /// What was given cannot be accepted.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key could not be made.
    #[error(transparent)]
    Key(#[from] CannotUse),
}

impl Admin {
    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn event(&self, tenant: TenantId, action: &'static str, subject: &str, detail: Value) -> AuditEvent {
        AuditEvent {
            at: self.now(),
            tenant: Some(tenant),
            actor: self.actor.clone(),
            action,
            subject: subject.to_owned(),
            detail,
        }
    }
}

/// Makes a change, again if somebody else's came first: it is then made on top of that one. Only for changes that say
/// what is to be, and were not decided by looking at what was.
async fn insist<T, F>(change: impl Fn() -> F) -> Result<T, AdminError>
where
    F: Future<Output = Result<T, AdminError>>,
{
    let mut attempts = 1;
    loop {
        match change().await {
            Err(AdminError::Store(StoreError::Conflict(Conflict::Changed))) if attempts < MAX_ATTEMPTS => {
                attempts += 1;
            }
            answer => return answer,
        }
    }
}

/// A tenant by its name.
///
/// # Errors
/// When there is none of that name, or the store does not answer.
pub async fn tenant(admin: &Admin, name: &str) -> Result<Tenant, AdminError> {
    let tenants = admin.store.tenants().await?;
    tenants.into_iter().find(|tenant| tenant.name == name).ok_or_else(|| no_tenant(name))
}

/// What is said when no tenant has this name.
#[must_use]
pub fn no_tenant(name: &str) -> AdminError {
    AdminError::NotFound { what: "tenant", name: name.to_owned(), mend: ": see 'chancery tenant list'" }
}
