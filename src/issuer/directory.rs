//! All tenants at work, found by host, and what a server does beside its requests.
//! Not for: judging a request; it only says whose it is.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::following::Following;
use super::freshness::{Attempt, StoreAway};
use super::tally::Figures;
use super::tenants::Tenants;
use super::{Issuer, Services, unavailable};
use crate::domain::id::{RequestId, TenantId};
use crate::domain::tenant::Host;
use crate::domain::time::{Timestamp, format_duration};
use crate::keys::rotate::{NotRotated, Rotation};
use crate::store::StoreError;

/// How often the store is asked what changed.
pub const FOLLOW_EVERY: Duration = Duration::from_millis(200);

/// How long notices of changes are collected. A flood of them is a question now and then.
const BETWEEN_NOTICES: Duration = Duration::from_millis(20);

/// How long a request may have taken for which it is looked whether all is as it was: nobody waits that long.
const LOOKED_AGAIN_WITHIN: Duration = Duration::from_secs(2);

/// How long forgetting leaves the store to others after each step.
const BETWEEN_STEPS: Duration = Duration::from_millis(10);

/// How long a request waits for the store before it is told to come back.
pub(super) const STORE_DEADLINE: Duration = Duration::from_secs(1);

/// Every tenant, by host and by id.
pub struct Directory {
    services: Arc<Services>,
    tenants: Arc<Tenants>,
    following: Arc<Following>,
}

/// Since when, on the monotonic clock, what a request rests on was known to be true, or to be all that can be known; and
/// when it looked.
#[derive(Debug, Clone, Copy)]
pub struct TrueSince {
    /// In milliseconds.
    since: u64,
    looked_at: Duration,
}

/// Whose a request is.
pub enum Found {
    /// This tenant's.
    Tenant(Arc<Issuer>),
    /// Nobody's: no tenant owns the host.
    Nobody,
    /// A tenant's that cannot work now.
    Broken,
}

