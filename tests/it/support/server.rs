//! The real router over a real store, without sockets.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use chancery::admin::apis::ApiChange;
use chancery::admin::applications::{ApplicationChange, NewApplication};
use chancery::admin::credentials::{Given, NewSecret};
use chancery::admin::{self, Actor, Admin, Terms};
use chancery::crypto::jws;
use chancery::crypto::master::MasterKey;
use chancery::crypto::secret::Secret;
use chancery::domain::api::ApiIdentifier;
use chancery::domain::application::ClientId;
use chancery::domain::scope::ScopeName;
use chancery::domain::signing_key::KeyState;
use chancery::domain::tenant::{Host, IssuerUrl, Tenant};
use chancery::http::server::Answers;
use chancery::http::{Front, Listener};
use chancery::issuer::{Directory, Services};
use chancery::keys::signing::Signing;
use chancery::keys::vault::Vault;
use chancery::oauth::jwks;
use chancery::oauth::verify::{Expected, NotAccepted, Verified, verify};
use chancery::store::Store;
use chancery::store::sqlite::Sqlite;
use chancery::threads::Workers;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::ask::{Ask, HOST, get};
use super::faulty::Faulty;
use super::log;
use super::reply::Reply;
use super::world::{Seeded, SetClock};
use chancery::domain::time::Clock;

/// The issuer of the tenant `default` in every test.
pub(crate) const ISSUER: &str = "https://id.example.com";

/// The host of the tenant `other`, where there is one.
pub(crate) const OTHER_HOST: &str = "other.example.com";

/// An issuer with a path, for the tenant `other`.
pub(crate) const OTHER_ISSUER: &str = "https://other.example.com/two";

/// Where every request comes from.
pub(crate) const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

/// Stores as files, made once: their RSA keys take time.
struct Templates {
    one_tenant: Vec<u8>,
    two_tenants: Vec<u8>,
}

static TEMPLATES: OnceCell<Templates> = OnceCell::const_new();

/// One server, with its store and an operator.
pub(crate) struct TestServer {
    folder: Arc<TempDir>,
    pub(super) clock: Arc<SetClock>,
    /// An operator who works on the store itself.
    pub(crate) admin: Admin,
    pub(crate) directory: Arc<Directory>,
    pub(super) front: Front,
}

/// An application, as its owner knows it.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) client_id: String,
    pub(crate) secret: String,
}

impl TestServer {
    /// A server with the tenant `default` at `HOST`, which answers to any host.
    pub(crate) async fn start() -> Self {
        let folder = copy(&templates().await.one_tenant);
        Self::open(folder, Arc::default(), "server", |store| store).await
    }

    /// A server with the tenants `default` and `other`, each at its own host.
    pub(crate) async fn with_two_tenants() -> Self {
        let folder = copy(&templates().await.two_tenants);
        Self::open(folder, Arc::default(), "server", |store| store).await
    }

    /// A server whose store can be made to fail; its operator's cannot.
    pub(crate) async fn with_faulty_store() -> (Self, Arc<Faulty>) {
        Self::with_faulty_store_and(|services| services).await
    }

    /// The same, with these services.
    pub(crate) async fn with_faulty_store_and(
        equip: impl FnOnce(Services) -> Services,
    ) -> (Self, Arc<Faulty>) {
        Self::faulty(copy(&templates().await.one_tenant), equip).await
    }

    /// The same with two tenants, each at its own host.
    pub(crate) async fn with_two_faulty_tenants(
        equip: impl FnOnce(Services) -> Services,
    ) -> (Self, Arc<Faulty>) {
        Self::faulty(copy(&templates().await.two_tenants), equip).await
    }

    async fn faulty(folder: Arc<TempDir>, equip: impl FnOnce(Services) -> Services) -> (Self, Arc<Faulty>) {
        let mut faulty = None;
        let wrap = |store| {
            let wrapped = Arc::new(Faulty::new(store));
            faulty = Some(Arc::clone(&wrapped));
            wrapped as Arc<dyn Store>
        };
        (Self::equipped(folder, Arc::default(), "server", wrap, equip).await, faulty.unwrap())
    }

