//! Changing the master key: everything that is sealed under the old one is sealed under the new one.
//! Not for: telling the servers of it (`docs/operate/rotate.md`).

use serde_json::json;

use super::{Admin, AdminError};
use crate::domain::signing_key::KeyState;
use crate::keys::vault::Vault;

/// What was sealed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resealed {
    /// How many signing keys.
    pub signing_keys: usize,
    /// How many digest keys of former master keys.
    pub digest_keys: usize,
}

/// Seals every signing key of every tenant under the master key of `to`, while servers run. The digest keys of former
/// master keys go first, so that no secret is ever without the key it was digested under. What has been done already
/// is left alone, so that it can be done again after an interruption.
///
/// # Errors
/// When the store does not answer, or something does not open.
pub async fn reseal(admin: &Admin, to: &Vault) -> Result<Resealed, AdminError> {
    let mut resealed = Resealed { signing_keys: 0, digest_keys: 0 };
    let kept = admin.store.digest_keys().await?;
    for key in admin.vault.digest_keys_for(&kept, to)? {
        let detail = json!({ "to": to.fingerprint() });
        let event = admin.event(None, "digest_key.reseal", &key.fingerprint, detail);
        admin.store.keep_digest_key(key, event).await?;
        resealed.digest_keys += 1;
    }
    for tenant in admin.store.tenants().await? {
        let keys = admin.store.signing_keys(tenant.id).await?;
        let is_due =
            |state: KeyState, sealed_under: &str| state != KeyState::Gone && sealed_under != to.fingerprint();
        for key in keys.iter().filter(|key| is_due(key.state, &key.sealed_under)) {
            let detail = json!({ "from": key.sealed_under, "to": to.fingerprint() });
            let event = admin.event(tenant.id, "key.reseal", &key.id.to_string(), detail);
            let anew = admin.vault.reseal(key, to)?;
            let changed = admin.store.reseal_signing_key(anew, key.sealed_under.clone(), event).await?;
            resealed.signing_keys += usize::from(changed);
        }
    }
    Ok(resealed)
}
