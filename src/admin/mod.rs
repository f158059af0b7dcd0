//! What an operator can do, whoever asks: command line, admin API and registry file share it.
//! Not for: parsing arguments or rendering answers.

use std::sync::Arc;

use serde_json::Value;

use crate::crypto::random::Random;
use crate::domain::Invalid;
use crate::domain::audit::AuditEvent;
use crate::domain::id::TenantId;
use crate::domain::power::Powers;
use crate::domain::tenant::Tenant;
use crate::domain::time::{Clock, Timestamp};
use crate::keys::CannotUse;
use crate::keys::vault::Vault;
use crate::store::{Conflict, Store, StoreError};

pub mod apis;
mod application_rules;
pub mod applications;
pub mod audit;
pub mod audit_view;
pub mod catalog;
pub mod change;
pub mod copy;
pub mod credentials;
pub mod doctor;
pub mod import;
pub mod keys;
pub mod mending;
pub mod once;
pub mod operators;
pub mod refusals;
pub mod registry;
pub mod reseal;
pub mod scopes;
pub mod search;
mod settings_view;
pub mod statistics;
pub mod tenants;
pub mod usage_view;
pub mod view;

pub use once::Once;

/// How often a change is tried again because somebody else's came first.
const MAX_ATTEMPTS: usize = 100;

/// An operator at work: who it is, and what it works with. Cheap to copy.
#[derive(Clone)]
pub struct Admin {
    /// What is administered.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids and secrets.
    pub random: Arc<dyn Random>,
    /// Seals keys and digests secrets.
    pub vault: Arc<Vault>,
    /// Whether algorithms may be chosen that are experimental.
    pub experimental: bool,
    /// Who it is.
    pub actor: Actor,
    /// On which terms a change is made.
    pub terms: Terms,
}

/// Who administers, for the audit and for what it may do.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Who it is.
    pub name: String,
    /// Where it comes from: an address, or the way in that has none.
    pub source: String,
    /// The request it makes, if it makes one.
    pub request: Option<String>,
    /// What it may do.
    pub powers: Powers,
}

impl Actor {
    /// Somebody who works on the store itself, and may do everything.
    #[must_use]
    pub fn local(name: impl Into<String>) -> Self {
        let source = "command line".to_owned();
        Self { name: name.into(), source, request: None, powers: Powers::all() }
    }
}

/// On which terms a change is made.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// Only if what is changed or removed has this version; whatever version it has unless given.
    pub version: Option<i64>,
    /// Only once: what the caller calls its request.
    pub once: Option<Once>,
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
    /// It was changed since the version that the change is for.
    #[error("it was changed in the meantime: read it again, and decide anew")]
    Changed,
    /// The name of a request was used for another request before.
    #[error("this Idempotency-Key was used for another request: use a new one for each")]
    KeyUsedOtherwise,
    /// Whoever asks has not the powers for it.
    #[error("{0}")]
    Forbidden(String),
    /// What was given cannot be accepted.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The store did not answer.
    #[error(transparent)]
    Store(StoreError),
    /// A key could not be made.
    #[error(transparent)]
    Key(#[from] CannotUse),
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(Conflict::Changed) => Self::Changed,
            error => Self::Store(error),
        }
    }
}

impl Admin {
    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Refuses to touch what has another version than the change is for.
    fn check_version(&self, version: i64) -> Result<(), AdminError> {
        match self.terms.version {
            Some(wanted) if wanted != version => Err(AdminError::Changed),
            _ => Ok(()),
        }
    }

    /// Refuses to give away, or to lay hands on, powers that whoever asks has not.
    fn check_powers(&self, powers: Powers, what: &str) -> Result<(), AdminError> {
        if self.actor.powers.cover(powers) {
            return Ok(());
        }
        Err(AdminError::Forbidden(format!(
            "{what} may do more to this server than you may: ask somebody who may do as much"
        )))
    }

    fn event(
        &self,
        tenant: impl Into<Option<TenantId>>,
        action: &'static str,
        subject: &str,
        detail: Value,
    ) -> AuditEvent {
        AuditEvent {
            at: self.now(),
            tenant: tenant.into(),
            actor: self.actor.name.clone(),
            source: self.actor.source.clone(),
            request: self.actor.request.clone(),
            action: action.into(),
            subject: subject.to_owned(),
            detail,
        }
    }
}

/// Makes a change, again if somebody else's came first: it is then made on top of that one. Only for changes that say
/// what is to be, and were not decided by looking at what was.
async fn insist<T, F>(admin: &Admin, change: impl Fn() -> F) -> Result<T, AdminError>
where
    F: Future<Output = Result<T, AdminError>>,
{
    let mut attempts = 1;
    loop {
        match change().await {
            Err(AdminError::Changed) if admin.terms.version.is_none() && attempts < MAX_ATTEMPTS => {
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
