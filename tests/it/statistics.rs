//! What is counted without a write for each token, and what an operator is told of a refused request.

use std::time::Duration;

use chancery::admin::applications::NewApplication;
use chancery::admin::mending::mend;
use chancery::admin::refusals::{Explained, explain};
use chancery::admin::statistics::{Asked, list};
use chancery::admin::usage_view::{RefusalView, StatisticView};
use chancery::domain::application::ClientId;
use chancery::domain::statistic::Period;
use serde_json::{Value, json};

use crate::support::ask::{Ask, form, get, introspection, raw, revocation, token_request};
use crate::support::faulty::Mood;
use crate::support::server::{OTHER_HOST, SOURCE, TestServer};

/// The minute that every test begins in.
const MINUTE: &str = "2021-12-27T07:07:00.000Z";

/// What an operator of the tenant `default` is shown, once everything is written down.
async fn shown(server: &TestServer, by: Period, application: Option<&str>) -> Vec<Value> {
    server.directory.write_usage().await.unwrap();
    stored(server, by, application).await
}

async fn stored(server: &TestServer, by: Period, application: Option<&str>) -> Vec<Value> {
    let application = application.map(|name| ClientId::parse(name).unwrap());
    let asked = Asked { application, by, since: None, limit: usize::MAX };
    let tenant = server.tenant("default").await;
    let counts = list(&server.admin, &tenant, asked).await.unwrap();
    counts.iter().map(|one| serde_json::to_value(StatisticView::new(one)).unwrap()).collect()
}

fn count(start: &str, client_id: Option<&str>, reason: Option<&str>, count: u64) -> Value {
    let outcome = if reason.is_some() { "refused" } else { "issued" };
    json!({ "start": start, "client_id": client_id, "outcome": outcome, "reason": reason, "count": count })
}

#[tokio::test]
async fn tokens_and_refusals_are_counted_by_application_and_reason() {
    let server = TestServer::start().await;
    let app = server.app(&["read"]).await;
    let other = server.add("default", "other", &[], NewApplication::default()).await;
    for _ in 0..7 {
        assert_eq!(server.answer(token_request(&[]).of(&app)).await.status, 200);
    }
    let asks = || {
        [
            token_request(&[]).of(&other),
            token_request(&[]).basic("app", "wrong"),
            token_request(&[]).basic("other", "wrong"),
            introspection("a.b.c").basic("app", "wrong"),
            token_request(&[("scope", "write")]).of(&app),
            token_request(&[]).basic("stranger", "x"),
            revocation("a.b.c").basic("another stranger", "x"),
            token_request(&[]).without("content-type"),
        ]
    };
    for ask in asks() {
        server.answer(ask).await;
    }
    // Neither a token that is asked about nor a page that is not there is anything to count.
    assert_eq!(server.answer(introspection("a.b.c").of(&app)).await.status, 200);
    assert_eq!(server.answer(get("/oauth2/jwks")).await.status, 200);
    assert_eq!(server.answer(get("/nowhere")).await.status, 404);
    let (wrong, unknown) = ("the secret is wrong, or was removed", "no application has this client_id");
    let no_form = "Send the parameters as application/x-www-form-urlencoded.";
    let scope = "A scope is unknown, or not granted to the application.";
    let expected = |start| {
        vec![
            count(start, None, Some(no_form), 1),
            count(start, None, Some(unknown), 2),
            count(start, Some("app"), None, 7),
            count(start, Some("app"), Some(scope), 1),
            count(start, Some("app"), Some(wrong), 2),
            count(start, Some("other"), None, 1),
            count(start, Some("other"), Some(wrong), 1),
        ]
    };
    assert_eq!(shown(&server, Period::Minute, None).await, expected(MINUTE));

    server.advance(Duration::from_mins(1));
    server.answer(token_request(&[]).of(&app)).await;
    let of_app = shown(&server, Period::Minute, Some("app")).await;
    assert_eq!(of_app.len(), 4);
    assert_eq!(of_app[3], count("2021-12-27T07:08:00.000Z", Some("app"), None, 1));
    let by_day = shown(&server, Period::Day, None).await;
    assert_eq!(by_day[2], count("2021-12-27T00:00:00.000Z", Some("app"), None, 8));
    assert_eq!(by_day.len(), 7);
}