impl Directory {
    /// Reads all tenants and opens their keys.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn open(services: Services) -> Result<Self, StoreError> {
        let services = Arc::new(services);
        let tenants = Tenants::new(Arc::clone(&services));
        let first = Attempt { number: 0, began: services.freshness.now() };
        tenants.open().await?;
        services.freshness.found(first);
        let following = Following::new(Arc::clone(&tenants));
        Ok(Self { services, tenants, following })
    }

    /// The tenant at a host that is written as it was registered, and since when that rests on what is true, if memory may
    /// be acted on right now: what nearly every request finds, without a wait.
    #[must_use]
    pub fn known_at(&self, host: &str) -> Option<(Arc<Issuer>, TrueSince)> {
        let looked_at = self.services.clock.monotonic();
        let since = TrueSince { since: self.following.known(looked_at)?.ok()?, looked_at };
        self.tenants.known().by_host.get(host).map(|issuer| (Arc::clone(issuer), since))
    }

    /// The tenant that owns `host`. Where `any_host` is given and there is just one tenant, it is that one.
    ///
    /// # Errors
    /// When memory may not be acted on; while the store is away also when no tenant in memory owns the host, since one in
    /// the store may.
    pub async fn find(&self, host: Option<&Host>, any_host: bool) -> Result<Found, StoreError> {
        self.ensure_known().await?;
        let tenants = self.tenants.known();
        if let Some(issuer) = host.and_then(|host| tenants.by_host.get(host)) {
            return Ok(Found::Tenant(Arc::clone(issuer)));
        }
        if host.is_some_and(|host| tenants.broken.contains_key(host)) {
            return Ok(Found::Broken);
        }
        if any_host
            && tenants.broken.is_empty()
            && tenants.by_id.len() == 1
            && let Some(issuer) = tenants.by_id.values().next()
        {
            return Ok(Found::Tenant(Arc::clone(issuer)));
        }
        self.services.check_store()?;
        Ok(Found::Nobody)
    }

    /// The tenant that issues under this name, character by character.
    ///
    /// # Errors
    /// When memory may not be acted on.
    pub async fn issuing_as(&self, name: &str) -> Result<Option<Arc<Issuer>>, StoreError> {
        self.ensure_known().await?;
        let tenants = self.tenants.known();
        Ok(tenants.by_id.values().find(|issuer| issuer.tenant().issuer.as_str() == name).cloned())
    }

    /// A tenant as it is now, for a request that found it some time ago, and since when that was known.
    ///
    /// # Errors
    /// When memory may not be acted on.
    pub async fn current(&self, tenant: TenantId) -> Result<(Option<Arc<Issuer>>, TrueSince), StoreError> {
        let since = self.ensure_known().await?;
        let since = TrueSince { since, looked_at: self.services.clock.monotonic() };
        Ok((self.tenants.known().by_id.get(&tenant).cloned(), since))
    }

    /// Whether something that rests on what was true then, and may be so old, may still be handed out: not after this process was
    /// paused, or the request waited too long.
    #[must_use]
    pub fn may_hand_out(&self, since: TrueSince, within: Duration) -> bool {
        self.services.freshness.age(since.since) <= within
    }

    /// The tenant of a request that has taken long, if it is the very one that is true now: whatever changes of it is read again
    /// and is another one in memory. Nothing for a request that was held up for longer than any waits.
    pub async fn current_still(&self, issuer: &Issuer, since: TrueSince) -> Option<Arc<Issuer>> {
        let (current, _) = self.current(issuer.tenant.id).await.ok()?;
        current.filter(|current| current.number == issuer.number && self.passed(since) <= LOOKED_AGAIN_WITHIN)
    }

    /// How long ago a request looked whom it is for: with its body there, or as soon as it was.
    #[must_use]
    pub fn passed(&self, since: TrueSince) -> Duration {
        self.services.clock.monotonic().saturating_sub(since.looked_at)
    }

    /// Takes in what changed in the store. Called again and again by the server; requests that come when the memory is too
    /// old ask for it as well.
    ///
    /// # Errors
    /// When the store does not answer; the memory is then as it was.
    pub async fn follow(&self) -> Result<(), StoreError> {
        self.following.follow().await
    }

    /// Follows the store for ever: as soon as it gives notice of a change, and from time to time, since notices can be lost
    /// and some stores give none. While it does not answer it is asked no more often than that.
    pub async fn keep_following(&self, from_time_to_time: Duration) {
        let (store, mut is_there, mut is_wrong) = (self.services.cached.store(), true, false);
        let mut next = Instant::now() + from_time_to_time;
        loop {
            tokio::select! {
                () = sleep_until(next) => {}
                () = store.changed(), if is_there => {}
            }
            next = Instant::now() + from_time_to_time;
            let followed = self.follow().await;
            is_there = followed.is_ok();
            // That it is away is said where it is found out, with what follows from that.
            match followed {
                Err(error) if !error.is_away() && !is_wrong => {
                    tracing::error!(%error, "the store could not be followed");
                    is_wrong = true;
                }
                Ok(()) if is_wrong => {
                    tracing::info!("over: the store could not be followed");
                    is_wrong = false;
                }
                Ok(()) | Err(_) => {}
            }
            sleep(BETWEEN_NOTICES).await;
        }
    }

    /// Refuses what only the store can do, when it is away.
    ///
    /// # Errors
    /// When it is. A store that gives wrong answers is there, and may be asked how to mend them.
    pub async fn check_store(&self) -> Result<(), StoreError> {
        match self.ensure_known().await {
            Err(error) if error.is_away() => Err(error),
            Ok(_) | Err(_) => self.services.check_store(),
        }
    }

    /// Waits until the store is found away.
    pub async fn store_missed(&self) {
        self.following.missed().await;
    }

    /// Writes down what was noticed of use since the last time, last uses and counts, and reads what other servers have
    /// issued to applications and tenants with a quota.
    ///
    /// # Errors
    /// When the store does not answer; what was not written is kept for the next time.
    pub async fn write_usage(&self) -> Result<(), StoreError> {
        self.services.write_usage().await
    }

    /// Tells in the log, once for all of them, of requests that were refused because of overload since the last time.
    pub fn tell_overload(&self) {
        self.services.tell_overload();
    }

    /// Looks for ever whether requests wait longer for a processor than for a signature.
    pub async fn watch_saturation(&self) {
        self.services.signing.keep_looking().await;
    }

    /// Writes down the refusals since the last time.
    ///
    /// # Errors
    /// When the store does not answer; what was not written is kept for the next time.
    pub async fn write_refusals(&self) -> Result<(), StoreError> {
        self.services.write_refusals().await
    }

    /// Makes the keys of every tenant sign, retire and go as the schedule says. While the clock is known to be wrong
    /// nothing is done: what would be written down now would seem to be long ago when the clock is right again. Nor is
    /// anything while the store is away: the keys go on as they are.
    ///
    /// # Errors
    /// The first failure; the other tenants had their turn nevertheless.
    pub async fn rotate_keys(&self) -> Result<(), NotRotated> {
        let services = &self.services;
        if services.freshness.is_away() || services.clock_watch.look(services.clock.as_ref()).is_some() {
            return Ok(());
        }
        let store = services.cached.store().as_ref();
        let rotation = Rotation { store, vault: &services.vault, clock: services.clock.as_ref() };
        let mut rotated = Ok(());
        for tenant in store.tenants().await? {
            let one = rotation.run(&tenant).await;
            rotated = rotated.and(one);
        }
        rotated
    }

    /// What operators should hear about although requests can be served.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let behind = self.services.clock_watch.look(self.services.clock.as_ref());
        let clock = behind.map(|behind| format!("the clock went back by {}", format_duration(behind)));
        self.store_away().map(|away| away.text).into_iter().chain(clock).collect()
    }

    /// How it stands with the store, if it is away.
    #[must_use]
    pub fn store_away(&self) -> Option<StoreAway> {
        self.services.freshness.outage()
    }

    /// What is counted, as it is now.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.services.figures()
    }

    /// Forgets in memory and in the store what nobody needs any more, there in steps with room between them for whoever
    /// else writes.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn forget_past(&self) -> Result<(), StoreError> {
        self.services.reuse.forget_past(self.services.clock.as_ref());
        // While the clock is known to be wrong, what is past is not.
        if self.services.clock_watch.look(self.services.clock.as_ref()).is_some() {
            return Ok(());
        }
        while self.services.cached.store().forget_past(self.now()).await? {
            sleep(BETWEEN_STEPS).await;
        }
        Ok(())
    }

    /// Whether requests can be served now; if not, why, in words for the operator.
    ///
    /// # Errors
    /// What is wrong.
    pub async fn check_ready(&self) -> Result<(), String> {
        if let Err(error) = self.ensure_known().await {
            return Err(self.store_away().map_or_else(|| error.to_string(), |away| away.text));
        }
        let tenants = self.tenants.known();
        if !tenants.by_id.is_empty() {
            // One tenant's trouble must not take the others' server away; it was logged, and its hosts answer 503.
            return Ok(());
        }
        Err(tenants.broken.values().next().cloned().unwrap_or_else(|| "there is no tenant".to_owned()))
    }

    /// A new request id.
    #[must_use]
    pub fn new_request_id(&self) -> RequestId {
        RequestId::new(&self.services.ids)
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.services.clock.now()
    }

    /// Waits until memory may be acted on, and says since when what is in it was known to be true.
    async fn ensure_known(&self) -> Result<u64, StoreError> {
        if let Some(known) = self.following.known(self.services.clock.monotonic()) {
            return known;
        }
        let known = self.following.wait_until_known();
        timeout(STORE_DEADLINE, known).await.unwrap_or_else(|_| Err(unavailable("it is too slow")))
    }
}
