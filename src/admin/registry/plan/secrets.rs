//! Secrets that applications must have: those they have already stay, the others are added. None is ever removed.
//! Not for: fetching them (`wanted/application.rs`, and whoever reads the file).

use serde::Serialize;

use super::{Planner, Within};
use crate::admin::credentials::{self, Given, MAX_CREDENTIALS, NewSecret};
use crate::admin::registry::difference::Difference;
use crate::admin::registry::place::Place;
use crate::admin::registry::wanted::WantedSecret;
use crate::domain::application::Registered;
use crate::domain::credential::{Credential, Verifier};

/// What is said of a secret: never what it is.
#[derive(Serialize)]
struct SecretView {
    label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

impl Planner<'_> {
    /// The credentials that an application lacks, and what is said of them.
    pub(super) fn secrets(
        &mut self,
        within: &Within<'_>,
        place: Place<'_>,
        registered: &Registered,
        wanted: &[WantedSecret],
    ) -> (Vec<Credential>, Vec<Difference>) {
        let (mut added, mut lines) = (Vec::new(), Vec::new());
        for wanted in wanted {
            let has = registered.credentials.iter().chain(&added).any(|one| self.proves(one, &wanted.given));
            if has {
                continue;
            }
            let new = NewSecret {
                label: Some(wanted.label.clone()),
                expires: None,
                given: Some(wanted.given.clone()),
            };
            match credentials::make(self.admin, &registered.application, new) {
                Ok((credential, _)) => {
                    added.push(Credential { expires_at: wanted.expires_at, ..credential });
                    let expires_at = wanted.expires_at.map(|expiry| expiry.to_string());
                    let view = SecretView { label: wanted.label.clone(), expires_at };
                    let client_id = registered.application.client_id.as_str();
                    let entries = (None, Some(&view));
                    lines.push(Difference::new("secret", client_id, &within.tenant.name, entries));
                }
                Err(error) => self.mistakes.note(place, error),
            }
        }
        if !added.is_empty() && registered.credentials.len() + added.len() > MAX_CREDENTIALS {
            let text = format!(
                "secrets: it would have more than {MAX_CREDENTIALS}: remove those that are no longer used with \
                 'chancery app secret remove'"
            );
            self.mistakes.note(place, text);
        }
        (added, lines)
    }

    /// Whether a credential is live and of this secret. Of a hash that was imported this takes long, but that is rare.
    fn proves(&self, credential: &Credential, given: &Given) -> bool {
        let is_of = match (&credential.verifier, given) {
            (Verifier::Keyed(keyed), Given::Secret(secret)) => {
                let digest = self.admin.vault.digest(&keyed.under, credential.application, secret);
                keyed.digest.matches(&digest)
            }
            (Verifier::Imported(hash), Given::Secret(secret)) => hash.verify(secret).unwrap_or(false),
            (Verifier::Imported(hash), Given::Hash(given)) => hash.as_str() == given.as_str(),
            (Verifier::Keyed(_), Given::Hash(_)) => false,
        };
        is_of && credential.is_live(self.admin.now())
    }
}
