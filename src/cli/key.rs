//! `chancery key …`.
//! Not for: keys of applications.

use std::sync::Arc;

use super::{Failure, Global, master_key, workspace};
use crate::admin::view::{KeyView, ResealedView, RevokedView};
use crate::admin::{keys, reseal};
use crate::keys::vault::Vault;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the signing keys of the tenant
    List,
    /// Make the next key now; it signs when every verifier can know it, in 8 minutes
    Rotate {
        /// What it is for [default: the tenant's algorithm]
        #[arg(long, value_name = "ALG")]
        algorithm: Option<String>,
    },
    /// Revoke a key that has leaked, at once: its tokens are refused, and another key signs
    Revoke {
        /// Its id
        kid: String,
    },
    /// Change the master key: seal the signing keys of every tenant under another one
    Reseal {
        /// The other master key: a file, or env:NAME [default: keys.master]
        #[arg(long, value_name = "FILE|env:NAME")]
        to: Option<String>,
    },
}

pub(super) async fn run(global: &Global, command: &Command) -> Result<(), Failure> {
    if let Command::Reseal { to } = command {
        return run_reseal(global, to.as_deref()).await;
    }
    let (admin, tenant) = workspace::open_tenant(global).await?;
    match command {
        Command::Rotate { algorithm } => {
            let key = keys::rotate(&admin, &tenant, algorithm.as_deref()).await?;
            global.output.one(&KeyView::new(&key))
        }
        Command::Revoke { kid } => {
            global.output.one(&RevokedView::new(&keys::revoke(&admin, &tenant, kid).await?))
        }
        Command::List | Command::Reseal { .. } => {
            let views: Vec<_> = keys::list(&admin, &tenant).await?.iter().map(KeyView::new).collect();
            let columns = ["kid", "algorithm", "state", "state_since", "signs_from", "published_until"];
            global.output.many(&views, &columns)
        }
    }
}

async fn run_reseal(global: &Global, to: Option<&str>) -> Result<(), Failure> {
    let to = to.map(|reference| master_key::named(reference, "--to")).transpose()?;
    let admin = workspace::open(&workspace::settings(global, Vec::new())?).await?;
    let named = to.map(|master| Vault::new(&master, Arc::clone(&admin.random)));
    let to = named.as_ref().unwrap_or(&admin.vault);
    let resealed = reseal::reseal(&admin, to).await?;
    global.output.one(&ResealedView::new(resealed, to.fingerprint()))
}
