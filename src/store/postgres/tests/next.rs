//! The schema of a release that does not exist: what the next one may do while this one still runs.

use crate::store::postgres::Postgres;
use crate::store::postgres::asking::{CHANGE_DEADLINE, ask};
use crate::store::postgres::schema::{MIGRATIONS, Migration, NEWEST, migrate};
use crate::store::suite::places::Database;
use crate::store::{Migrated, StoreError};

/// Adds a column, a table and an index, and takes nothing away.
const SQL: &str = "ALTER TABLE tenant ADD COLUMN colour TEXT;
    ALTER TABLE application ADD COLUMN colour TEXT;
    ALTER TABLE application_scope ADD COLUMN colour TEXT DEFAULT 'blue';
    ALTER TABLE credential ADD COLUMN colour TEXT;
    ALTER TABLE signing_key ADD COLUMN colour TEXT;
    ALTER TABLE audit_event ADD COLUMN colour TEXT;
    ALTER TABLE change ADD COLUMN colour TEXT;
    ALTER TABLE statistic ADD COLUMN colour TEXT;
    ALTER TABLE refusal ADD COLUMN colour TEXT;
    CREATE TABLE colour (tenant_id TEXT COLLATE \"C\" NOT NULL REFERENCES tenant (id) ON DELETE CASCADE, name TEXT);
    CREATE INDEX colour_by_tenant ON colour (tenant_id);";

/// Migrates as that release does, which says with which programs its schema works.
pub(in crate::store) async fn migrate_to_it(
    database: &Database,
    works_with: u32,
) -> Result<Migrated, StoreError> {
    let next = Migration { sql: SQL, works_with };
    let all: &'static [Migration] = Vec::leak([MIGRATIONS, &[next]].concat());
    assert_eq!(all.len(), usize::try_from(NEWEST).unwrap() + 1);
    let store = Postgres::reach(&database.access(), false)?;
    ask(&store.administrators, CHANGE_DEADLINE, move |session| migrate(session, all)).await
}
