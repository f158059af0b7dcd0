//! What tokens are signed with: CONFORMANCE H02.

use chancery::admin::applications::NewApplication;
use chancery::admin::tenants;
use chancery::crypto::algorithm::ALGORITHMS;
use chancery::domain::tenant::{Host, IssuerUrl};
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
