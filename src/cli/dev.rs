//! `chancery dev`: everything at once, to see it work: a demo application, a server, a token.
//! Not for: production; the demo application's secret lies in a file beside the store.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::pin::pin;

use super::{Failure, Global, flags::ServeFlags, log, output, serve, signal, token, workspace};
use crate::admin::applications::{self, ApplicationChange, NewApplication};
use crate::admin::{self, Admin, AdminError, credentials, scopes};
use crate::config::{Destination, Settings};
use crate::crypto::secret::Secret;
use crate::domain::application::ClientId;
use crate::domain::credential::Credential;
use crate::domain::scope::ScopeName;
use crate::domain::tenant::{DEFAULT_TENANT, Tenant};
use crate::http::client::{Caller, Client};
use crate::http::stop::Stop;

const CLIENT_ID: &str = "demo";
const SCOPE: &str = "identity_proofing";

pub(super) fn run(global: &Global, flags: &ServeFlags) -> Result<(), Failure> {
    let mut given = flags.given();
    // People watch this; they want to see trouble, not that all is well.
    if !given.iter().any(|(name, _)| name == "log.level") {
        given.push(("log.level".to_owned(), "warn".to_owned()));
    }
    let settings = workspace::settings(global, given)?;
    if settings.issuance.to == Destination::StandardOutput {
        return Err(Failure::new(
            "issuance.to: dev shows text on standard output; name a file, or use serve for lines on standard output",
        ));
    }
    log::start(settings.log);
    serve::runtime()?.block_on(async {
        let listeners = serve::listen(&settings.listen)?;
        let address = listeners.public_address.to_string();
        let admin = workspace::open(&settings).await?;
        workspace::ensure_default_tenant(&admin, &settings, &address).await?;
        let tenant = admin::tenant(&admin, DEFAULT_TENANT).await?;
        let secret = ensure_demo(&admin, &tenant, &settings).await?;
        let (mut signalled, (shown, mut over)) = (signal::stop_channel()?, Stop::new());
        let (stopper, stop) = Stop::new();
        tokio::spawn(async move {
            tokio::select! {
                () = signalled.said() => {}
                () = over.said() => {}
            }
            stopper.stop();
        });
        let origin = format!("{}://{address}", if settings.listen.tls.is_some() { "https" } else { "http" });
        let mut serving = pin!(serve::serve(&settings, listeners, admin, stop.clone()));
        tokio::select! {
            served = &mut serving => served,
            // What a server says that is cut off is not what went wrong.
            failed = show(&settings, &tenant, &origin, &secret, stop) => {
                shown.stop();
                let served = serving.await;
                failed.and(served)
            }
        }
    })
}

/// The demo application with its scope and a secret, made where they are absent.
async fn ensure_demo(admin: &Admin, tenant: &Tenant, settings: &Settings) -> Result<Secret, Failure> {
    let scope = ScopeName::parse(SCOPE)?;
    match scopes::add(admin, tenant, scope.clone(), "See that a person is who they say".to_owned()).await {
        Ok(_) | Err(AdminError::Conflict(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let file = settings.storage.data.join("demo-secret");
    let kept = fs::read_to_string(&file).ok().map(|text| Secret::new(text.trim().to_owned()));
    let registered = admin.store.application(tenant.id, CLIENT_ID).await?;
    if let (Some(secret), Some(registered)) = (kept, &registered) {
        let (application, now) = (registered.application.id, admin.now());
        let digest = |under: &str| admin.vault.digest(under, application, &secret);
        let is_kept = |one: &Credential| {
            one.is_live(now) && one.keyed().is_some_and(|keyed| keyed.digest.matches(&digest(&keyed.under)))
        };
        if registered.credentials.iter().any(is_kept) {
            return Ok(secret);
        }
    }
    let secret = if registered.is_some() {
        let label = Some("made by chancery dev".to_owned());
        let new = credentials::NewSecret { label, ..credentials::NewSecret::default() };
        let (_, secret) = credentials::add(admin, tenant, CLIENT_ID, new).await?;
        secret
    } else {
        let new = NewApplication {
            name: "Demo".to_owned(),
            client_id: Some(ClientId::parse(CLIENT_ID)?),
            settings: ApplicationChange { scopes: Some(vec![scope]), ..ApplicationChange::default() },
            ..NewApplication::default()
        };
        applications::add(admin, tenant, new).await?.1
    };
    let secret = secret.ok_or_else(|| Failure::new("the demo application has no secret"))?;
    keep(&file, &secret)?;
    Ok(secret)
}

/// Keeps the demo secret, readable by its owner alone.
fn keep(file: &PathBuf, secret: &Secret) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::new(format!("{}: {error}", file.display()));
    let _ = fs::remove_file(file);
    let mut open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(failed)?;
    writeln!(open, "{}", secret.expose()).map_err(failed)
}

/// Gets a token over HTTP as any caller would, verifies it as any resource server would, and shows how.
async fn show(
    settings: &Settings,
    tenant: &Tenant,
    origin: &str,
    secret: &Secret,
    mut stop: Stop,
) -> Result<(), Failure> {
    let ca = settings.listen.tls.as_ref().map(|files| files.certificate.as_path());
    let issuer = Client::new(ca)?.at(tenant.issuer.as_str(), origin);
    let caller = Caller { client_id: CLIENT_ID.to_owned(), secret: secret.clone() };
    let answer = issuer.token(&caller, &[ScopeName::parse(SCOPE)?]).await?;
    let access_token = answer.get("access_token").and_then(serde_json::Value::as_str).unwrap_or_default();
    let decoded = token::verify_with(&issuer, access_token, Some(CLIENT_ID)).await?;
    output::write(&format!(
        "\
Chancery serves {origin} for the issuer {issuer}.

It answered a token request of the demo application with
{answer:#}

The token verifies with the keys at {origin}/oauth2/jwks and says
{decoded:#}

Get one yourself, from another terminal:

curl -s {origin}/oauth2/token -d grant_type=client_credentials -d client_id={CLIENT_ID} -d client_secret={secret} -d scope={SCOPE}

Ctrl-C stops the server. The data is in {data}.
",
        issuer = tenant.issuer,
        secret = secret.expose(),
        data = settings.storage.data.display(),
    ))?;
    stop.said().await;
    Ok(())
}
