//! Quotas at work: whose tokens are counted, and what servers on one store know of each other's (docs/decisions/0026).
//! Not for: counting (`meter.rs`), or what is told whoever has used up its quota (`oauth/quota.rs`).

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::directory::STORE_DEADLINE;
use super::meter::{Decision, Mark, Meter, Reached, Starts, starts};
use super::{Issuer, Services};
use crate::domain::application::{Application, ClientId};
use crate::domain::id::{ApplicationId, TenantId};
use crate::domain::quota::{Quota, QuotaMode};
use crate::domain::time::Timestamp;
use crate::store::{Spender, StoreError};

pub use super::meter::Room;

/// How many sums are read with one question.
const READ_AT_ONCE: usize = 500;

/// For how long after its last token it is read what others issue to an application or tenant.
const READ_FOR: Duration = Duration::from_mins(1);

/// How long the counts of an application or tenant that asks for nothing are kept.
const KEPT_FOR: Duration = Duration::from_mins(10);

/// What is counted by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Whose {
    Application(ApplicationId),
    Tenant(TenantId),
}

/// The meters of those that have a quota and are in use here.
#[derive(Default)]
pub(super) struct Quotas(RwLock<HashMap<Whose, Arc<Metered>>>);

/// A meter, and what is needed to keep it true.
struct Metered {
    meter: Meter,
    /// Whose it is in the store.
    spender: Spender,
    /// Whether the store was asked for the first time.
    is_read: OnceCell<()>,
    /// Whether it was used since the store was last asked.
    is_used: AtomicBool,
    /// When it was last used, in seconds on the monotonic clock.
    used_at: AtomicU64,
}

/// How it stands with an application's own quota, if it is enforced: what the application may be told. Of its tenant's it is
/// told nothing, which would be what others use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing(pub Vec<Room>);

/// Places in quotas, taken for one token. They are given back unless it is handed out.
pub struct Charged {
    taken: [Option<Taken>; 2],
    /// What the caller may be told.
    pub standing: Option<Standing>,
}

/// A quota is used up.
#[derive(Debug)]
pub struct UsedUp {
    /// Whether it is the application's own, and not that of its tenant.
    pub is_own: bool,
    /// How long it is until there is room.
    pub retry_after: Duration,
    /// What the caller may be told.
    pub standing: Option<Standing>,
}

/// A place in a quota. While it is open it is given back when it is dropped.
struct Taken {
    metered: Arc<Metered>,
    at: Starts,
    is_open: bool,
}

/// What a quota says to a token.
struct Answer {
    taken: Taken,
    decision: Decision,
}

/// What is about to be written down of each.
pub(super) struct Marks(Vec<(Arc<Metered>, Mark)>);

impl Issuer {
    /// Whether tokens of an application are counted: what every token asks.
    #[must_use]
    pub fn has_quota(&self, application: &Application) -> bool {
        !(application.quota.is_unlimited() && self.tenant.quota.is_unlimited())
    }

    /// Takes a place for a token of an application in its own quota and its tenant's.
    ///
    /// # Errors
    /// When one of them is used up; then no place is taken.
    pub async fn charge(&self, application: &Application) -> Result<Charged, UsedUp> {
        let at = self.now();
        let client_id = || Some(application.client_id.clone());
        let own = self.take(application, Whose::Application(application.id), client_id, at).await;
        let all = self.take(application, Whose::Tenant(self.tenant.id), || None, at).await;
        let both = [own, all];
        let wait = both.iter().flatten().filter_map(|one| one.decision.refused_for).max();
        let is_beyond = both.iter().flatten().any(|one| one.decision.reached.is_any);
        let [own, _] = &both;
        let is_own = own.as_ref().is_some_and(|own| own.decision.refused_for.is_some());
        let told = own.as_ref().filter(|_| application.quota.mode == QuotaMode::Enforce);
        let told = told.map(|own| Arc::clone(&own.taken.metered));
        let standing = || told.map(|told| Standing(told.meter.rooms(&application.quota, at)));
        if let Some(retry_after) = wait {
            drop(both);
            self.services.tally.note_used_up();
            return Err(UsedUp { is_own, retry_after, standing: standing() });
        }
        if is_beyond {
            self.services.tally.note_beyond_quota();
        }
        let taken = both.map(|one| one.map(|one| one.taken));
        Ok(Charged { taken, standing: standing() })
    }

    /// Takes a place in one quota, if it is one.
    async fn take(
        &self,
        application: &Application,
        whose: Whose,
        client_id: impl Fn() -> Option<ClientId>,
        at: Timestamp,
    ) -> Option<Answer> {
        let quota = match whose {
            Whose::Application(_) => &application.quota,
            Whose::Tenant(_) => &self.tenant.quota,
        };
        if quota.is_unlimited() {
            return None;
        }
        let metered = self.services.metered(whose, (self.tenant.id, client_id())).await;
        let decision = metered.meter.charge(quota, at);
        self.tell(application, whose, quota, &decision.reached);
        let is_open = decision.refused_for.is_none();
        Some(Answer { taken: Taken { metered, at: starts(at), is_open }, decision })
    }

