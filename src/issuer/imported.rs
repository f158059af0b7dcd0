//! Secrets that came from another server with its slow hash: checked once, and kept as our digest from then on.
//! Not for: who may try (`oauth/client_auth`), or in which order (`slow_checks.rs`).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use quick_cache::sync::Cache;
use serde_json::json;
use tokio::task::spawn_blocking;

use super::slow_checks::{Answer, SlowChecks, Work};
use super::{Issuer, Services, within_deadline};
use crate::crypto::secret::{Secret, SecretDigest, SecretText};
use crate::crypto::slow_hash::SlowHash;
use crate::domain::application::{ClientId, Registered};
use crate::domain::audit::AuditEvent;
use crate::domain::credential::KeyedDigest;
use crate::domain::id::{ApplicationId, CredentialId, TenantId};
use crate::store::{Conflict, Recorded, RegistryChange, StoreError};

/// How many guesses are remembered. One takes some hundred bytes, and took a slow check.
const REMEMBERED: usize = 10_000;

/// How often replacing a hash is tried again when the store could not.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Who replaced a hash, in the audit.
const ACTOR: &str = "server";

/// What became of a secret that was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// It is the secret of this credential, and this was known at once.
    Proved(CredentialId),
    /// It is the secret of one, and finding that out took so long that everything else is to be looked at again.
    JustProved,
    /// It is nobody's.
    Wrong,
}

/// Why it is not known what a secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotJudged {
    /// Too many wait already, or waiting took too long.
    #[error("too many imported secrets wait to be checked")]
    Busy,
    /// The check could not be made.
    #[error("the hash of an imported secret could not be checked")]
    Failed,
}

/// What a check has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The secret is the credential's. When replacing its hash was last tried, on the monotonic clock.
    Proved(Duration),
    /// It is not.
    Wrong,
}

/// The checks that are going on, and what became of others: by credential and our digest of what was presented, never by
/// the secret. Repeating a guess costs nothing.
pub(super) struct Imported {
    checks: SlowChecks,
    remembered: Cache<(CredentialId, [u8; 32]), Outcome>,
}

impl Imported {
    /// Nothing remembered, and room for so many checks at once.
    pub(super) fn new(places: usize) -> Self {
        Self { checks: SlowChecks::new(places), remembered: Cache::new(REMEMBERED) }
    }
}

impl Issuer {
    /// Judges a secret by the live hashes that the application was imported with. This may take seconds. When one of them
    /// is the secret's it is replaced by our digest in the store.
    ///
    /// # Errors
    /// When it cannot be found out now.
    pub async fn judge_imported(
        &self,
        registered: &Registered,
        secret: &SecretText<'_>,
    ) -> Result<Judged, NotJudged> {
        let now = self.now();
        let live = registered.credentials.iter().filter(|one| one.is_live(now));
        let hashes: Vec<_> = live.filter_map(|one| Some((one.id, one.imported()?.clone()))).collect();
        let application = &registered.application;
        let guess = Guess {
            services: Arc::clone(&self.services),
            tenant: self.tenant.id,
            application: application.id,
            client_id: application.client_id.clone(),
            digest: self.digest(None, application.id, secret),
            secret: secret.copied(),
        };
        if let Some(judged) = guess.recall(&hashes) {
            return Ok(judged);
        }
        let (digest, checks) = (guess.digest.clone(), &self.services.imported.checks);
        let work = Box::new(Check { guess, hashes: hashes.into_iter() });
        let found = checks.ask(application.id, &digest, work).await?;
        Ok(if found == Outcome::Wrong { Judged::Wrong } else { Judged::JustProved })
    }
}

/// A guess, and the hashes that it has not been compared with yet.
struct Check {
    guess: Guess,
    hashes: std::vec::IntoIter<(CredentialId, SlowHash)>,
}

