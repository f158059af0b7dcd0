//! What tokens are signed with: CONFORMANCE H02.

use std::time::Duration;

use chancery::admin::apis::ApiChange;
use chancery::admin::applications::NewApplication;
use chancery::admin::change::Change;
use chancery::admin::tenants::{self, TenantChange};
use chancery::crypto::algorithm::ALGORITHMS;
use chancery::domain::signing_key::KeyState;
use chancery::domain::tenant::{Host, IssuerUrl};
use chancery::keys::schedule::LEAD;
use chancery::oauth::access_token::MAX_TOKEN_BYTES;
use serde_json::Value;

use crate::support::ask::token_request;
use crate::support::reply::part;
use crate::support::server::TestServer;

/// H02, H01: each tenant's choice; its tokens verify with the keys it publishes and with nobody else's.
#[tokio::test]
async fn a_tenant_chooses_among_all_algorithms() {
    let server = TestServer::start().await;
    let mut former: Option<(String, String)> = None;
    for algorithm in ALGORITHMS {
        let name = algorithm.name().to_ascii_lowercase();
        let (host, issuer) = (format!("{name}.example.com"), format!("https://{name}.example.com"));
        let hosts = vec![Host::parse(&host).unwrap()];
        let parsed = IssuerUrl::parse(&issuer).unwrap();
        tenants::add(&server.admin, &name, hosts, parsed, Some(algorithm.name())).await.unwrap();
        let app = server.add(&name, "app", &["read"], NewApplication::default()).await;
        server.advance_a_second();
        let token = server.answer(token_request(&[]).of(&app).host(&host)).await.token();
        let header: Value = serde_json::from_str(&part(&token, 0)).unwrap();
        assert_eq!((&header["alg"], &header["typ"]), (&algorithm.name().into(), &"JWT".into()));
        assert!(server.verify_at(&host, &issuer, &token).await.is_ok(), "{name}");
        // One signed with ML-DSA is longer by its signature, which whoever chooses it knows.
        assert!(token.len() <= MAX_TOKEN_BYTES || algorithm.is_experimental(), "{name}: {}", token.len());
        if let Some((host, issuer)) = former.replace((host, issuer)) {
            assert!(server.verify_at(&host, &issuer, &token).await.is_err(), "{name}");
        }
    }
}

/// H02: an API's choice, and the tenant's when it changes; the new algorithm's key is published before it signs, and what
/// was signed before and after verifies at every moment.
#[tokio::test]
async fn an_algorithm_that_is_new_signs_once_its_key_is_known_everywhere() {
    let server = TestServer::start().await;
    server.api("urn:orders", &["orders:read"], ApiChange::default()).await;
    let app = server.app(&["orders:read", "ping"]).await;
    server.advance_a_second();
    let algorithm = |algorithm: &str| Change::To(algorithm.to_owned());
    server
        .change_api("urn:orders", ApiChange { algorithm: algorithm("ES256"), ..ApiChange::default() })
        .await;
    let tokens = async |expected: [&str; 2]| {
        server.run_chores().await;
        for (scope, expected) in ["ping", "orders:read"].into_iter().zip(expected) {
            let token = server.answer(token_request(&[("scope", scope)]).of(&app)).await.token();
            let header: Value = serde_json::from_str(&part(&token, 0)).unwrap();
            assert_eq!(header["alg"], expected, "{scope}");
            assert!(server.verify(&token).await.is_ok());
        }
    };
    tokens(["RS256", "RS256"]).await;
    server.advance(LEAD.saturating_sub(Duration::from_secs(2)));
    tokens(["RS256", "RS256"]).await;
    server.advance(Duration::from_secs(2));
    tokens(["RS256", "ES256"]).await;
    let tenant = TenantChange { algorithm: Some("EdDSA".to_owned()), ..TenantChange::default() };
    tenants::change(&server.admin, "default", tenant).await.unwrap();
    tokens(["RS256", "ES256"]).await;
    server.advance(LEAD);
    tokens(["EdDSA", "ES256"]).await;
    // What nothing asks for any more is signed with no more.
    server.change_api("urn:orders", ApiChange { algorithm: Change::Default, ..ApiChange::default() }).await;
    tokens(["EdDSA", "EdDSA"]).await;
    let keys = server.admin.store.signing_keys(server.tenant("default").await.id).await.unwrap();
    let active = keys.iter().filter(|key| key.state == KeyState::Active);
    assert_eq!(active.map(|key| key.algorithm.as_str()).collect::<Vec<_>>(), ["EdDSA"]);
}
