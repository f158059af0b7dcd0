//! When credentials were last used, collected in memory and written down in one go.
//! Not for: counting tokens.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::id::CredentialId;
use crate::domain::time::Timestamp;

/// Uses that are not written down yet: one entry for each credential, however often it was used.
#[derive(Default)]
pub(super) struct Uses(Mutex<HashMap<CredentialId, Timestamp>>);

impl Uses {
    /// Notes a use.
    pub(super) fn note(&self, credential: CredentialId, at: Timestamp) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = uses.entry(credential).or_insert(at);
        *last = at.max(*last);
    }

    /// Takes all uses noted so far.
    pub(super) fn take(&self) -> Vec<(CredentialId, Timestamp)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
    }
}