#[tokio::test]
async fn no_token_and_no_refusal_costs_a_write() {
    let server = TestServer::start().await;
    let app = server.app(&[]).await;
    let watcher = server.connection();
    let version = || watcher.pragma_query_value(None, "data_version", |row| row.get::<_, i64>(0)).unwrap();
    let before = version();
    for _ in 0..10 {
        assert_eq!(server.answer(token_request(&[]).of(&app)).await.status, 200);
        assert_eq!(server.answer(token_request(&[]).basic("app", "wrong")).await.status, 401);
    }
    assert_eq!(version(), before);
    assert_eq!(stored(&server, Period::Minute, None).await, [] as [Value; 0]);
    assert_eq!(shown(&server, Period::Minute, None).await.len(), 2);
    assert_ne!(version(), before);
    let before = version();
    server.directory.write_usage().await.unwrap();
    assert_eq!(version(), before, "what is written is written once");
}

#[tokio::test]
async fn what_could_not_be_written_is_written_later() {
    let (server, store) = TestServer::with_faulty_store().await;
    let app = server.app(&[]).await;
    server.answer(token_request(&[]).of(&app)).await;
    let refused = server.answer(token_request(&[]).basic("app", "wrong")).await;
    store.turn(Mood::Unavailable);
    assert!(server.directory.write_usage().await.is_err());
    assert!(server.directory.write_refusals().await.is_err());
    store.turn(Mood::Works);
    server.answer(token_request(&[]).of(&app)).await;
    let counts = shown(&server, Period::Minute, None).await;
    assert_eq!(counts[0], count(MINUTE, Some("app"), None, 2));
    server.directory.write_refusals().await.unwrap();
    assert!(explain(&server.admin, None, refused.request_id()).await.is_ok());
}

/// What an operator is told of a request that is refused, and what must be said of it.
async fn explained(server: &TestServer, ask: Ask) -> Value {
    let reply = server.answer(ask).await;
    assert!(reply.status >= 400, "{reply:?}");
    server.directory.write_refusals().await.unwrap();
    let explained: Explained = explain(&server.admin, None, reply.request_id()).await.unwrap();
    let view = serde_json::to_value(RefusalView::new(&explained)).unwrap();
    assert_eq!(view["request_id"], reply.request_id());
    assert_eq!((&view["error"], &view["source"]), (&reply.json()["error"], &json!(SOURCE.to_string())));
    assert_eq!(view["mend"], mend(view["reason"].as_str().unwrap()).unwrap());
    view
}

#[tokio::test]
async fn a_refused_request_is_explained_by_its_id() {
    let server = TestServer::start().await;
    let app = server.app(&["read"]).await;
    let view = explained(&server, token_request(&[("scope", "write")]).of(&app)).await;
    let members: Vec<_> = view.as_object().unwrap().keys().map(String::as_str).collect();
    let promised =
        ["request_id", "at", "tenant", "client_id", "endpoint", "error", "reason", "hint", "source", "mend"];
    assert_eq!(members, promised);
    assert_eq!((&view["at"], &view["tenant"]), (&"2021-12-27T07:07:08.000Z".into(), &"default".into()));
    assert_eq!((&view["client_id"], &view["endpoint"]), (&"app".into(), &"token".into()));
    assert_eq!((&view["error"], &view["hint"]), (&"invalid_scope".into(), &Value::Null));

    let stranger = token_request(&[]).basic(&"stranger".repeat(4), "x");
    let view = explained(&server, stranger.to("/oauth2/introspect")).await;
    // What is asked about is looked at before who asks.
    assert_eq!((&view["endpoint"], &view["error"]), (&"introspection".into(), &"invalid_request".into()));
    let view = explained(&server, introspection("a").basic(&"stranger".repeat(4), "x")).await;
    assert_eq!((&view["client_id"], &view["hint"]), (&Value::Null, &"stra… of 32 characters".into()));
    let view = explained(&server, revocation("a").basic("app", "wrong")).await;
    assert_eq!((&view["client_id"], &view["endpoint"]), (&"app".into(), &"revocation".into()));
    for (ask, reason) in [
        (raw("a=%"), "The form has a % that two hexadecimal digits do not follow."),
        (raw("x".repeat(70_000)), "The body is longer than 64 KiB."),
        (form(&[]).without("content-type"), "Send the parameters as application/x-www-form-urlencoded."),
        (form(&[]).of(&app).of(&app), "The request has more than one Authorization field."),
    ] {
        assert_eq!(explained(&server, ask).await["reason"], reason);
    }
}

