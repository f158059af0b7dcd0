//! Signing keys, and the digest keys of former master keys.
//! Not for: opening them, or when they move (`keys`).

use rusqlite::{Connection, Row, Transaction, params};

use super::row;
use crate::crypto::jwk::PublicKey;
use crate::crypto::seal::Sealed;
use crate::domain::id::TenantId;
use crate::domain::signing_key::{KeptDigestKey, KeyState, SigningKey};
use crate::store::{Conflict, KeyChange, KeyMove, StoreError};

pub(super) fn all(connection: &Connection, tenant: TenantId) -> Result<Vec<SigningKey>, StoreError> {
    let sql = "SELECT * FROM signing_key WHERE tenant_id = ?1 ORDER BY created_at, id";
    row::rows(connection, sql, [tenant.to_string()], read)
}

pub(super) fn add(transaction: &Transaction<'_>, key: &SigningKey) -> Result<(), StoreError> {
    row::execute(
        transaction,
        "INSERT INTO signing_key
            (id, tenant_id, algorithm, state, public_jwk, sealed, sealed_under, created_at, state_since)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            key.id.to_string(),
            key.tenant.to_string(),
            key.algorithm,
            key.state.as_str(),
            serde_json::Value::Object(key.public.to_members()).to_string(),
            key.sealed.as_bytes(),
            key.sealed_under,
            key.created_at.as_millis(),
            key.state_since.as_millis(),
        ],
    )
    .map(|_| ())
}

/// The indexes of the schema refuse a second upcoming or active key of an algorithm.
pub(super) fn change(
    transaction: &Transaction<'_>,
    tenant: TenantId,
    change: &KeyChange,
) -> Result<(), StoreError> {
    for one in &change.moved {
        move_one(transaction, tenant, one)?;
    }
    match &change.added {
        Some(key) if key.tenant == tenant => add(transaction, key)?,
        // A key of another tenant would be recorded as a change of this one.
        Some(_) => return Err(StoreError::Conflict(Conflict::Missing)),
        None => {}
    }
    let sql = "SELECT 1 FROM signing_key WHERE tenant_id = ?1 AND state = 'active' LIMIT 1";
    if row::rows(transaction, sql, [tenant.to_string()], |_| Ok(()))?.is_empty() {
        return Err(StoreError::Conflict(Conflict::Changed));
    }
    Ok(())
}

fn move_one(transaction: &Transaction<'_>, tenant: TenantId, one: &KeyMove) -> Result<(), StoreError> {
    let moved = row::execute(
        transaction,
        "UPDATE signing_key SET state = ?4, state_since = ?5, sealed = iif(?4 = 'gone', x'', sealed)
         WHERE id = ?1 AND tenant_id = ?2 AND state = ?3",
        params![
            one.key.to_string(),
            tenant.to_string(),
            one.from.as_str(),
            one.to.as_str(),
            one.at.as_millis(),
        ],
    )?;
    if moved == 0 { Err(StoreError::Conflict(Conflict::Changed)) } else { Ok(()) }
}

pub(super) fn reseal(
    transaction: &Transaction<'_>,
    key: &SigningKey,
    former: &str,
) -> Result<bool, StoreError> {
    let resealed = row::execute(
        transaction,
        "UPDATE signing_key SET sealed = ?3, sealed_under = ?4
         WHERE id = ?1 AND tenant_id = ?2 AND sealed_under = ?5 AND state <> 'gone'",
        params![key.id.to_string(), key.tenant.to_string(), key.sealed.as_bytes(), key.sealed_under, former],
    )?;
    Ok(resealed > 0)
}

pub(super) fn digest_keys(connection: &Connection) -> Result<Vec<KeptDigestKey>, StoreError> {
    row::rows(connection, "SELECT * FROM digest_key ORDER BY fingerprint", [], |row| {
        Ok(KeptDigestKey {
            fingerprint: row::get(row, "fingerprint")?,
            sealed: Sealed::from_bytes(row::get(row, "sealed")?),
            sealed_under: row::get(row, "sealed_under")?,
        })
    })
}

/// Every server must know it before it meets a secret that was digested under it, so every tenant counts as changed.
pub(super) fn keep_digest_key(transaction: &Transaction<'_>, key: &KeptDigestKey) -> Result<(), StoreError> {
    row::execute(
        transaction,
        "INSERT INTO digest_key (fingerprint, sealed, sealed_under) VALUES (?1, ?2, ?3)
         ON CONFLICT (fingerprint) DO UPDATE SET sealed = ?2, sealed_under = ?3",
        params![key.fingerprint, key.sealed.as_bytes(), key.sealed_under],
    )?;
    row::execute(transaction, "INSERT INTO change (tenant_id) SELECT id FROM tenant", []).map(|_| ())
}

fn read(row: &Row<'_>) -> Result<SigningKey, StoreError> {
    Ok(SigningKey {
        id: row::parse(row, "id")?,
        tenant: row::parse(row, "tenant_id")?,
        algorithm: row::get(row, "algorithm")?,
        state: row::checked(row, "state", |text| KeyState::parse(text).ok())?,
        public: row::checked(row, "public_jwk", |text| {
            PublicKey::from_members(&serde_json::from_str(text).ok()?).ok()
        })?,
        sealed: Sealed::from_bytes(row::get(row, "sealed")?),
        sealed_under: row::get(row, "sealed_under")?,
        created_at: row::time(row, "created_at")?,
        state_since: row::time(row, "state_since")?,
    })
}
