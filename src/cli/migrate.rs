//! `chancery migrate`: brings the store's schema up to date, as `serve` does when it starts.
//! Not for: moving between stores.

use serde_json::json;

use super::{Failure, Global, workspace};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Check the data as well: of SQLite its integrity and every reference, of PostgreSQL that its own checks are on
    #[arg(long)]
    check: bool,
}

pub(super) async fn run(global: &Global, arguments: &Arguments) -> Result<(), Failure> {
    let settings = workspace::settings(global, Vec::new())?;
    let (store, migrated) = workspace::open_store(&settings).await?;
    let mut report = json!({ "from": migrated.from, "to": migrated.to });
    if arguments.check {
        let health = store.check().await?;
        if !health.damage.is_empty() {
            return Err(Failure::new(format!(
                "the store is damaged: {}; restore a backup",
                health.damage.join("; ")
            )));
        }
        if let Some(members) = report.as_object_mut() {
            members.insert("check".to_owned(), "ok".into());
        }
    }
    global.output.one(&report)
}
