//! Secrets that came from another server with its slow hash, and are kept by our digest from their first use on.

use std::time::Duration;

use chancery::admin::applications::{ApplicationChange, NewApplication};
use chancery::admin::credentials::{self, Given, NewSecret};
use chancery::admin::tenants::{self, TenantChange};
use chancery::admin::view::SecretView;
use chancery::crypto::slow_hash::SlowHash;
use chancery::domain::application::AuthMethod;
use chancery::domain::credential::Credential;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

use crate::support::ask::{introspection, revocation, token_request};
use crate::support::faulty::Mood;
use crate::support::log;
use crate::support::server::{App, TestServer};

/// The secret of every hash here.
const SECRET: &str = "s3cret of an old server";

/// One of each family, and as quick as they come.
const EACH: [(&str, &str); 5] = [
    ("bcrypt", QUICK),
    (
        "pbkdf2",
        "$pbkdf2-sha256$i=1000,l=32$AQIDBAUGBwgJCgsMDQ4PEA$fek3CtZfxqVMyHQLbCMB9b/hchuPVaBFs5JIa0MrT2I",
    ),
    (
        "argon2",
        "$argon2id$v=19$m=64,t=2,p=1$AQIDBAUGBwgJCgsMDQ4PEA$4PjJWRGdM0IsZh/n8jtNEQm4C9NFblxSsyU4JLI0P80",
    ),
    ("scrypt", "{scrypt}$a0802$AQIDBAUGBwgJCgsMDQ4PEA==$i+uy+WJ3nzMDYIKwpT66WCNjUDTyIA+vGuPwS6gbqmI="),
    ("sha2", "{SHA-256}bb68c53754010b98d3df59c243cf147c4387a8f2792aa939868b8903df614651"),
];

const QUICK: &str = "{bcrypt}$2a$04$DhGEJa5lcLrMLiJlRUAnYO5y1hFb9v4RmZmm/65Cyi7oh0KB8sgHu";

/// Takes a tenth of a second.
const SLOW: &str = "$2b$11$93ZHM68eQdW.DXwo9gAy6OTTQeLZAKKmJU3A84bJwGjMMF1N6Ng9.";

/// Takes seconds.
const SLOWEST: &str = "$2b$16$CuftYpQeH2W19rUWfpNh.OmkFfr19AORhNr3LXpOSYf3qaoTvbd2W";

fn hash(text: &str) -> Given {
    Given::Hash(SlowHash::parse(text).unwrap())
}

async fn import(server: &TestServer, client_id: &str, text: &str) -> App {
    let new = NewApplication { secret: Some(hash(text)), ..NewApplication::default() };
    App { secret: SECRET.to_owned(), ..server.add("default", client_id, &[], new).await }
}

async fn ask(server: &TestServer, app: &App) -> u16 {
    server.answer(token_request(&[]).of(app)).await.status
}

fn with(app: &App, secret: &str) -> App {
    App { secret: secret.to_owned(), ..app.clone() }
}

async fn stored(server: &TestServer, app: &App) -> Vec<Credential> {
    let tenant = server.tenant("default").await;
    server.admin.store.application(tenant.id, &app.client_id).await.unwrap().unwrap().credentials.clone()
}

async fn is_replaced(server: &TestServer, app: &App) -> bool {
    stored(server, app).await.iter().all(|one| one.keyed().is_some())
}

/// What the audit says of hashes that were replaced.
async fn replaced(server: &TestServer) -> Vec<(String, Value)> {
    let events = server.admin.store.audit_events(0, 1000).await.unwrap();
    let events = events.into_iter().map(|recorded| recorded.event);
    let replaced = events.filter(|event| event.action == "application.secret.redigest");
    replaced.map(|event| (event.subject, event.detail["hash"].clone())).collect()
}

#[tokio::test]
async fn each_kind_is_taken_and_kept_by_our_digest_from_then_on() {
    let server = TestServer::start().await;
    for (name, text) in EACH {
        let app = import(&server, name, text).await;
        assert_eq!(stored(&server, &app).await[0].imported().unwrap().as_str(), text);
        log::take();
        assert_eq!(ask(&server, &app).await, 200, "{name}");
        assert_eq!(log::take(), Vec::<Value>::new());
        assert!(is_replaced(&server, &app).await, "{name}");
        assert_eq!(replaced(&server).await.last(), Some(&(name.to_owned(), json!(name))));
        // By what is remembered, and then by the digest.
        assert_eq!(ask(&server, &app).await, 200, "{name}");
        server.advance_a_second();
        assert_eq!(ask(&server, &app).await, 200, "{name}");
        assert_eq!(ask(&server, &with(&app, "wrong")).await, 401, "{name}");
    }
    assert_eq!(replaced(&server).await.len(), EACH.len());
}

