//! One tenant at work: its settings and keys, and what every request needs.
//! Not for: the protocol (`oauth`), or what operators do (`admin`).

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::timeout;

use crate::crypto::random::Random;
use crate::crypto::secret::{Secret, SecretDigest};
use crate::domain::api::{Api, ApiIdentifier};
use crate::domain::application::Registered;
use crate::domain::id::{ApplicationId, CredentialId, TokenId};
use crate::domain::tenant::Tenant;
use crate::domain::time::{Clock, Timestamp};
use crate::keys::signing::{NotSigned, Signing};
use crate::keys::vault::Vault;
use crate::keys::{KeyRing, ReadyKey};
use crate::store::cached::Cached;
use crate::store::{Store, StoreError};

mod clock_watch;
pub mod directory;
pub mod document;
mod uses;

use clock_watch::ClockWatch;
use directory::{STORE_DEADLINE, unavailable};
use document::Documents;

pub use directory::Directory;
use uses::Uses;

/// What all tenants share.
pub struct Services {
    cached: Cached,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    vault: Vault,
    signing: Signing,
    uses: Uses,
    clock_watch: ClockWatch,
}

impl Services {
    /// Puts the parts together.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        vault: Vault,
        signing: Signing,
    ) -> Self {
        let clock_watch = ClockWatch::new(clock.as_ref());
        Self { cached: Cached::new(store), clock, random, vault, signing, uses: Uses::default(), clock_watch }
    }
}

/// One tenant at work: the first argument of everything in `oauth`.
pub struct Issuer {
    tenant: Tenant,
    keys: KeyRing,
    apis: HashMap<ApiIdentifier, Arc<Api>>,
    documents: Documents,
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
        TokenId::new(self.services.random.as_ref())
    }

    /// An application of this tenant, as it was at most a second ago.
    ///
    /// # Errors
    /// When it is not in memory and the store does not answer.
    pub async fn application(&self, client_id: &str) -> Result<Option<Arc<Registered>>, StoreError> {
        let found = self.services.cached.application(self.tenant.id, client_id);
        timeout(STORE_DEADLINE, found).await.unwrap_or_else(|_| Err(unavailable("it is too slow")))
    }

    /// The digest of a secret presented for an application, under the digest key of the master key of this fingerprint;
    /// of the present one if it is all the same.
    #[must_use]
    pub fn digest(&self, under: Option<&str>, application: ApplicationId, secret: &Secret) -> SecretDigest {
        let vault = &self.services.vault;
        vault.digest(under.unwrap_or(vault.fingerprint()), application, secret)
    }

    /// Notes that a credential was used now. It is written down in a while, not for each token.
    pub fn note_use(&self, credential: CredentialId) {
        self.services.uses.note(credential, self.now());
    }

    /// Signs with a key of this tenant what `oauth` has written: header and payload joined by a dot.
    ///
    /// # Errors
    /// When too many tokens wait for a signature, or it could not be made.
    pub async fn sign(&self, key: &ReadyKey, token: String) -> Result<String, NotSigned> {
        self.services.signing.sign(Arc::clone(&key.signer), token).await
    }
}
