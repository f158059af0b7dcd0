//! Things to store, with nothing in them that a store could have made up.
//! Not for: storing them.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, json};

use crate::crypto::jwk::PublicKey;
use crate::crypto::random::SystemRandom;
use crate::crypto::seal::Sealed;
use crate::crypto::secret::SecretDigest;
use crate::domain::api::{Api, ApiIdentifier};
use crate::domain::application::{Application, ApplicationType, AuthMethod, ClientId, GrantType};
use crate::domain::audit::AuditEvent;
use crate::domain::credential::{Credential, KeyedDigest, Verifier};
use crate::domain::id::{ApplicationId, CredentialId, KeyId, OperatorId, TenantId};
use crate::domain::operator::Operator;
use crate::domain::quota::{Quota, QuotaMode};
use crate::domain::scope::{Scope, ScopeName, ScopeSet};
use crate::domain::signing_key::{KeyState, SigningKey};
use crate::domain::tenant::{Host, IssuerUrl, Tenant};
use crate::domain::time::Timestamp;
use crate::domain::token::{ReuseShare, StaticClaims, TokenProfile, TokenSettings};
use crate::store::{Store, UsageBatch};

pub(in crate::store) fn tenant(name: &str) -> Tenant {
    Tenant {
        id: TenantId::new(&SystemRandom),
        name: name.to_owned(),
        hosts: ["two", "one"].map(|host| Host::parse(&format!("{host}.{name}.example")).unwrap()).to_vec(),
        issuer: IssuerUrl::parse(&format!("https://{name}.example")).unwrap(),
        enabled: true,
        algorithm: "ES256".to_owned(),
        key_period: Duration::from_hours(48),
        quota: quota([21, u32::MAX, 23]),
        created_at: Timestamp::from_millis(1_001),
        updated_at: Timestamp::from_millis(1_002),
        version: 1,
    }
}

/// A quota of so many tokens a minute, an hour and a day.
fn quota(limits: [u32; 3]) -> Quota {
    let [per_minute, per_hour, per_day] = limits.map(NonZeroU32::new);
    Quota { per_minute, per_hour, per_day, mode: QuotaMode::Report }
}

pub(in crate::store) fn key(tenant: &Tenant) -> SigningKey {
    SigningKey {
        id: KeyId::new(&SystemRandom),
        tenant: tenant.id,
        algorithm: "RS256".to_owned(),
        state: KeyState::Active,
        public: PublicKey::Rsa { n: vec![0xff; 256], e: vec![1, 0, 1] },
        sealed: Sealed::from_bytes(vec![7; 40]),
        sealed_under: "0123abcd".to_owned(),
        created_at: Timestamp::from_millis(1_003),
        state_since: Timestamp::from_millis(1_004),
    }
}

/// Somebody's client id, whether there is such an application or not.
pub(in crate::store) fn caller() -> ClientId {
    ClientId::parse("caller").unwrap()
}

pub(in crate::store) fn application(tenant: &Tenant, client_id: &str) -> Application {
    Application {
        id: ApplicationId::new(&SystemRandom),
        tenant: tenant.id,
        client_id: ClientId::parse(client_id).unwrap(),
        name: "Ünïcode 😀".to_owned(),
        kind: ApplicationType::Web,
        enabled: true,
        grants: GrantType::ALL.to_vec(),
        auth_methods: vec![AuthMethod::ClientSecretPost],
        scopes: ScopeSet::default(),
        default_scopes: None,
        apis: Vec::new(),
        default_api: None,
        acts_for: Vec::new(),
        token: TokenSettings {
            lifetime: Some(Duration::from_hours(24)),
            profile: Some(TokenProfile::Rfc9068),
            backdating: Some(Duration::from_secs(7)),
        },
        token_reuse: Some(ReuseShare::from_percent(33).unwrap()),
        quota: quota([u32::MAX, 12, 13]),
        claims: StaticClaims::new(Map::from_iter([("tier".to_owned(), json!(["gold", 1]))])).unwrap(),
        tokens_revoked_before: Some(Timestamp::from_millis(1_004)),
        created_at: Timestamp::from_millis(1_005),
        updated_at: Timestamp::from_millis(1_006),
        version: 1,
    }
}