    /// Another server on the same store, with its own connections and its own memory; the clock is the same.
    pub(crate) async fn another_node(&self) -> Self {
        Self::open(Arc::clone(&self.folder), Arc::clone(&self.clock), "node", |store| store).await
    }

    /// The same server behind another listener.
    pub(crate) fn behind(self, listener: Listener) -> Self {
        Self { front: Front::new(listener, Arc::clone(&self.directory)), ..self }
    }

    /// The same server behind a proxy.
    pub(crate) fn behind_proxy(self) -> Self {
        Self { front: self.front.behind_proxy(true), ..self }
    }

    /// The same server behind its admin listener.
    pub(crate) fn behind_admin(self) -> Self {
        let listener = Listener::Admin(Box::new(self.admin.clone()));
        self.behind(listener)
    }

    async fn open(
        folder: Arc<TempDir>,
        clock: Arc<SetClock>,
        seed: &str,
        wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
    ) -> Self {
        Self::equipped(folder, clock, seed, wrap, |services| services).await
    }

    async fn equipped(
        folder: Arc<TempDir>,
        clock: Arc<SetClock>,
        seed: &str,
        wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
        equip: impl FnOnce(Services) -> Services,
    ) -> Self {
        log::start();
        let admin = operator(&folder, Arc::clone(&clock), seed);
        let signing = Signing::new(Workers::alone(), Arc::clone(&clock) as Arc<dyn Clock>);
        let store = wrap(Arc::clone(&admin.store));
        let (shown, random) = (Arc::clone(&clock) as Arc<dyn Clock>, Arc::clone(&admin.random));
        let services = Services::new(store, shown, random, vault(&format!("vault of {seed}")), signing);
        let directory = Arc::new(Directory::open(equip(services)).await.unwrap());
        let front = Front::new(Listener::Public { https: false, any_host: true }, Arc::clone(&directory));
        Self { folder, clock, admin, directory, front }
    }

    pub(crate) async fn answer(&self, ask: Ask) -> Reply {
        self.answer_from(SOURCE, ask).await
    }

    /// What is answered to a request from there.
    pub(crate) async fn answer_from(&self, source: IpAddr, ask: Ask) -> Reply {
        Reply::read(self.front.answer(&mut ask.into_request(), Some(source)).await).await
    }

    /// What the admin listener answers, where administrators work with this store.
    pub(crate) async fn answer_administrator(&self, ask: Ask, store: Arc<dyn Store>) -> Reply {
        let admin = Listener::Admin(Box::new(Admin { store, ..self.admin.clone() }));
        let front = Front::new(admin, Arc::clone(&self.directory));
        Reply::read(front.answer(&mut ask.into_request(), Some(SOURCE)).await).await
    }

    pub(crate) fn advance(&self, duration: Duration) {
        self.clock.advance(duration);
    }

    /// Steps the time of day by so many seconds, and nothing else.
    pub(crate) fn step_clock(&self, seconds: i64) {
        self.clock.step(seconds);
    }

    /// Does what a running server does beside its requests.
    pub(crate) async fn run_chores(&self) {
        self.directory.follow().await.unwrap();
        self.directory.rotate_keys().await.unwrap();
        self.directory.follow().await.unwrap();
    }

    /// Lets a second pass: after that no server may act on what was before.
    pub(crate) fn advance_a_second(&self) {
        self.advance(Duration::from_secs(1));
    }

    pub(crate) async fn tenant(&self, name: &str) -> Tenant {
        admin::tenant(&self.admin, name).await.unwrap()
    }

    /// A confidential application of the tenant `default` with these scopes, which are registered if need be.
    pub(crate) async fn app(&self, scopes: &[&str]) -> App {
        self.add("default", "app", scopes, NewApplication::default()).await
    }

