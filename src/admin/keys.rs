//! Listing signing keys, bringing the next one forward, revoking one that has leaked.
//! Not for: what happens by itself (`keys/schedule.rs`), or the master key (`reseal.rs`).

use serde_json::json;

use super::{Admin, AdminError};
use crate::domain::Invalid;
use crate::domain::id::KeyId;
use crate::domain::signing_key::{KeyState, SigningKey};
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::keys::rotate::{NotRotated, Rotation, wanted};
use crate::keys::schedule::signs_from;
use crate::store::{KeyChange, KeyMove};

/// How often a revocation is tried again because the keys have changed meanwhile.
const MAX_ATTEMPTS: usize = 10;

/// What verifiers notice of a revoked key that has signed.
const OLD_TOKENS_BREAK: &str = "Tokens signed with it are refused by verifiers as soon as their copy of the JWKS is \
     renewed, after 5 minutes at most.";

/// What verifiers notice of a key that signs before it was published for long enough.
const NEW_TOKENS_BREAK: &str = "New tokens may be refused, for 5 minutes at most, by verifiers that do not fetch the \
     JWKS when they meet an unknown kid.";

/// A key that was revoked.
#[derive(Debug)]
pub struct Revoked {
    /// The key, which is gone.
    pub key: SigningKey,
    /// The key that signs in its place, if it signed.
    pub replaced_by: Option<KeyId>,
    /// What verifiers will notice, in sentences.
    pub breaks: Vec<&'static str>,
}

impl From<NotRotated> for AdminError {
    fn from(error: NotRotated) -> Self {
        match error {
            NotRotated::Store(error) => error.into(),
            NotRotated::Key(error) => error.into(),
        }
    }
}

/// The signing keys of a tenant, oldest first.
///
/// # Errors
/// When the store does not answer.
pub async fn list(admin: &Admin, tenant: &Tenant) -> Result<Vec<SigningKey>, AdminError> {
    Ok(admin.store.signing_keys(tenant.id).await?)
}

/// Does now what the schedule has for a tenant, such as making a key of an algorithm that has just been asked for. What
/// was asked for is stored already, and a server does the same a few seconds later: a failure is logged and no more.
pub(super) async fn provide(admin: &Admin, tenant: &Tenant) {
    if let Err(error) = rotation(admin).run(tenant).await {
        tracing::warn!(tenant = tenant.name, %error, "a key that is asked for could not be made yet");
    }
}

/// Makes the next key of an algorithm, the tenant's unless another is named. It signs when it was published for long
/// enough.
///
/// # Errors
/// When one is upcoming already, or nothing is signed with the algorithm.
pub async fn rotate(
    admin: &Admin,
    tenant: &Tenant,
    algorithm: Option<&str>,
) -> Result<SigningKey, AdminError> {
    let algorithm = algorithm.unwrap_or(&tenant.algorithm);
    if !wanted(tenant, &admin.store.apis(tenant.id).await?).has(algorithm) {
        let text = format!(
            "nothing of this tenant is signed with {algorithm:?}: give the tenant or an API this algorithm first"
        );
        return Err(Invalid(text).into());
    }
    refuse_second(admin, tenant, algorithm).await?;
    let key = rotation(admin).make_key(tenant, algorithm, KeyState::Upcoming).await?;
    let event = admin.event(tenant.id, "key.rotate", &key.id.to_string(), json!({ "algorithm": algorithm }));
    let change = KeyChange { added: Some(key.clone()), ..KeyChange::default() };
    if !admin.store.change_signing_keys(tenant.id, change, event).await? {
        refuse_second(admin, tenant, algorithm).await?;
        return Err(changed_meanwhile());
    }
    Ok(key)
}

