//! One tenant at work: its settings and keys, and what every request needs.
//! Not for: the protocol (`oauth`), or what operators do (`admin`).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::time::timeout;

use crate::crypto::random::{Pooled, Random};
use crate::crypto::secret::{QuickDigest, SecretDigest, SecretText};
use crate::domain::api::{Api, ApiIdentifier};
use crate::domain::application::{Application, Registered};
use crate::domain::id::{ApplicationId, TokenId};
use crate::domain::issued::IssuedToken;
use crate::domain::tenant::Tenant;
use crate::domain::time::{Clock, Timestamp};
use crate::keys::signing::{NotSigned, Signing, Turn};
use crate::keys::vault::Vault;
use crate::keys::{KeyRing, ReadyKey};
use crate::store::cached::Cached;
use crate::store::{Store, StoreError};

mod clock_watch;
pub mod directory;
pub mod document;
mod following;
mod freshness;
pub mod guesses;
pub mod imported;
pub mod issuance;
mod meter;
mod misses;
mod notes;
mod overload;
pub mod quotas;
mod refusals;
pub mod reuse;
mod rows;
mod sketch;
mod slow_checks;
mod tally;
mod tenants;
mod tokens;
mod usage;

use clock_watch::ClockWatch;
use directory::STORE_DEADLINE;
use document::Documents;
use freshness::Freshness;
use guesses::Guesses;
use imported::Imported;

pub use directory::Directory;
pub use freshness::StoreAway;
use issuance::Issuance;
pub use misses::MISSES_PER_MINUTE;
use misses::Misses;
use overload::Overload;
use quotas::Quotas;
use refusals::Refusals;
use reuse::Reuse;
pub use tally::Figures;
use tally::Tally;
use tokens::VerifiedTokens;
use usage::Usage;

/// How many bytes the memory of applications has unless something else is said.
const USUAL_MEMORY: u64 = 96 * 1024 * 1024;

/// What all tenants share.
pub struct Services {
    cached: Cached,
    clock: Arc<dyn Clock>,
    /// For ids of requests and tokens, and nothing that is secret.
    ids: Pooled,
    vault: Arc<Vault>,
    signing: Signing,
    usage: Usage,
    refusals: Refusals,
    issuance: Issuance,
    clock_watch: ClockWatch,
    freshness: Freshness,
    tally: Tally,
    overload: Overload,
    tokens: VerifiedTokens,
    misses: Misses,
    quotas: Quotas,
    guesses: Guesses,
    imported: Imported,
    reuse: Reuse,
    /// How many tenants were put to work, each time they were read.
    issuers: AtomicU64,
}

impl Services {
    /// Puts the parts together. Memory answers nothing while the store is away, unless that is allowed.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        vault: Arc<Vault>,
        signing: Signing,
    ) -> Self {
        let clock_watch = ClockWatch::new(clock.as_ref());
        // Half of what signs: the other half goes on serving.
        let imported = Imported::new(signing.places() / 2);
        let freshness = Freshness::new(Arc::clone(&clock), Duration::ZERO);
        Self {
            cached: Cached::new(store, USUAL_MEMORY),
            clock,
            ids: Pooled::new(random),
            vault,
            signing,
            usage: Usage::default(),
            refusals: Refusals::default(),
            issuance: Issuance::off(),
            clock_watch,
            freshness,
            tally: Tally::default(),
            overload: Overload::default(),
            tokens: VerifiedTokens::new(),
            misses: Misses::default(),
            quotas: Quotas::default(),
            guesses: Guesses::new(),
            imported,
            reuse: Reuse::new(),
            issuers: AtomicU64::new(0),
        }
    }

    /// The same, with each token and each refusal told in a stream.
    #[must_use]
    pub fn telling(self, issuance: Issuance) -> Self {
        Self { issuance, ..self }
    }

    /// The same, with so many bytes for the memory of applications.
    #[must_use]
    pub fn remembering(self, bytes: u64) -> Self {
        let cached = Cached::new(Arc::clone(self.cached.store()), bytes);
        Self { cached, ..self }
    }

    /// The same, answering from memory while the store is away, for so long.
    #[must_use]
    pub fn allowing(self, outage: Duration) -> Self {
        Self { freshness: self.freshness.allowing(outage), ..self }
    }

    /// Refuses what only the store can do while it is known to be away: it need not be asked.
    fn check_store(&self) -> Result<(), StoreError> {
        if self.freshness.is_away() { Err(unavailable("it is away")) } else { Ok(()) }
    }
}

/// One tenant at work: the first argument of everything in `oauth`.
pub struct Issuer {
    tenant: Tenant,
    keys: KeyRing,
    apis: HashMap<ApiIdentifier, Arc<Api>>,
    documents: Documents,
    /// Each time a tenant is read this is another number.
    number: u64,
    services: Arc<Services>,
}

impl Issuer {
    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Its keys.
    #[must_use]
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// What it publishes, as far as that was written down already.
    #[must_use]
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// An API of this tenant, by its identifier as it came.
    #[must_use]
    pub fn api(&self, identifier: &str) -> Option<&Arc<Api>> {
        self.apis.get(identifier)
    }

