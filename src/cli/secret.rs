//! `chancery app secret …`.
//! Not for: the application itself (`app.rs`).

use super::{Failure, Global, input, workspace};
use crate::admin::credentials::Given;
use crate::admin::view::SecretView;
use crate::admin::{applications, credentials};
use crate::domain::time::parse_duration;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add a secret and print it, this once
    Add {
        /// The application
        client_id: String,
        /// What to call it
        #[arg(long, value_name = "TEXT")]
        label: Option<String>,
        /// How long it is good for, such as 90d; for ever unless given
        #[arg(long, value_name = "DURATION")]
        expires: Option<String>,
        /// Take the secret from standard input instead of making one
        #[arg(long)]
        secret_stdin: bool,
    },
    /// List the secrets of an application, without the secrets
    List {
        /// The application
        client_id: String,
    },
    /// Remove a secret
    Remove {
        /// The application
        client_id: String,
        /// The secret's id
        secret_id: String,
    },
}

pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    let (admin, tenant) = workspace::open_tenant(global).await?;
    match command {
        Command::Add { client_id, label, expires, secret_stdin } => {
            let given = if secret_stdin { Some(Given::Secret(input::secret_from_stdin()?)) } else { None };
            let expires = expires.as_deref().map(parse_duration).transpose()?;
            let new = credentials::NewSecret { label, expires, given };
            let (credential, secret) = credentials::add(&admin, &tenant, &client_id, new).await?;
            let view = SecretView::new(&credential, admin.now());
            global.output.one(&view.with_client_secret(secret.map(|secret| secret.expose().to_owned())))
        }
        Command::List { client_id } => {
            let registered = applications::find(&admin, &tenant, &client_id).await?;
            let now = admin.now();
            let views: Vec<_> = registered.credentials.iter().map(|one| SecretView::new(one, now)).collect();
            global
                .output
                .many(&views, &["id", "label", "live", "hash", "created_at", "expires_at", "last_used_at"])
        }
        Command::Remove { client_id, secret_id } => {
            let credential = credentials::remove(&admin, &tenant, &client_id, &secret_id).await?;
            global.output.one(&SecretView::new(&credential, admin.now()))
        }
    }
}
