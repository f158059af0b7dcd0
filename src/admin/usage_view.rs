//! What operators are shown of counts and refusals, in JSON: one shape for command line and admin API.
//! Not for: the registry (`view.rs`).

use schemars::JsonSchema;
use serde::Serialize;

use super::mending::mend;
use super::refusals::Explained;
use crate::domain::application::ClientId;
use crate::domain::statistic::Statistic;

/// A count.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Statistic")]
pub struct StatisticView {
    /// The beginning of the minute or day.
    start: String,
    /// Null for requests of nobody known.
    client_id: Option<String>,
    /// `issued`, `reused` for a token that had been handed out before, or `refused`.
    outcome: &'static str,
    /// Null unless they were refused.
    reason: Option<String>,
    count: u64,
}

impl StatisticView {
    /// Shows a count.
    #[must_use]
    pub fn new(statistic: &Statistic) -> Self {
        let counter = &statistic.counter;
        Self {
            start: counter.start.to_string(),
            client_id: counter.application.as_ref().map(ClientId::to_string),
            outcome: counter.what.outcome(),
            reason: counter.what.reason().map(str::to_owned),
            count: statistic.count,
        }
    }
}

/// A refusal, and how it is mended.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Refusal")]
pub struct RefusalView {
    request_id: String,
    at: String,
    /// Null when the tenant was removed since.
    tenant: Option<String>,
    /// Null when no application is known.
    client_id: Option<String>,
    endpoint: &'static str,
    error: String,
    reason: String,
    /// What else helps to find the caller.
    hint: Option<String>,
    source: Option<String>,
    mend: &'static str,
}

impl RefusalView {
    /// Shows a refusal.
    #[must_use]
    pub fn new(explained: &Explained) -> Self {
        const UNKNOWN: &str = "This version does not know the reason; another one has written it down.";
        let Explained { refusal, tenant } = explained;
        Self {
            request_id: refusal.request.to_string(),
            at: refusal.at.to_string(),
            tenant: tenant.clone(),
            client_id: refusal.application.as_ref().map(ClientId::to_string),
            endpoint: refusal.endpoint.as_str(),
            error: refusal.error.to_string(),
            reason: refusal.reason.to_string(),
            hint: refusal.hint.clone(),
            source: refusal.source.map(|source| source.to_string()),
            mend: mend(&refusal.reason).unwrap_or(UNKNOWN),
        }
    }
}