/// C15
#[tokio::test]
async fn a_wrong_secret_is_refused_as_everywhere() {
    let server = TestServer::start().await;
    let app = import(&server, "app", QUICK).await;
    let reference = server.answer(token_request(&[]).basic("nobody", "wrong")).await;
    reference.expect_invalid_client();
    for secret in ["wrong", QUICK, "", &"x".repeat(2000), SECRET.trim_end_matches('r')] {
        for _ in 0..2 {
            let request = [("client_id", app.client_id.as_str()), ("client_secret", secret)];
            let reply = server.answer(token_request(&request)).await;
            assert_eq!(reply.without_request_id(), reference.without_request_id(), "{secret}");
        }
    }
    for ask in [introspection("a.b.c"), revocation("a.b.c")] {
        log::take();
        let reply = server.answer(ask.basic("app", "wrong")).await;
        assert_eq!(reply.without_request_id(), reference.without_request_id());
        let logged = log::take();
        assert!(
            logged.iter().any(|line| line["message"] == "the secret is wrong, or was removed"),
            "{logged:?}"
        );
    }
    assert!(!is_replaced(&server, &app).await);
}

/// A guess that has failed costs nothing when it comes again.
#[tokio::test]
async fn a_guess_is_checked_once() {
    let server = TestServer::start().await;
    let app = with(&import(&server, "app", SLOW).await, "wrong");
    let mut taken = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        assert_eq!(ask(&server, &app).await, 401);
        taken.push(started.elapsed());
    }
    assert!(taken[1..].iter().any(|again| *again < taken[0] / 3), "{taken:?}");
}

/// C22: nor does whoever is out of the question cost anything.
#[tokio::test]
async fn nothing_is_checked_for_who_would_be_refused_anyway() {
    let server = TestServer::start().await;
    let [disabled, narrowed, long, expired, both] = join_all(
        ["disabled", "narrowed", "long", "expired", "both"].map(|name| import(&server, name, SLOWEST)),
    )
    .await
    .try_into()
    .unwrap();
    let off = ApplicationChange { enabled: Some(false), ..ApplicationChange::default() };
    server.change(&disabled, off).await;
    let auth_methods = Some(vec![AuthMethod::ClientSecretPost]);
    server.change(&narrowed, ApplicationChange { auth_methods, ..ApplicationChange::default() }).await;
    let tenant = server.tenant("default").await;
    let id = stored(&server, &expired).await[0].id.to_string();
    server.remove_secret(&expired, &id).await;
    let minute = Duration::from_mins(1);
    let new = NewSecret { expires: Some(minute), given: Some(hash(SLOWEST)), ..NewSecret::default() };
    credentials::add(&server.admin, &tenant, &expired.client_id, new).await.unwrap();
    let (own, _) = server.add_secret(&both, None).await;
    server.advance(minute);

    let started = Instant::now();
    for app in [&disabled, &narrowed, &with(&long, &"x".repeat(1025)), &expired] {
        assert_eq!(ask(&server, app).await, 401, "{}", app.client_id);
    }
    assert_eq!(ask(&server, &own).await, 200);
    assert!(started.elapsed() < Duration::from_secs(1), "a hash was checked: {:?}", started.elapsed());
}

#[tokio::test]
async fn of_several_secrets_each_is_taken() {
    let server = TestServer::start().await;
    let app = server.app(&[]).await;
    let tenant = server.tenant("default").await;
    for text in [EACH[1].1, QUICK] {
        let new = NewSecret { given: Some(hash(text)), ..NewSecret::default() };
        let (credential, secret) =
            credentials::add(&server.admin, &tenant, &app.client_id, new).await.unwrap();
        assert!(secret.is_none());
        let view = serde_json::to_value(SecretView::new(&credential, server.admin.now())).unwrap();
        assert_eq!(view["hash"], SlowHash::parse(text).unwrap().name());
    }
    assert_eq!([ask(&server, &app).await, ask(&server, &with(&app, SECRET)).await], [200, 200]);
    server.advance_a_second();
    assert_eq!([ask(&server, &app).await, ask(&server, &with(&app, SECRET)).await], [200, 200]);
    // The other one is of the same secret, and stays as it is until it is needed.
    let left: Vec<_> = stored(&server, &app).await.iter().map(|one| one.imported().is_some()).collect();
    assert_eq!(left.iter().filter(|is_imported| **is_imported).count(), 1);
    let view = SecretView::new(&stored(&server, &app).await[0], server.admin.now());
    assert_eq!(serde_json::to_value(view).unwrap()["hash"], Value::Null);
}

#[tokio::test]
async fn of_many_who_come_first_all_are_served_and_one_replaces() {
    let server = TestServer::start().await;
    let node = server.another_node().await;
    let app = import(&server, "app", SLOW).await;
    let asked = (0..40).map(|number| ask(if number % 2 == 0 { &server } else { &node }, &app));
    assert_eq!(join_all(asked).await, [200; 40]);
    assert_eq!(replaced(&server).await, [("app".to_owned(), json!("bcrypt"))]);
}

