//! `chancery app …`.
//! Not for: what an application may be (`admin/applications.rs`).

use super::{Failure, Global, input, secret, workspace};
use crate::admin::applications::{self, ApplicationChange, NewApplication};
use crate::admin::view::ApplicationView;
use crate::domain::Invalid;
use crate::domain::application::{ApplicationType, AuthMethod, ClientId, GrantType};
use crate::domain::scope::ScopeName;
use crate::domain::time::parse_duration;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Register an application and print its secret, this once
    Add {
        /// What people call it
        #[arg(long, value_name = "NAME")]
        name: String,
        /// m2m, web, spa or native
        #[arg(long = "type", value_name = "TYPE", default_value = "m2m")]
        kind: String,
        #[command(flatten)]
        settings: Settings,
        /// Its client id; the server makes one unless given
        #[arg(long, value_name = "ID")]
        client_id: Option<String>,
        /// Take its secret from standard input instead of making one
        #[arg(long)]
        secret_stdin: bool,
    },
    /// List the applications of the tenant
    List,
    /// Show an application
    Show {
        /// Its client id
        client_id: String,
    },
    /// Change an application; a list replaces the whole list
    Set {
        /// Its client id
        client_id: String,
        /// What people call it
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// A disabled application gets no tokens
        #[arg(long, value_name = "BOOL")]
        enabled: Option<bool>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Remove an application with its secrets
    Remove {
        /// Its client id
        client_id: String,
    },
    /// Its secrets: rotate by adding one, moving the callers, removing the old
    #[command(subcommand)]
    Secret(secret::Command),
}

/// What can be given when an application is added and when it is changed. An empty value empties a list.
#[derive(Debug, clap::Args)]
pub(super) struct Settings {
    /// A scope it may ask for; once for each
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// A scope it gets when it asks for none; once for each; all it may ask for unless given
    #[arg(long, value_name = "SCOPE")]
    default_scope: Vec<String>,
    /// A grant it may use; once for each; the client credentials grant unless given
    #[arg(long, value_name = "GRANT")]
    grant: Vec<String>,
    /// A way it may prove itself; once for each; the secret by Basic and in the form unless given
    #[arg(long, value_name = "METHOD")]
    auth_method: Vec<String>,
    /// How long its tokens live, 60s to 24h [default: 5m]
    #[arg(long, value_name = "DURATION")]
    token_lifetime: Option<String>,
}

impl Settings {
    fn to_change(&self, name: Option<String>, enabled: Option<bool>) -> Result<ApplicationChange, Invalid> {
        Ok(ApplicationChange {
            name,
            enabled,
            scopes: list(&self.scope, ScopeName::parse)?,
            default_scopes: list(&self.default_scope, ScopeName::parse)?,
            grants: list(&self.grant, GrantType::parse)?,
            auth_methods: list(&self.auth_method, AuthMethod::parse)?,
            token_lifetime: self.token_lifetime.as_deref().map(parse_duration).transpose()?,
        })
    }
}

/// `None` when the option was not given; the empty list when it was given once, empty.
fn list<T>(values: &[String], parse: impl Fn(&str) -> Result<T, Invalid>) -> Result<Option<Vec<T>>, Invalid> {
    match values {
        [] => Ok(None),
        [empty] if empty.is_empty() => Ok(Some(Vec::new())),
        values => values.iter().map(|value| parse(value)).collect::<Result<_, _>>().map(Some),
    }
}

pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    let command = match command {
        Command::Secret(command) => return secret::run(global, command).await,
        other => other,
    };
    let (admin, tenant) = workspace::open_tenant(global).await?;
    let registered = match command {
        Command::Add { name, kind, settings, client_id, secret_stdin } => {
            let new = NewApplication {
                settings: settings.to_change(None, None)?,
                name,
                kind: Some(ApplicationType::parse(&kind)?),
                client_id: client_id.as_deref().map(ClientId::parse).transpose()?,
                secret: if secret_stdin { Some(input::secret_from_stdin()?) } else { None },
            };
            let (registered, secret) = applications::add(&admin, &tenant, new).await?;
            let secret = secret.map(|secret| secret.expose().to_owned());
            return global
                .output
                .one(&ApplicationView::new(&registered.application).with_client_secret(secret));
        }
        Command::List => {
            let all = applications::list(&admin, &tenant).await?;
            let views: Vec<_> = all.iter().map(|one| ApplicationView::new(&one.application)).collect();
            return global.output.many(&views, &["client_id", "name", "type", "enabled", "scopes"]);
        }
        Command::Show { client_id } => applications::find(&admin, &tenant, &client_id).await?,
        Command::Set { client_id, name, enabled, settings } => {
            let change = settings.to_change(name, enabled)?;
            applications::change(&admin, &tenant, &client_id, change).await?
        }
        Command::Remove { client_id } => applications::remove(&admin, &tenant, &client_id).await?,
        Command::Secret(_) => return Ok(()),
    };
    global.output.one(&ApplicationView::new(&registered.application).with_secrets(&registered, admin.now()))
}
