//! One attempt to authenticate, and the budget for those that fail (C17).
//! Not for: how large the budget is and who shares it (`issuer/guesses.rs`).

use std::net::IpAddr;
use std::time::Duration;

use super::{Authenticated, Presented, hint, secret};
use crate::crypto::secret::{SecretText, looks_like_ours};
use crate::domain::application::{ClientId, Registered};
use crate::issuer::Issuer;
use crate::issuer::guesses::Guesser;
use crate::oauth::error::OAuthError;

/// What is told whoever has used up the budget of a client id, whether there is such a client or not.
const TOO_MANY: &str = "Too many attempts to authenticate with this client_id have failed. Retry-After says when the next one is judged.";

/// An attempt that may be judged.
pub(super) struct Attempt<'of> {
    client_id: &'of str,
    /// The application, if it is in memory: for the log and the counts, which the caller cannot see.
    known: Option<&'of ClientId>,
    source: Option<IpAddr>,
    /// Nothing when the secret has the form of those that are made here: then it is judged in any case and counts for
    /// nothing, since it cannot be a guess with a chance. The right caller is served, whatever others do and wherever it is,
    /// and one whose secret was removed is told the same however often it asks.
    guesser: Option<Guesser>,
}

impl<'of> Attempt<'of> {
    /// Refuses to judge what is beyond the budget: its secret is not compared with anything that could prove it, and the
    /// store is not asked.
    pub(super) fn begin(
        issuer: &Issuer,
        source: Option<IpAddr>,
        presented: &'of Presented<'_>,
        in_memory: Option<&'of Registered>,
    ) -> Result<Self, OAuthError> {
        let client_id = presented.unverified_client_id.as_ref();
        let known = in_memory.map(|registered| &registered.application.client_id);
        let mut attempt = Self { client_id, known, source, guesser: None };
        if looks_like_ours(presented.proof.expose()) {
            return Ok(attempt);
        }
        let guesser = issuer.guesser(client_id, source);
        attempt.guesser = Some(guesser);
        match issuer.wait_to_guess(guesser) {
            None => Ok(attempt),
            Some(wait) => Err(attempt.too_many(issuer, wait)),
        }
    }

    /// The caller has proved itself. One with a secret that could be guessed is remembered with its source, since it is to
    /// be judged the next time, too; with any other secret it is recognized from now on.
    pub(super) fn succeeded(self, issuer: &Issuer, authenticated: &Authenticated, proof: &SecretText<'_>) {
        match self.guesser {
            Some(guesser) => issuer.note_proved(guesser),
            None => secret::remember(issuer, &authenticated.registered, authenticated.credential, proof),
        }
    }

    /// It has not, for whatever reason. What is beyond the budget is told the same as what was not judged.
    pub(super) fn failed(self, issuer: &Issuer, error: OAuthError) -> OAuthError {
        let Some(guesser) = self.guesser else { return error };
        if let Some(wait) = issuer.note_failed_guess(guesser) {
            let known = error.application().or(self.known);
            return Attempt { known, ..self }.too_many(issuer, wait);
        }
        issuer.tell_if_used_up(guesser, error.application(), error.hint_for_log(), self.source);
        error
    }

    /// The refusal.
    fn too_many(&self, issuer: &Issuer, wait: Duration) -> OAuthError {
        issuer.note_not_judged();
        let error = OAuthError::too_many(TOO_MANY, wait).answered_late();
        match self.known {
            Some(application) => error.of(application),
            None => error.with_hint(hint(self.client_id)),
        }
    }
}
