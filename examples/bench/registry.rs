//! A store with a thousand applications, made through the same code as the command line.
//! Not for: measuring.

use std::path::Path;
use std::sync::Arc;

use chancery::admin::applications::{self, ApplicationChange, NewApplication};
use chancery::admin::credentials::Given;
use chancery::admin::{Actor, Admin, Terms, scopes, tenants};
use chancery::crypto::master::MasterKey;
use chancery::crypto::random::SystemRandom;
use chancery::crypto::secret::Secret;
use chancery::domain::application::ClientId;
use chancery::domain::scope::ScopeName;
use chancery::domain::tenant::{DEFAULT_TENANT, Host, IssuerUrl, Tenant};
use chancery::domain::time::SystemClock;
use chancery::keys::vault::Vault;
use chancery::store::Store;
use chancery::store::sqlite::Sqlite;

use super::Outcome;

const APPLICATIONS: u32 = 1_000;

/// The secret of every application here, of the form of those the server makes: a benchmark keeps none.
pub(super) const SECRET: &str = "chy_TheSecretOfTheBenchmarkIsKnownToEverybody00QMTHO2";

/// The application that asks for tokens.
pub(super) const CLIENT_ID: &str = "app-500";

/// The `client_id` of an application of this number.
pub(super) fn client_id(number: u32) -> String {
    format!("app-{number}")
}

/// What it asks for.
pub(super) const SCOPE: &str = "identity_proofing";

/// Fills `folder` with a store and its master key, and says how to go on.
pub(super) fn prepare(folder: &Path) -> Outcome<Admin> {
    let store = Arc::new(Sqlite::open(&folder.join("chancery.db"))?.0);
    let admin = administer(folder, store)?;
    tokio::runtime::Builder::new_current_thread().build()?.block_on(fill(&admin))?;
    Ok(admin)
}

/// What administers an empty store, under a master key that is new and in `folder`.
pub(super) fn administer(folder: &Path, store: Arc<dyn Store>) -> Outcome<Admin> {
    let master = MasterKey::generate(&SystemRandom);
    std::fs::write(folder.join("benchmark.key"), master.expose().as_bytes())?;
    Ok(Admin {
        store,
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(SystemRandom),
        vault: Arc::new(Vault::new(&master, Arc::new(SystemRandom))),
        experimental: false,
        actor: Actor::local("bench"),
        terms: Terms::default(),
    })
}

/// Adds three tenants with their applications.
pub(super) async fn fill(admin: &Admin) -> Outcome {
    for (algorithm, host) in [("ES256", "es256.localhost"), ("EdDSA", "eddsa.localhost")] {
        let (name, issuer) = (algorithm.to_ascii_lowercase(), IssuerUrl::parse(&format!("https://{host}"))?);
        let hosts = vec![Host::parse(host)?];
        let tenant = tenants::add(admin, &name, hosts, issuer, Some(algorithm)).await?;
        let scope = ScopeName::parse(SCOPE)?;
        scopes::add(admin, &tenant, scope.clone(), String::new()).await?;
        add_application(admin, &tenant, CLIENT_ID, vec![scope]).await?;
    }
    let issuer = IssuerUrl::parse("http://localhost")?;
    let tenant = tenants::add(admin, DEFAULT_TENANT, vec![Host::parse("localhost")?], issuer, None).await?;
    let scope = ScopeName::parse(SCOPE)?;
    scopes::add(admin, &tenant, scope.clone(), String::new()).await?;
    for number in 0..APPLICATIONS {
        add_application(admin, &tenant, &client_id(number), vec![scope.clone()]).await?;
    }
    Ok(())
}

/// Adds an application with the secret that all have.
pub(super) async fn add_application(
    admin: &Admin,
    tenant: &Tenant,
    client_id: &str,
    scopes: Vec<ScopeName>,
) -> Outcome {
    let new = NewApplication {
        name: format!("Application {client_id}"),
        client_id: Some(ClientId::parse(client_id)?),
        secret: Some(Given::Secret(Secret::new(SECRET.to_owned()))),
        settings: ApplicationChange { scopes: Some(scopes), ..ApplicationChange::default() },
        ..NewApplication::default()
    };
    applications::add(admin, tenant, new).await?;
    Ok(())
}
