//! What servers notice, as questions to PostgreSQL.
//! Not for: SQL, which is in `credentials.rs`, `excess.rs`, `statistics.rs` and `refusals.rs`.

use std::sync::Arc;

use async_trait::async_trait;

use super::error::Trouble;
use super::session::Session;
use super::{Postgres, credentials, excess, refusals, statistics};
use crate::domain::excess::{ExcessQuery, Fetched};
use crate::domain::id::RequestId;
use crate::domain::refusal::Refusal;
use crate::domain::statistic::{Statistic, StatisticsQuery};
use crate::domain::time::Timestamp;
use crate::store::{Noticed, Spender, StoreError, Sums, UsageBatch};

#[async_trait]
impl Noticed for Postgres {
    async fn record_usage(&self, batch: UsageBatch) -> Result<(), StoreError> {
        let batch = Arc::new(batch);
        self.note(move |session| {
            let batch = Arc::clone(&batch);
            async move {
                session.begin_with("BEGIN").await?;
                credentials::record_use(&session, &batch.uses).await?;
                statistics::add(&session, &batch.counts).await
            }
        })
        .await
    }

    async fn statistics(&self, query: StatisticsQuery) -> Result<Vec<Statistic>, StoreError> {
        self.read_quietly(move |session| statistics::find(session, query.clone())).await
    }

    async fn excess(&self, query: ExcessQuery) -> Result<Vec<Fetched>, StoreError> {
        self.read_quietly(move |session| excess::find(session, query.clone())).await
    }

    async fn issued(&self, whose: Vec<Spender>, at: Timestamp) -> Result<Vec<Sums>, StoreError> {
        self.read(move |session| statistics::issued(session, whose.clone(), at)).await
    }

    async fn record_refusals(&self, refusals: Vec<Refusal>) -> Result<(), StoreError> {
        let refusals = Arc::new(refusals);
        self.note(move |session| {
            let refusals = Arc::clone(&refusals);
            async move {
                session.begin_with("BEGIN").await?;
                refusals::add(&session, &refusals).await
            }
        })
        .await
    }

    async fn refusal(&self, request: RequestId) -> Result<Option<Refusal>, StoreError> {
        self.read_quietly(move |session| refusals::find(session, request)).await
    }
}

/// Forgets some of what has been kept for long enough, and says how much of the kind of which it was most.
pub(super) async fn forget(session: &Session, now: Timestamp) -> Result<u64, Trouble> {
    Ok(statistics::forget(session, now).await?.max(refusals::forget(session, now).await?))
}
