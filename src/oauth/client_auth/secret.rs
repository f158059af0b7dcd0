//! Judges a client secret in constant time.
//! Not for: how it was sent.

use std::sync::LazyLock;

use crate::crypto::secret::{MAX_SECRET_BYTES, Secret, SecretDigest};
use crate::domain::application::Registered;
use crate::domain::credential::KeyedDigest;
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

/// Digests the secret and compares it with every digest that the application has, whichever matches. One digest serves all
/// credentials that were made under the same master key, which after a change of it may be two.
pub(super) fn verify(issuer: &Issuer, registered: Option<&Registered>, proof: &Secret) -> Verdict {
    let owner = registered.map_or(*NOBODY, |registered| registered.application.id);
    let nothing = Secret::new(String::new());
    let proof = if proof.expose().len() > MAX_SECRET_BYTES { &nothing } else { proof };
    let mut verdict = Verdict::Wrong;
    let has_digest =
        |registered: &&Registered| registered.credentials.iter().any(|one| one.keyed().is_some());
    let Some(registered) = registered.filter(has_digest) else {
        // As much work as for an application with one digest.
        let digest = issuer.digest(None, owner, proof);
        let _ = std::hint::black_box(digest.matches(&SecretDigest::from_bytes([0; 32])));
        return verdict;
    };
    // Of the two master keys that there may be while one is changed for the other.
    let mut digests: [Option<(&str, SecretDigest)>; 2] = [None, None];
    for credential in &registered.credentials {
        let Some(KeyedDigest { digest: kept, under }) = credential.keyed() else { continue };
        let under = under.as_str();
        if !digests.iter().flatten().any(|(known, _)| *known == under) {
            digests = [Some((under, issuer.digest(Some(under), owner, proof))), digests[0].take()];
        }
        let digest = digests.iter().flatten().find(|(known, _)| *known == under);
        if digest.is_some_and(|(_, digest)| kept.matches(digest)) {
            // Most never expire, whatever the time is.
            if credential.expires_at.is_none() || credential.is_live(issuer.now()) {
                verdict = Verdict::Proved(credential.id);
            } else if matches!(verdict, Verdict::Wrong) {
                verdict = Verdict::Expired;
            }
        }
    }
    verdict
}
