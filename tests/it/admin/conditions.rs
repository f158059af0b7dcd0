//! On which terms: versions, requests that are repeated, bodies and parameters that are wrong, pages.

use std::collections::BTreeSet;
use std::sync::Arc;

use chancery::domain::audit::ChainWalk;
use serde_json::{Value, json};

use super::{Administered, application, ask, expect_problem, patch, post, with_json};

/// O11: of many who change the same version one wins, the others are told, and nothing is lost.
#[tokio::test]
async fn of_a_thousand_changes_at_once_none_is_lost() {
    let server = Arc::new(Administered::start().await);
    let token = Arc::new(server.token(&["admin:write"]).await);
    let made =
        server.answer(post("/applications", &token, &json!({ "name": "n", "client_id": "app" }))).await;
    assert_eq!((made.status, made.header("etag")), (201, Some("\"1\"")));
    let tasks = (0..1_000).map(|number| {
        let (server, token) = (Arc::clone(&server), Arc::clone(&token));
        tokio::spawn(async move {
            // Each reads, and changes what it has read, until nobody was faster.
            let (mut lost, mut claims) = (0, 1);
            while claims > 0 {
                let read = server.answer(ask("GET", "/applications/app", &token)).await;
                let mut all = read.json()["claims"].as_object().unwrap().clone();
                all.insert(format!("c{}", number % 40), json!(number));
                let body = json!({ "claims": all });
                let reply = server
                    .answer(patch("/applications/app", &token, read.header("etag").unwrap(), &body))
                    .await;
                match reply.status {
                    200 => claims -= 1,
                    412 => lost += 1,
                    other => panic!("{other}: {reply:?}"),
                }
                if number >= 50 {
                    // Most try just once.
                    return (reply.status == 200, lost);
                }
            }
            (true, lost)
        })
    });
    let mut won = 0;
    for task in tasks.collect::<Vec<_>>() {
        won += i64::from(task.await.unwrap().0);
    }
    assert!(won >= 50);
    let last = server.answer(ask("GET", "/applications/app", &token)).await.json();
    assert_eq!(last["version"].as_i64(), Some(won + 1));
    // The fifty who insisted have all written: each of forty claims has a number of its own remainder.
    let claims = last["claims"].as_object().unwrap();
    let remainders: BTreeSet<String> =
        claims.iter().map(|(name, value)| format!("{name}={}", value.as_i64().unwrap() % 40)).collect();
    assert_eq!(remainders, (0..40).map(|n| format!("c{n}={n}")).collect());
    let events = server.public.admin.store.audit_events(0, 10_000).await.unwrap();
    let sets = events.iter().filter(|one| one.event.action == "application.set").count();
    assert_eq!(i64::try_from(sets).unwrap(), won);
    let mut walk = ChainWalk::default();
    events.iter().try_for_each(|one| walk.step(one)).unwrap();
}

#[tokio::test]
async fn a_change_says_which_version_it_is_for() {
    let server = Administered::start().await;
    let token = server.token(&["admin:write"]).await;
    server.answer(post("/applications", &token, &json!({ "name": "n", "client_id": "app" }))).await;
    let body = json!({ "name": "m" });
    let without = with_json(ask("PATCH", "/applications/app", &token), &body);
    expect_problem(&server.answer(without).await, 428, "version-required");
    for (tag, status, kind) in
        [("\"2\"", 412, "changed"), ("W/\"1\"", 412, "changed"), ("1", 412, "changed"), ("", 412, "changed")]
    {
        expect_problem(&server.answer(patch("/applications/app", &token, tag, &body)).await, status, kind);
    }
    let twice = patch("/applications/app", &token, "\"1\"", &body).with("if-match", "\"1\"");
    expect_problem(&server.answer(twice).await, 400, "malformed");
    let changed = server.answer(patch("/applications/app", &token, "\"1\"", &body)).await;
    assert_eq!((changed.status, changed.header("etag")), (200, Some("\"2\"")));
    // What changes nothing is no new version, and no event.
    let again = server.answer(patch("/applications/app", &token, "\"2\"", &body)).await;
    assert_eq!((again.status, again.header("etag")), (200, Some("\"2\"")));
    let late = ask("DELETE", "/applications/app", &token).with("if-match", "\"1\"");
    expect_problem(&server.answer(late).await, 412, "changed");
    let gone = ask("DELETE", "/applications/app", &token).with("if-match", "\"2\"");
    assert_eq!(server.answer(gone).await.status, 204);
    expect_problem(&server.answer(ask("DELETE", "/applications/app", &token)).await, 404, "not-found");
}

