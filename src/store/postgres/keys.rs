//! Signing keys, and the digest keys of former master keys.
//! Not for: opening them, or when they move (`keys`).

use tokio_postgres::Row;

use super::error::Trouble;
use super::log::Ledger;
use super::row::{self, values};
use super::session::{Link, Session};
use super::step::Step;
use crate::crypto::jwk::PublicKey;
use crate::crypto::seal::Sealed;
use crate::domain::id::TenantId;
use crate::domain::signing_key::{KeptDigestKey, KeyState, SigningKey};
use crate::store::{Conflict, KeyChange, KeyMove, StoreError};

pub(super) async fn all(session: Link, tenant: TenantId) -> Result<Vec<SigningKey>, Trouble> {
    let sql =
        "SELECT id, tenant_id, algorithm, state, public_jwk, sealed, sealed_under, created_at, state_since
               FROM signing_key WHERE tenant_id = $1 ORDER BY created_at, id";
    session.newest_rows(sql, values![tenant.to_string()], read).await
}

pub(super) fn add(ledger: &mut Ledger, key: &SigningKey) {
    ledger.add(Step::new(
        "INSERT INTO signing_key
            (id, tenant_id, algorithm, state, public_jwk, sealed, sealed_under, created_at, state_since)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        values![
            key.id.to_string(),
            key.tenant.to_string(),
            key.algorithm.clone(),
            key.state.as_str(),
            serde_json::Value::Object(key.public.to_members()).to_string(),
            key.sealed.as_bytes().to_vec(),
            key.sealed_under.clone(),
            key.created_at.as_millis(),
            key.state_since.as_millis(),
        ],
    ));
}

/// The indexes of the schema refuse a second upcoming or active key of an algorithm.
pub(super) fn change(ledger: &mut Ledger, tenant: TenantId, change: &KeyChange) -> Result<(), Conflict> {
    for one in &change.moved {
        move_one(ledger, tenant, one);
    }
    match &change.added {
        Some(key) if key.tenant == tenant => add(ledger, key),
        // A key of another tenant would be recorded as a change of this one.
        Some(_) => return Err(Conflict::Missing),
        None => {}
    }
    let sql = "SELECT 1 FROM signing_key WHERE tenant_id = $1 AND state = 'active' LIMIT 1";
    ledger.add(Step::new(sql, values![tenant.to_string()]).or(Conflict::Changed));
    Ok(())
}

fn move_one(ledger: &mut Ledger, tenant: TenantId, one: &KeyMove) {
    let step = Step::new(
        "UPDATE signing_key SET state = $4, state_since = $5, sealed = CASE $4 WHEN 'gone' THEN '' ELSE sealed END
         WHERE id = $1 AND tenant_id = $2 AND state = $3",
        values![
            one.key.to_string(),
            tenant.to_string(),
            one.from.as_str(),
            one.to.as_str(),
            one.at.as_millis(),
        ],
    );
    ledger.add(step.or(Conflict::Changed));
}

/// Replaces how a key is sealed, if it is still sealed as before.
pub(super) fn reseal(ledger: &mut Ledger, key: &SigningKey, former: &str) {
    let step = Step::new(
        "UPDATE signing_key SET sealed = $3, sealed_under = $4
         WHERE id = $1 AND tenant_id = $2 AND sealed_under = $5 AND state <> 'gone'",
        values![
            key.id.to_string(),
            key.tenant.to_string(),
            key.sealed.as_bytes().to_vec(),
            key.sealed_under.clone(),
            former.to_owned(),
        ],
    );
    ledger.add(step.or(Conflict::Changed));
}

pub(super) async fn digest_keys(session: Link) -> Result<Vec<KeptDigestKey>, Trouble> {
    let sql = "SELECT fingerprint, sealed, sealed_under FROM digest_key ORDER BY fingerprint";
    let read = |row: &Row| {
        Ok(KeptDigestKey {
            fingerprint: row::get(row, "fingerprint")?,
            sealed: Sealed::from_bytes(row::get(row, "sealed")?),
            sealed_under: row::get(row, "sealed_under")?,
        })
    };
    session.newest_rows(sql, values![], read).await
}

/// Every server must know it before it meets a secret that was digested under it, so every tenant counts as changed.
pub(super) async fn keep_digest_key(
    ledger: &mut Ledger,
    session: &Session,
    key: &KeptDigestKey,
) -> Result<(), Trouble> {
    ledger.add(Step::new(
        "INSERT INTO digest_key (fingerprint, sealed, sealed_under) VALUES ($1, $2, $3)
         ON CONFLICT (fingerprint) DO UPDATE SET sealed = $2, sealed_under = $3",
        values![key.fingerprint.clone(), key.sealed.as_bytes().to_vec(), key.sealed_under.clone()],
    ));
    let tenants = session.rows("SELECT id FROM tenant ORDER BY id", values![], |row| row::parse(row, "id"));
    for tenant in tenants.await? {
        ledger.note(tenant, None);
    }
    Ok(())
}

fn read(row: &Row) -> Result<SigningKey, StoreError> {
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
