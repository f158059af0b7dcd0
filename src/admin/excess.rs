//! Applications that fetch far more tokens than they need, and what to do about each.
//! Not for: counts as they are (`statistics.rs`).

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Admin, AdminError};
use crate::domain::application::Registered;
use crate::domain::excess::{ExcessQuery, Fetched, Span, needed};
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::domain::token::DEFAULT_TOKEN_LIFETIME;

/// Most applications in one answer.
pub const MAX_EXCESS: usize = 1_000;

/// How many there are unless something else is said.
pub const USUAL_EXCESS: usize = 50;

/// How many times what it needs an application may fetch unless something else is said. Ten instances that each keep
/// their token fetch as many.
pub const USUAL_FACTOR: u32 = 10;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// The last full hour or day.
    pub over: Span,
    /// Only applications that fetched more than so many times what one instance needs.
    pub factor: u32,
    /// At most so many, and never more than `MAX_EXCESS`.
    pub limit: usize,
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Excess")]
pub struct ExcessView {
    /// The beginning of the hour or day.
    from: String,
    /// Its end.
    to: String,
    /// The worst first.
    items: Vec<ExcessiveView>,
}

/// An application that fetched far more tokens than it needs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ExcessiveApplication")]
pub struct ExcessiveView {
    client_id: String,
    name: String,
    /// Tokens that were made.
    issued: u64,
    /// Answers with a token that had been handed out before.
    reused: u64,
    /// In seconds, as the application has it. An API may make it shorter, or longer where the application has none of its
    /// own.
    token_lifetime: u64,
    /// What one instance needs that keeps each token to its end.
    needed: u64,
    /// How many times that was fetched, to the nearest tenth.
    factor: f64,
    /// How many of its credentials were used since then. Instances may share one.
    credentials_used: usize,
    /// Whether it is handed out the same token again.
    reuses_tokens: bool,
    mend: &'static str,
}

impl ExcessView {
    /// The applications alone.
    #[must_use]
    pub fn items(&self) -> &[ExcessiveView] {
        &self.items
    }
}

/// Finds them. An application that was removed is none of them. Counts are up to five seconds late.
///
/// # Errors
/// When the store does not answer.
pub async fn find(admin: &Admin, tenant: &Tenant, asked: Asked) -> Result<ExcessView, AdminError> {
    let (from, to) = asked.over.last_before(admin.now());
    let Asked { over, factor, limit } = asked;
    let query = ExcessQuery { tenant: tenant.id, span: over, from, factor, limit: limit.min(MAX_EXCESS) };
    let mut items = Vec::new();
    for fetched in admin.store.excess(query).await? {
        let found = admin.store.application(tenant.id, fetched.application.as_str()).await?;
        items.extend(found.map(|registered| show(&registered, &fetched, over, from)));
    }
    Ok(ExcessView { from: from.to_string(), to: to.to_string(), items })
}

fn show(registered: &Arc<Registered>, fetched: &Fetched, over: Span, from: Timestamp) -> ExcessiveView {
    const REUSE: &str = "Let the caller keep its token until it is nearly over, or set token_reuse_percent of the application.";
    const KEEP: &str =
        "Let the caller keep its token until it is nearly over: it is handed out the same one already.";
    let application = &registered.application;
    let lifetime = application.token.lifetime.unwrap_or(DEFAULT_TOKEN_LIFETIME);
    let needed = needed(over, lifetime);
    let tenths =
        (fetched.issued + fetched.reused).saturating_mul(10).saturating_add(needed / 2) / needed.max(1);
    let is_used = |at: &Option<Timestamp>| at.is_some_and(|at| at >= from);
    ExcessiveView {
        client_id: application.client_id.to_string(),
        name: application.name.clone(),
        issued: fetched.issued,
        reused: fetched.reused,
        token_lifetime: lifetime.as_secs(),
        needed,
        factor: f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0,
        credentials_used: registered.credentials.iter().filter(|one| is_used(&one.last_used_at)).count(),
        reuses_tokens: application.token_reuse.is_some(),
        mend: if application.token_reuse.is_some() { KEEP } else { REUSE },
    }
}
