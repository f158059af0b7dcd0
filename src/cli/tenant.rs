//! `chancery tenant …`.
//! Not for: which tenant other commands mean (`--tenant`).

use super::settings::{QuotaFlags, usual_quota};
use super::{Failure, Global, workspace};
use crate::admin::view::TenantView;
use crate::admin::{self, tenants};
use crate::domain::tenant::{Host, IssuerUrl};
use crate::domain::time::parse_duration;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add a tenant, with its first signing key
    Add {
        /// Its name: lower-case letters, digits and hyphens
        name: String,
        /// A host name that reaches it; once for each
        #[arg(long, required = true, value_name = "HOST")]
        host: Vec<String>,
        /// What its tokens say in iss
        #[arg(long, value_name = "URL")]
        issuer: String,
        /// What its tokens are signed with unless an API asks for another [default: RS256]
        #[arg(long, value_name = "ALG")]
        algorithm: Option<String>,
        #[command(flatten)]
        quota: QuotaFlags,
    },
    /// List all tenants
    List,
    /// Show a tenant
    Show {
        /// Its name
        name: String,
    },
    /// Change a tenant
    Set {
        /// Its name
        name: String,
        /// A disabled tenant issues no tokens
        #[arg(long, value_name = "BOOL")]
        enabled: Option<bool>,
        /// The host names that reach it; all of them, once for each
        #[arg(long, value_name = "HOST")]
        host: Vec<String>,
        /// What its tokens say in iss
        #[arg(long, value_name = "URL")]
        issuer: Option<String>,
        /// What its tokens are signed with unless an API asks for another
        #[arg(long, value_name = "ALG")]
        algorithm: Option<String>,
        /// How long a signing key signs before the next one takes its place, 1d to 3660d
        #[arg(long, value_name = "DURATION")]
        key_period: Option<String>,
        #[command(flatten)]
        quota: QuotaFlags,
    },
    /// Remove a tenant with everything in it: applications, secrets, scopes, keys
    Remove {
        /// Its name
        name: String,
    },
}

pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    let admin = workspace::open(&workspace::settings(global, Vec::new())?).await?;
    let hosts = |host: Vec<String>| host.iter().map(|host| Host::parse(host)).collect::<Result<Vec<_>, _>>();
    let tenant = match command {
        Command::List => {
            let views: Vec<_> = admin.store.tenants().await?.iter().map(TenantView::new).collect();
            return global.output.many(&views, &["name", "issuer", "hosts", "enabled"]);
        }
        Command::Add { name, host, issuer, algorithm, quota } => {
            let issuer = IssuerUrl::parse(&issuer)?;
            let (hosts, quota) = (hosts(host)?, quota.to_change()?);
            tenants::add_new(&admin, tenants::NewTenant { name, hosts, issuer, algorithm, quota }).await?
        }
        Command::Show { name } => admin::tenant(&admin, &name).await?,
        Command::Set { name, enabled, host, issuer, algorithm, key_period, quota } => {
            let hosts = if host.is_empty() { None } else { Some(hosts(host)?) };
            let issuer = issuer.as_deref().map(IssuerUrl::parse).transpose()?;
            let key_period = key_period.as_deref().map(parse_duration).transpose()?;
            let quota = quota.to_change()?;
            let change = tenants::TenantChange { hosts, issuer, enabled, algorithm, key_period, quota };
            tenants::change(&admin, &name, change).await?
        }
        Command::Remove { name } => tenants::remove(&admin, &name).await?,
    };
    global.output.one_but(&TenantView::new(&tenant), &usual_quota())
}
