//! When credentials were last used and how many tokens were issued and requests refused, collected in memory.
//! Not for: writing it down (`notes.rs`), or what became of one request (`refusals.rs`, `issuance/`).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

// Quicker than the usual one. Nobody can choose keys that collide: ids are made here, at random.
use foldhash::fast::RandomState;

use super::issuance::Issued;
use super::rows::Rows;
use crate::domain::application::ClientId;
use crate::domain::id::{CredentialId, TenantId};
use crate::domain::statistic::{Counted, Counter, Period, Statistic};
use crate::domain::time::Timestamp;
use crate::store::UsageBatch;

/// How many counters there are at most between two writes, some 20 MB of them. What comes beyond is counted for nobody
/// in particular.
const MAX_COUNTERS: usize = 100_000;

/// What is not written down yet. A token costs one short lock and one look-up by an id, and no allocation but the first
/// of a credential in a minute.
#[derive(Default)]
pub(super) struct Usage(Mutex<Collected>);

#[derive(Default)]
struct Collected {
    /// Uses for something other than a token, and those beyond the limit: one entry for each credential, however often it was
    /// used, and never more than are registered.
    uses: HashMap<CredentialId, Timestamp, RandomState>,
    /// By the beginning of the minute and by what proved the caller, which is the quickest to look up.
    tokens: HashMap<(Timestamp, CredentialId), Tokens, RandomState>,
    /// Refusals, tokens beyond the limit, and what could not be written down.
    counted: HashMap<Counter, u64>,
    /// What refusals were written down under, which is not forgotten when it is.
    rows: Rows,
}

/// Tokens of an application, for one of its credentials.
struct Tokens {
    tenant: TenantId,
    application: ClientId,
    issued: u64,
    reused: u64,
    /// When the credential was last used for one of them.
    last: Timestamp,
}

impl Tokens {
    fn count(&mut self, is_reused: bool, at: Timestamp) {
        *(if is_reused { &mut self.reused } else { &mut self.issued }) += 1;
        self.last = self.last.max(at);
    }
}

impl Usage {
    /// Notes that a credential was used.
    pub(super) fn note_use(&self, credential: CredentialId, at: Timestamp) {
        self.lock().note_use(credential, at);
    }

    /// Counts a token, and notes that its credential was used.
    pub(super) fn note_issued(&self, tenant: TenantId, token: &Issued<'_>) {
        let Issued { at, application, credential, is_reused, .. } = *token;
        let minute = Period::Minute.start_of(at);
        let mut collected = self.lock();
        if let Some(tokens) = collected.tokens.get_mut(&(minute, credential)) {
            tokens.count(is_reused, at);
        } else if collected.has_room() {
            let application = application.clone();
            let mut tokens = Tokens { tenant, application, issued: 0, reused: 0, last: at };
            tokens.count(is_reused, at);
            collected.tokens.insert((minute, credential), tokens);
        } else {
            collected.note_use(credential, at);
            let what = if is_reused { Counted::Reused } else { Counted::Issued };
            collected.add(Counter { start: minute, tenant, application: None, what }, 1);
        }
    }

    /// Counts a refusal.
    pub(super) fn note_refused(&self, counter: Counter) {
        self.note_refused_times(counter, 1);
    }

    /// Counts so many refusals that are alike.
    pub(super) fn note_refused_times(&self, counter: Counter, count: u64) {
        let mut collected = self.lock();
        let is_admitted = collected.counted.contains_key(&counter) || collected.rows.admit(&counter);
        let counter = if is_admitted { counter } else { Counter { application: None, ..counter } };
        collected.add(counter, count);
    }