/// Revokes a key that has leaked: from now on it is neither published nor used. If it signed, another one signs in its
/// place at once.
///
/// # Errors
/// When there is no such key, or it is gone already.
pub async fn revoke(admin: &Admin, tenant: &Tenant, kid: &str) -> Result<Revoked, AdminError> {
    for _ in 0..MAX_ATTEMPTS {
        if let Some(revoked) = revoke_once(admin, tenant, kid).await? {
            return Ok(revoked);
        }
    }
    Err(changed_meanwhile())
}

/// `None` when the keys have changed since they were read.
async fn revoke_once(admin: &Admin, tenant: &Tenant, kid: &str) -> Result<Option<Revoked>, AdminError> {
    let keys = admin.store.signing_keys(tenant.id).await?;
    let id = kid.parse::<KeyId>().ok();
    let key = keys.iter().find(|key| Some(key.id) == id).ok_or_else(|| AdminError::NotFound {
        what: "signing key",
        name: kid.to_owned(),
        mend: ": see 'chancery key list'",
    })?;
    if key.state == KeyState::Gone {
        return Err(AdminError::Conflict(format!("key {} is gone already", key.id)));
    }
    let is_next = |other: &&SigningKey| {
        other.state == KeyState::Upcoming && other.algorithm == key.algorithm && other.id != key.id
    };
    let next = match keys.iter().find(is_next) {
        _ if key.state != KeyState::Active => None,
        Some(upcoming) => Some(upcoming.clone()),
        None => Some(rotation(admin).make_key(tenant, &key.algorithm, KeyState::Active).await?),
    };
    let now = admin.now();
    let revoked = SigningKey { state: KeyState::Gone, state_since: now, ..key.clone() };
    let replaced_by = next.as_ref().map(|next| next.id);
    let breaks = breaks(key, next.as_ref(), now);
    let detail =
        json!({ "from": key.state.as_str(), "replaced_by": replaced_by.map(|next| next.to_string()) });
    let event = admin.event(tenant.id, "key.revoke", &key.id.to_string(), detail);
    let changed = admin.store.change_signing_keys(tenant.id, replacement(key, next, now), event).await?;
    Ok(changed.then_some(Revoked { key: revoked, replaced_by, breaks }))
}

/// The key goes, and the next one signs, whether it is upcoming or new.
fn replacement(key: &SigningKey, next: Option<SigningKey>, at: Timestamp) -> KeyChange {
    let mut moved = vec![KeyMove { key: key.id, from: key.state, to: KeyState::Gone, at }];
    let mut added = None;
    match next {
        Some(next) if next.state == KeyState::Upcoming => {
            moved.push(KeyMove { key: next.id, from: next.state, to: KeyState::Active, at });
        }
        next => added = next,
    }
    KeyChange { moved, added }
}

fn breaks(key: &SigningKey, next: Option<&SigningKey>, now: Timestamp) -> Vec<&'static str> {
    let has_signed = key.state != KeyState::Upcoming;
    let is_young = |next: &SigningKey| signs_from(next).is_none_or(|from| from > now);
    let old = has_signed.then_some(OLD_TOKENS_BREAK);
    old.into_iter().chain(next.is_some_and(is_young).then_some(NEW_TOKENS_BREAK)).collect()
}

async fn refuse_second(admin: &Admin, tenant: &Tenant, algorithm: &str) -> Result<(), AdminError> {
    let keys = admin.store.signing_keys(tenant.id).await?;
    let mut of_algorithm = keys.iter().filter(|key| key.algorithm == algorithm);
    match of_algorithm.find_map(|key| signs_from(key).map(|from| (key.id, from))) {
        Some((id, from)) => {
            Err(AdminError::Conflict(format!("key {id} is upcoming already: it signs from {from}")))
        }
        None => Ok(()),
    }
}

fn rotation(admin: &Admin) -> Rotation<'_> {
    Rotation { store: admin.store.as_ref(), vault: &admin.vault, clock: admin.clock.as_ref() }
}

fn changed_meanwhile() -> AdminError {
    AdminError::Conflict(
        "the keys have changed in the meantime: see 'chancery key list' and try again".to_owned(),
    )
}
