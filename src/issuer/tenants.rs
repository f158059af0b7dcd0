//! All tenants in memory, with their keys and APIs, kept true by following the store.
//! Not for: when it is followed (`following.rs`), or whose a request is (`directory.rs`).

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};
// Quicker than the usual one. Nobody but operators can choose keys that collide.
use foldhash::fast::RandomState;

use super::document::Documents;
use super::{Issuer, Services};
use crate::domain::application::ClientId;
use crate::domain::id::TenantId;
use crate::domain::signing_key::SigningKey;
use crate::domain::tenant::Host;
use crate::domain::time::Timestamp;
use crate::keys::KeyRing;
use crate::store::StoreError;

/// Applications that were in memory and have changed.
pub(super) type Forgotten = Vec<(TenantId, ClientId)>;

/// The memory of tenants.
pub(super) struct Tenants {
    services: Arc<Services>,
    known: ArcSwap<Known>,
    /// Held while what was read takes the place of what is known.
    replacing: Mutex<()>,
}

/// Every tenant, by host and by id, as the store had them.
#[derive(Default)]
pub(super) struct Known {
    pub(super) by_host: HashMap<Host, Arc<Issuer>, RandomState>,
    pub(super) by_id: HashMap<TenantId, Arc<Issuer>>,
    /// Tenants that cannot work, and why. Their hosts answer 503.
    pub(super) broken: HashMap<Host, String>,
    /// The count of changes to tenants this was read at.
    read_at: i64,
}

impl Tenants {
    /// Nothing, until the store is followed for the first time.
    pub(super) fn new(services: Arc<Services>) -> Arc<Self> {
        Arc::new(Self { services, known: ArcSwap::default(), replacing: Mutex::default() })
    }

    pub(super) fn services(&self) -> &Services {
        &self.services
    }

    /// Those known now.
    pub(super) fn known(&self) -> Guard<Arc<Known>> {
        self.known.load()
    }

    /// Reads all tenants and opens their keys.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(super) async fn open(&self) -> Result<(), StoreError> {
        self.services.cached.follow().await?;
        self.reload().await
    }

    /// Takes in what changed in the store. It may go on twice at once; what was read earlier never takes the place of what
    /// was read later.
    ///
    /// # Errors
    /// When the store does not answer; the memory is then as it was.
    pub(super) async fn follow(&self) -> Result<Forgotten, StoreError> {
        self.services.clock_watch.look(self.services.clock.as_ref());
        let forgotten = self.services.cached.follow().await?;
        if self.services.cached.tenants_changed() != self.known.load().read_at {
            self.reload().await?;
        }
        Ok(forgotten)
    }

    /// Reads applications again that have changed.
    pub(super) async fn read_again(&self, forgotten: &Forgotten) {
        self.services.cached.read_again(forgotten).await;
    }

    async fn reload(&self) -> Result<(), StoreError> {
        let former = self.known.load_full();
        let mut next = Known { read_at: self.services.cached.tenants_changed(), ..Known::default() };
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
                    let number = services.issuers.fetch_add(1, Ordering::Relaxed);
                    let issuer = Issuer { tenant, keys, apis, documents, number, services };
                    let issuer = Arc::new(issuer);
                    next.by_host.extend(hosts.into_iter().map(|host| (host, Arc::clone(&issuer))));
                    next.by_id.insert(id, issuer);
                }
                Err(reason) => {
                    tracing::error!(tenant = tenant.name, %reason, "a tenant cannot work");
                    next.broken.extend(tenant.hosts.into_iter().map(|host| (host, reason.clone())));
                }
            }
        }
        let _one_at_a_time = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        if next.read_at >= self.known.load().read_at {
            self.known.store(Arc::new(next));
            self.services.clock_watch.record(newest);
        }
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