pub(in crate::store) fn keyed(byte: u8) -> KeyedDigest {
    KeyedDigest::new(SecretDigest::from_bytes([byte; 32]), "0123abcd".to_owned())
}

pub(in crate::store) fn credential(application: &Application, created_at: i64) -> Credential {
    Credential {
        id: CredentialId::new(&SystemRandom),
        application: application.id,
        label: "a label".to_owned(),
        verifier: Verifier::Keyed(keyed(9)),
        created_at: Timestamp::from_millis(created_at),
        expires_at: Some(Timestamp::from_millis(2_000)),
        last_used_at: None,
    }
}

pub(in crate::store) fn operator(name: &str, tenant: Option<&Tenant>) -> Operator {
    Operator {
        id: OperatorId::new(&SystemRandom),
        name: name.to_owned(),
        tenant: tenant.map(|tenant| tenant.id),
        scopes: ["admin:read", "admin:keys:write"].map(str::to_owned).to_vec(),
        enabled: true,
        digest: SecretDigest::from_bytes([8; 32]),
        digested_under: "0123abcd".to_owned(),
        created_at: Timestamp::from_millis(1_011),
        updated_at: Timestamp::from_millis(1_012),
        version: 1,
    }
}

pub(in crate::store) fn scope(tenant: &Tenant, name: &str) -> Scope {
    let (name, description) = (ScopeName::parse(name).unwrap(), "what it permits".to_owned());
    Scope {
        tenant: tenant.id,
        name,
        description,
        api: None,
        created_at: Timestamp::from_millis(1_007),
        version: 1,
    }
}

pub(in crate::store) fn api(tenant: &Tenant, identifier: &str) -> Api {
    Api {
        tenant: tenant.id,
        identifier: ApiIdentifier::parse(identifier).unwrap(),
        name: "An API".to_owned(),
        token: TokenSettings {
            lifetime: Some(Duration::from_hours(1)),
            profile: Some(TokenProfile::Ciam),
            backdating: Some(Duration::ZERO),
        },
        algorithm: Some("ES256".to_owned()),
        created_at: Timestamp::from_millis(1_009),
        updated_at: Timestamp::from_millis(1_010),
        version: 1,
    }
}

pub(in crate::store) fn scopes(names: &[&str]) -> ScopeSet {
    ScopeSet::new(names.iter().map(|name| ScopeName::parse(name).unwrap()))
}

pub(in crate::store) fn event(subject: &str) -> AuditEvent {
    AuditEvent {
        at: Timestamp::from_millis(1_008),
        tenant: None,
        actor: "tester".to_owned(),
        source: "somewhere".to_owned(),
        request: Some("a request".to_owned()),
        action: "thing.change".into(),
        subject: subject.to_owned(),
        detail: json!({ "why": "a test" }),
    }
}

/// Adds a tenant with a key.
pub(in crate::store) async fn add_tenant(store: &Arc<dyn Store>, tenant: &Tenant) {
    store.add_tenant(tenant.clone(), key(tenant), event("tenant")).await.unwrap();
}

/// Adds an application with a credential.
pub(in crate::store) async fn add_application(
    store: &Arc<dyn Store>,
    application: &Application,
) -> Credential {
    let credential = credential(application, 1);
    store.add_application(application.clone(), Some(credential.clone()), event("application")).await.unwrap();
    credential
}

/// Writes down when credentials were last used.
pub(in crate::store) async fn record_use(store: &Arc<dyn Store>, uses: Vec<(CredentialId, Timestamp)>) {
    store.record_usage(UsageBatch { uses, counts: Vec::new() }).await.unwrap();
}

pub(in crate::store) fn unknown_tenant() -> TenantId {
    TenantId::new(&SystemRandom)
}
