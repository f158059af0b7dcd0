//! What a command works with: settings, store, vault, and the tenant that is meant.
//! Not for: what is done with them.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use super::{Failure, Global, master_key};
use crate::admin::tenants::{self, TenantChange};
use crate::admin::{self, Actor, Admin, Terms};
use crate::config::{self, Settings, Source, StoreUrl};
use crate::crypto::master::MasterKey;
use crate::crypto::random::{Random, SystemRandom};
use crate::domain::tenant::{DEFAULT_TENANT, Host, IssuerUrl, Tenant};
use crate::domain::time::{Clock, SystemClock};
use crate::keys::vault::Vault;
use crate::store::postgres::{About, Access, Postgres};
use crate::store::sqlite::Sqlite;
use crate::store::{Migrated, Schema, Store, StoreError};

/// Reads all settings.
pub(super) fn settings(global: &Global, mut flags: Vec<(String, String)>) -> Result<Settings, Failure> {
    for (name, value) in [("data", &global.data), ("store.url", &global.store)] {
        flags.extend(value.clone().map(|value| (name.to_owned(), value)));
    }
    let (text, name) = match &global.config {
        None => (None, String::new()),
        Some(file) => {
            let name = file.display().to_string();
            let text = fs::read_to_string(file).map_err(|error| Failure::new(format!("{name}: {error}")))?;
            (Some(text), name)
        }
    };
    Ok(config::load(&Source::new(text.as_deref(), &name, config::process_environment(), flags))?)
}

/// Opens the store, making its folder when it is absent and it has one.
pub(super) async fn open_store(settings: &Settings) -> Result<(Arc<dyn Store>, Migrated), Failure> {
    match &settings.storage.url {
        StoreUrl::Sqlite(file) => {
            make_private_folder(file.parent().unwrap_or(Path::new(".")))?;
            let (store, migrated) = Sqlite::open(file)?;
            Ok((Arc::new(store), migrated))
        }
        StoreUrl::Postgres(access) => {
            let (store, migrated) = Postgres::open(access).await?;
            Ok((Arc::new(store), migrated))
        }
    }
}

/// A store that is only looked at.
pub(super) struct Looked {
    pub(super) store: Arc<dyn Store>,
    pub(super) schema: Schema,
    /// What the database says of itself, if it is one that others look after.
    pub(super) about: Option<About>,
}

/// Opens the store that there is, to look at it: nothing is made, migrated or changed.
pub(super) async fn look(settings: &Settings) -> Result<Looked, Failure> {
    match &settings.storage.url {
        StoreUrl::Sqlite(file) => look_at_file(file),
        StoreUrl::Postgres(access) => look_at_database(access).await,
    }
}

fn look_at_file(file: &Path) -> Result<Looked, Failure> {
    match fs::metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::new(format!(
            "{}: there is no store: say where it is with --data or --store; a server that starts makes a new one",
            file.display()
        ))),
        Err(error) => Err(Failure::new(format!("{}: {error}", file.display()))),
        Ok(_) => {
            let (store, schema) = Sqlite::look(file)?;
            Ok(Looked { store: Arc::new(store), schema, about: None })
        }
    }
}

async fn look_at_database(access: &Access) -> Result<Looked, Failure> {
    let (store, schema) = Postgres::look(access).await?;
    let about = Some(store.about().await?);
    Ok(Looked { store: Arc::new(store), schema, about })
}

/// Refuses a store of a schema that this program cannot work with.
pub(super) fn check_schema(schema: Schema) -> Result<(), Failure> {
    let Schema { number: found, works_with, known } = schema;
    if found < known {
        return Err(Failure::new(format!(
            "the store's schema is number {found}, this program's is {known}: run 'chancery migrate'; a server that \
             starts does so by itself"
        )));
    }
    if works_with > known { Err(StoreError::NewerSchema { found, known }.into()) } else { Ok(()) }
}

/// Refuses a store that was moved, or is a copy that was not finished.
pub(super) async fn check_not_moved(store: &dyn Store) -> Result<(), Failure> {
    match store.moved().await? {
        None => Ok(()),
        Some(mark) => Err(Failure::new(mark.to_string())),
    }
}

/// The vault under the master key that there is; none is made.
pub(super) fn vault(settings: &Settings, random: Arc<dyn Random>) -> Result<Vault, Failure> {
    let accepted = master_key::accepted(settings)?;
    let master = master_key::find(settings)?.get(false, random.as_ref())?;
    Ok(vault_of(&master, accepted.as_ref(), random))
}

fn vault_of(master: &MasterKey, accepted: Option<&MasterKey>, random: Arc<dyn Random>) -> Vault {
    let vault = Vault::new(master, random);
    if let Some(accepted) = accepted { vault.accepting(accepted) } else { vault }
}

/// Opens everything a registry command needs.
pub(super) async fn open(settings: &Settings) -> Result<Admin, Failure> {
    // A key that somebody named is read before a store is made, so that a wrong name leaves nothing behind.
    let master = master_key::find(settings)?;
    let accepted = master_key::accepted(settings)?;
    let (store, _) = open_store(settings).await?;
    check_not_moved(store.as_ref()).await?;
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let tenants = store.tenants().await?;
    let master = master.get(tenants.is_empty(), random.as_ref())?;
    let vault = vault_of(&master, accepted.as_ref(), Arc::clone(&random));
    for tenant in &tenants {
        let keys = store.signing_keys(tenant.id).await?;
        keys.iter().filter(|key| key.state.is_published()).try_for_each(|key| vault.check(key))?;
    }
    vault.keep(&store.digest_keys().await?)?;
    let experimental = settings.signing.experimental;
    let (vault, actor, terms) = (Arc::new(vault), Actor::local(actor()), Terms::default());
    Ok(Admin { store, clock, random, vault, experimental, actor, terms })
}

