//! Numbered migrations, run when the store is opened.
//! Not for: changing a migration that was released; add another.

use rusqlite::{Connection, TransactionBehavior};

use super::{error, log};
use crate::store::{Health, Migrated, StoreError};

/// The migrations, the first one first.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/sqlite/0001_foundation.sql"),
    include_str!("../../../migrations/sqlite/0002_keys.sql"),
    include_str!("../../../migrations/sqlite/0003_revocation.sql"),
    include_str!("../../../migrations/sqlite/0004_administration.sql"),
    include_str!("../../../migrations/sqlite/0005_imported_secrets.sql"),
    include_str!("../../../migrations/sqlite/0006_statistics.sql"),
    include_str!("../../../migrations/sqlite/0007_moved.sql"),
    include_str!("../../../migrations/sqlite/0008_quotas.sql"),
];

/// The number of the newest schema this program knows.
pub const NEWEST: u32 = 8;

/// The schema from which on every audit event is bound to the one before.
const BINDS_EVENTS: u32 = 4;

/// Brings the schema up to date, in one transaction for each migration, so that two programs starting at once
/// do not run one twice.
pub(super) fn migrate(connection: &mut Connection) -> Result<Migrated, StoreError> {
    let mut from = None;
    // Looked at first without the lock, so that opening an up-to-date store waits for no writer.
    let found = number(connection)?;
    if found == NEWEST {
        return Ok(Migrated { from: found, to: found });
    }
    loop {
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error::from)?;
        let number = number(&transaction)?;
        let from = *from.get_or_insert(number);
        if number > NEWEST {
            return Err(StoreError::NewerSchema { found: number, known: NEWEST });
        }
        let Some(migration) = usize::try_from(number).ok().and_then(|number| MIGRATIONS.get(number)) else {
            return Ok(Migrated { from, to: number });
        };
        transaction.execute_batch(migration).map_err(error::from)?;
        if number + 1 == BINDS_EVENTS {
            log::bind_all(&transaction)?;
        }
        transaction.pragma_update(None, "user_version", number + 1).map_err(error::from)?;
        transaction.commit().map_err(error::from)?;
    }
}

/// The schema's number and what SQLite's own checks find.
pub(super) fn check(connection: &Connection) -> Result<Health, StoreError> {
    let mut damage = Vec::new();
    let mut statement = connection.prepare("PRAGMA integrity_check").map_err(error::from)?;
    let findings = statement.query_map([], |row| row.get::<_, String>(0)).map_err(error::from)?;
    for finding in findings {
        let finding = finding.map_err(error::from)?;
        if finding != "ok" {
            damage.push(finding);
        }
    }
    let mut statement = connection.prepare("PRAGMA foreign_key_check").map_err(error::from)?;
    let findings = statement.query_map([], |row| row.get::<_, String>(0)).map_err(error::from)?;
    for table in findings {
        damage.push(format!("a row of {} refers to nothing", table.map_err(error::from)?));
    }
    Ok(Health { schema: number(connection)?, damage })
}

