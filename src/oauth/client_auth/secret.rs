//! Judges a client secret in constant time.
//! Not for: how it was sent.

use std::sync::LazyLock;

use crate::crypto::secret::{MAX_SECRET_BYTES, SecretDigest, SecretText, may_be_ours};
use crate::domain::application::Registered;
use crate::domain::credential::{Credential, KeyedDigest};
use crate::domain::id::{ApplicationId, CredentialId};
use crate::issuer::Issuer;

/// What became of a secret.
pub(super) enum Verdict {
    /// It is the secret of this live credential.
    Proved(CredentialId),
    /// It is the secret of a credential that has expired.
    Expired,
    /// It is nobody's.
    Wrong,
}

/// Stands in for an application that does not exist, so that the same work is done for it.
static NOBODY: LazyLock<ApplicationId> = LazyLock::new(|| ApplicationId::new(&Zeros));

struct Zeros;

impl crate::crypto::random::Random for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// The live credential whose secret this is, if an application has proved itself with it to this process before and that
/// was remembered.
pub(super) fn recognize(
    issuer: &Issuer,
    registered: Option<&Registered>,
    proof: &SecretText<'_>,
) -> Option<CredentialId> {
    // No other secret is remembered, and none that is longer is worth a look.
    if !may_be_ours(proof.expose()) {
        return None;
    }
    let quick = issuer.quick_digest(owner(registered), proof);
    let was_proved = |one: &&Credential| one.keyed().is_some_and(|keyed| keyed.was_proved(&quick));
    let credential = registered?.credentials.iter().find(was_proved)?;
    is_live(issuer, credential).then_some(credential.id)
}

/// Remembers that an application has proved itself with the secret of a credential.
pub(super) fn remember(
    issuer: &Issuer,
    registered: &Registered,
    credential: CredentialId,
    proof: &SecretText<'_>,
) {
    let credential = registered.credentials.iter().find(|one| one.id == credential);
    if let Some(keyed) = credential.and_then(Credential::keyed) {
        keyed.note_proved(issuer.quick_digest(registered.application.id, proof));
    }
}

/// Digests the secret and compares it with every digest that the application has, whichever matches. One digest serves all
/// credentials that were made under the same master key, which after a change of it may be two.
pub(super) fn verify(issuer: &Issuer, registered: Option<&Registered>, proof: &SecretText<'_>) -> Verdict {
    let (owner, nothing) = (owner(registered), SecretText::in_place(""));
    let proof = if proof.expose().len() > MAX_SECRET_BYTES { &nothing } else { proof };
    let credentials = registered.map_or(&[][..], |registered| &registered.credentials);
    let mut verdict = Verdict::Wrong;
    if credentials.iter().all(|one| one.keyed().is_none()) {
        // As much work as for an application with one digest.
        let digest = issuer.digest(None, owner, proof);
        let _ = std::hint::black_box(digest.matches(&SecretDigest::from_bytes([0; 32])));
        return verdict;
    }
    // Of the two master keys that there may be while one is changed for the other.
    let mut digests: [Option<(&str, SecretDigest)>; 2] = [None, None];
    for credential in credentials {
        let Some(KeyedDigest { digest: kept, under, .. }) = credential.keyed() else { continue };
        let under = under.as_str();
        if !digests.iter().flatten().any(|(known, _)| *known == under) {
            digests = [Some((under, issuer.digest(Some(under), owner, proof))), digests[0].take()];
        }
        let digest = digests.iter().flatten().find(|(known, _)| *known == under);
        if digest.is_some_and(|(_, digest)| kept.matches(digest)) {
            if is_live(issuer, credential) {
                verdict = Verdict::Proved(credential.id);
            } else if matches!(verdict, Verdict::Wrong) {
                verdict = Verdict::Expired;
            }
        }
    }
    verdict
}

/// Whom a secret is digested for.
fn owner(registered: Option<&Registered>) -> ApplicationId {
    registered.map_or(*NOBODY, |registered| registered.application.id)
}

/// Whether a credential proves anything now. Most never expire, whatever the time is.
fn is_live(issuer: &Issuer, credential: &Credential) -> bool {
    credential.expires_at.is_none() || credential.is_live(issuer.now())
}
