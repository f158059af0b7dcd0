//! Tenants by host: CONFORMANCE R.

use axum::http::Version;
use chancery::admin::applications::{ApplicationChange, NewApplication};
use chancery::admin::credentials::Given;
use chancery::admin::tenants::{self, TenantChange};
use chancery::crypto::secret::Secret;
use chancery::domain::tenant::Host;
use chancery::http::Listener;

use crate::support::ask::{HOST, get, introspection, token_request};
use crate::support::reply::claims;
use crate::support::server::{App, ISSUER, OTHER_HOST, OTHER_ISSUER, TestServer};

const JWKS: &str = "/oauth2/jwks";

async fn change(server: &TestServer, tenant: &str, change: TenantChange) {
    tenants::change(&server.admin, tenant, change).await.unwrap();
    server.advance_a_second();
}

/// R01
#[tokio::test]
async fn a_host_is_compared_without_case_final_dot_and_default_port() {
    for (https, port, other_port) in [(true, 443, 80), (false, 80, 443)] {
        let server = TestServer::with_two_tenants().await.behind(Listener::Public { https, any_host: false });
        for same in [
            HOST,
            "ID.Example.COM",
            "id.example.com.",
            &format!("{HOST}:{port}"),
            &format!("Id.example.com.:{port}"),
        ] {
            assert_eq!(server.answer(get(JWKS).host(same)).await.status, 200, "{same}");
        }
        for other in [
            &format!("{HOST}:{other_port}"),
            "id.example.com:8443",
            "id.example",
            "id.example.com.evil.example",
            "evil.id.example.com",
            "xid.example.com",
            "127.0.0.1",
            "[::1]",
            "id_example_com",
        ] {
            assert_eq!(server.answer(get(JWKS).host(other)).await.status, 421, "{other}");
        }
        for broken in
            ["id.example.com..", ".id.example.com", "id..example.com", "id.example.com:", "id.example.com:x"]
        {
            assert_eq!(server.answer(get(JWKS).host(broken)).await.status, 400, "{broken}");
        }
    }
}