    /// Takes all that was noted so far.
    pub(super) fn take(&self) -> UsageBatch {
        let mut taken = {
            let mut collected = self.lock();
            let rows = std::mem::take(&mut collected.rows);
            std::mem::replace(&mut *collected, Collected { rows, ..Collected::default() })
        };
        for ((_, credential), tokens) in &taken.tokens {
            let last = taken.uses.entry(*credential).or_insert(tokens.last);
            *last = tokens.last.max(*last);
        }
        let Collected { uses, tokens, mut counted, .. } = taken;
        for ((start, _), Tokens { tenant, application, issued, reused, .. }) in tokens {
            for (what, count) in [(Counted::Issued, issued), (Counted::Reused, reused)] {
                let application = Some(application.clone());
                if count > 0 {
                    *counted.entry(Counter { start, tenant, application, what }).or_default() += count;
                }
            }
        }
        let counts = counted.into_iter().map(|(counter, count)| Statistic { counter, count }).collect();
        UsageBatch { uses: uses.into_iter().collect(), counts }
    }

    /// Puts back what could not be written down.
    pub(super) fn put_back(&self, batch: UsageBatch) {
        let mut collected = self.lock();
        for (credential, at) in batch.uses {
            collected.note_use(credential, at);
        }
        for Statistic { counter, count } in batch.counts {
            collected.add(counter, count);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Collected> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collected {
    fn note_use(&mut self, credential: CredentialId, at: Timestamp) {
        let last = self.uses.entry(credential).or_insert(at);
        *last = at.max(*last);
    }

    fn has_room(&self) -> bool {
        self.tokens.len() + self.counted.len() < MAX_COUNTERS
    }

    fn add(&mut self, counter: Counter, count: u64) {
        let is_known = self.counted.contains_key(&counter);
        let counter =
            if is_known || self.has_room() { counter } else { Counter { application: None, ..counter } };
        *self.counted.entry(counter).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::SystemRandom;
    use crate::domain::id::{KeyId, RequestId, TokenId};

    const AT: Timestamp = Timestamp::from_seconds(1_640_588_828);

    fn name(client_id: &str) -> ClientId {
        ClientId::parse(client_id).unwrap()
    }

    fn note_issued(usage: &Usage, tenant: TenantId, application: &str, by: (CredentialId, Timestamp)) {
        note(usage, tenant, (application, false), by);
    }

    fn note(
        usage: &Usage,
        tenant: TenantId,
        what: (&str, bool),
        (credential, at): (CredentialId, Timestamp),
    ) {
        let (application, is_reused) = (name(what.0), what.1);
        let issued = Issued {
            at,
            request: RequestId::new(&SystemRandom),
            source: None,
            application: &application,
            credential,
            scopes: &[],
            apis: &[],
            token: TokenId::new(&SystemRandom),
            key: KeyId::new(&SystemRandom),
            expires_at: at,
            is_reused,
        };
        usage.note_issued(tenant, &issued);
    }

    fn refused(tenant: TenantId, application: Option<&str>, reason: &'static str) -> Counter {
        let start = Period::Minute.start_of(AT);
        let what = Counted::Refused(reason.into());
        Counter { start, tenant, application: application.map(name), what }
    }

    fn total(batch: &UsageBatch, application: Option<&str>) -> u64 {
        let of = |one: &&Statistic| one.counter.application.as_ref().map(ClientId::as_str) == application;
        batch.counts.iter().filter(of).map(|one| one.count).sum()
    }

    #[test]
    fn counts_by_minute_and_application_whatever_the_credential() {
        let (usage, tenant) = (Usage::default(), TenantId::new(&SystemRandom));
        let credentials = [CredentialId::new(&SystemRandom), CredentialId::new(&SystemRandom)];
        for millis in [0, 60_000, 60_001] {
            for credential in credentials {
                let at = Timestamp::from_millis(AT.as_millis() + millis);
                note_issued(&usage, tenant, "app", (credential, at));
            }
        }
        usage.note_refused(refused(tenant, Some("app"), "why"));
        usage.note_refused(refused(tenant, None, "why"));
        let batch = usage.take();
        let mut counts: Vec<_> = batch.counts.iter().map(|one| one.count).collect();
        counts.sort_unstable();
        assert_eq!(counts, [1, 1, 2, 4]);
        assert_eq!((total(&batch, Some("app")), total(&batch, None)), (7, 1));
        let last = Timestamp::from_millis(AT.as_millis() + 60_001);
        assert!(batch.uses.len() == 2 && batch.uses.iter().all(|(_, at)| *at == last));
        assert!(usage.take().counts.is_empty());
    }

    #[test]
    fn counts_apart_what_was_handed_out_before() {
        let (usage, tenant) = (Usage::default(), TenantId::new(&SystemRandom));
        let credential = CredentialId::new(&SystemRandom);
        for is_reused in [true, false, true] {
            note(&usage, tenant, ("app", is_reused), (credential, AT));
        }
        let of = |batch: &UsageBatch, what: Counted| {
            batch.counts.iter().find(|one| one.counter.what == what).map(|one| one.count)
        };
        let batch = usage.take();
        assert_eq!([Counted::Issued, Counted::Reused].map(|what| of(&batch, what)), [Some(1), Some(2)]);
        note(&usage, tenant, ("app", true), (credential, AT));
        let batch = usage.take();
        assert_eq!((batch.counts.len(), of(&batch, Counted::Reused)), (1, Some(1)));
    }

    #[test]
    fn what_is_put_back_is_added_to_what_came_meanwhile() {
        let (usage, tenant) = (Usage::default(), TenantId::new(&SystemRandom));
        let credential = CredentialId::new(&SystemRandom);
        note_issued(&usage, tenant, "app", (credential, AT));
        usage.note_refused(refused(tenant, Some("app"), "why"));
        let batch = usage.take();
        note_issued(&usage, tenant, "app", (credential, AT));
        usage.note_use(credential, Timestamp::from_millis(AT.as_millis() - 1));
        usage.put_back(batch);
        let batch = usage.take();
        assert_eq!((batch.counts.len(), total(&batch, Some("app"))), (2, 3));
        assert_eq!(batch.uses, [(credential, AT)]);
    }

    #[test]
    fn beyond_the_limit_nothing_is_lost_but_whose_it_was() {
        let (usage, tenant) = (Usage::default(), TenantId::new(&SystemRandom));
        let known = CredentialId::new(&SystemRandom);
        note_issued(&usage, tenant, "known", (known, AT));
        let tenants: Vec<_> = (0..50).map(|_| TenantId::new(&SystemRandom)).collect();
        for number in 1..MAX_COUNTERS {
            usage.note_refused(refused(tenants[number % 50], Some(&format!("app{number}")), "why"));
        }
        note_issued(&usage, tenant, "known", (known, AT));
        note_issued(&usage, tenant, "late", (CredentialId::new(&SystemRandom), AT));
        usage.note_refused(refused(tenant, Some("late"), "why"));
        usage.note_refused(refused(tenants[1], Some("app1"), "why"));
        let batch = usage.take();
        assert_eq!(batch.counts.len(), MAX_COUNTERS + 2);
        assert_eq!((total(&batch, Some("known")), total(&batch, Some("app1"))), (2, 2));
        assert_eq!((total(&batch, Some("late")), total(&batch, None)), (0, 2));
        assert_eq!(batch.uses.len(), 2);
    }

    /// However often it is written down in between.
    #[test]
    fn strangers_make_so_many_rows_in_a_minute_and_no_more() {
        let (usage, tenant) = (Usage::default(), TenantId::new(&SystemRandom));
        let mut rows = std::collections::HashSet::new();
        let mut nobodys = 0;
        for number in 0..5_000 {
            usage.note_refused(refused(tenant, Some(&format!("app{number}")), "why"));
            if number % 500 == 0 {
                let batch = usage.take();
                nobodys += total(&batch, None);
                rows.extend(batch.counts.into_iter().map(|one| one.counter));
            }
        }
        note_issued(&usage, tenant, "late", (CredentialId::new(&SystemRandom), AT));
        usage.note_refused(refused(tenant, Some("app1"), "why"));
        let batch = usage.take();
        assert_eq!((total(&batch, Some("late")), total(&batch, Some("app1"))), (1, 1));
        nobodys += total(&batch, None);
        rows.extend(batch.counts.into_iter().map(|one| one.counter));
        assert_eq!((nobodys, rows.len()), (3_000, 2_000 + 2));
    }
}
