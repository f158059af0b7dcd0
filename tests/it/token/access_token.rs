//! What stands in a token: CONFORMANCE H, profile `ciam`.

use std::collections::HashSet;
use std::time::Duration;

use chancery::admin::applications::{ApplicationChange, NewApplication};
use chancery::admin::change::{Change, TokenChange};
use chancery::crypto::jws::Unverified;
use chancery::crypto::random::SystemRandom;
use chancery::domain::id::TokenId;
use serde_json::Value;

use crate::support::ask::{get, token_request};
use crate::support::reply::{claims, part};
use crate::support::server::{ISSUER, TestServer};
use crate::support::world::BEGINNING;

/// H01, H13: the signature verifies with the key of the JWKS that `kid` names, and with no other content.
#[tokio::test]
async fn the_header_names_a_published_key_and_its_algorithm() {
    let server = TestServer::start().await;
    let app = server.app(&["read"]).await;
    let token = server.answer(token_request(&[]).of(&app)).await.token();
    let header = server.verify(&token).await.unwrap().header;
    let members: Vec<&str> = header.keys().map(String::as_str).collect();
    assert_eq!(members, ["kid", "typ", "alg"]);
    assert_eq!((header["typ"].as_str(), header["alg"].as_str()), (Some("JWT"), Some("RS256")));
    let keys = server.answer(get("/oauth2/jwks")).await.json();
    let named = |key: &&Value| key["kid"] == header["kid"] && key["alg"] == header["alg"];
    assert_eq!(keys["keys"].as_array().unwrap().iter().filter(named).count(), 1);

    let other = server.answer(token_request(&[]).of(&app)).await.token();
    let parts: Vec<&str> = token.split('.').collect();
    let signature_of_another = format!("{}.{}.{}", parts[0], parts[1], other.rsplit('.').next().unwrap());
    assert!(server.verify(&signature_of_another).await.is_err());
}

/// H03, H04, H07, E02
#[tokio::test]
async fn the_claims_are_those_of_the_reference() {
    let server = TestServer::start().await;
    let app = server.app(&["read"]).await;
    let claims = claims(&server.answer(token_request(&[]).of(&app)).await.token());
    let members: Vec<&str> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["sub", "aud", "nbf", "scope", "iss", "exp", "iat", "jti"]);
    for name in ["sub", "aud"] {
        assert_eq!(claims[name].as_str(), Some(app.client_id.as_str()), "{name}");
    }
    assert_eq!(claims["iss"].as_str(), Some(ISSUER));
    for (name, time) in [("iat", BEGINNING), ("nbf", BEGINNING), ("exp", BEGINNING + 300)] {
        assert_eq!(claims[name].as_i64(), Some(time), "{name}");
    }
}

/// H09: exactly the lifetime that is set, whatever part of a second has gone.
#[tokio::test]
async fn a_token_lives_exactly_as_long_as_is_set() {
    let server = TestServer::start().await;
    let app = server.app(&[]).await;
    for seconds in [60, 61, 300, 86_400] {
        let lifetime = Change::To(Duration::from_secs(seconds));
        server
            .change(
                &app,
                ApplicationChange {
                    token: TokenChange { lifetime, ..TokenChange::default() },
                    ..ApplicationChange::default()
                },
            )
            .await;
        server.advance(Duration::from_millis(1_333));
        let claims = claims(&server.answer(token_request(&[]).of(&app)).await.token());
        let time = |name: &str| claims[name].as_i64().unwrap();
        assert_eq!(time("exp") - time("iat"), i64::try_from(seconds).unwrap());
        assert_eq!(time("nbf"), time("iat"));
    }
}

/// H05: the server chooses the id; only an operator may choose another, never a caller.
#[tokio::test]
async fn a_client_id_is_made_by_the_server() {
    let server = TestServer::start().await;
    let mut ids = HashSet::new();
    for _ in 0..5 {
        let app = server.add("default", "", &[], NewApplication::default()).await;
        assert!(app.client_id.len() == 32 && app.client_id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let token = server.answer(token_request(&[]).of(&app)).await.token();
        assert_eq!(claims(&token)["sub"], app.client_id.as_str());
        ids.insert(app.client_id);
    }
    assert_eq!(ids.len(), 5);
}

/// H08: as in the reference a `jti` is a random UUID, which has 122 random bits of its 128 (RFC 9562 §5.4); the other
/// six say that it is one. Among ten million the chance that two are the same is below 10^-22.
#[tokio::test]
async fn every_token_has_an_id_of_its_own() {
    let ids: HashSet<[u8; 16]> = (0..2_000).map(|_| *TokenId::new(&SystemRandom).as_bytes()).collect();
    assert_eq!(ids.len(), 2_000);
    let ones = |bit: usize| ids.iter().filter(|id| id[bit / 8] >> (bit % 8) & 1 == 1).count();
    let counts: Vec<usize> = (0..128).map(ones).collect();
    assert_eq!(counts.iter().filter(|count| **count == 0 || **count == 2_000).count(), 6);
    // A fair bit is this far from the middle once in 10^15.
    assert_eq!(counts.iter().filter(|count| (820..=1_180).contains(*count)).count(), 122);

    let server = TestServer::start().await;
    let app = server.app(&[]).await;
    let mut seen = HashSet::new();
    for _ in 0..100 {
        let claims = claims(&server.answer(token_request(&[]).of(&app)).await.token());
        let id = claims["jti"].as_str().unwrap().to_owned();
        assert!(id.parse::<TokenId>().is_ok_and(|parsed| parsed.to_string() == id), "{id}");
        assert!(seen.insert(id));
    }
}

/// H11: read by a parser that refuses a member that is there twice.
#[tokio::test]
async fn no_member_is_there_twice() {
    let server = TestServer::start().await;
    let app = server.add("default", "\",\"sub\":\"root", &["read"], NewApplication::default()).await;
    let token = server.answer(token_request(&[]).of(&app)).await.token();
    let claims = Unverified::parse(&token).unwrap().unverified_claims().unwrap();
    assert_eq!((claims.len(), claims["sub"].as_str()), (8, Some("\",\"sub\":\"root")));
}

/// H12
#[tokio::test]
async fn nothing_of_the_store_stands_in_the_claims() {
    let server = TestServer::start().await;
    let app = server.app(&["read"]).await;
    let token = server.answer(token_request(&[]).of(&app)).await.token();
    let tenant = server.tenant("default").await;
    let stored = server.admin.store.application(tenant.id, &app.client_id).await.unwrap().unwrap();
    let claims = part(&token, 1);
    for inside in [
        app.secret,
        tenant.id.to_string(),
        tenant.name,
        stored.application.id.to_string(),
        stored.application.name.clone(),
        stored.credentials[0].id.to_string(),
    ] {
        assert!(!claims.contains(&inside), "{inside} stands in {claims}");
    }
}