#[tokio::test]
async fn our_own_trouble_is_explained_when_it_is_over() {
    let (server, store) = TestServer::with_faulty_store().await;
    store.turn(Mood::Unavailable);
    let reply = server.answer(token_request(&[]).basic("nobody", "x")).await;
    assert_eq!(reply.status, 503);
    store.turn(Mood::Works);
    server.directory.write_refusals().await.unwrap();
    let explained = explain(&server.admin, None, reply.request_id()).await.unwrap();
    assert_eq!(explained.refusal.error, "temporarily_unavailable");
}

#[tokio::test]
async fn a_refusal_is_its_tenants_own_and_everything_else_is_none() {
    let server = TestServer::with_two_tenants().await;
    let refused = server.answer(token_request(&[]).host(OTHER_HOST)).await;
    let app = server.app(&[]).await;
    let issued = server.answer(token_request(&[]).of(&app)).await;
    let asked = async |tenant: Option<&str>, id: &str| {
        let tenant = match tenant {
            Some(name) => Some(server.tenant(name).await),
            None => None,
        };
        explain(&server.admin, tenant.as_ref(), id).await.map_err(|error| error.to_string())
    };
    assert!(asked(None, refused.request_id()).await.unwrap_err().contains("a second later"));
    server.directory.write_refusals().await.unwrap();
    assert_eq!(asked(None, refused.request_id()).await.unwrap().tenant.as_deref(), Some("other"));
    assert!(asked(Some("other"), refused.request_id()).await.is_ok());
    for (tenant, id) in [(Some("default"), refused.request_id()), (None, issued.request_id())] {
        let said = asked(tenant, id).await.unwrap_err();
        assert!(said.contains("kept for 7 days") && said.contains("under a flood"), "{said}");
    }
    assert!(asked(None, "no id").await.unwrap_err().contains("X-Request-Id"));
}

#[tokio::test]
async fn of_a_flood_the_first_are_kept_and_all_are_counted() {
    let server = TestServer::start().await;
    for _ in 0..1_100 {
        server.answer(form(&[]).without("content-type")).await;
    }
    server.directory.write_refusals().await.unwrap();
    let kept = "SELECT count(*) FROM refusal";
    assert_eq!(server.connection().query_row(kept, [], |row| row.get::<_, i64>(0)).unwrap(), 1_000);
    assert_eq!(shown(&server, Period::Minute, None).await[0]["count"], 1_100);
}

/// What strangers send where a name belongs may be a secret.
#[tokio::test]
async fn nothing_that_was_sent_is_kept() {
    let server = TestServer::start().await;
    let app = server.app(&["read"]).await;
    let secret = app.secret.as_str();
    let token = server.answer(token_request(&[]).of(&app)).await.token();
    for hidden in [secret, &token] {
        for ask in [
            token_request(&[]).basic(hidden, "x"),
            token_request(&[]).basic("app", hidden),
            token_request(&[("scope", hidden)]).of(&app),
            token_request(&[("resource", hidden)]).of(&app),
            token_request(&[("client_id", hidden)]).of(&app),
            form(&[("grant_type", hidden)]).of(&app),
            form(&[(hidden, hidden), (hidden, "%")]).of(&app),
            introspection(hidden).basic(hidden, hidden),
            revocation(hidden).basic("app", "wrong"),
        ] {
            server.answer(ask).await;
        }
    }
    server.directory.write_refusals().await.unwrap();
    server.directory.write_usage().await.unwrap();
    let connection = server.connection();
    let mut kept = String::new();
    for sql in ["SELECT * FROM refusal", "SELECT * FROM statistic"] {
        let mut statement = connection.prepare(sql).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cells = (0..columns).map(|at| format!("{:?} ", row.get_ref(at).unwrap()));
            kept.extend(cells.collect::<Vec<_>>());
        }
    }
    assert!(kept.contains("Text") && !kept.contains("Null Null Null"), "{kept}");
    let text = |bytes: &[u8]| format!("{bytes:?}");
    for hidden in [secret, &token] {
        for piece in [hidden, &hidden[..20], &hidden[hidden.len() - 20..]] {
            let listed = text(piece.as_bytes());
            assert!(!kept.contains(piece) && !kept.contains(listed.trim_matches(['[', ']'])));
        }
    }
}