/// What one node has replaced is no work for another.
#[tokio::test]
async fn every_node_hears_of_it() {
    let server = TestServer::start().await;
    let node = server.another_node().await;
    let app = import(&server, "app", SLOW).await;
    assert_eq!(ask(&node, &with(&app, "wrong")).await, 401);
    assert_eq!(ask(&server, &app).await, 200);
    server.advance_a_second();
    let started = Instant::now();
    assert_eq!(ask(&node, &app).await, 200);
    let with_digest = started.elapsed();
    let other = import(&server, "other", SLOW).await;
    let started = Instant::now();
    assert_eq!(ask(&node, &other).await, 200);
    assert!(with_digest < started.elapsed(), "{with_digest:?}");
    assert_eq!(replaced(&server).await.len(), 2);
}

/// F06: too many guesses for one application are our trouble, and no other application's.
#[tokio::test]
async fn whoever_floods_one_application_is_told_to_come_back() {
    let server = TestServer::start().await;
    let (flooded, other) = (import(&server, "flooded", SLOW).await, import(&server, "other", SLOW).await);
    let guesses: Vec<App> = (0..12).map(|number| with(&flooded, &format!("guess {number}"))).collect();
    let asked = guesses.iter().chain([&other]).map(|app| server.answer(token_request(&[]).of(app)));
    let replies = join_all(asked).await;
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses[12], 200);
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 4, "{statuses:?}");
    let busy: Vec<_> = replies.iter().filter(|reply| reply.status == 503).collect();
    assert_eq!(busy.len(), 8, "{statuses:?}");
    for reply in busy {
        reply.expect_unavailable();
    }
    // When the flood is over there is room again.
    assert_eq!(ask(&server, &flooded).await, 200);
}

/// F06: nor is one guess that is compared with many hashes.
#[tokio::test]
async fn whoever_guesses_at_many_secrets_keeps_nobody_waiting_for_all_of_them() {
    let server = TestServer::start().await;
    let (many, other) = (import(&server, "many", SLOW).await, import(&server, "other", SLOW).await);
    let tenant = server.tenant("default").await;
    for _ in 1..10 {
        let new = NewSecret { given: Some(hash(SLOW)), ..NewSecret::default() };
        credentials::add(&server.admin, &tenant, &many.client_id, new).await.unwrap();
    }
    let wrong = with(&many, "wrong");
    let (flood, own) = (ask(&server, &wrong), ask(&server, &other));
    tokio::pin!(flood, own);
    assert!(timeout(Duration::from_millis(50), &mut flood).await.is_err(), "ten checks take longer");
    tokio::select! {
        biased;
        status = &mut flood => panic!("{status} before anybody else had a turn"),
        status = &mut own => assert_eq!(status, 200),
    }
    assert_eq!(flood.await, 401);
}

/// C22, R06: a check that takes its time gives nothing of what was before it.
#[tokio::test]
async fn what_changes_during_a_check_counts() {
    let server = TestServer::start().await;
    let (app, other) = (import(&server, "app", SLOW).await, import(&server, "other", SLOW).await);
    // Time that passes alone is no reason to refuse.
    let meanwhile = async {
        yield_now().await;
        server.advance(Duration::from_secs(3));
    };
    assert_eq!(tokio::join!(ask(&server, &app), meanwhile).0, 200);
    let meanwhile = async {
        yield_now().await;
        let off = TenantChange { enabled: Some(false), ..TenantChange::default() };
        tenants::change(&server.admin, "default", off).await.unwrap();
        server.advance(Duration::from_secs(3));
    };
    assert_eq!(tokio::join!(ask(&server, &other), meanwhile).0, 401);
}

/// F06: a store that cannot be written to is no reason to refuse; it is tried again.
#[tokio::test]
async fn a_hash_that_cannot_be_replaced_is_replaced_later() {
    let (server, store) = TestServer::with_faulty_store().await;
    let app = import(&server, "app", QUICK).await;
    assert_eq!(ask(&server, &with(&app, "wrong")).await, 401);
    store.turn(Mood::Unavailable);
    assert_eq!([ask(&server, &app).await, ask(&server, &app).await], [200, 200]);
    store.turn(Mood::Works);
    assert!(!is_replaced(&server, &app).await);
    server.advance(Duration::from_secs(5));
    assert_eq!(ask(&server, &app).await, 200);
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_replaced(&server, &app).await {
        assert!(Instant::now() < deadline, "it was not tried again");
        sleep(Duration::from_millis(5)).await;
    }
    server.advance_a_second();
    assert_eq!(ask(&server, &app).await, 200);
    assert_eq!(replaced(&server).await.len(), 1);
}

/// The first request of a caller need not be for a token.
#[tokio::test]
async fn every_endpoint_takes_an_imported_secret() {
    let server = TestServer::start().await;
    for (client_id, request) in [("a", introspection("a.b.c")), ("b", revocation("a.b.c"))] {
        let app = import(&server, client_id, QUICK).await;
        assert_eq!(server.answer(request.of(&app)).await.status, 200);
        assert!(is_replaced(&server, &app).await);
    }
}
