//! What is noted of each request, and how it gets into the store: in one go, not for each of them.
//! Not for: how it is collected (`usage.rs`, `refusals.rs`) or told (`issuance/`).

use super::issuance::{Issued, issued_line, refused_line};
use super::{Issuer, Services};
use crate::domain::id::CredentialId;
use crate::domain::refusal::Refusal;
use crate::domain::statistic::{Counted, Counter, Period};
use crate::store::{StoreError, UsageBatch};

/// How many last uses and counts go into one transaction, so that no change waits long behind them.
const WRITTEN_AT_ONCE: usize = 2_000;

impl Issuer {
    /// Notes that a credential was used now for something other than a token. It is written down in a while.
    pub fn note_use(&self, credential: CredentialId) {
        self.services.usage.note_use(credential, self.now());
    }

    /// Notes a token that is about to be handed out: its count, the use of its credential, its line in the stream. One
    /// that is reused is counted apart.
    pub fn note_issued(&self, issued: &Issued<'_>) {
        let services = &self.services;
        services.usage.note_issued(self.tenant.id, issued);
        services.tally.note_issued(issued.is_reused);
        let away = services.freshness.away_for();
        if away.is_some() && !issued.is_reused {
            self.services.freshness.note_issued();
        }
        self.services.issuance.note(|| issued_line(issued.at, &self.tenant.name, issued, away));
    }

    /// Notes a request of this tenant that is refused: its count, its line in the stream, itself for whoever asks why.
    pub fn note_refused(&self, refusal: Refusal) {
        self.services.usage.note_refused(Counter {
            start: Period::Minute.start_of(refusal.at),
            tenant: self.tenant.id,
            application: refusal.application.clone(),
            what: Counted::Refused(refusal.reason.clone()),
        });
        self.services.tally.note_refused(refusal.error.clone());
        self.services.issuance.note(|| refused_line(&self.tenant.name, &refusal));
        self.services.refusals.note(refusal);
    }
}

impl Services {
    /// Writes down last uses and counts, in pieces, and reads what other servers have issued to those with a quota.
    pub(super) async fn write_usage(&self) -> Result<(), StoreError> {
        self.tell_overload();
        let marks = self.mark_quotas();
        self.write_counts().await?;
        self.settle(marks).await
    }

    async fn write_counts(&self) -> Result<(), StoreError> {
        let mut rest = self.usage.take();
        while !(rest.uses.is_empty() && rest.counts.is_empty()) {
            let piece = UsageBatch { uses: first_of(&mut rest.uses), counts: first_of(&mut rest.counts) };
            if let Err(error) = self.cached.store().record_usage(piece.clone()).await {
                self.usage.put_back(piece);
                self.usage.put_back(rest);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Writes down refusals, and says when there were too many to be kept.
    pub(super) async fn write_refusals(&self) -> Result<(), StoreError> {
        let taken = self.refusals.take();
        if taken.kept.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.cached.store().record_refusals(taken.kept.clone()).await {
            self.refusals.put_back(taken);
            return Err(error);
        }
        if taken.dropped > 0 {
            tracing::warn!(count = taken.dropped, "refusals are not kept: there are too many at once");
        }
        Ok(())
    }
}

/// Takes as many as are written at once.
fn first_of<T>(rest: &mut Vec<T>) -> Vec<T> {
    let after = rest.split_off(rest.len().min(WRITTEN_AT_ONCE));
    std::mem::replace(rest, after)
}
