//! Answers to creations, kept for whoever asks again.
//! Not for: opening them (`admin/once.rs`).

use super::error::Trouble;
use super::log::Ledger;
use super::row::{self, values};
use super::session::{Link, Session};
use super::step::Step;
use crate::crypto::seal::Sealed;
use crate::domain::time::Timestamp;
use crate::store::{Conflict, FORGOTTEN_AT_ONCE, KeptAnswer};

pub(super) async fn find(
    session: Link,
    caller: String,
    key: String,
    now: Timestamp,
) -> Result<Option<KeptAnswer>, Trouble> {
    if caller.contains('\0') || key.contains('\0') {
        return Ok(None);
    }
    let sql = "SELECT caller, key, request, sealed, sealed_under, kept_at, expires_at FROM kept_answer
               WHERE caller = $1 AND key = $2 AND expires_at > $3";
    let found = session.rows(sql, values![caller, key, now.as_millis()], |row| {
        Ok(KeptAnswer {
            caller: row::get(row, "caller")?,
            key: row::get(row, "key")?,
            request: row::bytes(row, "request")?,
            sealed: Sealed::from_bytes(row::get(row, "sealed")?),
            sealed_under: row::get(row, "sealed_under")?,
            kept_at: row::time(row, "kept_at")?,
            expires_at: row::time(row, "expires_at")?,
        })
    });
    Ok(found.await?.pop())
}

/// One that has expired makes room for the new one.
pub(super) fn keep(ledger: &mut Ledger, answer: &KeptAnswer) {
    let (caller, key) = (answer.caller.clone(), answer.key.clone());
    let sql = "DELETE FROM kept_answer WHERE caller = $1 AND key = $2 AND expires_at <= $3";
    ledger.add(Step::new(sql, values![caller, key, answer.kept_at.as_millis()]));
    let keep = Step::new(
        "INSERT INTO kept_answer (caller, key, request, sealed, sealed_under, kept_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        values![
            answer.caller.clone(),
            answer.key.clone(),
            answer.request.to_vec(),
            answer.sealed.as_bytes().to_vec(),
            answer.sealed_under.clone(),
            answer.kept_at.as_millis(),
            answer.expires_at.as_millis(),
        ],
    );
    ledger.add(keep.or(Conflict::Answered));
}

/// Forgets some of those that have expired, and says how many.
pub(super) async fn forget(session: &Session, now: Timestamp) -> Result<u64, Trouble> {
    let sql = "DELETE FROM kept_answer WHERE expires_at <= $1 AND ctid = ANY (ARRAY(
                   SELECT ctid FROM kept_answer WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2))";
    session.execute(sql, values![now.as_millis(), FORGOTTEN_AT_ONCE]).await
}
