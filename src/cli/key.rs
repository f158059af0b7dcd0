//! `chancery key …`.
//! Not for: keys of applications.

use super::{Failure, Global, workspace};
use crate::admin::keys;
use crate::admin::view::KeyView;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the signing keys of the tenant
    List,
}

pub(super) async fn run(global: &Global, command: &Command) -> Result<(), Failure> {
    let (admin, tenant) = workspace::open_tenant(global).await?;
    match command {
        Command::List => {
            let views: Vec<_> = keys::list(&admin, &tenant).await?.iter().map(KeyView::new).collect();
            global.output.many(&views, &["kid", "algorithm", "state", "state_since"])
        }
    }
}
