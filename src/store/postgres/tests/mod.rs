//! Tests of what is PostgreSQL's own; what every store does is in `store/suite`.

use std::sync::Arc;

use super::Postgres;
use crate::domain::tenant::Tenant;
use crate::store::Store;
use crate::store::suite::places::Database;
use crate::store::suite::sample;

mod changes;
mod migrating;
pub(in crate::store) mod next;
mod plans;
mod reaching;
mod server;
mod standby;
mod trouble;

/// An empty store in a database of its own.
async fn empty() -> (Database, Arc<dyn Store>) {
    let database = Database::make().await;
    let store = open(&database).await;
    (database, store)
}

/// A store with one tenant.
async fn with_tenant() -> (Database, Arc<dyn Store>, Tenant) {
    let (database, store) = empty().await;
    let tenant = sample::tenant("one");
    sample::add_tenant(&store, &tenant).await;
    (database, store, tenant)
}

async fn open(database: &Database) -> Arc<dyn Store> {
    Arc::new(Postgres::open(&database.access()).await.unwrap().0)
}

/// Ends every connection of the store, as a database does that stops.
async fn end_connections(database: &Database) {
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = 'chancery'";
    database.connect().await.execute(sql, &[]).await.unwrap();
}
