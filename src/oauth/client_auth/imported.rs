//! Judges a client secret by the hash that another server made of it, when none of our digests has told.
//! Not for: when and where the hash is checked (`issuer/imported.rs`).

use std::sync::Arc;

use super::{Authenticated, WRONG};
use crate::crypto::secret::SecretText;
use crate::domain::application::Registered;
use crate::issuer::Issuer;
use crate::issuer::imported::Judged;
use crate::oauth::error::OAuthError;

/// Whether the application has a live credential that was imported and not used yet.
pub(super) fn may_tell(issuer: &Issuer, registered: &Registered) -> bool {
    let now = issuer.now();
    registered.credentials.iter().any(|one| one.imported().is_some() && one.is_live(now))
}

/// Decides. Checking takes so long that what was true before may not be any more: who has just been proved is
/// authenticated when it is looked at again.
///
/// # Errors
/// `invalid_client` when the secret is wrong; our own trouble when it cannot be checked now, or has just been proved.
pub(super) async fn judge(
    issuer: &Issuer,
    registered: Arc<Registered>,
    proof: &SecretText<'_>,
) -> Result<Authenticated, OAuthError> {
    let error = match issuer.judge_imported(&registered, proof).await {
        Ok(Judged::Proved(credential)) => return Ok(Authenticated { registered, credential }),
        Ok(Judged::JustProved) => OAuthError::look_again(),
        Ok(Judged::Wrong) => OAuthError::invalid_client(WRONG),
        Err(error) => error.into(),
    };
    Err(error.of(&registered.application.client_id))
}
