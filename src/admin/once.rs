//! Creations that are asked for again because the answer was lost: they are made once, and answered alike.
//! Not for: changes and removals, which are the same however often they are made.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::{Admin, AdminError};
use crate::store::{KeptAnswer, Recorded, RegistryChange};

/// How long an answer is kept.
pub const ANSWER_KEPT_FOR: Duration = Duration::from_mins(10);

/// What a caller calls its request (the field `Idempotency-Key`).
#[derive(Debug, Clone)]
pub struct Once {
    /// Who asks.
    pub caller: String,
    /// What it calls the request.
    pub key: String,
    /// The SHA-256 of the request: who uses a key for another one has made a mistake.
    pub request: [u8; 32],
}

impl Once {
    /// What the answer is bound to where it is sealed.
    fn row(&self) -> String {
        format!("answer\n{}\n{}", self.caller, self.key)
    }
}

/// The answer that this very request has had already.
///
/// # Errors
/// When the key was used for another request, or the kept answer does not open.
pub async fn answered_before(admin: &Admin) -> Result<Option<Value>, AdminError> {
    let Some(once) = &admin.terms.once else { return Ok(None) };
    let Some(kept) = admin.store.kept_answer(&once.caller, &once.key, admin.now()).await? else {
        return Ok(None);
    };
    if kept.request != once.request {
        return Err(AdminError::KeyUsedOtherwise);
    }
    // After a change of the master key it is lost; what was made is there.
    let opened = admin.vault.open_answer(&once.row(), &kept.sealed, &kept.sealed_under);
    let opened = opened.map_err(|lost| AdminError::Conflict(lost.to_string()))?;
    Ok(serde_json::from_slice(&opened).ok())
}

impl Admin {
    /// Makes something new, and keeps the answer in the same transaction if the caller gave its request a name.
    pub(super) async fn create(
        &self,
        mut changes: Vec<Recorded>,
        answer: &impl Serialize,
    ) -> Result<(), AdminError> {
        if let Some(once) = &self.terms.once {
            let text = zeroize::Zeroizing::new(serde_json::to_vec(answer).unwrap_or_default());
            let now = self.now();
            changes.push(Recorded::part(RegistryChange::KeepAnswer(KeptAnswer {
                caller: once.caller.clone(),
                key: once.key.clone(),
                request: once.request,
                sealed: self.vault.seal_answer(&once.row(), &text),
                sealed_under: self.vault.fingerprint().to_owned(),
                kept_at: now,
                expires_at: now.plus(ANSWER_KEPT_FOR),
            })));
        }
        Ok(self.store.change_registry(changes).await?)
    }
}