/// O13: a request that is repeated because its answer was lost makes one thing, and gives the same secret to the same
/// caller, for ten minutes.
#[tokio::test]
async fn a_creation_that_is_repeated_makes_one_thing() {
    let server = Administered::start().await;
    let (token, other) =
        (server.token(&["admin:write"]).await, server.token(&["admin:applications:write"]).await);
    let create =
        |token: &str, body: &Value| post("/applications", token, body).with("idempotency-key", "one");
    let body = application("once");
    // At once, as by a client that gave up waiting too early.
    let (first, second) =
        tokio::join!(server.answer(create(&token, &body)), server.answer(create(&token, &body)));
    assert_eq!((first.status, second.status), (201, 201), "{first:?} {second:?}");
    assert_eq!(first.body, second.body);
    assert_eq!(first.header("location"), second.header("location"));
    assert!(first.json()["client_secret"].as_str().unwrap().starts_with("chy_"));
    let another = server.public.another_node().await.behind_admin();
    assert_eq!(another.answer(create(&token, &body)).await.body, first.body);
    expect_problem(&server.answer(create(&token, &application("another"))).await, 422, "key-used");
    // The same name is another request when another caller uses it.
    assert_ne!(server.answer(create(&other, &body)).await.json()["client_id"], first.json()["client_id"]);
    let count = async || {
        let all = server.answer(ask("GET", "/applications?search=once", &token)).await.json();
        all["items"].as_array().unwrap().len()
    };
    assert_eq!(count().await, 2);
    server.public.advance(std::time::Duration::from_mins(10));
    let token = server.token(&["admin:write", "admin:read"]).await;
    assert_eq!(server.answer(create(&token, &body)).await.status, 201);
    assert_eq!(count_with(&server, &token).await, 3);
    for bad in ["", " ", "a b", "é"] {
        let request = post("/scopes", &token, &json!({ "name": "s" })).with("idempotency-key", bad);
        expect_problem(&server.answer(request).await, 400, "malformed");
    }
}

async fn count_with(server: &Administered, token: &str) -> usize {
    let all = server.answer(ask("GET", "/applications?search=once", token)).await.json();
    all["items"].as_array().unwrap().len()
}

