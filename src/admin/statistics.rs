//! How many tokens were issued and requests refused, for whom and why.
//! Not for: one request (`refusals.rs`).

use std::time::Duration;

use super::{Admin, AdminError};
use crate::domain::application::ClientId;
use crate::domain::statistic::{Period, Statistic, StatisticsQuery};
use crate::domain::tenant::Tenant;

/// Most counts in one answer; the newest when there are more.
pub const MAX_STATISTICS: usize = 10_000;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Of this application alone; `None` for all, and for requests of nobody known. It need not exist any more.
    pub application: Option<ClientId>,
    /// By minute or by day.
    pub by: Period,
    /// How far back; the last hour by minute and the last 30 days by day when it is `None`. Counts by minute are kept for
    /// 24 hours, by day for 400 days.
    pub since: Option<Duration>,
    /// At most so many counts, and never more than `MAX_STATISTICS`.
    pub limit: usize,
}

/// The counts of a tenant by their beginning, oldest first. They are up to five seconds late.
///
/// # Errors
/// When the store does not answer.
pub async fn list(admin: &Admin, tenant: &Tenant, asked: Asked) -> Result<Vec<Statistic>, AdminError> {
    let since = asked.since.unwrap_or(match asked.by {
        Period::Minute => Duration::from_hours(1),
        Period::Day => Duration::from_hours(30 * 24),
    });
    let now = admin.now();
    let query = StatisticsQuery {
        tenant: tenant.id,
        application: asked.application,
        period: asked.by,
        from: asked.by.start_of(now.minus(since)),
        // A server's clock may be a little ahead.
        to: now.plus(asked.by.length()),
        limit: asked.limit.min(MAX_STATISTICS),
    };
    Ok(admin.store.statistics(query).await?)
}
