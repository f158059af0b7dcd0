//! Credentials of applications.
//! Not for: comparing them with what a caller presents (`oauth/client_auth`).

use std::collections::BTreeMap;

use tokio_postgres::Row;

use super::error::Trouble;
use super::log::Ledger;
use super::registered::{each, list};
use super::row::{self, values};
use super::session::Session;
use super::step::Step;
use crate::crypto::secret::SecretDigest;
use crate::crypto::slow_hash::SlowHash;
use crate::domain::credential::{Credential, KeyedDigest, Verifier};
use crate::domain::id::{ApplicationId, CredentialId};
use crate::domain::time::Timestamp;
use crate::store::{Conflict, StoreError};

/// Those of the application `found`, each column a list, the oldest first.
pub(super) const OF_FOUND: &str = "
    SELECT array_agg(id ORDER BY created_at, id) AS credential_ids,
        array_agg(label ORDER BY created_at, id) AS labels,
        array_agg(digest ORDER BY created_at, id) AS digests,
        array_agg(digested_under ORDER BY created_at, id) AS digests_under,
        array_agg(slow_hash ORDER BY created_at, id) AS slow_hashes,
        array_agg(created_at ORDER BY created_at, id) AS credentials_created_at,
        array_agg(expires_at ORDER BY created_at, id) AS credentials_expire_at,
        array_agg(last_used_at ORDER BY created_at, id) AS credentials_last_used_at
    FROM credential WHERE application_id = found.id";

/// Reads what `OF_FOUND` found.
pub(super) fn of_found(row: &Row, application: ApplicationId) -> Result<Vec<Credential>, StoreError> {
    let times = |column| list::<Option<i64>>(row, column);
    let (labels, digests) = (list::<&str>(row, "labels")?, list::<&[u8]>(row, "digests")?);
    let (under, hashes) = (list::<&str>(row, "digests_under")?, list::<Option<&str>>(row, "slow_hashes")?);
    let verifiers = digests.into_iter().zip(under).zip(hashes);
    let times = times("credentials_created_at")?
        .into_iter()
        .zip(times("credentials_expire_at")?)
        .zip(times("credentials_last_used_at")?);
    let ids = each(row, "credential_ids", |text| text.parse().ok())?;
    let all = ids.into_iter().zip(labels).zip(verifiers.zip(times));
    all.map(|((id, label), (((digest, under), hash), ((created_at, expires_at), last_used_at)))| {
        let created_at = created_at.ok_or_else(|| row::unreadable("created_at"))?;
        Ok(Credential {
            id,
            application,
            label: label.to_owned(),
            verifier: verifier(digest, under, hash)?,
            created_at: Timestamp::from_millis(created_at),
            expires_at: expires_at.map(Timestamp::from_millis),
            last_used_at: last_used_at.map(Timestamp::from_millis),
        })
    })
    .collect()
}

pub(super) fn add(ledger: &mut Ledger, credential: &Credential) {
    let (keyed, imported) = (credential.keyed(), credential.imported());
    ledger.add(Step::new(
        "INSERT INTO credential
            (id, application_id, label, digest, digested_under, slow_hash, created_at, expires_at, last_used_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        values![
            credential.id.to_string(),
            credential.application.to_string(),
            credential.label.clone(),
            keyed.map_or_else(Vec::new, |keyed| keyed.digest.as_bytes().to_vec()),
            keyed.map_or_else(String::new, |keyed| keyed.under.clone()),
            imported.map(|hash| hash.as_str().to_owned()),
            credential.created_at.as_millis(),
            credential.expires_at.map(Timestamp::as_millis),
            credential.last_used_at.map(Timestamp::as_millis),
        ],
    ));
}

pub(super) fn remove(ledger: &mut Ledger, application: ApplicationId, credential: CredentialId) {
    let sql = "DELETE FROM credential WHERE id = $1 AND application_id = $2";
    let values = values![credential.to_string(), application.to_string()];
    ledger.add(Step::new(sql, values).or(Conflict::Changed));
}

/// Replaces the imported hash of a credential, if it still has one.
pub(super) fn replace_verifier(
    ledger: &mut Ledger,
    application: ApplicationId,
    credential: CredentialId,
    keyed: &KeyedDigest,
) {
    let step = Step::new(
        "UPDATE credential SET digest = $3, digested_under = $4, slow_hash = NULL
         WHERE id = $1 AND application_id = $2 AND slow_hash IS NOT NULL",
        values![
            credential.to_string(),
            application.to_string(),
            keyed.digest.as_bytes().to_vec(),
            keyed.under.clone(),
        ],
    );
    ledger.add(step.or(Conflict::Changed));
}

/// Writes down when credentials were last used. All servers do so in the order of ids, so that none of them waits for one
/// that waits for it.
pub(super) async fn record_use(session: &Session, uses: &[(CredentialId, Timestamp)]) -> Result<(), Trouble> {
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    for (credential, at) in uses {
        let last = last.entry(credential.to_string()).or_insert(at.as_millis());
        *last = at.as_millis().max(*last);
    }
    if last.is_empty() {
        return Ok(());
    }
    let (ids, times): (Vec<String>, Vec<i64>) = last.into_iter().unzip();
    let sql = "WITH used AS (
                   SELECT credential.id, one.at FROM unnest($1::text[], $2::bigint[]) AS one (id, at)
                   JOIN credential ON credential.id = one.id AND coalesce(last_used_at, one.at - 1) < one.at
                   ORDER BY credential.id FOR NO KEY UPDATE OF credential)
               UPDATE credential SET last_used_at = used.at FROM used
               WHERE credential.id = used.id AND coalesce(last_used_at, used.at - 1) < used.at";
    session.execute(sql, values![ids, times]).await.map(drop)
}

fn verifier(digest: &[u8], under: &str, hash: Option<&str>) -> Result<Verifier, StoreError> {
    if let Some(text) = hash {
        return SlowHash::parse(text).map(Verifier::Imported).map_err(|_| row::unreadable("slow_hash"));
    }
    let digest = digest.try_into().map_err(|_| row::unreadable("digest"))?;
    let digest = SecretDigest::from_bytes(digest);
    Ok(Verifier::Keyed(KeyedDigest::new(digest, under.to_owned())))
}
