//! Where each backend keeps one store that is nobody else's.
//! Not for: what is asked of it.

use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use super::Place;
use crate::crypto::random::SystemRandom;
use crate::domain::id::{RequestId, TenantId};
use crate::domain::time::Timestamp;
use crate::store::Store;
use crate::store::postgres::tests::next::migrate_to_it;
use crate::store::postgres::{self, Access, Address, Postgres};
use crate::store::sqlite::{self, Sqlite};

/// A file in a folder of its own.
pub(super) struct File(TempDir);

impl File {
    fn path(&self) -> PathBuf {
        self.0.path().join("store.db")
    }

    fn connect(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }
}

impl Place for File {
    const SCHEMA: u32 = sqlite::schema::NEWEST;

    async fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(Sqlite::open(&self.path()).unwrap().0)
    }

    async fn note_changes(&self, tenant: TenantId, count: i64) {
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
                   INSERT INTO change (tenant_id) SELECT ?1 FROM n";
        self.connect().execute(sql, rusqlite::params![tenant.to_string(), count]).unwrap();
    }

    async fn note_revoked(&self, tenant: TenantId, expires_at: Timestamp, count: i64) {
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?3)
                   INSERT INTO revoked_token SELECT ?1, ?2, hex(randomblob(18)) FROM n";
        let parameters = rusqlite::params![expires_at.as_millis(), tenant.to_string(), count];
        self.connect().execute(sql, parameters).unwrap();
    }

    async fn count_revoked(&self) -> i64 {
        self.connect().query_row("SELECT count(*) FROM revoked_token", [], |row| row.get(0)).unwrap()
    }

    async fn note_refusals(&self, tenant: TenantId, at: Timestamp, count: i64) {
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?3)
                   INSERT INTO refusal (request_id, at, tenant_id, endpoint, error, reason)
                   SELECT hex(randomblob(18)), ?1, ?2, 'token', 'invalid_client', 'why' FROM n";
        self.connect().execute(sql, rusqlite::params![at.as_millis(), tenant.to_string(), count]).unwrap();
    }

    async fn count_refusals(&self) -> i64 {
        self.connect().query_row("SELECT count(*) FROM refusal", [], |row| row.get(0)).unwrap()
    }
}

/// A database of its own, on the server that `CHANCERY_TEST_POSTGRES` names.
pub(in crate::store) struct Database {
    server: String,
    name: String,
}

impl Database {
    /// Makes an empty one.
    pub(in crate::store) async fn make() -> Self {
        #[expect(clippy::disallowed_methods, reason = "tests are told where the server is")]
        let server = std::env::var("CHANCERY_TEST_POSTGRES").expect("scripts/postgres run sets it");
        let name = format!("chancery_{}", RequestId::new(&SystemRandom).to_string().replace('-', "_"));
        let sql = format!("CREATE DATABASE {name} TEMPLATE template0");
        connect(&server).await.batch_execute(&sql).await.unwrap();
        Self { server, name }
    }

    /// Its URL.
    pub(in crate::store) fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').unwrap();
        format!("{server}/{}", self.name)
    }

    pub(in crate::store) fn access(&self) -> Access {
        Access { address: Address::parse(&self.url()).unwrap(), password: None, connections: 6 }
    }

    /// A connection that is none of the store's.
    pub(in crate::store) async fn connect(&self) -> Client {
        connect(&self.url()).await
    }

    async fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        self.connect().await.query_one(&sql, &[]).await.unwrap().get(0)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let server = self.server.clone();
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { drop(connect(&server).await.batch_execute(&sql).await) });
        });
        drop(dropping.join());
    }
}

/// A connection that is none of a store's.
pub(in crate::store) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A database that the next release has migrated.
pub(super) struct NextDatabase(Database);

impl Place for NextDatabase {
    const SCHEMA: u32 = postgres::schema::NEWEST + 1;

    async fn new() -> Self {
        let database = Database::make().await;
        migrate_to_it(&database, postgres::schema::NEWEST).await.unwrap();
        Self(database)
    }

    async fn open(&self) -> Arc<dyn Store> {
        self.0.open().await
    }

    async fn note_changes(&self, tenant: TenantId, count: i64) {
        self.0.note_changes(tenant, count).await;
    }

    async fn note_revoked(&self, tenant: TenantId, expires_at: Timestamp, count: i64) {
        self.0.note_revoked(tenant, expires_at, count).await;
    }

    async fn count_revoked(&self) -> i64 {
        self.0.count_revoked().await
    }

    async fn note_refusals(&self, tenant: TenantId, at: Timestamp, count: i64) {
        self.0.note_refusals(tenant, at, count).await;
    }

    async fn count_refusals(&self) -> i64 {
        self.0.count_refusals().await
    }
}

impl Place for Database {
    const SCHEMA: u32 = postgres::schema::NEWEST;

    async fn new() -> Self {
        Self::make().await
    }

    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(Postgres::open(&self.access()).await.unwrap().0)
    }

    async fn note_changes(&self, tenant: TenantId, count: i64) {
        let sql = "WITH noted AS (
                       INSERT INTO change (revision, tenant_id)
                       SELECT revision + n, $1 FROM head, generate_series(1, $2::bigint) AS n)
                   UPDATE head SET revision = revision + $2";
        self.connect().await.execute(sql, &[&tenant.to_string(), &count]).await.unwrap();
    }

    async fn note_revoked(&self, tenant: TenantId, expires_at: Timestamp, count: i64) {
        let sql = "INSERT INTO revoked_token SELECT $1, $2, gen_random_uuid()::text FROM generate_series(1, $3::bigint)";
        let client = self.connect().await;
        client.execute(sql, &[&expires_at.as_millis(), &tenant.to_string(), &count]).await.unwrap();
    }

    async fn count_revoked(&self) -> i64 {
        self.count("revoked_token").await
    }

    async fn note_refusals(&self, tenant: TenantId, at: Timestamp, count: i64) {
        let sql = "INSERT INTO refusal (request_id, at, tenant_id, endpoint, error, reason)
                   SELECT gen_random_uuid()::text, $1, $2, 'token', 'invalid_client', 'why'
                   FROM generate_series(1, $3::bigint)";
        let client = self.connect().await;
        client.execute(sql, &[&at.as_millis(), &tenant.to_string(), &count]).await.unwrap();
    }

    async fn count_refusals(&self) -> i64 {
        self.count("refusal").await
    }
}
