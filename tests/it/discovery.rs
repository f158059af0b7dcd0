//! What resource servers and callers find out by themselves: CONFORMANCE I.

use std::collections::HashSet;

use chancery::http::Listener;
use data_encoding::BASE64URL_NOPAD;
use insta::assert_snapshot;
use serde_json::Value;

use crate::support::ask::{form, get, token_request};
use crate::support::reply::Reply;
use crate::support::server::{ISSUER, OTHER_HOST, OTHER_ISSUER, TestServer};

const METADATA: [&str; 2] = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];
const JWKS: &str = "/oauth2/jwks";

fn keys(reply: &Reply) -> Vec<Value> {
    reply.json()["keys"].as_array().unwrap().clone()
}

/// I01, I02, I04, I05, I06, I13: the whole document; `response_types_supported` is left out, as there are none.
#[tokio::test]
async fn the_metadata_says_what_is_there_and_no_more() {
    let server = TestServer::start().await;
    let [oauth, openid] = [server.answer(get(METADATA[0])).await, server.answer(get(METADATA[1])).await];
    assert_eq!(oauth.without_request_id(), openid.without_request_id());
    assert_snapshot!(oauth, @r#"
    200
    cache-control: public, max-age=300
    content-type: application/json
    etag: "H3mTkbAh7kC_QYKlb3wo_w"
    x-content-type-options: nosniff
    x-request-id: <request id>

    {"issuer":"https://id.example.com","token_endpoint":"https://id.example.com/oauth2/token","jwks_uri":"https://id.example.com/oauth2/jwks","grant_types_supported":["client_credentials"],"token_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"],"introspection_endpoint":"https://id.example.com/oauth2/introspect","introspection_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"],"introspection_signing_alg_values_supported":["RS256"],"revocation_endpoint":"https://id.example.com/oauth2/revoke","revocation_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"]}
    "#);
}

/// I04, I05, I06: no member is empty, and what is offered works.
#[tokio::test]
async fn nothing_is_offered_that_is_not_there() {
    let server = TestServer::start().await;
    let metadata = server.answer(get(METADATA[0])).await.json();
    let is_empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    assert!(!metadata.as_object().unwrap().values().any(is_empty));
    assert_eq!(metadata.get("response_types_supported"), None);
    let path = |name: &str| metadata[name].as_str().unwrap().strip_prefix(ISSUER).unwrap().to_owned();
    assert_eq!(server.answer(get(&path("jwks_uri"))).await.status, 200);
    let app = server.app(&[]).await;
    let by_post = [("client_id", app.client_id.as_str()), ("client_secret", &app.secret)];
    assert_eq!(server.answer(token_request(&[]).of(&app).to(&path("token_endpoint"))).await.status, 200);
    assert_eq!(server.answer(token_request(&by_post).to(&path("token_endpoint"))).await.status, 200);
    for name in ["introspection_endpoint", "revocation_endpoint"] {
        let with_token = [&by_post[..], &[("token", "x")]].concat();
        assert_eq!(server.answer(form(&with_token).to(&path(name))).await.status, 200);
        let methods = &metadata[format!("{name}_auth_methods_supported")];
        assert_eq!(methods, &metadata["token_endpoint_auth_methods_supported"]);
    }
}

/// I07, I08: what belongs to a method or to a binding is there exactly when that is offered.
#[tokio::test]
async fn what_belongs_to_a_method_is_there_with_it_and_not_without() {
    let server = TestServer::start().await;
    let metadata = server.answer(get(METADATA[0])).await.json();
    let methods = metadata["token_endpoint_auth_methods_supported"].as_array().unwrap();
    let offers = |method: &str| methods.iter().any(|one| one == method);
    let algorithms = metadata.get("token_endpoint_auth_signing_alg_values_supported");
    assert_eq!(algorithms.is_some(), offers("private_key_jwt"));
    assert!(algorithms.is_none_or(|all| all.as_array().unwrap().iter().all(|one| one != "none")));
    let with_certificates = offers("tls_client_auth") || offers("self_signed_tls_client_auth");
    for name in ["tls_client_certificate_bound_access_tokens", "mtls_endpoint_aliases"] {
        assert_eq!(metadata.get(name).is_some(), with_certificates, "{name}");
    }
    // A proof and authorization details that are sent are refused or bind nothing, and so are not announced.
    for name in ["dpop_signing_alg_values_supported", "authorization_details_types_supported"] {
        assert_eq!(metadata.get(name), None, "{name}");
    }
}