    /// An application of any kind. It needs no name.
    pub(crate) async fn add(
        &self,
        tenant: &str,
        client_id: &str,
        scopes: &[&str],
        new: NewApplication,
    ) -> App {
        let tenant = self.tenant(tenant).await;
        let scopes = names(scopes);
        let known = self.admin.store.scopes(tenant.id).await.unwrap();
        for scope in scopes.iter().filter(|scope| !known.iter().any(|known| known.name == **scope)) {
            admin::scopes::add(&self.admin, &tenant, scope.clone(), String::new()).await.unwrap();
        }
        let settings = ApplicationChange { scopes: Some(scopes), ..new.settings };
        let client_id = (!client_id.is_empty()).then(|| ClientId::parse(client_id).unwrap());
        let new = NewApplication { name: "An application".to_owned(), client_id, settings, ..new };
        let (registered, secret) = admin::applications::add(&self.admin, &tenant, new).await.unwrap();
        let secret = secret.map(|secret| secret.expose().to_owned()).unwrap_or_default();
        App { client_id: registered.application.client_id.to_string(), secret }
    }

    /// An API of the tenant `default` with scopes of its own.
    pub(crate) async fn api(&self, identifier: &str, scopes: &[&str], settings: ApiChange) -> ApiIdentifier {
        let tenant = self.tenant("default").await;
        let settings = ApiChange { scopes: Some(names(scopes)), ..settings };
        let identifier = ApiIdentifier::parse(identifier).unwrap();
        admin::apis::add(&self.admin, &tenant, identifier, settings).await.unwrap().api.identifier
    }

    /// Changes an API of the tenant `default`.
    pub(crate) async fn change_api(&self, identifier: &str, change: ApiChange) {
        let tenant = self.tenant("default").await;
        admin::apis::change(&self.admin, &tenant, identifier, change).await.unwrap();
    }

    /// Removes an API of the tenant `default`.
    pub(crate) async fn remove_api(&self, identifier: &str) {
        let tenant = self.tenant("default").await;
        admin::apis::remove(&self.admin, &tenant, identifier).await.unwrap();
    }

    /// An application with a secret of its own.
    pub(crate) async fn app_with_secret(&self, client_id: &str, secret: &str) -> App {
        let secret = Some(Given::Secret(Secret::new(secret.to_owned())));
        self.add("default", client_id, &[], NewApplication { secret, ..NewApplication::default() }).await
    }

    /// Changes an application of the tenant `default`.
    pub(crate) async fn change(&self, app: &App, change: ApplicationChange) {
        let tenant = self.tenant("default").await;
        admin::applications::change(&self.admin, &tenant, &app.client_id, change).await.unwrap();
    }

    /// Gives an application of the tenant `default` one more secret: the application with it, and the secret's id.
    pub(crate) async fn add_secret(&self, app: &App, expires: Option<Duration>) -> (App, String) {
        let tenant = self.tenant("default").await;
        let new = NewSecret { expires, ..NewSecret::default() };
        let added = admin::credentials::add(&self.admin, &tenant, &app.client_id, new).await.unwrap();
        let (credential, secret) = added;
        let app = App { secret: secret.unwrap().expose().to_owned(), ..app.clone() };
        (app, credential.id.to_string())
    }

    /// Removes a secret of an application of the tenant `default`.
    pub(crate) async fn remove_secret(&self, app: &App, id: &str) {
        let tenant = self.tenant("default").await;
        admin::credentials::remove(&self.admin, &tenant, &app.client_id, id).await.unwrap();
    }

    /// Signs these claims with the key of the tenant `default`, as whatever `typ` says.
    pub(crate) async fn sign(&self, typ: &str, claims: &Value) -> String {
        let tenant = self.tenant("default").await;
        let issuer = self.directory.current(tenant.id).await.unwrap().0.unwrap();
        let key = issuer.signing_key(None);
        let header = json!({ "kid": key.id.to_string(), "typ": typ, "alg": key.algorithm });
        let mut token = String::new();
        jws::push_base64url(header.to_string().as_bytes(), &mut token);
        token.push('.');
        jws::push_base64url(claims.to_string().as_bytes(), &mut token);
        jws::sign(key.signer.as_ref(), &mut token).unwrap();
        token
    }