/// R02: no word of which tenants there are.
#[tokio::test]
async fn a_host_of_nobody_is_turned_away_without_a_hint() {
    let server = TestServer::with_two_tenants().await;
    let app = server.app(&[]).await;
    let mut answers = Vec::new();
    for host in ["nobody.example.com", "default", "other", "localhost:8080"] {
        for ask in [
            get(JWKS),
            get("/.well-known/openid-configuration"),
            get("/nowhere"),
            token_request(&[]).of(&app),
        ] {
            let reply = server.answer(ask.host(host)).await;
            assert_eq!(reply.status, 421);
            answers.push(format!("{:?}", reply.without_request_id()));
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(!answers[0].contains("example") && !answers[0].contains("default"), "{answers:?}");
}

/// R02, A15: the host of an absolute target wins over `Host`, which must be there all the same (RFC 9112 §3.2.2).
#[tokio::test]
async fn an_absolute_target_wins() {
    let server = TestServer::with_two_tenants().await;
    let issuer = async |ask| {
        let reply = server.answer(ask).await;
        (reply.status, reply.json()["issuer"].as_str().map(str::to_owned))
    };
    let absolute = || get("http://id.example.com/.well-known/oauth-authorization-server");
    for host in [HOST, OTHER_HOST, "nobody.example"] {
        assert_eq!(issuer(absolute().host(host)).await, (200, Some(ISSUER.to_owned())));
    }
    let to_nobody = get("http://nobody.example/.well-known/oauth-authorization-server");
    assert_eq!(issuer(to_nobody.host(HOST)).await, (421, None));
    for bad in [
        absolute().without("host"),
        absolute().with("host", HOST),
        absolute().host("a b"),
        absolute().host(""),
    ] {
        assert_eq!(issuer(bad).await, (400, None));
    }
    assert_eq!(issuer(get("/.well-known/oauth-authorization-server").without("host")).await, (400, None));
}

/// R02: HTTP/2 names the host in `:authority`; a `Host` beside it must be the same.
#[tokio::test]
async fn over_http_2_authority_and_host_agree_or_are_refused() {
    let server = TestServer::with_two_tenants().await;
    let ask = || get("http://id.example.com/oauth2/jwks").version(Version::HTTP_2);
    assert_eq!(server.answer(ask().without("host")).await.status, 200);
    for same in [HOST, "ID.example.com", "id.example.com."] {
        assert_eq!(server.answer(ask().host(same)).await.status, 200, "{same}");
    }
    for other in [OTHER_HOST, "id.example.com:8080", "nobody.example"] {
        assert_eq!(server.answer(ask().host(other)).await.status, 400, "{other}");
    }
}

/// R04: secrets, memory, keys and names; there are no limits and nothing that is good only once yet.
#[tokio::test]
async fn the_same_client_id_in_two_tenants_is_two_applications() {
    let server = TestServer::with_two_tenants().await;
    let here = server.app(&["read"]).await;
    // What is remembered of the one says nothing of the other, absence included.
    server.answer(token_request(&[]).of(&here).host(OTHER_HOST)).await.expect_invalid_client();
    let there = server.add("other", &here.client_id, &["write"], NewApplication::default()).await;
    server.advance_a_second();
    for _ in 0..2 {
        let ours = server.answer(token_request(&[]).of(&here)).await;
        let theirs = server.answer(token_request(&[]).of(&there).host(OTHER_HOST)).await;
        assert_eq!((ours.scope().unwrap(), theirs.scope().unwrap()), ("read".to_owned(), "write".to_owned()));
        assert_eq!(
            (&claims(&ours.token())["iss"], &claims(&theirs.token())["iss"]),
            (&ISSUER.into(), &OTHER_ISSUER.into())
        );
        assert_ne!(claims(&ours.token())["jti"], claims(&theirs.token())["jti"]);
        server.answer(token_request(&[]).of(&there)).await.expect_invalid_client();
        server.answer(token_request(&[]).of(&here).host(OTHER_HOST)).await.expect_invalid_client();
        let elsewhere = server.verify_at(OTHER_HOST, OTHER_ISSUER, &ours.token()).await;
        assert!(elsewhere.is_err() && server.verify(&ours.token()).await.is_ok());
    }
    server.answer(token_request(&[("scope", "write")]).of(&here)).await.expect_refused("invalid_scope");
    let off = ApplicationChange { enabled: Some(false), ..ApplicationChange::default() };
    server.change(&here, off).await;
    server.advance_a_second();
    server.answer(token_request(&[]).of(&here)).await.expect_invalid_client();
    assert_eq!(server.answer(token_request(&[]).of(&there).host(OTHER_HOST)).await.status, 200);
}

/// R04: a digest copied from one tenant to the other would prove nothing there.
#[tokio::test]
async fn the_same_secret_in_two_tenants_is_two_secrets() {
    let server = TestServer::with_two_tenants().await;
    let secret = || Some(Given::Secret(Secret::new("the same".to_owned())));
    let mut digests = Vec::new();
    for (tenant, host) in [("default", HOST), ("other", OTHER_HOST)] {
        let new = NewApplication { secret: secret(), ..NewApplication::default() };
        let app = server.add(tenant, "app", &[], new).await;
        assert_eq!(server.answer(token_request(&[]).of(&app).host(host)).await.status, 200);
        let id = server.tenant(tenant).await.id;
        let stored = server.admin.store.application(id, "app").await.unwrap().unwrap();
        digests.push(*stored.credentials[0].keyed().unwrap().digest.as_bytes());
    }
    assert_ne!(digests[0], digests[1]);
}

/// R06: tokens stop, and nobody is told that one is active; the keys stay published for those that still live. The
/// admin interface is no tenant's.
#[tokio::test]
async fn a_disabled_tenant_issues_nothing_one_second_later() {
    let server = TestServer::with_two_tenants().await;
    let apps: Vec<App> = vec![
        server.add("default", "app", &[], NewApplication::default()).await,
        server.add("other", "app", &[], NewApplication::default()).await,
    ];
    let answers = async || {
        let ours = server.answer(token_request(&[]).of(&apps[0])).await;
        let theirs = server.answer(token_request(&[]).of(&apps[1]).host(OTHER_HOST)).await;
        (ours, theirs)
    };
    let (ours, theirs) = answers().await;
    assert_eq!((ours.status, theirs.status), (200, 200));
    let token = theirs.token();

    change(&server, "other", TenantChange { enabled: Some(false), ..TenantChange::default() }).await;
    let (ours, theirs) = answers().await;
    assert_eq!(ours.status, 200);
    theirs.expect_invalid_client();
    let about = introspection(&token).of(&apps[1]).host(OTHER_HOST);
    server.answer(about).await.expect_invalid_client();
    assert!(server.verify_at(OTHER_HOST, OTHER_ISSUER, &token).await.is_ok());

    change(&server, "other", TenantChange { enabled: Some(true), ..TenantChange::default() }).await;
    assert_eq!(answers().await.1.status, 200);
}

/// R01, R02: a host that moves from one tenant to another is the other's one second later; a removed tenant is nobody.
#[tokio::test]
async fn hosts_follow_their_tenant() {
    let server = TestServer::with_two_tenants().await;
    let issuer = async |host| {
        let path = "/.well-known/oauth-authorization-server";
        let reply = server.answer(get(path).host(host)).await;
        (reply.status, reply.json()["issuer"].as_str().map(str::to_owned))
    };
    let hosts = |names: &[&str]| Some(names.iter().map(|name| Host::parse(name).unwrap()).collect());
    let more = TenantChange { hosts: hosts(&[HOST, "new.example.com:8443"]), ..TenantChange::default() };
    assert_eq!(issuer("new.example.com:8443").await.0, 421);
    change(&server, "default", more).await;
    assert_eq!(issuer("new.example.com:8443").await, (200, Some(ISSUER.to_owned())));
    tenants::remove(&server.admin, "other").await.unwrap();
    server.advance_a_second();
    let server = server.behind(Listener::Public { https: false, any_host: false });
    assert_eq!(server.answer(get(JWKS).host(OTHER_HOST)).await.status, 421);
}

/// R04: one tenant's damage is its own.
#[tokio::test]
async fn a_tenant_that_cannot_work_takes_no_other_with_it() {
    let server = TestServer::with_two_tenants().await;
    let app = server.app(&[]).await;
    server.damage_key_of(&server.tenant("other").await);
    server.advance_a_second();
    assert_eq!(server.answer(token_request(&[]).of(&app)).await.status, 200);
    let reply = server.answer(get(JWKS).host(OTHER_HOST)).await;
    assert_eq!((reply.status, reply.json()["error"].as_str()), (503, Some("temporarily_unavailable")));
    assert_eq!(server.directory.check_ready().await, Ok(()));
}

/// A02, A06, R02: hyper takes the body off over HTTP/1 only.
#[tokio::test]
async fn a_refusal_has_no_body_when_only_its_head_was_asked_for() {
    let server = TestServer::start().await.behind(Listener::Public { https: false, any_host: false });
    for (host, path, status) in [("nobody.example", JWKS, 421), (HOST, "/nothing", 404), (HOST, JWKS, 200)] {
        let reply = server.answer(get(path).method("HEAD").host(host).version(Version::HTTP_11)).await;
        assert_eq!((reply.status, reply.body.as_str()), (status, ""), "{host}{path}");
    }
}
