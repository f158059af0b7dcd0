//! Tokens that are refused before their time is over, and forgetting them.
//! Not for: tokens that are good; nothing is known of those.

use rusqlite::{Connection, Transaction, params};

use super::row;
use crate::domain::id::{TenantId, TokenId};
use crate::domain::time::Timestamp;
use crate::store::{FORGOTTEN_AT_ONCE, StoreError};

pub(super) fn revoke(
    transaction: &Transaction<'_>,
    tenant: TenantId,
    token: TokenId,
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO revoked_token (expires_at, tenant_id, token_id) VALUES (?1, ?2, ?3)
               ON CONFLICT DO NOTHING";
    let parameters = params![expires_at.as_millis(), tenant.to_string(), token.to_string()];
    Ok(row::execute(transaction, sql, parameters)? > 0)
}

pub(super) fn is_revoked(
    connection: &Connection,
    tenant: TenantId,
    token: TokenId,
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    let (mut tenant_text, mut token_text) = ([0; 36], [0; 36]);
    let sql = "SELECT 1 FROM revoked_token WHERE expires_at = ?1 AND tenant_id = ?2 AND token_id = ?3";
    let parameters =
        params![expires_at.as_millis(), tenant.encode(&mut tenant_text), token.encode(&mut token_text)];
    Ok(!row::rows(connection, sql, parameters, |_| Ok(()))?.is_empty())
}

/// Forgets some of those that ended before `past`, and says how many.
pub(super) fn forget(transaction: &Transaction<'_>, past: Timestamp) -> Result<usize, StoreError> {
    // A table without rowids is deleted from by its key. What is oldest comes first in it.
    let sql = "DELETE FROM revoked_token WHERE (expires_at, tenant_id, token_id) IN
               (SELECT expires_at, tenant_id, token_id FROM revoked_token WHERE expires_at < ?1
                ORDER BY expires_at, tenant_id, token_id LIMIT ?2)";
    row::execute(transaction, sql, params![past.as_millis(), FORGOTTEN_AT_ONCE])
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use crate::domain::time::Timestamp;
    use crate::store::Store;
    use crate::store::sqlite::Sqlite;

    /// However many tokens are revoked, the file is as large as those need that are not past.
    #[tokio::test]
    async fn the_room_of_what_was_forgotten_is_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store.db");
        let store = Sqlite::open(&file).unwrap().0;
        let connection = Connection::open(&file).unwrap();
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
                   INSERT INTO revoked_token SELECT ?1, hex(randomblob(18)), hex(randomblob(18)) FROM n";
        let mut pages = Vec::new();
        for generation in 1..=6_i64 {
            connection.execute(sql, [generation]).unwrap();
            pages
                .push(connection.pragma_query_value(None, "page_count", |row| row.get::<_, i64>(0)).unwrap());
            while store.forget_past(Timestamp::from_seconds(1_000_000)).await.unwrap() {}
            let left: i64 =
                connection.query_row("SELECT count(*) FROM revoked_token", [], |row| row.get(0)).unwrap();
            assert_eq!(left, 0);
        }
        assert!(pages[5] <= pages[0] + pages[0] / 20, "{pages:?}");
    }
}