/// Opens everything, and the tenant that is meant: the one named; or else the default tenant, which is made when there
/// is none at all; or else the only one. An existing default tenant stays as it is: only a server knows where it listens.
pub(super) async fn open_tenant(global: &Global) -> Result<(Admin, Tenant), Failure> {
    let settings = settings(global, Vec::new())?;
    let admin = open(&settings).await?;
    let named = global.tenant.as_deref();
    if named.is_none_or(|name| name == DEFAULT_TENANT) {
        make_default_tenant(&admin, &settings, &settings.listen.public.to_string()).await?;
    }
    let mut tenants = admin.store.tenants().await?;
    let name = match (named, tenants.as_slice()) {
        (Some(name), _) => name,
        (None, [only]) => &only.name,
        (None, _) => DEFAULT_TENANT,
    };
    if let Some(position) = tenants.iter().position(|tenant| tenant.name == name) {
        return Ok((admin, tenants.swap_remove(position)));
    }
    match named {
        Some(name) => Err(admin::no_tenant(name).into()),
        None => {
            Err(Failure::new("there are several tenants and none is called default: say which with --tenant"))
        }
    }
}

/// Makes the default tenant when there is no tenant at all, with the issuer of the settings or, without one, the
/// address a server listens on.
async fn make_default_tenant(admin: &Admin, settings: &Settings, address: &str) -> Result<(), Failure> {
    if !admin.store.tenants().await?.is_empty() {
        return Ok(());
    }
    let listening = format!("http://{address}");
    let issuer = match &settings.issuer {
        Some(issuer) => issuer.clone(),
        None => IssuerUrl::parse(&listening)?,
    };
    let hosts = hosts_of(&issuer)?;
    match tenants::add(admin, DEFAULT_TENANT, hosts, issuer, None).await {
        // Another process was faster, which is as good.
        Err(admin::AdminError::Conflict(_)) => Ok(()),
        answer => Ok(answer.map(|_| ())?),
    }
}

/// Makes the default tenant when there is no tenant at all, and lets it follow the setting `issuer` or, on loopback
/// and without that setting, the address the server listens on.
pub(super) async fn ensure_default_tenant(
    admin: &Admin,
    settings: &Settings,
    address: &str,
) -> Result<(), Failure> {
    make_default_tenant(admin, settings, address).await?;
    let listening = format!("http://{address}");
    let tenants = admin.store.tenants().await?;
    let Some(tenant) = tenants.iter().find(|tenant| tenant.name == DEFAULT_TENANT) else {
        return Ok(());
    };
    let wanted = match &settings.issuer {
        Some(issuer) => issuer.clone(),
        None if tenant.issuer.as_str().starts_with("http://127.0.0.1:") => match IssuerUrl::parse(&listening)
        {
            Ok(issuer) => issuer,
            // The server listens where only a setting can tell what callers call it.
            Err(_) => return Ok(()),
        },
        None => return Ok(()),
    };
    if wanted != tenant.issuer {
        tracing::info!(former = %tenant.issuer, issuer = %wanted, "the default tenant's issuer follows the settings");
        let former = hosts_of(&tenant.issuer)?;
        let kept = tenant.hosts.iter().filter(|host| !former.contains(host)).cloned();
        let hosts = hosts_of(&wanted)?.into_iter().chain(kept).collect();
        let change = TenantChange { hosts: Some(hosts), issuer: Some(wanted), ..TenantChange::default() };
        tenants::change(admin, DEFAULT_TENANT, change).await?;
    }
    Ok(())
}

/// The hosts by which an issuer is reached: its own and, on loopback, the machine's other names for it.
fn hosts_of(issuer: &IssuerUrl) -> Result<Vec<Host>, Failure> {
    let own = issuer.host();
    let mut hosts = vec![own.clone()];
    if own.is_loopback() {
        let port = own.as_str().rsplit_once(':').map_or("", |(_, port)| port);
        for name in ["127.0.0.1", "localhost", "[::1]"] {
            let host =
                Host::parse(&if port.is_empty() { name.to_owned() } else { format!("{name}:{port}") })?;
            if host != own {
                hosts.push(host);
            }
        }
    }
    Ok(hosts)
}

/// Who runs the command, as far as the system tells.
pub(super) fn actor() -> String {
    let user = config::process_environment()
        .find(|(name, _)| name == "USER")
        .and_then(|(_, user)| user.into_string().ok())
        .filter(|user| !user.is_empty() && user.len() <= 64 && !user.chars().any(char::is_control));
    format!("cli:{}", user.unwrap_or_else(|| "unknown".to_owned()))
}

pub(super) fn make_private_folder(folder: &Path) -> Result<(), Failure> {
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    match fs::DirBuilder::new().recursive(true).mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(Failure::new(format!("{}: the folder could not be made: {error}", folder.display())))
        }
        _ => Ok(()),
    }
}
