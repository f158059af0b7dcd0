//! What auditors are shown, in JSON: events, and the end of the chain.
//! Not for: finding and following them (`audit.rs`).

use data_encoding::HEXLOWER;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::audit::Found;
use crate::domain::audit::ChainWalk;

/// An audit event. It holds all that its hash is made of.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditEvent")]
pub struct AuditEventView {
    sequence: i64,
    at: String,
    /// The name of the tenant; null when there is none, or it was removed.
    tenant: Option<String>,
    tenant_id: Option<String>,
    actor: String,
    source: String,
    request: Option<String>,
    action: String,
    subject: String,
    #[schemars(with = "Map<String, Value>")]
    detail: Value,
    hash: String,
}

impl AuditEventView {
    /// Shows an event.
    #[must_use]
    pub fn new(found: &Found) -> Self {
        let event = &found.recorded.event;
        Self {
            sequence: found.recorded.sequence,
            at: event.at.to_string(),
            tenant: found.tenant_name.clone(),
            tenant_id: event.tenant.map(|tenant| tenant.to_string()),
            actor: event.actor.clone(),
            source: event.source.clone(),
            request: event.request.clone(),
            action: event.action.to_string(),
            subject: event.subject.clone(),
            detail: event.detail.clone(),
            hash: HEXLOWER.encode(&found.recorded.hash),
        }
    }
}

/// The chain of the audit, followed to its end.
#[derive(Debug, Serialize)]
pub struct ChainView {
    events: i64,
    sequence: i64,
    hash: String,
}

impl ChainView {
    /// Shows where a chain ends.
    #[must_use]
    pub fn new(end: ChainWalk) -> Self {
        // The first event is number 1, and none is left out.
        Self { events: end.sequence, sequence: end.sequence, hash: HEXLOWER.encode(&end.head) }
    }
}