    /// The key that signs now: one for the algorithm that is asked for, or else for the tenant's.
    #[must_use]
    pub fn signing_key(&self, algorithm: Option<&str>) -> &Arc<ReadyKey> {
        let tenants = self.tenant.algorithm.as_str();
        self.keys.active(&[algorithm.unwrap_or(tenants), tenants])
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.services.clock.now()
    }

    /// A new token id.
    #[must_use]
    pub fn new_token_id(&self) -> TokenId {
        TokenId::new(&self.services.ids)
    }

    /// An application of this tenant, as it was at most a second ago, or when the store was last there. While it is away
    /// nothing is known of those that are not in memory, not even that there is none.
    ///
    /// # Errors
    /// When it is not in memory and the store does not answer.
    pub async fn application(&self, client_id: &str) -> Result<Option<Arc<Registered>>, StoreError> {
        if let Some(registered) = self.application_in_memory(client_id) {
            return Ok(Some(registered));
        }
        if self.services.freshness.is_away() {
            return Err(unavailable("it is away"));
        }
        // In a box of its own: a request that finds what it wants in memory is as small as without it.
        Box::pin(within_deadline(self.services.cached.application(self.tenant.id, client_id))).await
    }

    /// An application of this tenant that is in memory.
    #[must_use]
    pub fn application_in_memory(&self, client_id: &str) -> Option<Arc<Registered>> {
        self.services.cached.known(self.tenant.id, client_id)
    }

    /// Refuses what only the store can say, while it is known to be away.
    ///
    /// # Errors
    /// When it is.
    pub fn check_store(&self) -> Result<(), StoreError> {
        self.services.check_store()
    }

    /// Whether the store is away, so that what is answered rests on memory alone.
    #[must_use]
    pub fn store_is_away(&self) -> bool {
        self.services.freshness.is_away()
    }

    /// A token by the SHA-256 of its text, if one of that text has verified before: here or at another tenant, with a
    /// key that is published still or is not.
    #[must_use]
    pub fn verified_before(&self, digest: &[u8; 32]) -> Option<Arc<IssuedToken>> {
        self.services.tokens.get(digest)
    }

    /// Counts that an application was told of a token that is not active for it; whether it may be told, or has asked
    /// about too many.
    #[must_use]
    pub fn note_miss(&self, application: ApplicationId) -> bool {
        self.services.misses.note(application, self.services.clock.monotonic())
    }

    /// Remembers that the token with this SHA-256 has verified.
    pub fn note_verified(&self, digest: [u8; 32], token: &Arc<IssuedToken>) {
        self.services.tokens.keep(digest, Arc::clone(token));
    }

    /// Refuses a token of an application of this tenant from now on. When it is answered, no crash undoes it, and if the
    /// token is reused it is handed out here no more. Whether it was not refused already.
    ///
    /// # Errors
    /// When the store does not answer; the token may be refused all the same.
    pub async fn revoke(&self, application: &Application, token: &IssuedToken) -> Result<bool, StoreError> {
        self.services.check_store()?;
        let (store, client_id) = (self.services.cached.store(), &application.client_id);
        let revoked = store.revoke_token(self.tenant.id, client_id, token.id, token.expires_at);
        let is_new = within_deadline(revoked).await;
        self.services.reuse.forget(application.id);
        is_new
    }

    /// Whether a token of this tenant is refused, as the store says now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn is_revoked(&self, token: &IssuedToken) -> Result<bool, StoreError> {
        self.services.check_store()?;
        let store = self.services.cached.store();
        within_deadline(store.is_revoked(self.tenant.id, token.id, token.expires_at)).await
    }

    /// The digest of a secret presented for an application, under the digest key of the master key of this fingerprint;
    /// of the present one if it is all the same.
    #[must_use]
    pub fn digest(
        &self,
        under: Option<&str>,
        application: ApplicationId,
        secret: &SecretText<'_>,
    ) -> SecretDigest {
        let vault = &self.services.vault;
        vault.digest(under.unwrap_or(vault.fingerprint()), application, secret)
    }

    /// What may be kept in memory of a secret that an application has proved itself with.
    #[must_use]
    pub fn quick_digest(&self, application: ApplicationId, secret: &SecretText<'_>) -> QuickDigest {
        self.services.vault.quick_digest(application, secret)
    }

    /// Waits until a signature with a key of this tenant may be made for one of its applications.
    ///
    /// # Errors
    /// When too many tokens wait for a signature, which is counted.
    pub async fn turn(&self, application: &Application, key: &ReadyKey) -> Result<Turn, NotSigned> {
        let turn = self.services.signing.turn(application.id, &key.signer).await;
        turn.inspect_err(|why| self.note_not_signed(application, *why))
    }

    /// Counts that an application got no signature, if too many waited for theirs.
    pub fn note_not_signed(&self, application: &Application, why: NotSigned) {
        if why == NotSigned::Busy {
            self.note_overload(application);
        }
    }
}

/// An answer of the store, if it comes while a request can wait for it.
async fn within_deadline<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(STORE_DEADLINE, answer).await.unwrap_or_else(|_| Err(unavailable("it is too slow")))
}

fn unavailable(why: &str) -> StoreError {
    StoreError::Unavailable(why.to_owned())
}
