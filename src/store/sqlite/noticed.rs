//! What servers notice, as questions to SQLite.
//! Not for: SQL, which is in `credentials.rs`, `excess.rs`, `statistics.rs` and `refusals.rs`.

use async_trait::async_trait;
use rusqlite::Transaction;

use super::{Sqlite, credentials, excess, refusals, statistics};
use crate::domain::excess::{ExcessQuery, Fetched};
use crate::domain::id::RequestId;
use crate::domain::refusal::Refusal;
use crate::domain::statistic::{Statistic, StatisticsQuery};
use crate::domain::time::Timestamp;
use crate::store::{Noticed, Spender, StoreError, Sums, UsageBatch};

#[async_trait]
impl Noticed for Sqlite {
    async fn record_usage(&self, batch: UsageBatch) -> Result<(), StoreError> {
        self.write(move |transaction| {
            credentials::record_use(transaction, &batch.uses)?;
            statistics::add(transaction, &batch.counts)
        })
        .await
    }

    async fn statistics(&self, query: StatisticsQuery) -> Result<Vec<Statistic>, StoreError> {
        self.read_quietly(move |connection| statistics::find(connection, &query)).await
    }

    async fn excess(&self, query: ExcessQuery) -> Result<Vec<Fetched>, StoreError> {
        self.read_quietly(move |connection| excess::find(connection, &query)).await
    }

    async fn issued(&self, whose: Vec<Spender>, at: Timestamp) -> Result<Vec<Sums>, StoreError> {
        self.read(move |connection| {
            whose.iter().map(|spender| statistics::issued(connection, spender, at)).collect()
        })
        .await
    }

    async fn record_refusals(&self, refusals: Vec<Refusal>) -> Result<(), StoreError> {
        self.write(move |transaction| refusals::add(transaction, &refusals)).await
    }

    async fn refusal(&self, request: RequestId) -> Result<Option<Refusal>, StoreError> {
        self.read_quietly(move |connection| refusals::find(connection, request)).await
    }
}

/// Forgets some of what has been kept for long enough, and says how much of the kind of which it was most.
pub(super) fn forget(transaction: &Transaction<'_>, now: Timestamp) -> Result<usize, StoreError> {
    Ok(statistics::forget(transaction, now)?.max(refusals::forget(transaction, now)?))
}