    /// The token is handed out: its places are not given back.
    pub fn spend(&self, charged: Charged) {
        let at = self.now();
        for mut taken in charged.taken.into_iter().flatten() {
            taken.metered.meter.spend(&taken.at, at);
            taken.is_open = false;
        }
    }

    /// Says that a limit is reached, once in each window.
    fn tell(&self, application: &Application, whose: Whose, quota: &Quota, reached: &Reached) {
        let (tenant, application) = (self.tenant.name.as_str(), application.client_id.as_str());
        let application = matches!(whose, Whose::Application(_)).then_some(application);
        for window in &reached.untold {
            let limit = quota.limit(*window).map(u32::from);
            let (window, mode) = (window.as_str(), quota.mode.as_str());
            tracing::warn!(tenant, application, window, limit, mode, "a quota of tokens is used up");
        }
    }
}

impl Services {
    /// The meter of an application or tenant. The first who asks for it waits until the store has said what was issued
    /// before and elsewhere, but not for long: while the store is away what is issued here is all that is known.
    async fn metered(&self, whose: Whose, spender: Spender) -> Arc<Metered> {
        let metered = self.quotas.get(whose, spender);
        metered.is_read.get_or_init(|| Box::pin(self.read_first(&metered))).await;
        metered.is_used.store(true, Ordering::Relaxed);
        metered.used_at.store(self.clock.monotonic().as_secs(), Ordering::Relaxed);
        metered
    }

    async fn read_first(&self, metered: &Arc<Metered>) {
        if self.freshness.is_away() {
            return;
        }
        let marks = Marks(vec![(Arc::clone(metered), Mark::default())]);
        let read = timeout(STORE_DEADLINE, self.settle(marks)).await;
        if !matches!(read, Ok(Ok(()))) {
            let application = metered.spender.1.as_ref().map(ClientId::as_str);
            tracing::warn!(
                application,
                "what was issued before is not known in time: the quota counts from now on"
            );
        }
    }

    /// What is about to be written down of those that were used lately, or since the store was last asked. Those that were
    /// not used for long are forgotten: the store knows all of them.
    pub(super) fn mark_quotas(&self) -> Marks {
        let now = self.clock.monotonic().as_secs();
        let mut meters = self.quotas.0.write().unwrap_or_else(PoisonError::into_inner);
        let was_used_within = |metered: &Metered, time: Duration| {
            let unused_for = now.saturating_sub(metered.used_at.load(Ordering::Relaxed));
            metered.is_used.load(Ordering::Relaxed) || unused_for < time.as_secs()
        };
        meters.retain(|_, metered| was_used_within(metered, KEPT_FOR));
        let used = meters.values().filter(|metered| was_used_within(metered, READ_FOR));
        Marks(used.map(|metered| (Arc::clone(metered), metered.meter.mark())).collect())
    }

    /// Reads what all servers have issued, after what is issued here was written down.
    ///
    /// # Errors
    /// When the store does not answer; what is known is then as it was.
    pub(super) async fn settle(&self, Marks(marks): Marks) -> Result<(), StoreError> {
        for marks in marks.chunks(READ_AT_ONCE) {
            let at = self.clock.now();
            for (metered, _) in marks {
                metered.is_used.store(false, Ordering::Relaxed);
            }
            let whose = marks.iter().map(|(metered, _)| metered.spender.clone()).collect();
            let sums = match self.cached.store().issued(whose, at).await {
                Ok(sums) => sums,
                Err(error) => {
                    for (metered, _) in marks {
                        metered.is_used.store(true, Ordering::Relaxed);
                    }
                    return Err(error);
                }
            };
            for ((metered, mark), sums) in marks.iter().zip(&sums) {
                metered.meter.settle(mark, sums, at);
            }
        }
        Ok(())
    }
}

impl Quotas {
    fn get(&self, whose: Whose, spender: Spender) -> Arc<Metered> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&whose).cloned();
        known.unwrap_or_else(|| {
            let mut meters = self.0.write().unwrap_or_else(PoisonError::into_inner);
            let new = || {
                let (meter, is_read) = (Meter::default(), OnceCell::new());
                let (is_used, used_at) = (AtomicBool::new(true), AtomicU64::new(u64::MAX));
                Arc::new(Metered { meter, spender, is_read, is_used, used_at })
            };
            Arc::clone(meters.entry(whose).or_insert_with(new))
        })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if self.is_open {
            self.metered.meter.give_back(&self.at);
        }
    }
}

impl std::fmt::Debug for Charged {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Charged").field("standing", &self.standing).finish_non_exhaustive()
    }
}