pub(super) fn number(connection: &Connection) -> Result<u32, StoreError> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(error::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::Sqlite;

    #[test]
    fn knows_as_many_schemas_as_there_are_migrations() {
        assert_eq!(usize::try_from(NEWEST).unwrap(), MIGRATIONS.len());
    }

    #[test]
    fn what_a_first_release_has_kept_of_gone_keys_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("first.db");
        let first = Connection::open(&file).unwrap();
        first.execute_batch(MIGRATIONS[0]).unwrap();
        first.pragma_update(None, "user_version", 1).unwrap();
        first
            .execute_batch(
                "PRAGMA foreign_keys = off;
                 INSERT INTO signing_key VALUES ('a', 't', 'RS256', 'gone', '{}', x'07', 'f', 1, 2);
                 INSERT INTO signing_key VALUES ('b', 't', 'RS256', 'active', '{}', x'07', 'f', 1, 2);",
            )
            .unwrap();
        assert_eq!(Sqlite::open(&file).unwrap().1, Migrated { from: 1, to: NEWEST });
        let lengths = "SELECT group_concat(length(sealed)) FROM signing_key ORDER BY id";
        let lengths: String = first.query_row(lengths, [], |row| row.get(0)).unwrap();
        assert_eq!(lengths, "0,1");
    }

    /// A row of the schema before is kept by its digest, as it was.
    #[tokio::test]
    async fn a_credential_from_before_imports_is_none() {
        use crate::domain::id::TenantId;
        use crate::domain::quota::Quota;
        use crate::store::Store;
        const ID: &str = "00000000-0000-4000-8000-000000000001";
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("before.db");
        let before = Connection::open(&file).unwrap();
        before.execute_batch(&MIGRATIONS[..4].concat()).unwrap();
        before.pragma_update(None, "user_version", 4).unwrap();
        let rows = format!(
            "INSERT INTO tenant (id, name, issuer, enabled, algorithm, key_period, created_at, updated_at, version)
             VALUES ('{ID}', 't', 'https://t', 1, 'RS256', 60, 1, 1, 1);
             INSERT INTO application (id, tenant_id, client_id, name, type, enabled, grants, auth_methods, narrowed,
                claims, created_at, updated_at, version)
             VALUES ('{ID}', '{ID}', 'app', 'App', 'm2m', 1, '', '', 0, '{{}}', 1, 1, 1);
             INSERT INTO credential VALUES ('{ID}', '{ID}', '', zeroblob(32), 'f', 1, NULL, NULL);"
        );
        before.execute_batch(&rows).unwrap();
        let store = Sqlite::open(&file).unwrap().0;
        let tenant: TenantId = ID.parse().unwrap();
        let app = store.application(tenant, "app").await.unwrap().unwrap();
        assert_eq!(app.credentials[0].keyed().unwrap().under, "f");
        // Nor was there a quota, or reuse of tokens.
        assert_eq!((app.application.token_reuse, app.application.quota), (None, Quota::default()));
        assert_eq!(store.tenants().await.unwrap()[0].quota, Quota::default());
    }

    #[test]
    fn events_of_an_older_release_are_bound_and_its_tenants_get_the_admin_api() {
        use crate::domain::audit::ChainWalk;
        use crate::domain::power::ADMIN_SCOPES;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("third.db");
        let third = Connection::open(&file).unwrap();
        MIGRATIONS[..3].iter().for_each(|one| third.execute_batch(one).unwrap());
        third.pragma_update(None, "user_version", 3).unwrap();
        third
            .execute_batch(
                "INSERT INTO tenant VALUES ('6a1c1f6e-0000-4000-8000-000000000001', 'one', 'https://one.example', 1,
                    'RS256', 86400, 1, 1, 1);
                 INSERT INTO scope VALUES ('6a1c1f6e-0000-4000-8000-000000000001', 'admin:read', 'mine', NULL, 1);
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
                 INSERT INTO audit_event (at, actor, action, subject, detail)
                    SELECT i, 'cli:me', 'scope.add', 's' || i, '{\"n\":1.5}' FROM n;",
            )
            .unwrap();
        let store: std::sync::Arc<dyn crate::store::Store> =
            std::sync::Arc::new(Sqlite::open(&file).unwrap().0);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let events = store.audit_events(0, 5_000).await.unwrap();
            let mut walk = ChainWalk::default();
            events.iter().try_for_each(|next| walk.step(next)).unwrap();
            assert_eq!(walk.sequence, 2_500);
            let tenant = store.tenants().await.unwrap().remove(0);
            let scopes = store.scopes(tenant.id).await.unwrap();
            for wanted in ADMIN_SCOPES {
                let found = scopes.iter().find(|scope| scope.name.as_str() == wanted.name).unwrap();
                // What was the tenant's own stays so.
                let own = wanted.name == "admin:read";
                assert_eq!((found.description == wanted.description, found.api.is_some()), (!own, !own));
            }
            assert_eq!(scopes.len(), ADMIN_SCOPES.len());
            assert_eq!(store.check().await.unwrap().damage, Vec::<String>::new());
        });
    }

    #[test]
    fn refuses_a_newer_schema_and_leaves_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("newer.db");
        Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let refused = Sqlite::open(&file).err().unwrap();
        let known = format!("number 99, this program knows up to {NEWEST}");
        assert!(refused.to_string().contains(&known), "{refused}");
        assert_eq!(number(&Connection::open(&file).unwrap()).unwrap(), 99);
    }

    #[test]
    fn refuses_a_file_that_is_no_database() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("text.db");
        std::fs::write(
            &file,
            "this is a text file, and quite a long one, so that it has a header's length at least....",
        )
        .unwrap();
        assert!(matches!(Sqlite::open(&file).err().unwrap(), StoreError::Corrupt(_)));
    }

    #[test]
    fn migrates_once_and_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new.db");
        assert_eq!(Sqlite::open(&file).unwrap().1, Migrated { from: 0, to: NEWEST });
        assert_eq!(Sqlite::open(&file).unwrap().1, Migrated { from: NEWEST, to: NEWEST });
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn opened_at_once_by_many_it_is_migrated_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("race.db");
        let openers: Vec<_> = (0..8)
            .map(|_| {
                let file = file.clone();
                std::thread::spawn(move || Sqlite::open(&file).map(|(_, migrated)| migrated))
            })
            .collect();
        let migrated: Vec<_> = openers.into_iter().map(|opener| opener.join().unwrap().unwrap()).collect();
        assert_eq!(migrated.iter().filter(|one| one.from == 0).count(), 1, "{migrated:?}");
    }
}
