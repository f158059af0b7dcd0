//! All tenants at work, found by host, kept true by following the store.
//! Not for: judging a request; it only says whose it is.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use super::document::Documents;
use super::{Issuer, Services};
use crate::domain::id::{RequestId, TenantId};
use crate::domain::signing_key::SigningKey;
use crate::domain::tenant::Host;
use crate::domain::time::{Timestamp, format_duration};
use crate::keys::KeyRing;
use crate::keys::rotate::{NotRotated, Rotation};
use crate::store::StoreError;

/// How often the store is asked what changed.
pub const FOLLOW_EVERY: Duration = Duration::from_millis(200);

/// How old the memory may be before a request must ask the store itself. With this and the time a request takes, a
/// change is acted on within one second even when following is late.
const TRUSTED_FOR: Duration = Duration::from_millis(400);

/// How old what a token rests on may be when it is handed out. Only a request that was held up comes near it.
const HANDED_OUT_WITHIN: Duration = Duration::from_secs(1);

/// How long forgetting leaves the store to others after each step.
const BETWEEN_STEPS: Duration = Duration::from_millis(10);

/// How long a request waits for the store before it is told to come back.
pub(super) const STORE_DEADLINE: Duration = Duration::from_secs(1);

/// Every tenant, by host and by id.
pub struct Directory {
    services: Arc<Services>,
    tenants: ArcSwap<Tenants>,
    /// Since when, on the monotonic clock in milliseconds, the memory was known to be true.
    true_since: AtomicU64,
    /// When the last attempt to follow that failed began, on the same clock.
    failed_since: AtomicU64,
    following: Mutex<()>,
}

/// Since when, on the monotonic clock, what a request rests on was known to be true.
#[derive(Debug, Clone, Copy)]
pub struct TrueSince(u64);

