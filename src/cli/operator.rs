//! `chancery operator …`: people who administer through the admin API.
//! Not for: programs that do; those are applications with scopes of the admin API (`app.rs`).

use serde_json::Value;

use super::output::Output;
use super::settings::list;
use super::{Failure, Global, workspace};
use crate::admin::operators::{self, OperatorChange};
use crate::admin::view::OperatorView;
use crate::admin::{self, Admin};
use crate::domain::operator::Operator;
use crate::domain::tenant::Tenant;

/// What an operator may do of whom nothing else is said: everything in its tenant.
const DEFAULT_SCOPES: [&str; 2] = ["admin:read", "admin:write"];

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add somebody who administers, and print the secret, this once
    Add {
        /// What they sign in with: letters, digits and . _ - @ +
        name: String,
        /// A scope of the admin API; once for each; admin:read and admin:write unless given
        #[arg(long, value_name = "SCOPE")]
        scope: Vec<String>,
        /// For every tenant, and the tenants themselves, instead of one tenant
        #[arg(long)]
        platform: bool,
    },
    /// List the operators of every tenant, or of the one that --tenant names
    List,
    /// Show an operator
    Show {
        /// Its name
        name: String,
    },
    /// Change an operator; a list replaces the whole list
    Set {
        /// Its name
        name: String,
        /// A disabled operator may do nothing
        #[arg(long, value_name = "BOOL")]
        enabled: Option<bool>,
        /// A scope of the admin API; once for each
        #[arg(long, value_name = "SCOPE")]
        scope: Vec<String>,
    },
    /// Remove an operator
    Remove {
        /// Its name
        name: String,
    },
    /// Give an operator a new secret in place of the old one, and print it, this once
    RenewSecret {
        /// Its name
        name: String,
    },
}

pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    if let Command::Add { name, scope, platform } = command {
        return add(global, &name, &scope, platform).await;
    }
    let admin = workspace::open(&workspace::settings(global, Vec::new())?).await?;
    let tenants = admin.store.tenants().await?;
    let view = |operator: &Operator| {
        OperatorView::new(operator, tenants.iter().find(|tenant| Some(tenant.id) == operator.tenant))
    };
    // Names are unique whatever the tenant, and whoever works on the store itself may see all of them.
    let within = named_tenant(global, &admin).await?;
    let within = within.as_ref();
    let operator = match command {
        Command::List | Command::Add { .. } => {
            let all = operators::list(&admin, within).await?;
            let shown: Vec<_> = all.iter().map(|one| shown(global.output, &view(one))).collect();
            return global.output.many(&shown, &["name", "tenant", "scopes", "enabled", "created_at"]);
        }
        Command::RenewSecret { name } => {
            let (operator, secret) = operators::renew_secret(&admin, within, &name).await?;
            let view = view(&operator).with_secret(secret.expose().to_owned());
            return global.output.one(&shown(global.output, &view));
        }
        Command::Show { name } => operators::find(&admin, within, &name).await?,
        Command::Set { name, enabled, scope } => {
            let change = OperatorChange { scopes: list(&scope, |name| Ok(name.to_owned()))?, enabled };
            operators::change(&admin, within, &name, change).await?
        }
        Command::Remove { name } => operators::remove(&admin, within, &name).await?,
    };
    global.output.one(&shown(global.output, &view(&operator)))
}

async fn add(global: &Global, name: &str, scope: &[String], platform: bool) -> Result<(), Failure> {
    if platform && global.tenant.is_some() {
        return Err(Failure::new(
            "an operator is for one tenant or for all: leave out --platform, or --tenant (CHANCERY_TENANT)",
        ));
    }
    let (admin, tenant) = if platform {
        (workspace::open(&workspace::settings(global, Vec::new())?).await?, None)
    } else {
        let (admin, tenant) = workspace::open_tenant(global).await?;
        (admin, Some(tenant))
    };
    let scopes = list(scope, |name| Ok(name.to_owned()))?;
    let scopes = scopes.unwrap_or_else(|| DEFAULT_SCOPES.map(str::to_owned).to_vec());
    let (operator, secret) = operators::add(&admin, tenant.as_ref(), name, scopes).await?;
    let view = OperatorView::new(&operator, tenant.as_ref()).with_secret(secret.expose().to_owned());
    global.output.one(&shown(global.output, &view))
}

/// The tenant that was named; none stands for all of them.
async fn named_tenant(global: &Global, admin: &Admin) -> Result<Option<Tenant>, Failure> {
    match &global.tenant {
        Some(name) => Ok(Some(admin::tenant(admin, name).await?)),
        None => Ok(None),
    }
}

/// People would read a tenant that is absent as less, where it is more.
fn shown(output: Output, view: &OperatorView) -> Value {
    let mut value = serde_json::to_value(view).unwrap_or_default();
    if let (Output::Text, Some(tenant @ Value::Null)) = (output, value.get_mut("tenant")) {
        *tenant = "(every tenant)".into();
    }
    value
}
