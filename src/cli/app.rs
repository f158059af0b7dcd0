//! `chancery app …`.
//! Not for: what an application may be (`admin/applications.rs`).

use serde_json::{Map, Value, json};

use super::settings::{QuotaFlags, TokenFlags, change, list, usual_quota};
use super::{Failure, Global, input, secret, workspace};
use crate::admin::applications::{self, ApplicationChange, NewApplication};
use crate::admin::credentials::Given;
use crate::admin::view::ApplicationView;
use crate::domain::Invalid;
use crate::domain::api::ApiIdentifier;
use crate::domain::application::{Application, ApplicationType, AuthMethod, ClientId, GrantType};
use crate::domain::scope::{ScopeName, ScopeSet};
use crate::domain::token::{DEFAULT_TOKEN_LIFETIME, ReuseShare, StaticClaims};

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
    /// Refuse every token issued to it until now, where tokens are asked about
    RevokeTokens {
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
    /// An API it may have tokens for without any of its scopes; once for each
    #[arg(long, value_name = "IDENTIFIER")]
    api: Vec<String>,
    /// The API its tokens are for when a request chooses none
    #[arg(long, value_name = "IDENTIFIER")]
    default_api: Option<String>,
    /// An API it is the resource server of: it may ask about tokens for it; once for each
    #[arg(long, value_name = "IDENTIFIER")]
    acts_for: Vec<String>,
    #[command(flatten)]
    token: TokenFlags,
    /// For how much of its lifetime a token is handed out again, in percent, 1 to 90 [default: each is a new one]
    #[arg(long, value_name = "PERCENT")]
    token_reuse_percent: Option<String>,
    #[command(flatten)]
    quota: QuotaFlags,
    /// A claim that all its tokens have, the value in JSON or else as text; once for each
    #[arg(long, value_name = "NAME=VALUE")]
    claim: Vec<String>,
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
            apis: list(&self.api, ApiIdentifier::parse)?,
            default_api: change(self.default_api.as_deref(), ApiIdentifier::parse)?,
            acts_for: list(&self.acts_for, ApiIdentifier::parse)?,
            token: self.token.to_change()?,
            token_reuse: change(self.token_reuse_percent.as_deref(), ReuseShare::parse)?,
            quota: self.quota.to_change()?,
            claims: list(&self.claim, claim)?.map(distinct_claims).transpose()?,
        })
    }
}

/// A claim as it was given: a name, and a value in JSON, or else text.
fn claim(text: &str) -> Result<(String, Value), Invalid> {
    let (name, value) =
        text.split_once('=').ok_or_else(|| Invalid("a claim is given as NAME=VALUE".to_owned()))?;
    Ok((name.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| value.into())))
}

fn distinct_claims(given: Vec<(String, Value)>) -> Result<StaticClaims, Invalid> {
    let mut members = Map::new();
    for (name, value) in given {
        if members.insert(name.clone(), value).is_some() {
            return Err(Invalid(format!("claim {name:?} is given twice")));
        }
    }
    StaticClaims::new(members)
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
                secret: if secret_stdin { Some(Given::Secret(input::secret_from_stdin()?)) } else { None },
            };
            let (registered, secret) = applications::add(&admin, &tenant, new).await?;
            let (application, secret) = (&registered.application, secret.map(|one| one.expose().to_owned()));
            let view = ApplicationView::new(application).with_client_secret(secret);
            return global.output.one_but(&view, &usual(application));
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
        Command::RevokeTokens { client_id } => {
            applications::revoke_tokens(&admin, &tenant, &client_id).await?
        }
        Command::Remove { client_id } => applications::remove(&admin, &tenant, &client_id).await?,
        Command::Secret(_) => return Ok(()),
    };
    let application = &registered.application;
    let view = ApplicationView::new(application).with_secrets(&registered, admin.now());
    global.output.one_but(&view, &usual(application))
}

/// How an application of which nothing more is said is shown: most are so, and people look for what is different.
fn usual(application: &Application) -> Value {
    let confidential = application.kind.is_confidential();
    let usual = |names: &[&str]| if confidential { json!(names) } else { json!([]) };
    let scopes = ScopeSet::names(&application.scopes).iter().map(ScopeName::as_str);
    let mut usual = json!({
        "client_secret_expires_at": 0,
        "default_scopes": scopes.collect::<Vec<_>>(),
        "grants": usual(&[GrantType::ClientCredentials.as_str()]),
        "auth_methods": usual(&AuthMethod::ALL.map(AuthMethod::as_str)),
        "apis": [],
        "default_api": null,
        "acts_for": [],
        "token_lifetime": DEFAULT_TOKEN_LIFETIME.as_secs(),
        "token_profile": null,
        "nbf_backdating": null,
        "token_reuse_percent": null,
        "claims": {},
        "tokens_revoked_before": null,
    });
    if let (Some(usual), Value::Object(quota)) = (usual.as_object_mut(), usual_quota()) {
        usual.extend(quota);
    }
    usual
}
