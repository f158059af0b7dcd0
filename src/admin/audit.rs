//! Reading the audit: what was done, newest first, and whether anybody has altered it since.
//! Not for: writing it, which each change does in its own transaction.

use super::{Admin, AdminError};
use crate::domain::audit::{AuditFilter, Broken, ChainWalk, RecordedEvent};
use crate::store::{Store, StoreError};

/// How many events are read at once while the chain is followed.
const PAGE: usize = 1_000;

/// An event with the name of its tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The event.
    pub recorded: RecordedEvent,
    /// What its tenant is called; nothing when it has none, or its tenant was removed.
    pub tenant_name: Option<String>,
}

/// Why the audit is not what it was.
#[derive(Debug, thiserror::Error)]
pub enum NotWhole {
    /// An event is missing, or was altered.
    #[error("the audit chain is broken: {0}; compare the store with a backup")]
    Broken(#[from] Broken),
    /// It ends before a place that it is known to have reached.
    #[error(
        "the audit ends with event number {end}, but is known to have had number {known}: its end was cut off, or \
         this is an older store"
    )]
    CutOff {
        /// The number of its last event.
        end: i64,
        /// The number it is known to have reached.
        known: i64,
    },
    /// The event in a place is not the one that it is known to have had.
    #[error("event number {0} has another hash than the one known: it, or one before it, was written anew")]
    WrittenAnew(i64),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The events that a filter lets through, before a place in the order if one is given, newest first.
///
/// # Errors
/// When the store does not answer.
pub async fn search(
    admin: &Admin,
    filter: AuditFilter,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<Found>, AdminError> {
    let tenants = admin.store.tenants().await?;
    let found = admin.store.find_audit_events(filter, before, limit).await?;
    let named = |recorded: RecordedEvent| {
        let tenant = tenants.iter().find(|tenant| Some(tenant.id) == recorded.event.tenant);
        Found { tenant_name: tenant.map(|tenant| tenant.name.clone()), recorded }
    };
    Ok(found.into_iter().map(named).collect())
}

/// Follows the chain from its first event to its last, a page at a time, and returns its end. `known` is a place with
/// its hash that somebody wrote down: the chain must still pass through it.
///
/// # Errors
/// At the first event that is not as it was, or when the store does not answer.
pub async fn verify(store: &dyn Store, known: Option<ChainWalk>) -> Result<ChainWalk, NotWhole> {
    let mut walk = ChainWalk::default();
    loop {
        let page = store.audit_events(walk.sequence, PAGE).await?;
        for next in &page {
            walk.step(next)?;
            if known.is_some_and(|known| known.sequence == walk.sequence && known.head != walk.head) {
                return Err(NotWhole::WrittenAnew(walk.sequence));
            }
        }
        if page.len() < PAGE {
            break;
        }
    }
    match known {
        Some(known) if known.sequence > walk.sequence => {
            Err(NotWhole::CutOff { end: walk.sequence, known: known.sequence })
        }
        _ => Ok(walk),
    }
}