#[async_trait]
impl Work for Check {
    /// Checks the next hash of which it is not known by now.
    async fn go_on(&mut self) -> Option<Answer> {
        while let Some((credential, hash)) = self.hashes.next() {
            let answer = match self.guess.outcome(credential) {
                Some(Outcome::Wrong) => continue,
                Some(proved) => Ok(proved),
                None => self.guess.check(credential, hash).await,
            };
            let is_last = self.hashes.len() == 0;
            return (is_last || answer != Ok(Outcome::Wrong)).then_some(answer);
        }
        Some(Ok(Outcome::Wrong))
    }
}

/// A secret that was presented, and for whom.
#[derive(Clone)]
struct Guess {
    services: Arc<Services>,
    tenant: TenantId,
    application: ApplicationId,
    client_id: ClientId,
    secret: Secret,
    digest: SecretDigest,
}

impl Guess {
    /// What is known of it already, if that is enough to judge.
    fn recall(&self, hashes: &[(CredentialId, SlowHash)]) -> Option<Judged> {
        let mut all_wrong = true;
        for (credential, hash) in hashes {
            match self.outcome(*credential) {
                Some(Outcome::Proved(tried)) => {
                    self.replace_again(*credential, hash, tried);
                    return Some(Judged::Proved(*credential));
                }
                Some(Outcome::Wrong) => {}
                None => all_wrong = false,
            }
        }
        all_wrong.then_some(Judged::Wrong)
    }

    /// Checks one hash.
    async fn check(&self, credential: CredentialId, hash: SlowHash) -> Answer {
        let (name, secret) = (hash.name(), self.secret.clone());
        let checked = spawn_blocking(move || hash.verify(&secret)).await;
        let is_right = checked.map_err(|_| NotJudged::Failed)?.map_err(|_| NotJudged::Failed)?;
        if !is_right {
            self.remember(credential, Outcome::Wrong);
            return Ok(Outcome::Wrong);
        }
        let proved = Outcome::Proved(self.services.clock.monotonic());
        self.remember(credential, proved);
        self.replace(credential, name).await;
        Ok(proved)
    }

    /// Replaces the hash in the store. If it cannot be replaced the caller is served all the same: it is remembered that
    /// its secret is right, and tried again.
    async fn replace(&self, credential: CredentialId, name: &'static str) {
        if self.services.freshness.is_away() {
            return;
        }
        let event = AuditEvent {
            at: self.services.clock.now(),
            tenant: Some(self.tenant),
            actor: ACTOR.to_owned(),
            source: ACTOR.to_owned(),
            request: None,
            action: "application.secret.redigest".into(),
            subject: self.client_id.to_string(),
            detail: json!({ "secret": credential.to_string(), "hash": name }),
        };
        let keyed = KeyedDigest::new(self.digest.clone(), self.services.vault.fingerprint().to_owned());
        let change = RegistryChange::ReplaceVerifier(self.application, credential, keyed);
        let store = self.services.cached.store();
        match within_deadline(store.change_registry(vec![Recorded::new(change, event)])).await {
            // Somebody else has replaced it, or it was removed.
            Ok(()) | Err(StoreError::Conflict(Conflict::Changed)) => {}
            Err(error) => {
                let application = self.client_id.as_str();
                tracing::warn!(application, %error, "the hash of an imported secret could not be replaced");
            }
        }
    }

    /// Tries again to replace a hash that is still there although it was to be replaced some time ago.
    fn replace_again(&self, credential: CredentialId, hash: &SlowHash, tried: Duration) {
        let now = self.services.clock.monotonic();
        if now.saturating_sub(tried) < TRY_AGAIN_AFTER {
            return;
        }
        self.remember(credential, Outcome::Proved(now));
        let (guess, name) = (self.clone(), hash.name());
        tokio::spawn(async move { guess.replace(credential, name).await });
    }

    fn outcome(&self, credential: CredentialId) -> Option<Outcome> {
        self.services.imported.remembered.get(&(credential, *self.digest.as_bytes()))
    }

    fn remember(&self, credential: CredentialId, outcome: Outcome) {
        self.services.imported.remembered.insert((credential, *self.digest.as_bytes()), outcome);
    }
}
