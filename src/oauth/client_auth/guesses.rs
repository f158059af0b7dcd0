//! One attempt to authenticate, and the budget for those that fail (C17).
//! Not for: how large the budget is and who shares it (`issuer/guesses.rs`).

use std::net::IpAddr;
use std::time::Duration;

use super::{Presented, hint};
use crate::crypto::secret::looks_like_ours;
use crate::issuer::Issuer;
use crate::issuer::guesses::Guesser;
use crate::oauth::error::OAuthError;

/// What is told whoever has used up the budget of a client id, whether there is such a client or not.
const TOO_MANY: &str = "Too many attempts to authenticate with this client_id have failed. Retry-After says when the next one is judged.";

/// An attempt that may be judged.
pub(super) struct Attempt<'of> {
    client_id: &'of str,
    source: Option<IpAddr>,
    /// Nothing when the secret has the form of those that are made here: then it is judged in any case and counts for
    /// nothing, since it cannot be a guess with a chance. The right caller is served, whatever others do and wherever it is,
    /// and one whose secret was removed is told the same however often it asks.
    guesser: Option<Guesser>,
}

impl<'of> Attempt<'of> {
    /// Refuses to judge what is beyond the budget: nothing is digested, nothing is looked up.
    pub(super) fn begin(
        issuer: &Issuer,
        source: Option<IpAddr>,
        presented: &'of Presented<'_>,
    ) -> Result<Self, OAuthError> {
        let client_id = presented.unverified_client_id.as_ref();
        if looks_like_ours(presented.proof.expose()) {
            return Ok(Self { client_id, source, guesser: None });
        }
        let guesser = issuer.guesser(client_id, source);
        match issuer.wait_to_guess(guesser) {
            None => Ok(Self { client_id, source, guesser: Some(guesser) }),
            Some(wait) => Err(too_many(issuer, client_id, wait)),
        }
    }

    /// The caller has proved itself. One with a secret that could be guessed is remembered with its source.
    pub(super) fn succeeded(self, issuer: &Issuer) {
        if let Some(guesser) = self.guesser {
            issuer.note_proved(guesser);
        }
    }

    /// It has not, for whatever reason. What is beyond the budget is told the same as what was not judged.
    pub(super) fn failed(self, issuer: &Issuer, error: OAuthError) -> OAuthError {
        let Some(guesser) = self.guesser else { return error };
        if let Some(wait) = issuer.note_failed_guess(guesser) {
            return too_many(issuer, self.client_id, wait);
        }
        issuer.tell_if_used_up(guesser, error.application(), error.hint_for_log(), self.source);
        error
    }
}

/// The refusal. The log and the counts are told of the application if it is in memory, which the caller cannot see.
fn too_many(issuer: &Issuer, client_id: &str, wait: Duration) -> OAuthError {
    issuer.note_not_judged();
    let error = OAuthError::too_many(TOO_MANY, wait).answered_late();
    match issuer.application_in_memory(client_id) {
        Some(registered) => error.of(&registered.application.client_id),
        None => error.with_hint(hint(client_id)),
    }
}
