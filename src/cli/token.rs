//! `chancery token …`: what a caller or a resource server does, for trying and finding out.
//! Not for: administering tokens; no store is opened here.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Failure, Global, input, output};
use crate::crypto::jws::Unverified;
use crate::domain::scope::ScopeName;
use crate::domain::time::{Clock, SystemClock};
use crate::http::client::{Caller, Client, Issuer};
use crate::oauth::jwks::{self, VerificationKey};
use crate::oauth::verify::{Expected, verify};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Get a token, as a calling service does
    Get {
        #[command(flatten)]
        server: ServerFlags,
        #[command(flatten)]
        caller: CallerFlags,
        /// A scope to ask for; once for each
        #[arg(long, value_name = "SCOPE")]
        scope: Vec<String>,
    },
    /// Show the header and claims of a token on standard input, without verifying it
    Inspect,
    /// Verify a token on standard input, as a resource server does
    Verify {
        #[command(flatten)]
        server: ServerFlags,
        /// The issuer's keys (JWKS), saved before; the issuer is not asked then
        #[arg(long, value_name = "FILE", conflicts_with = "ca")]
        jwks: Option<PathBuf>,
        /// Whom the token must be meant for
        #[arg(long, value_name = "AUDIENCE")]
        audience: Option<String>,
    },
    /// Ask the server about a token on standard input, as the application that has it or acts for an API it is for
    Introspect {
        #[command(flatten)]
        server: ServerFlags,
        #[command(flatten)]
        caller: CallerFlags,
    },
    /// Give a token on standard input back to the server, as the application that has it
    Revoke {
        #[command(flatten)]
        server: ServerFlags,
        #[command(flatten)]
        caller: CallerFlags,
    },
}

/// Which server to ask.
#[derive(Debug, clap::Args)]
pub(super) struct ServerFlags {
    /// The issuer, as in iss
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// CA certificates (PEM) to trust instead of the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// Who asks.
#[derive(Debug, clap::Args)]
pub(super) struct CallerFlags {
    /// The application
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// A file with its secret; the variable `CHANCERY_SECRET` otherwise
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

impl CallerFlags {
    fn read(self) -> Result<Caller, Failure> {
        let secret = input::secret_from_file_or_environment(self.secret_file.as_deref())?;
        Ok(Caller { client_id: self.client_id, secret })
    }
}

pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    match command {
        Command::Get { server, caller, scope } => {
            let caller = caller.read()?;
            let scopes = scope.iter().flat_map(|scope| scope.split(' ')).map(ScopeName::parse);
            let scopes = scopes.collect::<Result<Vec<_>, _>>()?;
            let issuer = Client::new(server.ca.as_deref())?.discover(&server.issuer).await?;
            let answer = issuer.token(&caller, &scopes).await?;
            global.output.one(&answer)
        }
        Command::Inspect => {
            let unverified = Unverified::parse(&input::token_from_stdin()?)
                .map_err(|why| Failure::new(why.to_string()))?;
            let claims = unverified.unverified_claims().map_err(|why| Failure::new(why.to_string()))?;
            let _ = writeln!(std::io::stderr(), "the signature was not verified");
            show(&json!({ "header": unverified.unverified_header(), "claims": claims }))
        }
        Command::Verify { server, jwks, audience } => {
            let (token, audience) = (input::token_from_stdin()?, audience.as_deref());
            if let Some(file) = jwks {
                return show(&judge(&token, &saved_keys(&file)?, &server.issuer, audience)?);
            }
            let issuer = Client::new(server.ca.as_deref())?.discover(&server.issuer).await?;
            show(&verify_with(&issuer, &token, audience).await?)
        }
        Command::Introspect { server, caller } => {
            let (caller, token) = (caller.read()?, input::token_from_stdin()?);
            let issuer = Client::new(server.ca.as_deref())?.discover(&server.issuer).await?;
            global.output.one(&issuer.introspect(&caller, &token).await?)
        }
        Command::Revoke { server, caller } => {
            let (caller, token) = (caller.read()?, input::token_from_stdin()?);
            let issuer = Client::new(server.ca.as_deref())?.discover(&server.issuer).await?;
            issuer.revoke(&caller, &token).await?;
            global.output.one(&json!({ "revoked": true }))
        }
    }
}

/// Verifies a token with the keys its issuer publishes; header and claims when it may be relied on.
pub(super) async fn verify_with(
    issuer: &Issuer,
    token: &str,
    audience: Option<&str>,
) -> Result<Value, Failure> {
    judge(token, &issuer.keys().await?, issuer.name(), audience)
}

fn judge(
    token: &str,
    keys: &[VerificationKey],
    issuer: &str,
    audience: Option<&str>,
) -> Result<Value, Failure> {
    let expected = Expected { issuer, audience, now: SystemClock::new().now() };
    let verified =
        verify(token, keys, expected).map_err(|why| Failure::new(format!("the token is refused: {why}")))?;
    Ok(json!({ "header": verified.header, "claims": verified.claims }))
}

/// The keys of a JWKS that was saved.
fn saved_keys(file: &Path) -> Result<Vec<VerificationKey>, Failure> {
    let failed = |why: &dyn std::fmt::Display| Failure::new(format!("{}: {why}", file.display()));
    let text = std::fs::read(file).map_err(|error| failed(&error))?;
    let document = serde_json::from_slice(&text).map_err(|_| failed(&"it is not JSON"))?;
    jwks::read(&document).ok_or_else(|| failed(&"it is no JWKS"))
}

/// A token reads the same to people and programs.
fn show(value: &Value) -> Result<(), Failure> {
    output::write(&format!("{value:#}\n"))
}