    /// A connection of its own to the store.
    pub(crate) fn connection(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("store.db")).unwrap()
    }

    /// Leaves nothing of the list that servers follow, as if far more had changed than is kept.
    pub(crate) fn forget_all_changes(&self) {
        self.connection().execute("DELETE FROM change", []).unwrap();
    }

    /// Damages the signing key of a tenant behind the back of everybody, and lets servers look at it.
    pub(crate) fn damage_key_of(&self, tenant: &Tenant) {
        let connection = self.connection();
        let id = tenant.id.to_string();
        connection.execute("UPDATE signing_key SET public_jwk = '{}' WHERE tenant_id = ?1", [&id]).unwrap();
        connection.execute("INSERT INTO change (tenant_id) VALUES (?1)", [&id]).unwrap();
    }

    /// Revokes the key that signs for the tenant `default`; another one signs at once.
    pub(crate) async fn revoke_key(&self) {
        let tenant = self.tenant("default").await;
        let keys = admin::keys::list(&self.admin, &tenant).await.unwrap();
        let active = keys.iter().find(|key| key.state == KeyState::Active).unwrap();
        admin::keys::revoke(&self.admin, &tenant, &active.id.to_string()).await.unwrap();
    }

    /// Verifies a token with the keys served at `host`, as a resource server of `issuer` would.
    pub(crate) async fn verify_at(
        &self,
        host: &str,
        issuer: &str,
        token: &str,
    ) -> Result<Verified, NotAccepted> {
        let document = self.answer(get("/oauth2/jwks").host(host)).await.json();
        let keys = jwks::read(&document).unwrap();
        verify(token, &keys, Expected { issuer, audience: None, now: self.clock.now() })
    }

    /// Verifies a token of the tenant `default`.
    pub(crate) async fn verify(&self, token: &str) -> Result<Verified, NotAccepted> {
        self.verify_at(HOST, ISSUER, token).await
    }
}

/// Scope names that are known to be good.
pub(crate) fn names(scopes: &[&str]) -> Vec<ScopeName> {
    scopes.iter().map(|scope| ScopeName::parse(scope).unwrap()).collect()
}

/// An operator of a store that has nothing in it.
pub(crate) fn operator_of_nothing(folder: &TempDir) -> Admin {
    operator(folder, Arc::default(), "empty")
}

async fn templates() -> &'static Templates {
    TEMPLATES.get_or_init(make_templates).await
}

async fn make_templates() -> Templates {
    let folder = Arc::new(TempDir::new().unwrap());
    let admin = operator(&folder, Arc::default(), "template");
    let add = async |name: &str, host: &str, issuer: &str| {
        let (hosts, issuer) = (vec![Host::parse(host).unwrap()], IssuerUrl::parse(issuer).unwrap());
        admin::tenants::add(&admin, name, hosts, issuer, None).await.unwrap();
        let copy = folder.path().join(name);
        let connection = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
        connection.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
        fs::read(copy).unwrap()
    };
    let one_tenant = add("default", HOST, ISSUER).await;
    let two_tenants = add("other", OTHER_HOST, OTHER_ISSUER).await;
    Templates { one_tenant, two_tenants }
}

fn copy(template: &[u8]) -> Arc<TempDir> {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("store.db"), template).unwrap();
    Arc::new(folder)
}

fn operator(folder: &TempDir, clock: Arc<SetClock>, seed: &str) -> Admin {
    let (store, _) = Sqlite::open(&folder.path().join("store.db")).unwrap();
    let (random, vault) = (Arc::new(Seeded::new(seed)), vault(&format!("vault of {seed}'s operator")));
    let (actor, terms) = (Actor::local("tester"), Terms::default());
    Admin { store: Arc::new(store), clock, random, vault, experimental: true, actor, terms }
}

/// All stores of the tests are under one master key. Each vault has a seed of its own, since no two keys have one id.
fn vault(seed: &str) -> Arc<Vault> {
    let master = MasterKey::generate(&Seeded::new("master key"));
    Arc::new(Vault::new(&master, Arc::new(Seeded::new(seed))))
}
