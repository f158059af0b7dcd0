//! Applications of other servers: what is taken, changed and left, and whether their old secrets get tokens here.

use std::fmt::Write;

use chancery::admin::import::{self, Imported};
use chancery::admin::registry;

use crate::support::ask::token_request;
use crate::support::reply::claims;
use crate::support::server::{App, TestServer};

/// The secret of every application in the samples.
const SECRET: &str = "s3cret of an old server";

async fn import(server: &TestServer, format: &str, dry_run: bool) -> Imported {
    let sample = format!("{}/tests/samples/{format}.json", env!("CARGO_MANIFEST_DIR"));
    let tenant = server.tenant("default").await;
    let format = import::find(format).unwrap();
    import::import(&server.admin, &tenant, format, &std::fs::read(sample).unwrap(), dry_run).await.unwrap()
}

/// What is said of each application, and of all of them.
fn report(imported: &Imported) -> String {
    let mut text = String::new();
    for outcome in &imported.outcomes {
        writeln!(text, "{} {}", outcome.fate.as_str(), outcome.client_id).unwrap();
        outcome.notes.iter().for_each(|note| writeln!(text, "  {note}").unwrap());
    }
    imported.notes.iter().for_each(|note| writeln!(text, "note: {note}").unwrap());
    text
}

/// Asks for a token with the old secret: scope and audience.
async fn token(
    server: &TestServer,
    client_id: &str,
    parameters: &[(&str, &str)],
) -> (Option<String>, String) {
    let app = App { client_id: client_id.to_owned(), secret: SECRET.to_owned() };
    let mut reply = server.answer(token_request(parameters).of(&app)).await;
    if reply.status == 400 || reply.status == 401 {
        let form = [&[("client_id", client_id), ("client_secret", SECRET)], parameters].concat();
        reply = server.answer(token_request(&form)).await;
    }
    assert_eq!(reply.status, 200, "{client_id}: {reply:?}");
    let audience = claims(&reply.token())["aud"].to_string();
    (reply.scope(), audience)
}

async fn refused(server: &TestServer, client_id: &str) {
    let app = App { client_id: client_id.to_owned(), secret: SECRET.to_owned() };
    server.answer(token_request(&[]).of(&app)).await.expect_invalid_client();
}

async fn exported(server: &TestServer) -> String {
    registry::export(&server.admin, None).await.unwrap()
}

/// A second import, and one that only says what it would do, change nothing.
async fn check_done_once(server: &TestServer, format: &str) {
    let before = exported(server).await;
    let again = import(server, format, false).await;
    assert!(again.differences.is_empty(), "{:?}", again.differences);
    assert!(again.outcomes.iter().all(|outcome| outcome.fate == import::Fate::Left));
    assert_eq!(exported(server).await, before);
}

async fn started(format: &str) -> (TestServer, Imported) {
    let server = TestServer::start().await;
    let before = exported(&server).await;
    let would = import(&server, format, true).await;
    assert_eq!(exported(&server).await, before);
    let imported = import(&server, format, false).await;
    assert_eq!(report(&imported), report(&would));
    server.advance_a_second();
    (server, imported)
}

