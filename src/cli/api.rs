//! `chancery api …`.
//! Not for: what an API may be (`admin/apis.rs`).

use super::settings::{TokenFlags, change, list};
use super::{Failure, Global, workspace};
use crate::admin::apis::{self, ApiChange};
use crate::admin::view::ApiView;
use crate::domain::Invalid;
use crate::domain::api::ApiIdentifier;
use crate::domain::scope::ScopeName;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add an API: a resource server that tokens are meant for
    Add {
        /// Its identifier, an absolute URI: what its tokens say in aud
        identifier: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// List the APIs of the tenant
    List {
        /// The server's own, too
        #[arg(long)]
        all: bool,
    },
    /// Show an API
    Show {
        /// Its identifier
        identifier: String,
    },
    /// Change an API; a list replaces the whole list
    Set {
        /// Its identifier
        identifier: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Remove an API, with its scopes, that no application has to do with
    Remove {
        /// Its identifier
        identifier: String,
    },
}

/// What can be given when an API is added and when it is changed. An empty value empties a list.
#[derive(Debug, clap::Args)]
pub(super) struct Settings {
    /// What people call it
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A scope it defines; once for each
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// What its tokens are signed with [default: the tenant's]
    #[arg(long, value_name = "ALG")]
    algorithm: Option<String>,
    #[command(flatten)]
    token: TokenFlags,
}

impl Settings {
    fn to_change(&self) -> Result<ApiChange, Invalid> {
        Ok(ApiChange {
            name: self.name.clone(),
            scopes: list(&self.scope, ScopeName::parse)?,
            token: self.token.to_change()?,
            algorithm: change(self.algorithm.as_deref(), |name| Ok(name.to_owned()))?,
        })
    }
}

pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    let (admin, tenant) = workspace::open_tenant(global).await?;
    let described = match command {
        Command::List { all } => {
            let apis = apis::list(&admin, &tenant).await?;
            let shown = apis.iter().filter(|one| all || !one.api.identifier.is_ours());
            let views: Vec<_> = shown.map(ApiView::new).collect();
            return global
                .output
                .many(&views, &["identifier", "name", "algorithm", "token_profile", "scopes"]);
        }
        Command::Add { identifier, settings } => {
            apis::add(&admin, &tenant, ApiIdentifier::parse(&identifier)?, settings.to_change()?).await?
        }
        Command::Show { identifier } => apis::find(&admin, &tenant, &identifier).await?,
        Command::Set { identifier, settings } => {
            apis::change(&admin, &tenant, &identifier, settings.to_change()?).await?
        }
        Command::Remove { identifier } => apis::remove(&admin, &tenant, &identifier).await?,
    };
    global.output.one(&ApiView::new(&described))
}
