//! The part of the contract about what servers notice: use, statistics, refusals.
//! Not for: what operators decide. That has audit events and revisions, and outlives a crash to the last change; of this
//! the last seconds may be lost.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use crate::domain::application::ClientId;
use crate::domain::excess::{ExcessQuery, Fetched};
use crate::domain::id::{CredentialId, RequestId, TenantId};
use crate::domain::quota::Window;
use crate::domain::refusal::Refusal;
use crate::domain::statistic::{Statistic, StatisticsQuery};
use crate::domain::time::Timestamp;

/// How long a refusal is kept.
pub const REFUSALS_KEPT_FOR: Duration = Duration::from_hours(7 * 24);

/// How many refusals are kept: the newest.
pub const REFUSALS_KEPT: i64 = 100_000;

/// What was noticed of use since the last time.
#[derive(Debug, Clone, Default)]
pub struct UsageBatch {
    /// When credentials were last used.
    pub uses: Vec<(CredentialId, Timestamp)>,
    /// What is to be added to the counts of the minute and the day that `start` is in.
    pub counts: Vec<Statistic>,
}

/// Whose tokens are summed up: those of an application, or of the whole tenant.
pub type Spender = (TenantId, Option<ClientId>);

/// How many tokens were issued in a minute, an hour and a day, in the order of `Window::ALL`.
pub type Sums = [u64; Window::ALL.len()];

/// What servers notice, remembered. Each question is atomic by itself; none makes an audit event or a revision.
#[async_trait]
pub trait Noticed: Send + Sync {
    /// Writes down use: a last use earlier than the one stored changes nothing, and a credential that is gone is passed
    /// over; counts are added to those stored.
    async fn record_usage(&self, batch: UsageBatch) -> Result<(), StoreError>;
    /// Counts by their beginning, oldest first; the newest when there are more than `limit`. Those of a tenant or
    /// application that was removed are still there.
    async fn statistics(&self, query: StatisticsQuery) -> Result<Vec<Statistic>, StoreError>;
    /// The applications that fetched more tokens than so many times what one instance needs (`domain::excess::needed`, by
    /// the lifetime of the application or else the usual one), those with the most for what they need first. Only those
    /// that are still there, and only what was counted from the beginning of the span to its end.
    async fn excess(&self, query: ExcessQuery) -> Result<Vec<Fetched>, StoreError>;
    /// How many tokens each of these was issued, as far as servers have written it down, in the minute, the hour and the
    /// day that `at` is in: in the same order. Refusals are not among them.
    async fn issued(&self, whose: Vec<Spender>, at: Timestamp) -> Result<Vec<Sums>, StoreError>;
    /// Writes down refusals, and forgets the oldest beyond `REFUSALS_KEPT`. One that is there already stays as it is.
    async fn record_refusals(&self, refusals: Vec<Refusal>) -> Result<(), StoreError>;
    /// A refusal by the id of its request.
    async fn refusal(&self, request: RequestId) -> Result<Option<Refusal>, StoreError>;
}
