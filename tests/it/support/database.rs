//! A PostgreSQL database that is nobody else's, on the server that `CHANCERY_TEST_POSTGRES` names.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::NoTls;

/// A database that is dropped with this.
pub(crate) struct Database {
    server: String,
    name: String,
}

impl Database {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        #[expect(clippy::disallowed_methods, reason = "tests are told where the server is")]
        let server = std::env::var("CHANCERY_TEST_POSTGRES").expect("scripts/postgres run sets it");
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let database = Self { server, name: format!("moved_{}_{number}", std::process::id()) };
        run(&database.server, &format!("CREATE DATABASE {} TEMPLATE template0", database.name)).unwrap();
        database
    }

    /// Its URL with the password.
    pub(crate) fn url(&self) -> String {
        format!("{}/{}", self.server.rsplit_once('/').unwrap().0, self.name)
    }

    /// Its URL without the password, and the password.
    pub(crate) fn url_and_password(&self) -> (String, String) {
        let url = self.url();
        let (user, place) = url.split_once('@').unwrap();
        let (user, password) = user.rsplit_once(':').unwrap();
        (format!("{user}@{place}"), password.to_owned())
    }

    /// Runs statements on it.
    pub(crate) fn run(&self, sql: &str) {
        run(&self.url(), sql).unwrap();
    }
}

impl Database {
    /// Whether nobody but who asks is connected to it.
    pub(crate) fn is_left(&self) -> bool {
        let name = &self.name;
        let sql = format!(
            "DO $$ BEGIN ASSERT (SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}') = 0; END $$"
        );
        run(&self.server, &sql).is_ok()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = run(&self.server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

fn run(url: &str, sql: &str) -> Result<(), tokio_postgres::Error> {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    // A test may be on a runtime of its own already.
    let running = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
            let driver = tokio::spawn(connection);
            client.batch_execute(&sql).await?;
            drop(client);
            let _ = driver.await;
            Ok(())
        })
    });
    running.join().unwrap()
}