/// O02, O04: what is not a member here is refused, so that nothing somebody meant is passed over in silence.
#[tokio::test]
async fn a_body_that_is_wrong_is_refused_with_all_its_mistakes() {
    let server = Administered::start().await;
    let token = server.token(&["admin:write"]).await;
    let add = async |body: &str, kind: &str| {
        let request = ask("POST", "/applications", &token).with("content-type", kind).body(body.to_owned());
        server.answer(request).await
    };
    for body in [
        "",
        "{",
        "[]",
        "null",
        "\"x\"",
        "{}",
        r#"{"name":1}"#,
        r#"{"name":"a","name":"b"}"#,
        r#"{"name":"a","enabled":"yes"}"#,
        r#"{"name":"a","scopes":["a b"]}"#,
        r#"{"name":"a","token_lifetime":59}"#,
        r#"{"name":"a","token_lifetime":1e99}"#,
        r#"{"name":""}"#,
        r#"{"name":"a","jwks":{},"jwks_uri":"https://a.example"}"#,
        r#"{"name":"a","registration_access_token":"x"}"#,
        r#"{"name":"a","client_secret_expires_at":0}"#,
        r#"{"name":"a","client_id_issued_at":0}"#,
    ] {
        expect_problem(&add(body, "application/json").await, 400, "malformed");
    }
    let several = add(r#"{"name":"","enabled":1,"nothing":2}"#, "application/json").await.json();
    assert_eq!(several["errors"].as_array().unwrap().len(), 3, "{several}");
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/merge-patch+json", ""] {
        expect_problem(&add(r#"{"name":"a"}"#, kind).await, 415, "media-type");
    }
    expect_problem(
        &add(&format!(r#"{{"name":"{}"}}"#, "x".repeat(70_000)), "application/json").await,
        413,
        "too-large",
    );
    expect_problem(&add(r#"{"name":"a","scopes":["none"]}"#, "application/json").await, 409, "conflict");
    expect_problem(
        &add(r#"{"name":"a","type":"spa","grants":["client_credentials"]}"#, "application/json").await,
        422,
        "invalid",
    );
    expect_problem(&add(r#"{"name":"a","claims":{"iss":"x"}}"#, "application/json").await, 422, "invalid");
    // Another id, or a secret of one's own, is no change an application can have.
    for body in
        [json!({ "client_id": "other" }), json!({ "client_secret": "mine" }), json!({ "type": "web" })]
    {
        expect_problem(&server.answer(patch("/applications/x", &token, "*", &body)).await, 400, "malformed");
    }
    expect_problem(&server.answer(ask("GET", "/applications", &token).body("{}")).await, 400, "malformed");
}

#[tokio::test]
async fn parameters_are_what_they_should_be() {
    let server = Administered::start().await;
    let token = server.token(&["admin:read"]).await;
    for query in [
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=1&limit=1",
        "limit=",
        "nothing=1",
        "search=",
        "search=%ff",
        "tenant=%00",
        "limit=+1",
    ] {
        let reply = server.answer(ask("GET", &format!("/applications?{query}"), &token)).await;
        expect_problem(&reply, 400, "malformed");
        assert_eq!(reply.json()["errors"].as_array().unwrap().len(), 1, "{query}");
    }
    expect_problem(&server.answer(ask("GET", "/statistics?since=yesterday", &token)).await, 400, "malformed");
    assert_eq!(
        server.answer(ask("GET", "/statistics?by=day&since=2020-01-01T00:00:00Z", &token)).await.status,
        200
    );
    for query in ["over=week", "factor=0", "factor=1000001", "limit=1001"] {
        expect_problem(
            &server.answer(ask("GET", &format!("/excess?{query}"), &token)).await,
            400,
            "malformed",
        );
    }
    let reply = server.answer(ask("GET", "/excess?over=hour&factor=1&limit=3", &token)).await;
    assert_eq!((reply.status, &reply.json()["items"]), (200, &json!([])));
    for (method, path, status, kind) in [
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/applications/", 404, "not-found"),
        ("GET", "/applications/%ff", 404, "not-found"),
        ("PUT", "/applications", 405, "method-not-allowed"),
        ("TRACE", "/scopes/a", 405, "method-not-allowed"),
        ("GET", "", 404, "not-found"),
    ] {
        expect_problem(&server.answer(ask(method, path, &token)).await, status, kind);
    }
    let reply = server.answer(ask("OPTIONS", "/scopes/a", &token)).await;
    assert_eq!((reply.status, reply.header("allow")), (204, Some("GET, PATCH, DELETE, HEAD, OPTIONS")));
    assert_eq!(server.answer(ask("HEAD", "/scopes", &token)).await.status, 200);
}

/// O10: a list is read page by page, whatever comes and goes in between; cursors are values, and of one list alone.
#[tokio::test]
async fn pages_stay_true_while_things_come_and_go() {
    let server = Administered::start().await;
    let token = server.token(&["admin:write"]).await;
    for number in 0..25 {
        let body = json!({ "name": "n", "client_id": format!("a{number:02}") });
        assert_eq!(server.answer(post("/applications", &token, &body)).await.status, 201);
    }
    for query in ["", "search=A"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = server
                .answer(ask("GET", &format!("/applications?limit=7&{query}{cursor}"), &token))
                .await
                .json();
            seen.extend(
                page["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|one| one["client_id"].as_str().unwrap().to_owned()),
            );
            // One that was seen goes, and one comes that sorts before.
            if let Some(first) = seen.first().filter(|first| first.starts_with("a0")) {
                server.answer(ask("DELETE", &format!("/applications/{first}"), &token)).await;
                let body = json!({ "name": "n", "client_id": first });
                server.answer(post("/applications", &token, &body)).await;
            }
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let distinct: BTreeSet<&String> =
            seen.iter().filter(|id| id.starts_with('a') && id.len() == 3).collect();
        assert_eq!(distinct.len(), 25, "{query} {seen:?}");
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len());
        assert!(seen.is_sorted());
    }
    let page = server.answer(ask("GET", "/applications?limit=1", &token)).await.json();
    let next = page["next"].as_str().unwrap();
    let hostile = data_encoding::BASE64URL_NOPAD.encode(b"[\"applications\",\"x\",[\"' OR 1=1 --\"]]");
    for (path, cursor) in
        [("/scopes", next), ("/applications", "x"), ("/applications", &hostile), ("/applications", "a%00")]
    {
        let reply = server.answer(ask("GET", &format!("{path}?cursor={cursor}"), &token)).await;
        assert!(reply.status == 404 || reply.status == 400, "{reply:?}");
    }
}
