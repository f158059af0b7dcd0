//! Credentials of applications.
//! Not for: comparing them with what a caller presents (`oauth/client_auth`).

use rusqlite::{Connection, Row, Transaction, params};

use super::row;
use crate::crypto::secret::SecretDigest;
use crate::crypto::slow_hash::SlowHash;
use crate::domain::credential::{Credential, KeyedDigest, Verifier};
use crate::domain::id::{ApplicationId, CredentialId};
use crate::domain::time::Timestamp;
use crate::store::StoreError;

pub(super) const OF: &str = "SELECT * FROM credential
    WHERE application_id IN (SELECT value FROM json_each(?1)) ORDER BY created_at, id";

/// Those of several applications, whose ids are a JSON array.
pub(super) fn of(
    connection: &Connection,
    applications: &str,
) -> Result<Vec<(ApplicationId, Credential)>, StoreError> {
    row::rows(connection, OF, [applications], |row| {
        read(row).map(|credential| (credential.application, credential))
    })
}

pub(super) fn add(transaction: &Transaction<'_>, credential: &Credential) -> Result<(), StoreError> {
    let (keyed, imported) = (credential.keyed(), credential.imported());
    row::execute(
        transaction,
        "INSERT INTO credential
            (id, application_id, label, digest, digested_under, slow_hash, created_at, expires_at, last_used_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            credential.id.to_string(),
            credential.application.to_string(),
            credential.label,
            keyed.map_or(&[][..], |keyed| keyed.digest.as_bytes()),
            keyed.map_or("", |keyed| &keyed.under),
            imported.map(SlowHash::as_str),
            credential.created_at.as_millis(),
            credential.expires_at.map(Timestamp::as_millis),
            credential.last_used_at.map(Timestamp::as_millis),
        ],
    )
    .map(|_| ())
}

pub(super) fn remove(
    transaction: &Transaction<'_>,
    application: ApplicationId,
    credential: CredentialId,
) -> Result<bool, StoreError> {
    let sql = "DELETE FROM credential WHERE id = ?1 AND application_id = ?2";
    Ok(row::execute(transaction, sql, [credential.to_string(), application.to_string()])? > 0)
}

/// Replaces the imported hash of a credential, if it still has one.
pub(super) fn replace_verifier(
    transaction: &Transaction<'_>,
    application: ApplicationId,
    credential: CredentialId,
    keyed: &KeyedDigest,
) -> Result<bool, StoreError> {
    let replaced = row::execute(
        transaction,
        "UPDATE credential SET digest = ?3, digested_under = ?4, slow_hash = NULL
         WHERE id = ?1 AND application_id = ?2 AND slow_hash IS NOT NULL",
        params![credential.to_string(), application.to_string(), keyed.digest.as_bytes(), keyed.under],
    )?;
    Ok(replaced > 0)
}

pub(super) fn record_use(
    transaction: &Transaction<'_>,
    uses: &[(CredentialId, Timestamp)],
) -> Result<(), StoreError> {
    for (credential, at) in uses {
        row::execute(
            transaction,
            "UPDATE credential SET last_used_at = ?2 WHERE id = ?1 AND coalesce(last_used_at, ?2 - 1) < ?2",
            params![credential.to_string(), at.as_millis()],
        )?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Credential, StoreError> {
    Ok(Credential {
        id: row::parse(row, "id")?,
        application: row::parse(row, "application_id")?,
        label: row::get(row, "label")?,
        verifier: verifier(row)?,
        created_at: row::time(row, "created_at")?,
        expires_at: row::optional_time(row, "expires_at")?,
        last_used_at: row::optional_time(row, "last_used_at")?,
    })
}

fn verifier(row: &Row<'_>) -> Result<Verifier, StoreError> {
    if let Some(hash) = row::optional(row, "slow_hash", |text| SlowHash::parse(text).ok())? {
        return Ok(Verifier::Imported(hash));
    }
    let digest = SecretDigest::from_bytes(row::get(row, "digest")?);
    Ok(Verifier::Keyed(KeyedDigest::new(digest, row::get(row, "digested_under")?)))
}
