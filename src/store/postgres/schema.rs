//! Numbered migrations, run when the store is opened, and which schemas a program can work with.
//! Not for: changing a migration that was released; add another.

use super::error::Trouble;
use super::row::{self, values};
use super::session::{Link, Session};
use crate::store::{Health, Migrated, StoreError};

/// A step from one schema to the next.
#[derive(Clone, Copy)]
pub(super) struct Migration {
    pub(super) sql: &'static str,
    /// The oldest program, by the newest schema it knows, that works with the schema as it is after this. While servers
    /// are replaced one by one the former release works with the new schema: what it needs goes one release later.
    pub(super) works_with: u32,
}

/// The migrations, the first one first.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { sql: include_str!("../../../migrations/postgres/0001_foundation.sql"), works_with: 1 },
    Migration { sql: include_str!("../../../migrations/postgres/0002_keys.sql"), works_with: 2 },
    Migration { sql: include_str!("../../../migrations/postgres/0003_revocation.sql"), works_with: 3 },
    Migration { sql: include_str!("../../../migrations/postgres/0004_administration.sql"), works_with: 4 },
    Migration { sql: include_str!("../../../migrations/postgres/0005_imported_secrets.sql"), works_with: 5 },
    Migration { sql: include_str!("../../../migrations/postgres/0006_statistics.sql"), works_with: 6 },
    Migration { sql: include_str!("../../../migrations/postgres/0007_moved.sql"), works_with: 7 },
    Migration { sql: include_str!("../../../migrations/postgres/0008_quotas.sql"), works_with: 7 },
];

/// The number of the newest schema this program knows.
pub const NEWEST: u32 = 8;

/// Keeps programs that migrate the same schema one after another, until each one's transaction is over.
const LOCK: &str = "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;
    SELECT pg_advisory_xact_lock(1667790190, hashtext(current_schema()))";

/// The schema that is there.
#[derive(Clone, Copy)]
pub(super) struct Found {
    /// Its number, 0 for none.
    pub(super) number: u32,
    /// The oldest program that works with it.
    pub(super) works_with: u32,
}

/// Brings the schema up to date, in one transaction for each migration, so that of many programs that start at once one
/// runs it. A newer schema that this program works with stays as it is.
pub(super) async fn migrate(session: Link, migrations: &'static [Migration]) -> Result<Migrated, Trouble> {
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    let mut from = None;
    loop {
        // Looked at first without the lock, so that opening an up-to-date store waits for nobody.
        let found = find(&session).await?;
        if found.number >= known {
            found.check(known)?;
            return Ok(Migrated { from: from.unwrap_or(found.number), to: found.number });
        }
        session.begin_with(LOCK).await?;
        let number = find(&session).await?.number;
        from.get_or_insert(number);
        let next = usize::try_from(number).ok().and_then(|number| migrations.get(number));
        if let Some(Migration { sql, works_with }) = next {
            session.batch(sql).await?;
            let (number, works_with) = (as_stored(number + 1), as_stored(*works_with));
            let sql = "UPDATE schema_version SET number = $1, works_with = $2";
            session.execute(sql, values![number, works_with]).await?;
        }
        session.commit().await?;
    }
}

/// The schema's number and whatever breaks our own rules about what is stored.
pub(super) async fn check(session: Link) -> Result<Health, Trouble> {
    let sql = "
        SELECT 'the table head has not exactly one row' AS damage WHERE (SELECT count(*) FROM head) <> 1
        UNION ALL
        SELECT 'the newest audit event is not the one that the table head names' FROM head
            LEFT JOIN LATERAL (SELECT sequence, hash FROM audit_event ORDER BY sequence DESC LIMIT 1) AS newest ON true
            WHERE head.sequence <> coalesce(newest.sequence, 0)
                OR head.hash <> coalesce(newest.hash, decode(repeat('00', 32), 'hex'))
        UNION ALL
        SELECT 'there are changes newer than the one that the table head names' FROM head
            WHERE revision < (SELECT max(revision) FROM change)
        UNION ALL
        SELECT format('the reference %s of %s was never checked', conname, conrelid::regclass) FROM pg_constraint
            WHERE contype = 'f' AND NOT convalidated AND connamespace = current_schema()::regnamespace
        UNION ALL
        SELECT DISTINCT format('the references of %s are switched off', tgrelid::regclass)
            FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
            WHERE tgisinternal AND tgenabled IN ('D', 'R') AND relnamespace = current_schema()::regnamespace
        UNION ALL
        SELECT format('the index %s is not whole', indexrelid::regclass)
            FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
            WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace";
    let found = find(&session).await?;
    let damage = if found.number == 0 {
        Vec::new()
    } else {
        session.rows(sql, values![], |row| row::get(row, "damage")).await?
    };
    Ok(Health { schema: found.number, damage })
}

/// Which schema there is.
pub(super) async fn find(session: &Session) -> Result<Found, Trouble> {
    // Asked of the catalogue itself: what a session remembers of names is not renewed while it waits for the lock.
    let sql = "SELECT EXISTS (
                   SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                   WHERE relname = 'schema_version' AND nspname = ANY (current_schemas(false))) AS is_there";
    let is_there = session.rows(sql, values![], |row| row::get::<bool>(row, "is_there")).await?;
    if is_there != [true] {
        return Ok(Found { number: 0, works_with: 0 });
    }
    let sql = "SELECT number, works_with FROM schema_version";
    let found = session.rows(sql, values![], |row| {
        let number =
            |column| u32::try_from(row::get::<i32>(row, column)?).map_err(|_| row::unreadable(column));
        Ok(Found { number: number("number")?, works_with: number("works_with")? })
    });
    let nothing = || StoreError::Corrupt("the table schema_version is empty".to_owned()).into();
    found.await?.pop().ok_or_else(nothing)
}

impl Found {
    fn check(self, known: u32) -> Result<(), StoreError> {
        if self.number > known && self.works_with > known {
            return Err(StoreError::NewerSchema { found: self.number, known });
        }
        Ok(())
    }
}

fn as_stored(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
