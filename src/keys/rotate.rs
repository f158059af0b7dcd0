//! Does what the schedule says, step by step, in the store.
//! Not for: what is due (`schedule.rs`), or what an operator asks for (`admin/keys.rs`).

use serde_json::json;

use super::CannotUse;
use super::schedule::{self, KeyFact, Step, Wanted};
use super::vault::{NewKey, Vault};
use crate::crypto::algorithm;
use crate::domain::api::Api;
use crate::domain::audit::AuditEvent;
use crate::domain::id::KeyId;
use crate::domain::signing_key::{KeyState, SigningKey};
use crate::domain::tenant::Tenant;
use crate::domain::time::{Clock, Timestamp};
use crate::store::{KeyChange, KeyMove, Store, StoreError};

/// Who it is that changes keys, when nobody in particular does.
pub const ACTOR: &str = "schedule";

/// Most rounds for one tenant. What is still due then, because other servers are at it as well, is for the next time.
const MAX_ROUNDS: usize = 8;

/// What keys are rotated with.
#[derive(Clone, Copy)]
pub struct Rotation<'with> {
    /// Where they are kept.
    pub store: &'with dyn Store,
    /// What seals new ones.
    pub vault: &'with Vault,
    /// The time.
    pub clock: &'with dyn Clock,
}

/// Why a key was not rotated.
#[derive(Debug, thiserror::Error)]
pub enum NotRotated {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key could not be made.
    #[error(transparent)]
    Key(#[from] CannotUse),
}

impl Rotation<'_> {
    /// Does what is due for a tenant, until nothing is. Several servers may do so at once: each change is made only if
    /// the keys are still as they were seen.
    ///
    /// # Errors
    /// The first step that failed; what does not depend on it was done nevertheless.
    pub async fn run(&self, tenant: &Tenant) -> Result<(), NotRotated> {
        let apis = self.store.apis(tenant.id).await?;
        let wanted = wanted(tenant, &apis);
        for _ in 0..MAX_ROUNDS {
            let keys = self.store.signing_keys(tenant.id).await?;
            let facts: Vec<_> = keys.iter().map(KeyFact::of).collect();
            let steps = schedule::due(&facts, &wanted, self.clock.now());
            // A tenant without any key was removed in the meantime.
            if steps.is_empty() || keys.is_empty() {
                return Ok(());
            }
            let mut failed = None;
            for step in steps {
                if let Err(failure) = self.carry_out(tenant, step).await {
                    failed.get_or_insert(failure);
                }
            }
            if let Some(failure) = failed {
                return Err(failure);
            }
        }
        Ok(())
    }

    /// Makes a key, off the threads that serve: an RSA key takes a tenth of a second and more.
    ///
    /// # Errors
    /// When this program does not know the algorithm, or the crypto library cannot make a key.
    pub async fn make_key(
        &self,
        tenant: &Tenant,
        algorithm: &str,
        state: KeyState,
    ) -> Result<SigningKey, CannotUse> {
        let algorithm = algorithm::find(algorithm)
            .ok_or_else(|| CannotUse::NoSuchAlgorithm { algorithm: algorithm.to_owned() })?;
        let private = tokio::task::spawn_blocking(|| algorithm.generate())
            .await
            .map_err(|_| CannotUse::NotMade)?
            .map_err(|_| CannotUse::NotMade)?;
        // The time is read when the key is there: it is published from then on, and not from when it was begun.
        let new = NewKey { tenant: tenant.id, algorithm, state, now: self.clock.now() };
        self.vault.seal_new(new, &private)
    }

    async fn carry_out(&self, tenant: &Tenant, step: Step) -> Result<(), NotRotated> {
        let now = self.clock.now();
        let (action, subject, change, detail) = match step {
            Step::Make { algorithm } => {
                let key = self.make_key(tenant, &algorithm, KeyState::Upcoming).await?;
                let (subject, detail) = (key.id, json!({ "algorithm": algorithm }));
                ("key.add", subject, KeyChange { added: Some(key), ..KeyChange::default() }, detail)
            }
            Step::Activate { key, former } => {
                let detail = json!({ "former": former.map(|former| former.to_string()) });
                ("key.activate", key, activation(key, former, now), detail)
            }
            Step::Retire { key } => {
                let moved = vec![moved(key, KeyState::Active, KeyState::Retiring, now)];
                ("key.retire", key, KeyChange { moved, ..KeyChange::default() }, json!({}))
            }
            Step::Remove { key, from } => {
                let moved = vec![moved(key, from, KeyState::Gone, now)];
                let detail = json!({ "from": from.as_str() });
                ("key.remove", key, KeyChange { moved, ..KeyChange::default() }, detail)
            }
        };
        let event = AuditEvent {
            at: now,
            tenant: Some(tenant.id),
            actor: ACTOR.to_owned(),
            source: ACTOR.to_owned(),
            request: None,
            action: action.into(),
            subject: subject.to_string(),
            detail,
        };
        if self.store.change_signing_keys(tenant.id, change, event).await? {
            tracing::info!(tenant = tenant.name, kid = %subject, action, "a signing key was changed on schedule");
        }
        Ok(())
    }
}

/// What a tenant and its APIs want of its keys.
#[must_use]
pub fn wanted(tenant: &Tenant, apis: &[Api]) -> Wanted {
    Wanted {
        default: tenant.algorithm.clone(),
        others: apis.iter().filter_map(|api| api.algorithm.clone()).collect(),
        period: tenant.key_period,
    }
}

/// One key signs from now on, and the former one of its algorithm no more.
fn activation(key: KeyId, former: Option<KeyId>, now: Timestamp) -> KeyChange {
    let former = former.map(|former| moved(former, KeyState::Active, KeyState::Retiring, now));
    let next = moved(key, KeyState::Upcoming, KeyState::Active, now);
    KeyChange { moved: former.into_iter().chain([next]).collect(), ..KeyChange::default() }
}

fn moved(key: KeyId, from: KeyState, to: KeyState, at: Timestamp) -> KeyMove {
    KeyMove { key, from, to, at }
}
