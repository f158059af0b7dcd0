//! What a PostgreSQL server says of itself, for whoever looks after it.
//! Not for: what is stored in it (`schema.rs`).

use super::error::Trouble;
use super::row::{self, values};
use super::session::Link;

/// What can be said of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its version, how it is reached, and when it says that something is done.
    pub summary: String,
    /// What somebody should look at.
    pub warnings: Vec<String>,
}

pub(super) async fn ask(session: Link) -> Result<About, Trouble> {
    let sql = "SELECT current_setting('server_version') AS version, current_setting('synchronous_commit') AS commits,
                   current_setting('fsync')::boolean AND current_setting('full_page_writes')::boolean AS is_durable,
                   pg_is_in_recovery() AS is_standby,
                   coalesce((SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl), 'no TLS') AS tls";
    let found = session.rows(sql, values![], |row| {
        let text = |column| row::get::<String>(row, column);
        let (version, tls, commits) = (text("version")?, text("tls")?, text("commits")?);
        let standby = if row::get(row, "is_standby")? { ", a standby" } else { "" };
        let summary = format!("PostgreSQL {version}{standby}, {tls}, synchronous_commit {commits}");
        let mut warnings = Vec::new();
        if !row::get(row, "is_durable")? {
            warnings.push(
                "the database's fsync or full_page_writes is off: what it answered may be lost when its machine stops: \
                 switch both on"
                    .to_owned(),
            );
        }
        Ok(About { summary, warnings })
    });
    found.await?.pop().ok_or_else(|| Trouble::lost("the database gave no answer"))
}