#[derive(Default)]
struct Tenants {
    by_host: HashMap<Host, Arc<Issuer>>,
    by_id: HashMap<TenantId, Arc<Issuer>>,
    /// Tenants that cannot work, and why. Their hosts answer 503.
    broken: HashMap<Host, String>,
    /// The count of changes to tenants this was read at.
    read_at: i64,
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
        let directory = Self {
            services: Arc::new(services),
            tenants: ArcSwap::default(),
            true_since: AtomicU64::new(0),
            failed_since: AtomicU64::new(0),
            following: Mutex::new(()),
        };
        let started = directory.monotonic_millis();
        directory.services.cached.follow().await?;
        directory.reload().await?;
        directory.true_since.store(started, Ordering::Release);
        Ok(directory)
    }

    /// The tenant that owns `host`. Where `any_host` is given and there is just one tenant, it is that one.
    ///
    /// # Errors
    /// When the memory is too old to be trusted and the store does not answer.
    pub async fn find(&self, host: Option<&Host>, any_host: bool) -> Result<Found, StoreError> {
        self.ensure_true().await?;
        let tenants = self.tenants.load();
        if let Some(issuer) = host.and_then(|host| tenants.by_host.get(host)) {
            return Ok(Found::Tenant(Arc::clone(issuer)));
        }
        if host.is_some_and(|host| tenants.broken.contains_key(host)) {
            return Ok(Found::Broken);
        }
        if any_host && tenants.broken.is_empty() && tenants.by_id.len() == 1 {
            return Ok(tenants
                .by_id
                .values()
                .next()
                .map_or(Found::Nobody, |issuer| Found::Tenant(Arc::clone(issuer))));
        }
        Ok(Found::Nobody)
    }

    /// The tenant that issues under this name, character by character.
    ///
    /// # Errors
    /// When the memory is too old to be trusted and the store does not answer.
    pub async fn issuing_as(&self, name: &str) -> Result<Option<Arc<Issuer>>, StoreError> {
        self.ensure_true().await?;
        let tenants = self.tenants.load();
        Ok(tenants.by_id.values().find(|issuer| issuer.tenant().issuer.as_str() == name).cloned())
    }

    /// A tenant as it is now, for a request that found it some time ago, and since when that was known.
    ///
    /// # Errors
    /// When the memory is too old to be trusted and the store does not answer.
    pub async fn current(&self, tenant: TenantId) -> Result<(Option<Arc<Issuer>>, TrueSince), StoreError> {
        self.ensure_true().await?;
        let since = TrueSince(self.true_since.load(Ordering::Acquire));
        Ok((self.tenants.load().by_id.get(&tenant).cloned(), since))
    }

    /// Whether something that rests on what was true then may still be handed out: not after this process was paused,
    /// or the request waited too long.
    #[must_use]
    pub fn may_hand_out(&self, since: TrueSince) -> bool {
        u128::from(self.monotonic_millis().saturating_sub(since.0)) <= HANDED_OUT_WITHIN.as_millis()
    }

    /// Takes in what changed in the store. Called again and again by the server, and by requests that come when the
    /// memory is too old.
    ///
    /// # Errors
    /// When the store does not answer; the memory is then as it was.
    pub async fn follow(&self) -> Result<(), StoreError> {
        let _one_at_a_time = self.following.lock().await;
        self.follow_now().await
    }

    /// Writes down what was noticed of use since the last time: last uses and counts.
    ///
    /// # Errors
    /// When the store does not answer; what was not written is kept for the next time.
    pub async fn write_usage(&self) -> Result<(), StoreError> {
        self.services.write_usage().await
    }

    /// Writes down the refusals since the last time.
    ///
    /// # Errors
    /// When the store does not answer; what was not written is kept for the next time.
    pub async fn write_refusals(&self) -> Result<(), StoreError> {
        self.services.write_refusals().await
    }

    /// Makes the keys of every tenant sign, retire and go as the schedule says. While the clock is known to be wrong
    /// nothing is done: what would be written down now would seem to be long ago when the clock is right again.
    ///
    /// # Errors
    /// The first failure; the other tenants had their turn nevertheless.
    pub async fn rotate_keys(&self) -> Result<(), NotRotated> {
        let services = &self.services;
        if services.clock_watch.look(services.clock.as_ref()).is_some() {
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

    /// What an operator should hear about although requests can be served.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let behind = self.services.clock_watch.look(self.services.clock.as_ref())?;
        Some(format!("the clock went back by {}", format_duration(behind)))
    }

    /// Forgets in the store what nobody needs any more, in steps with room between them for whoever else writes.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn forget_past(&self) -> Result<(), StoreError> {
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
        self.ensure_true().await.map_err(|error| error.to_string())?;
        let tenants = self.tenants.load();
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

    async fn ensure_true(&self) -> Result<(), StoreError> {
        if self.is_true() {
            return Ok(());
        }
        let asked = self.monotonic_millis();
        timeout(STORE_DEADLINE, self.follow_since(asked))
            .await
            .unwrap_or_else(|_| Err(unavailable("it is too slow")))
    }

    /// Follows, unless somebody has tried since `asked`: then what became of that is the answer for all who waited.
    async fn follow_since(&self, asked: u64) -> Result<(), StoreError> {
        let _one_at_a_time = self.following.lock().await;
        if self.is_true() || self.true_since.load(Ordering::Acquire) > asked {
            return Ok(());
        }
        if self.failed_since.load(Ordering::Acquire) > asked {
            return Err(unavailable("it did not answer just now"));
        }
        self.follow_now().await
    }

    fn is_true(&self) -> bool {
        let age = self.monotonic_millis().saturating_sub(self.true_since.load(Ordering::Acquire));
        u128::from(age) <= TRUSTED_FOR.as_millis()
    }

    async fn follow_now(&self) -> Result<(), StoreError> {
        let started = self.monotonic_millis();
        self.services.clock_watch.look(self.services.clock.as_ref());
        let followed = self.follow_and_reload().await;
        let since = if followed.is_ok() { &self.true_since } else { &self.failed_since };
        since.store(started, Ordering::Release);
        followed
    }

    async fn follow_and_reload(&self) -> Result<(), StoreError> {
        self.services.cached.follow().await?;
        if self.services.cached.tenants_changed() == self.tenants.load().read_at {
            return Ok(());
        }
        self.reload().await
    }

    async fn reload(&self) -> Result<(), StoreError> {
        let former = self.tenants.load_full();
        let mut next = Tenants { read_at: self.services.cached.tenants_changed(), ..Tenants::default() };
        self.reload_digest_keys().await?;
        let mut newest = Timestamp::from_millis(0);
        for tenant in self.services.cached.store().tenants().await? {
            let ring = former.by_id.get(&tenant.id).map(|issuer| issuer.keys());
            let keys = self.read_keys(tenant.id).await?;
            newest = newest.max(newest_of(keys.as_deref().unwrap_or_default()));
            let apis = own(self.services.cached.store().apis(tenant.id).await)?;
            match keys.and_then(|keys| Ok((self.open_keys(&keys, ring)?, apis?))) {
                Ok((keys, apis)) => {
                    let (id, hosts) = (tenant.id, tenant.hosts.clone());
                    let is_of_an_api =
                        |name: &str| apis.iter().any(|api| api.algorithm.as_deref() == Some(name));
                    let keys = keys.sparing(is_of_an_api);
                    let apis = apis.into_iter().map(|api| (api.identifier.clone(), Arc::new(api))).collect();
                    let (documents, services) = (Documents::default(), Arc::clone(&self.services));
                    let issuer = Arc::new(Issuer { tenant, keys, apis, documents, services });
                    next.by_host.extend(hosts.into_iter().map(|host| (host, Arc::clone(&issuer))));
                    next.by_id.insert(id, issuer);
                }
                Err(reason) => {
                    tracing::error!(tenant = tenant.name, %reason, "a tenant cannot work");
                    next.broken.extend(tenant.hosts.into_iter().map(|host| (host, reason.clone())));
                }
            }
        }
        self.tenants.store(Arc::new(next));
        self.services.clock_watch.record(newest);
        Ok(())
    }

    /// A secret that was digested under a former master key is judged with that one's digest key.
    async fn reload_digest_keys(&self) -> Result<(), StoreError> {
        let kept = self.services.cached.store().digest_keys().await?;
        if let Err(error) = self.services.vault.keep(&kept) {
            tracing::error!(%error, "secrets from before the last change of the master key cannot be judged");
        }
        Ok(())
    }

    /// A tenant's keys, or why this one tenant cannot work.
    async fn read_keys(&self, tenant: TenantId) -> Result<Result<Vec<SigningKey>, String>, StoreError> {
        own(self.services.cached.store().signing_keys(tenant).await)
    }

    fn open_keys(&self, keys: &[SigningKey], former: Option<&KeyRing>) -> Result<KeyRing, String> {
        KeyRing::open(&self.services.vault, keys, former).map_err(|why| why.to_string())
    }

    fn monotonic_millis(&self) -> u64 {
        u64::try_from(self.services.clock.monotonic().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Damage to what is one tenant's is that tenant's trouble alone.
fn own<T>(answer: Result<T, StoreError>) -> Result<Result<T, String>, StoreError> {
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(StoreError::Corrupt(why)) => Ok(Err(why)),
        Err(error) => Err(error),
    }
}

/// The newest instant that was written down of keys in use. One that is gone counts no more, so that a key from a time
/// when the clock was ahead can be revoked.
fn newest_of(keys: &[SigningKey]) -> Timestamp {
    let in_use = keys.iter().filter(|key| key.state.is_published());
    in_use.map(|key| key.created_at.max(key.state_since)).max().unwrap_or(Timestamp::from_millis(0))
}

pub(super) fn unavailable(why: &str) -> StoreError {
    StoreError::Unavailable(why.to_owned())
}
