//! A store with very many applications, made through the store's contract, and one that administers.
//! Not for: measuring anything but that.

use std::path::Path;
use std::time::{Duration, Instant};

use chancery::admin::view::ApplicationView;
use chancery::admin::{self, Admin, applications, scopes};
use chancery::crypto::secret::Secret;
use chancery::domain::application::{ClientId, Registered};
use chancery::domain::audit::AuditEvent;
use chancery::domain::credential::{KeyedDigest, Verifier};
use chancery::domain::id::{ApplicationId, CredentialId};
use chancery::domain::scope::{ScopeName, ScopeSet};
use chancery::domain::tenant::DEFAULT_TENANT;
use chancery::store::{Recorded, RegistryChange};

use super::Outcome;
use super::registry::{self, CLIENT_ID, SCOPE, SECRET};

/// The application that administers.
pub(super) const ADMINISTRATOR: &str = "administrator";

/// What it asks for.
pub(super) const ADMINISTRATOR_SCOPE: &str = "admin:write";

/// The scope that every other application has besides.
const FURTHER_SCOPE: &str = "orders:read";

/// Applications in one transaction.
const BATCH: usize = 1_000;

/// How many names there are.
const NAMES: u64 = 10_000_000;

/// What filling took, and what there is now.
pub(super) struct Filled {
    pub(super) took: Duration,
    pub(super) mebibytes: u64,
}

/// The `client_id` of an application.
pub(super) fn client_id(number: u32) -> String {
    format!("service-{number:07}")
}

/// Its name, which stands elsewhere in the order of names than its `client_id` in that of those.
pub(super) fn name(number: u32) -> String {
    format!("Team {:07}", u64::from(number) * 7_919 % NAMES)
}

/// Fills `folder` with a store of so many applications, each with its credential and its audit event.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub(super) fn fill(folder: &Path, count: u32) -> Outcome<Filled> {
    let admin = registry::prepare(folder)?;
    let started = Instant::now();
    tokio::runtime::Builder::new_current_thread().build()?.block_on(add_all(&admin, count))?;
    Ok(Filled { took: started.elapsed(), mebibytes: mebibytes(folder)? })
}

/// What the store in a folder takes on the disk.
fn mebibytes(folder: &Path) -> Outcome<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("chancery.db") {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes / 1024 / 1024)
}

/// Adds so many applications, each with its credential and its audit event, to a store that was prepared.
pub(super) async fn add_all(admin: &Admin, count: u32) -> Outcome {
    let tenant = admin::tenant(admin, DEFAULT_TENANT).await?;
    scopes::add(admin, &tenant, ScopeName::parse(FURTHER_SCOPE)?, String::new()).await?;
    let administers = vec![ScopeName::parse(ADMINISTRATOR_SCOPE)?];
    registry::add_application(admin, &tenant, ADMINISTRATOR, administers).await?;
    let template = applications::find(admin, &tenant, CLIENT_ID).await?;
    let numbers: Vec<u32> = (0..count).collect();
    for batch in numbers.chunks(BATCH) {
        let changes = batch.iter().map(|number| addition(admin, &template, *number));
        admin.store.change_registry(changes.collect::<Outcome<_>>()?).await?;
    }
    Ok(())
}

/// One more application like the template.
fn addition(admin: &Admin, template: &Registered, number: u32) -> Outcome<Recorded> {
    let Registered { mut application, mut credentials, .. } = template.clone();
    let random = admin.random.as_ref();
    application.id = ApplicationId::new(random);
    application.client_id = ClientId::parse(&client_id(number))?;
    application.name = name(number);
    if number.is_multiple_of(2) {
        application.scopes = ScopeSet::new([ScopeName::parse(SCOPE)?, ScopeName::parse(FURTHER_SCOPE)?]);
    }
    let (vault, secret) = (&admin.vault, Secret::new(SECRET.to_owned()));
    for credential in &mut credentials {
        credential.id = CredentialId::new(random);
        credential.application = application.id;
        let under = vault.fingerprint().to_owned();
        let digest = vault.digest(&under, application.id, &secret);
        credential.verifier = Verifier::Keyed(KeyedDigest::new(digest, under));
    }
    let event = AuditEvent {
        at: admin.now(),
        tenant: Some(application.tenant),
        actor: admin.actor.name.clone(),
        source: admin.actor.source.clone(),
        request: None,
        action: "application.add".into(),
        subject: application.client_id.to_string(),
        detail: serde_json::to_value(ApplicationView::new(&application))?,
    };
    Ok(Recorded::new(RegistryChange::AddApplication(application, credentials), event))
}