#[tokio::test]
async fn clients_of_hydra_keep_their_hashed_secrets() {
    let (server, imported) = started("hydra").await;
    insta::assert_snapshot!(report(&imported), @r#"
    taken warehouse
    changed 2f1c9b7e-5d0a-4a38-b1a5-0a4f4f6f1f10
      scope "a\\b" was left out: it breaks the grammar of RFC 6749, section 3.3
      audience "orders" was left out: an API's identifier is an absolute URI here
      grant "implicit" was left out: it is not known here
      its tokens live 1d here, not 2d
    changed fresh
      scope admin:write was left out: here it is a power over this server; grant it by hand if meant
    left browser
      it is a public client, which cannot keep a secret
    left portal
      it may not use client_credentials
    left listed
      the file has no secret of it
    left signer
      it proves itself by "private_key_jwt", which is not a secret that can be taken over
    left expired
      its secret has expired
    left broken
      its secret: that is not a whole bcrypt hash: it should be $2b$, two digits, $ and 53 characters; look whether it was cut or changed
    "#);
    let (scope, audience) = token(&server, "warehouse", &[("resource", "https://stock.example.com")]).await;
    assert_eq!(
        (scope.as_deref(), audience.as_str()),
        (Some("stock:read stock:write offline"), "\"https://stock.example.com\"")
    );
    token(&server, "2f1c9b7e-5d0a-4a38-b1a5-0a4f4f6f1f10", &[]).await;
    assert_eq!(token(&server, "fresh", &[]).await.0, None);
    for left in ["browser", "listed", "expired", "broken"] {
        refused(&server, left).await;
    }
    check_done_once(&server, "hydra").await;
}

#[tokio::test]
async fn a_realm_of_keycloak_keeps_its_service_accounts() {
    let (server, imported) = started("keycloak").await;
    insta::assert_snapshot!(report(&imported), @r#"
    left account
      it is a public client, which cannot keep a secret
    taken warehouse
    changed portal
      its tokens were meant for several APIs: callers name with resource which they mean
      audience "stock" was left out: an API's identifier is an absolute URI here
      its tokens live 1m here, not 30s
    taken retired
    left masked
      the file has no secret of it
    left signer
      it proves itself by "private_key_jwt", which is not a secret that can be taken over
    left web
      it may not use client_credentials
    left stock
      it is a public client, which cannot keep a secret
    note: Keycloak's own scopes (profile, email, roles and so on) and the roles of service accounts were not taken over
    "#);
    let (scope, audience) = token(&server, "warehouse", &[]).await;
    assert_eq!((scope.as_deref(), audience.as_str()), (Some("stock:read"), "\"https://stock.example.com\""));
    let (scope, _) = token(&server, "warehouse", &[("scope", "stock:write")]).await;
    assert_eq!(scope.as_deref(), Some("stock:write"));
    let (_, audience) = token(&server, "portal", &[("resource", "https://b.example.com")]).await;
    assert_eq!(audience, "\"https://b.example.com\"");
    for left in ["retired", "masked", "web"] {
        refused(&server, left).await;
    }
    check_done_once(&server, "keycloak").await;
}

#[tokio::test]
async fn clients_of_auth0_keep_what_they_were_granted() {
    let (server, imported) = started("auth0").await;
    insta::assert_snapshot!(report(&imported), @r#"
    changed kT4oFbWq0zN8aXr2
      what it may do with Auth0 itself (https://shop.eu.auth0.com/api/v2/) was left out
    taken mP9sLd3vYc6eJh1U
    left aZ0pageQ7rT5wYb3
      it is a public client, which cannot keep a secret
    left hidden0000000001
      the file has no secret of it
    note: callers that name an API with audience name it with resource here (RFC 8707)
    note: API https://bills.example.com: its tokens live 1d here, not 30d
    note: API https://bills.example.com: its tokens were signed with HS256; here with what the tenant's are
    note: API "old-api" was left out: its identifier is no absolute URI
    note: scope view is the whole tenant's here: several APIs define it (https://bills.example.com, https://stock.example.com)
    "#);
    let (scope, audience) = token(&server, "kT4oFbWq0zN8aXr2", &[]).await;
    assert_eq!(
        (scope.as_deref(), audience.as_str()),
        (Some("stock:read stock:write"), "\"https://stock.example.com\"")
    );
    let (scope, audience) =
        token(&server, "mP9sLd3vYc6eJh1U", &[("resource", "https://bills.example.com")]).await;
    assert_eq!((scope.as_deref(), audience.as_str()), (Some("view"), "\"https://bills.example.com\""));
    refused(&server, "aZ0pageQ7rT5wYb3").await;
    check_done_once(&server, "auth0").await;
}

#[tokio::test]
async fn registered_clients_of_spring_keep_their_encoded_secrets() {
    let (server, imported) = started("spring").await;
    insta::assert_snapshot!(report(&imported), @r#"
    taken bcrypt
    changed bare
      authentication method "client_secret_jwt" was left out
    taken noop
    taken pbkdf2
    taken argon2
    taken scrypt
    changed references
      its tokens were references to be asked about; here they are JWTs, which may be asked about too
    left unlabelled
      its secret: that is not a hash of a kind known here (bcrypt, pbkdf2, argon2, scrypt, sha2): give the text as the other server keeps it, such as $2b$…, $argon2id$… or {pbkdf2}…; a secret itself is given as {noop} with the secret after it
    left page
      it is a public client, which cannot keep a secret
    left expired
      its secret has expired
    taken shouting
    "#);
    for client in ["bcrypt", "bare", "noop", "pbkdf2", "argon2", "scrypt", "references", "shouting"] {
        assert_eq!(token(&server, client, &[]).await.0.as_deref(), Some("stock.read stock.write"));
    }
    for left in ["unlabelled", "page", "expired"] {
        refused(&server, left).await;
    }
    check_done_once(&server, "spring").await;
}

#[tokio::test]
async fn what_is_there_already_stays_as_it_is() {
    let server = TestServer::start().await;
    let app = server
        .add(
            "default",
            "warehouse",
            &["stock:read"],
            chancery::admin::applications::NewApplication::default(),
        )
        .await;
    server
        .api("https://stock.example.com", &["stock:write"], chancery::admin::apis::ApiChange::default())
        .await;
    let imported = import(&server, "hydra", false).await;
    let first = &imported.outcomes[0];
    assert_eq!((first.client_id.as_str(), first.fate.as_str()), ("warehouse", "left"));
    assert!(first.notes[0].contains("there already"), "{first:?}");
    server.advance_a_second();
    assert_eq!(server.answer(token_request(&[]).of(&app)).await.status, 200);
    refused(&server, "warehouse").await;
    assert_eq!(exported(&server).await.matches("name: stock:read").count(), 1);
}

#[tokio::test]
async fn a_file_of_another_kind_is_refused() {
    let server = TestServer::start().await;
    let tenant = server.tenant("default").await;
    let deep = "[".repeat(100_000);
    for format in import::FORMATS {
        for text in ["", "x", "5", "{}", "{\"clients\": 5}", "\"text\"", deep.as_str()] {
            let refused = import::import(&server.admin, &tenant, format, text.as_bytes(), false).await;
            assert!(refused.is_err(), "{}: {text:.20}", format.name);
        }
        // Elements that are no clients are left, each with a reason.
        let odd = br#"[1, null, "x", [], {}, {"client_id": 5}, {"client_id": "a", "clientId": "a", "grant_types": {}}]"#;
        let imported = import::import(&server.admin, &tenant, format, odd, false).await.unwrap();
        assert!(imported.outcomes.iter().all(|one| one.fate == import::Fate::Left && one.notes.len() == 1));
    }
}
