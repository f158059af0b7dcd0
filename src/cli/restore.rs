//! `chancery restore`: fills an empty store from a backup.
//! Not for: making one (`backup.rs`).

use std::path::PathBuf;

use super::copying::{self, CopyView, Names};
use super::{Failure, Global, workspace};
use crate::config::StoreUrl;
use crate::store::copy::{self, Purpose};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The backup
    file: PathBuf,
    /// Go on although the audit in the backup is broken, and keep it as it is
    #[arg(long)]
    accept_broken_audit: bool,
}

pub(super) async fn run(global: &Global, arguments: &Arguments) -> Result<(), Failure> {
    let settings = workspace::settings(global, Vec::new())?;
    let backup = StoreUrl::Sqlite(copying::absolute(&arguments.file));
    let mut from = copying::open(&backup, Purpose::Snapshot).await?;
    // Looked at before a store is made, so that a wrong name leaves nothing behind.
    copy::check_from(from.session.as_mut()).await?;
    let mut to = copying::open(&settings.storage.url, Purpose::Fill).await?;
    let copied = copying::copier(global, arguments.accept_broken_audit).restore(&mut from, &mut to).await?;
    let master_key = "not in the backup: keys.master must name the key that the backed-up store had";
    let next = "run 'chancery doctor', then start the servers; tokens that were revoked after the backup are good again \
                until they end: see docs/operate/backup.md"
        .to_owned();
    global.output.one(&CopyView::new(&Names { from: &from.name, to: &to.name }, &copied, master_key, next))
}
