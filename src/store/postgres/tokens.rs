//! Tokens that are refused before their time is over, and forgetting them.
//! Not for: tokens that are good; nothing is known of those.

use super::error::Trouble;
use super::log::Ledger;
use super::row::{self, values};
use super::session::{Link, Session};
use crate::domain::application::ClientId;
use crate::domain::id::{TenantId, TokenId};
use crate::domain::time::Timestamp;
use crate::store::FORGOTTEN_AT_ONCE;

/// Begins a transaction in which a token is refused; whether it was not already. It waits for changes of the registry only
/// where the application's tokens are reused: then the application has changed.
pub(super) async fn revoke(
    session: Link,
    (tenant, client_id): (TenantId, ClientId),
    token: TokenId,
    expires_at: Timestamp,
) -> Result<bool, Trouble> {
    let sql = "WITH revoked AS (
                   INSERT INTO revoked_token (expires_at, tenant_id, token_id) VALUES ($1, $2, $3)
                   ON CONFLICT DO NOTHING RETURNING true)
               SELECT EXISTS (SELECT FROM application WHERE tenant_id = $2 AND client_id = $4
                                  AND token_reuse_percent IS NOT NULL) AS is_reused
               FROM revoked";
    let values =
        values![expires_at.as_millis(), tenant.to_string(), token.to_string(), client_id.to_string()];
    let revoked = session.begin(sql, values).await?;
    let Some(revoked) = revoked.first() else { return Ok(false) };
    if row::get(revoked, "is_reused")? {
        let mut ledger = Ledger::join(&session).await?;
        ledger.note(tenant, Some(&client_id));
        ledger.close(&session).await?;
    }
    Ok(true)
}

pub(super) async fn is_revoked(
    session: Link,
    tenant: TenantId,
    token: TokenId,
    expires_at: Timestamp,
) -> Result<bool, Trouble> {
    let sql = "SELECT true FROM revoked_token WHERE expires_at = $1 AND tenant_id = $2 AND token_id = $3";
    let values = values![expires_at.as_millis(), tenant.to_string(), token.to_string()];
    Ok(!session.newest_rows(sql, values, |_| Ok(())).await?.is_empty())
}

/// Forgets some of those that ended before `past`, and says how many.
pub(super) async fn forget(session: &Session, past: Timestamp) -> Result<u64, Trouble> {
    let sql = "DELETE FROM revoked_token WHERE ctid = ANY (ARRAY(
                   SELECT ctid FROM revoked_token WHERE expires_at < $1
                   ORDER BY expires_at, tenant_id, token_id LIMIT $2))";
    session.execute(sql, values![past.as_millis(), FORGOTTEN_AT_ONCE]).await
}
