//! Tokens that are handed out again: to the same application for the same, in the first part of their life.
//! Not for: what a token may say (`oauth/grant`), or making one (`oauth/access_token.rs`).

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
// Quicker than the usual one. Nobody can choose keys that collide: ids are made here, at random.
use foldhash::fast::RandomState;
use quick_cache::Weighter;
use quick_cache::sync::{Cache, DefaultLifecycle};
use tokio::sync::OnceCell;

use super::Issuer;
use crate::domain::application::{Application, Registered};
use crate::domain::authorization::{Authorization, GrantedToken};
use crate::domain::id::ApplicationId;
use crate::domain::time::{Clock, Timestamp};

/// How much memory all of them have. A token of 800 bytes takes about three kilobytes: some 5,000 applications with one
/// each.
const BYTES: u64 = 16 * 1024 * 1024;

/// What most applications take.
const USUAL_BYTES: u64 = 4 * 1024;

/// How many tokens of one application are kept. One that asks for ever other scopes evicts its own, and nobody else's.
const PLACES: usize = 8;

/// Tokens by application. Those of one are handed out only while application and tenant are the very ones in memory that
/// they were made from. Whatever changes of the application, its credentials, its tenant, the tenant's APIs or keys, or
/// is revoked of its tokens on any node, is read again and is another one in memory: then all its tokens are forgotten.
pub(super) struct Reuse {
    drawers: Cache<ApplicationId, Arc<Drawer>, Weighed, RandomState>,
    /// Held while a drawer takes the place of another one, so that none is lost.
    replacing: Mutex<()>,
}

/// The tokens of one application, as it and its tenant are now.
struct Drawer {
    /// The application in memory. It keeps the address from being another one's, and nothing else.
    registered: Weak<Registered>,
    /// The tenant in memory.
    issuer: u64,
    /// Each for another authorization, the oldest first.
    places: Vec<Arc<Place>>,
    /// How many bytes it took when it was put here: a memory must find what it has as heavy as it was.
    bytes: usize,
}

/// The place of one token: empty until it is made for the first who asked for it, while the others wait.
pub struct Place {
    authorization: Authorization,
    token: OnceCell<Arc<ReusedToken>>,
}

/// A token that may be handed out again, and until when. The times are of two clocks: the time of day may be stepped. It
/// does not print.
pub struct ReusedToken {
    /// The token.
    pub token: GrantedToken,
    /// The last answer with it, and the seconds that it said the token still has: whoever asks in the same second gets the same.
    pub answer: Mutex<Option<(Duration, Bytes)>>,
    issued_at: Timestamp,
    until: Timestamp,
    /// The end on the monotonic clock.
    until_monotonic: Duration,
}

impl fmt::Debug for ReusedToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.token.fmt(formatter)
    }
}

impl ReusedToken {
    /// A token with this lifetime that was made just now. One that the application disowns, because all of this very
    /// second were revoked, is for none but those who wait for it.
    fn new(token: GrantedToken, application: &Application, lifetime: Duration, clock: &dyn Clock) -> Self {
        let issued_at = token.expires_at.minus(lifetime);
        let share = application.token_reuse.filter(|_| !application.disowns(issued_at));
        let share = share.map_or(Duration::ZERO, |share| share.of(lifetime));
        Self {
            token,
            answer: Mutex::default(),
            issued_at,
            until: issued_at.plus(share),
            until_monotonic: clock.monotonic().saturating_add(share),
        }
    }

    /// Whether it may be handed out now: not when its share of time is over by either clock, nor when the time of day
    /// was stepped to before it was made.
    fn is_due(&self, now: Timestamp, clock: &dyn Clock) -> bool {
        (self.issued_at..self.until).contains(&now) && clock.monotonic() < self.until_monotonic
    }
}

impl Drawer {
    fn new(registered: Weak<Registered>, issuer: u64, places: Vec<Arc<Place>>) -> Arc<Self> {
        // The application's own block stays as long as anybody has its address.
        let itself = size_of::<Registered>() + size_of::<Self>() + 256;
        let bytes = itself + places.iter().map(|place| weight(place)).sum::<usize>();
        Arc::new(Self { registered, issuer, places, bytes })
    }

    fn is_of(&self, registered: &Arc<Registered>, issuer: u64) -> bool {
        self.issuer == issuer && std::ptr::eq(self.registered.as_ptr(), Arc::as_ptr(registered))
    }

    fn find(&self, authorization: &Authorization) -> Option<&Arc<Place>> {
        self.places.iter().find(|place| place.authorization.is_same(authorization))
    }
}

impl Place {
    /// Whether its token is being made, or may be handed out.
    fn is_due(&self, clock: &dyn Clock) -> bool {
        self.token.get().is_none_or(|token| token.is_due(clock.now(), clock))
    }
}

impl Reuse {
    pub(super) fn new() -> Self {
        let drawers = usize::try_from(BYTES / USUAL_BYTES).unwrap_or(usize::MAX);
        let (hasher, lifecycle) = (RandomState::default(), DefaultLifecycle::default());
        let drawers = Cache::with(drawers, BYTES, Weighed, hasher, lifecycle);
        Self { drawers, replacing: Mutex::default() }
    }