/// I01, I02: for an issuer with a path the well-known part goes between host and path; the endpoints are at the host.
#[tokio::test]
async fn an_issuer_with_a_path_has_its_metadata_at_a_path_of_its_own() {
    let server = TestServer::with_two_tenants().await;
    for path in [
        "/.well-known/oauth-authorization-server/two",
        "/.well-known/openid-configuration/two",
        "/two/.well-known/openid-configuration",
    ] {
        let metadata = server.answer(get(path).host(OTHER_HOST)).await.json();
        assert_eq!(metadata["issuer"].as_str(), Some(OTHER_ISSUER));
        assert_eq!(metadata["token_endpoint"], "https://other.example.com/oauth2/token");
        assert_eq!(server.answer(get(path)).await.status, 404, "{path}");
        let reply = server.answer(token_request(&[]).to(path).host(OTHER_HOST)).await;
        assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    }
    for path in [
        METADATA[0],
        METADATA[1],
        "/.well-known/oauth-authorization-server/",
        "/two",
        "/.well-known/openid-configuration/TWO",
    ] {
        assert_eq!(server.answer(get(path).host(OTHER_HOST)).await.status, 404, "{path}");
    }
}

/// I02, I09: an issuer is what is configured, whatever the request calls the server.
#[tokio::test]
async fn nothing_the_request_says_of_the_host_comes_back() {
    let server = TestServer::start().await;
    let honest = server.answer(get(METADATA[0])).await;
    let forged = [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-prefix", "/evil"),
        ("forwarded", "host=evil.example;proto=http"),
        ("x-original-host", "evil.example"),
        ("x-host", "evil.example"),
    ];
    for path in METADATA {
        for (name, value) in forged {
            assert_eq!(
                server.answer(get(path).with(name, value)).await.without_request_id(),
                honest.without_request_id()
            );
        }
        // A single tenant answers to any host on loopback, but never by that host's name.
        let reply = server.answer(get(path).host("evil.example")).await;
        assert_eq!(reply.without_request_id(), honest.without_request_id());
    }
    let server = server.behind(Listener::Public { https: true, any_host: false });
    for path in [METADATA[0], METADATA[1], JWKS] {
        let reply =
            server.answer(get(path).host("evil.example").with("x-forwarded-host", "id.example.com")).await;
        assert_eq!(reply.status, 421);
        assert!(!reply.body.contains("example"), "{}", reply.body);
        assert_eq!(server.answer(get(path)).await.status, 200);
    }
}

/// I10, I11, I12
#[tokio::test]
async fn the_jwks_has_public_members_only_and_each_key_its_own_id() {
    let server = TestServer::with_two_tenants().await;
    let mut ids = HashSet::new();
    let mut moduli = HashSet::new();
    let hosts = ["id.example.com", OTHER_HOST];
    for host in hosts {
        for key in keys(&server.answer(get(JWKS).host(host)).await) {
            let members: Vec<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(members, ["kty", "n", "e", "kid", "use", "alg"]);
            assert_eq!([&key["kty"], &key["use"], &key["alg"]], ["RSA", "sig", "RS256"]);
            for number in [&key["n"], &key["e"]] {
                let bytes = BASE64URL_NOPAD.decode(number.as_str().unwrap().as_bytes()).unwrap();
                assert_ne!(bytes[0], 0);
            }
            ids.insert(key["kid"].as_str().unwrap().to_owned());
            moduli.insert(key["n"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!((ids.len(), moduli.len()), (hosts.len(), hosts.len()));
}

/// I13
#[tokio::test]
async fn keys_and_metadata_may_be_kept_and_asked_for_again() {
    let server = TestServer::start().await;
    for path in [METADATA[0], METADATA[1], JWKS] {
        let first = server.answer(get(path)).await;
        assert_eq!(first.header("cache-control"), Some("public, max-age=300"));
        assert_eq!(first.header("pragma"), None);
        let tag = first.header("etag").unwrap();
        for known in [tag.to_owned(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let again = server.answer(get(path).with("if-none-match", &known)).await;
            assert_eq!(
                (again.status, again.body.as_str(), again.header("etag")),
                (304, "", Some(tag)),
                "{known}"
            );
            assert_eq!(again.header("cache-control"), Some("public, max-age=300"));
        }
        for other in ["\"other\"", "", tag.trim_matches('"')] {
            let again = server.answer(get(path).with("if-none-match", other)).await;
            assert_eq!((again.status, &again.body), (200, &first.body), "{other}");
        }
        let head = server.answer(get(path).method("HEAD")).await;
        assert_eq!((head.status, head.header("etag"), head.body.as_str()), (200, Some(tag), ""));
    }
}

/// I16: a tenant's token does not verify with another's keys, and the kids have nothing in common.
#[tokio::test]
async fn tenants_share_no_key() {
    let server = TestServer::with_two_tenants().await;
    let app = server.app(&[]).await;
    let token = server.answer(token_request(&[]).of(&app)).await.token();
    assert!(server.verify(&token).await.is_ok());
    let elsewhere = server.verify_at(OTHER_HOST, OTHER_ISSUER, &token).await.unwrap_err();
    assert_eq!(elsewhere.to_string(), "no key of the issuer has its kid");
    let ours = keys(&server.answer(get(JWKS)).await);
    let theirs = keys(&server.answer(get(JWKS).host(OTHER_HOST)).await);
    assert!(
        ours.iter()
            .all(|key| { theirs.iter().all(|other| other["kid"] != key["kid"] && other["n"] != key["n"]) })
    );
}
