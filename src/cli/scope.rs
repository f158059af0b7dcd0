//! `chancery scope …`.
//! Not for: granting scopes (`chancery app`).

use super::{Failure, Global, workspace};
use crate::admin::scopes;
use crate::admin::view::ScopeView;
use crate::domain::api::ApiIdentifier;
use crate::domain::scope::{Scope, ScopeName};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add a scope
    Add {
        /// Its name, as callers ask for it
        name: String,
        /// What it permits, for people
        #[arg(long, value_name = "TEXT", default_value = "")]
        description: String,
        /// The API that defines it; the whole tenant's unless given
        #[arg(long, value_name = "IDENTIFIER")]
        api: Option<String>,
    },
    /// List the scopes of the tenant
    List {
        /// Those of the server's own APIs, too
        #[arg(long)]
        all: bool,
    },
    /// Show a scope
    Show {
        /// Its name
        name: String,
    },
    /// Change a scope
    Set {
        /// Its name
        name: String,
        /// What it permits, for people
        #[arg(long, value_name = "TEXT")]
        description: String,
    },
    /// Remove a scope that no application is granted
    Remove {
        /// Its name
        name: String,
    },
}

pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    let (admin, tenant) = workspace::open_tenant(global).await?;
    let scope = match command {
        Command::List { all } => {
            let scopes = admin.store.scopes(tenant.id).await?;
            let is_ours = |scope: &Scope| scope.api.as_ref().is_some_and(ApiIdentifier::is_ours);
            let shown = scopes.iter().filter(|scope| all || !is_ours(scope));
            let views: Vec<_> = shown.map(ScopeView::new).collect();
            return global.output.many(&views, &["name", "api", "description"]);
        }
        Command::Add { name, description, api } => {
            let api = api.as_deref().map(ApiIdentifier::parse).transpose()?;
            scopes::add_to(&admin, &tenant, ScopeName::parse(&name)?, description, api).await?
        }
        Command::Show { name } => scopes::find(&admin, &tenant, &name).await?,
        Command::Set { name, description } => scopes::change(&admin, &tenant, &name, description).await?,
        Command::Remove { name } => scopes::remove(&admin, &tenant, &name).await?,
    };
    global.output.one(&ScopeView::new(&scope))
}