    /// About how many bytes all of them take.
    pub(super) fn bytes(&self) -> u64 {
        self.drawers.weight()
    }

    /// Forgets all tokens of an application.
    pub(super) fn forget(&self, application: ApplicationId) {
        let _one_at_a_time = self.lock();
        self.drawers.remove(&application);
    }

    /// Forgets the tokens of applications that have none that may be handed out.
    pub(super) fn forget_past(&self, clock: &dyn Clock) {
        let _one_at_a_time = self.lock();
        self.drawers.retain(|_, drawer| {
            drawer.registered.strong_count() > 0 && drawer.places.iter().any(|place| place.is_due(clock))
        });
    }

    /// Weighs a place again whose token has been made, if it is still there.
    fn weigh(&self, application: ApplicationId, place: &Arc<Place>) {
        let _one_at_a_time = self.lock();
        let drawer = self.drawers.peek(&application);
        if let Some(drawer) = drawer.filter(|drawer| drawer.places.iter().any(|one| Arc::ptr_eq(one, place)))
        {
            let (registered, places) = (drawer.registered.clone(), drawer.places.clone());
            self.drawers.insert(application, Drawer::new(registered, drawer.issuer, places));
        }
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.replacing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Issuer {
    /// The token that an application is handed out again now when it is to have this.
    #[must_use]
    pub fn reused_token(
        &self,
        registered: &Arc<Registered>,
        authorization: &Authorization,
        now: Timestamp,
    ) -> Option<Arc<ReusedToken>> {
        let drawer = self.services.reuse.drawers.get(&registered.application.id)?;
        if !drawer.is_of(registered, self.number) {
            return None;
        }
        let place = drawer.find(authorization)?;
        place.token.get().filter(|token| token.is_due(now, self.services.clock.as_ref())).cloned()
    }

    /// A place for such a token: that of one that is being made, or else an empty one.
    #[must_use]
    pub fn place_for(&self, registered: &Arc<Registered>, authorization: &Authorization) -> Arc<Place> {
        let (reuse, clock) = (&self.services.reuse, self.services.clock.as_ref());
        let application = registered.application.id;
        let _one_at_a_time = reuse.lock();
        let drawer = reuse.drawers.peek(&application).filter(|drawer| drawer.is_of(registered, self.number));
        let found = drawer.as_ref().and_then(|drawer| drawer.find(authorization));
        if let Some(place) = found.filter(|place| place.is_due(clock)) {
            return Arc::clone(place);
        }
        let mut places: Vec<_> = drawer.map(|drawer| drawer.places.clone()).unwrap_or_default();
        places.retain(|place| place.is_due(clock));
        if places.len() >= PLACES {
            places.remove(0);
        }
        let place = Arc::new(Place { authorization: authorization.clone(), token: OnceCell::new() });
        places.push(Arc::clone(&place));
        let drawer = Drawer::new(Arc::downgrade(registered), self.number, places);
        reuse.drawers.insert(application, drawer);
        place
    }

    /// The token of a place, which the first who asks for it makes. If that fails or is given up the next one makes it, so
    /// that nobody waits for what does not come. Whether it was made for somebody else.
    ///
    /// # Errors
    /// When it could not be made; only whoever tried is told.
    pub async fn token_in<E, F>(
        &self,
        place: &Arc<Place>,
        registered: &Arc<Registered>,
        make: impl FnOnce() -> F,
    ) -> Result<(Arc<ReusedToken>, bool), E>
    where
        F: Future<Output = Result<GrantedToken, E>>,
    {
        let (application, clock) = (&registered.application, self.services.clock.as_ref());
        let mut is_reused = true;
        let make = || {
            is_reused = false;
            let making = make();
            async move {
                let lifetime = place.authorization.lifetime;
                Ok(Arc::new(ReusedToken::new(making.await?, application, lifetime, clock)))
            }
        };
        let token = Arc::clone(place.token.get_or_try_init(make).await?);
        if !is_reused {
            self.services.reuse.weigh(application.id, place);
        }
        Ok((token, is_reused))
    }
}

/// How much memory an application's tokens take, near enough to keep within a bound.
#[derive(Debug, Clone, Copy)]
struct Weighed;

impl Weighter<ApplicationId, Arc<Drawer>> for Weighed {
    fn weight(&self, _: &ApplicationId, drawer: &Arc<Drawer>) -> u64 {
        u64::try_from(drawer.bytes).unwrap_or(u64::MAX)
    }
}

/// A place with its token, whose text is there twice: by itself, and in the last answer.
fn weight(place: &Place) -> usize {
    const SCOPE: usize = 64;
    const API: usize = 512;
    let Authorization { scopes, apis, .. } = &place.authorization;
    let names: usize = scopes.iter().map(|name| SCOPE + 2 * name.as_str().len()).sum();
    let token = place.token.get().map_or(0, |token| size_of::<ReusedToken>() + 2 * token.token.text.len());
    size_of::<Place>() + 128 + names + apis.len() * API + token
}
