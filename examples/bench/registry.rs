//! A store with a thousand applications, made through the same code as the command line.
//! Not for: measuring.

use std::path::Path;
use std::sync::Arc;

use chancery::admin::applications::{self, ApplicationChange, NewApplication};
use chancery::admin::credentials::Given;
use chancery::admin::{self, Actor, Admin, Terms, scopes, tenants};
use chancery::crypto::algorithm::ALGORITHMS;
use chancery::crypto::master::MasterKey;
use chancery::crypto::random::SystemRandom;
use chancery::crypto::secret::Secret;
use chancery::domain::application::ClientId;
use chancery::domain::audit::AuditEvent;
use chancery::domain::scope::ScopeName;
use chancery::domain::tenant::{DEFAULT_TENANT, Host, IssuerUrl, Tenant};
use chancery::domain::time::SystemClock;
use chancery::domain::token::ReuseShare;
use chancery::keys::vault::Vault;
use chancery::store::sqlite::Sqlite;
use chancery::store::{Recorded, RegistryChange, Store};

use super::Outcome;

const APPLICATIONS: u32 = 1_000;

/// The secret of every application here, of the form of those the server makes: a benchmark keeps none.
pub(super) const SECRET: &str = "chy_TheSecretOfTheBenchmarkIsKnownToEverybody00QMTHO2";

/// The application that asks for tokens.
pub(super) const CLIENT_ID: &str = "app-500";

/// Another one.
pub(super) const NEIGHBOUR: &str = "app-501";

/// One whose tokens are reused.
pub(super) const REUSING: &str = "app-reusing";

/// For which share of their lifetime, in percent.
const REUSED_FOR: u64 = 50;

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

/// Fills `folder` with a store that has a tenant for each algorithm besides the default one, and its master key.
pub(super) fn prepare_algorithms(folder: &Path) -> Outcome {
    let store = Arc::new(Sqlite::open(&folder.join("chancery.db"))?.0);
    let admin = Admin { experimental: true, ..administer(folder, store)? };
    tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
        for algorithm in ALGORITHMS {
            add_tenant(&admin, algorithm.name()).await?;
        }
        let issuer = IssuerUrl::parse("http://localhost")?;
        let hosts = vec![Host::parse("localhost")?];
        let tenant = tenants::add(&admin, DEFAULT_TENANT, hosts, issuer, None).await?;
        add_one(&admin, &tenant).await
    })
}

/// The host of the tenant that signs with an algorithm.
pub(super) fn host(algorithm: &str) -> String {
    format!("{}.localhost", algorithm.to_ascii_lowercase())
}

/// Adds a tenant that signs with this algorithm, with one application.
async fn add_tenant(admin: &Admin, algorithm: &str) -> Outcome {
    let (name, host) = (algorithm.to_ascii_lowercase(), host(algorithm));
    let issuer = IssuerUrl::parse(&format!("https://{host}"))?;
    let tenant = tenants::add(admin, &name, vec![Host::parse(&host)?], issuer, Some(algorithm)).await?;
    add_one(admin, &tenant).await
}

/// Adds the scope and the application that asks for it.
async fn add_one(admin: &Admin, tenant: &Tenant) -> Outcome {
    let scope = ScopeName::parse(SCOPE)?;
    scopes::add(admin, tenant, scope.clone(), String::new()).await?;
    add_application(admin, tenant, CLIENT_ID, vec![scope]).await
}

/// Adds the application whose tokens are reused.
pub(super) async fn add_reusing(admin: &Admin) -> Outcome {
    let tenant = admin::tenant(admin, DEFAULT_TENANT).await?;
    add_application(admin, &tenant, REUSING, vec![ScopeName::parse(SCOPE)?]).await?;
    let mut application = applications::find(admin, &tenant, REUSING).await?.application.clone();
    application.token_reuse = Some(ReuseShare::from_percent(REUSED_FOR)?);
    let event = AuditEvent {
        at: admin.now(),
        tenant: Some(tenant.id),
        actor: admin.actor.name.clone(),
        source: admin.actor.source.clone(),
        request: None,
        action: "application.set".into(),
        subject: REUSING.to_owned(),
        detail: serde_json::json!({ "token_reuse_percent": REUSED_FOR }),
    };
    let change = Recorded::new(RegistryChange::ChangeApplication(application), event);
    admin.store.change_registry(vec![change]).await?;
    Ok(())
}

/// Adds three tenants with their applications.
pub(super) async fn fill(admin: &Admin) -> Outcome {
    for algorithm in ["ES256", "EdDSA"] {
        add_tenant(admin, algorithm).await?;
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
