//! Audit events: who changed what, when.
//! Not for: refused token requests (`refusal.rs`), which are logged once under their request id.

use serde_json::Value;

use super::id::TenantId;
use super::time::Timestamp;

/// One change, recorded in the same transaction as the change itself.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// In which tenant, if in one.
    pub tenant: Option<TenantId>,
    /// Who did it.
    pub actor: String,
    /// What was done: a noun and a verb, such as `application.add`.
    pub action: &'static str,
    /// What it was done to, as people name it.
    pub subject: String,
    /// What else there is to know, secrets never.
    pub detail: Value,
}

/// An audit event as it was read back, with its place in the order.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedEvent {
    /// Its place: later events have larger numbers.
    pub sequence: i64,
    /// When.
    pub at: Timestamp,
    /// In which tenant, if in one.
    pub tenant: Option<TenantId>,
    /// Who did it.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// What else there is to know.
    pub detail: Value,
}
