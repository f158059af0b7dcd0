//! How many tokens an application and a tenant may have, on one node and on several.

use std::num::NonZeroU32;
use std::time::Duration;

use chancery::admin::applications::{ApplicationChange, NewApplication};
use chancery::admin::change::{Change, QuotaChange};
use chancery::admin::tenants::{self, TenantChange};
use chancery::domain::quota::{QuotaMode, Window};
use chancery::issuer::Services;
use futures_util::future::join_all;

use crate::support::ask::{introspection, token_request};
use crate::support::faulty::Mood;
use crate::support::log;
use crate::support::reply::Reply;
use crate::support::server::{App, TestServer};

/// Every test begins eight seconds after a full minute, and seven minutes after a full hour.
const MINUTE_ENDS_IN: u64 = 52;

fn limit(window: Window, limit: u32) -> QuotaChange {
    let to = Change::To(NonZeroU32::new(limit).unwrap());
    match window {
        Window::Minute => QuotaChange { per_minute: to, ..QuotaChange::default() },
        Window::Hour => QuotaChange { per_hour: to, ..QuotaChange::default() },
        Window::Day => QuotaChange { per_day: to, ..QuotaChange::default() },
    }
}

/// An application with this quota.
async fn app(server: &TestServer, client_id: &str, quota: QuotaChange) -> App {
    let app = server.add("default", client_id, &[], NewApplication::default()).await;
    change(server, &app, quota).await;
    app
}

async fn change(server: &TestServer, app: &App, quota: QuotaChange) {
    server.change(app, ApplicationChange { quota, ..ApplicationChange::default() }).await;
    server.directory.follow().await.unwrap();
}

async fn limit_tenant(server: &TestServer, quota: QuotaChange) {
    let change = TenantChange { quota, ..TenantChange::default() };
    tenants::change(&server.admin, "default", change).await.unwrap();
    server.directory.follow().await.unwrap();
}

async fn ask(server: &TestServer, app: &App) -> Reply {
    server.answer(token_request(&[]).of(app)).await
}

/// How many tokens it gets of so many it asks for.
async fn got(server: &TestServer, app: &App, times: usize) -> usize {
    let mut got = 0;
    for _ in 0..times {
        got += usize::from(ask(server, app).await.status == 200);
    }
    got
}

#[track_caller]
fn expect_used_up(reply: &Reply, retry_after: u64) {
    assert_eq!((reply.status, &reply.json()["error"]), (429, &"temporarily_unavailable".into()), "{reply:?}");
    assert_eq!(reply.header("retry-after"), Some(retry_after.to_string().as_str()));
    reply.expect_never_cached();
}

/// A27, F02
#[tokio::test]
async fn an_application_has_as_many_tokens_as_its_quota_says() {
    let server = TestServer::start().await;
    let both = QuotaChange { per_hour: Change::To(NonZeroU32::new(5).unwrap()), ..limit(Window::Minute, 3) };
    let app = app(&server, "app", both).await;
    let other = server.add("default", "other", &[], NewApplication::default()).await;
    let reply = ask(&server, &app).await;
    assert_eq!(reply.header("ratelimit-policy"), Some(r#""minute";q=3;w=60, "hour";q=5;w=3600"#));
    assert_eq!(reply.header("ratelimit"), Some(r#""minute";r=2;t=52, "hour";r=4;t=3172"#));
    assert_eq!(got(&server, &app, 5).await, 2);
    let reply = ask(&server, &app).await;
    expect_used_up(&reply, MINUTE_ENDS_IN);
    assert_eq!(reply.header("ratelimit"), Some(r#""minute";r=0;t=52, "hour";r=2;t=3172"#));
    assert!(reply.json()["error_description"].as_str().unwrap().contains("quota"));
    // Nobody else is concerned, nor what is no token.
    let reply = ask(&server, &other).await;
    assert_eq!(
        (reply.status, reply.header("ratelimit"), reply.header("ratelimit-policy")),
        (200, None, None)
    );
    server.answer(introspection("a.b.c").of(&app)).await.expect_inactive();

    server.advance(Duration::from_secs(MINUTE_ENDS_IN));
    assert_eq!(got(&server, &app, 5).await, 2);
    // Now the hour is used up as well, which lasts longer.
    expect_used_up(&ask(&server, &app).await, 52 * 60);
    server.advance(Duration::from_mins(52));
    assert_eq!(got(&server, &app, 5).await, 3);
    assert_eq!(server.directory.figures().used_up, 3 + 1 + 3 + 1 + 2);
}

/// Who has not proved itself is told nothing of quotas, and uses up none; nor does who is refused for something else.
#[tokio::test]
async fn only_tokens_are_counted_and_only_their_owner_is_told() {
    let server = TestServer::start().await;
    let app = app(&server, "app", limit(Window::Minute, 1)).await;
    for _ in 0..3 {
        let wrong = server.answer(token_request(&[]).basic("app", "guess")).await;
        wrong.expect_invalid_client();
        let unknown = server.answer(token_request(&[("scope", "frob")]).of(&app)).await;
        unknown.expect_refused("invalid_scope");
        for reply in [wrong, unknown] {
            assert_eq!((reply.header("ratelimit"), reply.header("ratelimit-policy")), (None, None));
        }
    }
    assert_eq!(got(&server, &app, 2).await, 1);
    let wrong = server.answer(token_request(&[]).basic("app", "guess")).await;
    wrong.expect_invalid_client();
}

#[tokio::test]
async fn of_many_requests_at_once_as_many_get_a_token() {
    let server = TestServer::start().await;
    let app = app(&server, "app", limit(Window::Hour, 7)).await;
    let replies = join_all((0..30).map(|_| ask(&server, &app))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 7);
}

/// A tenant's quota is all its applications', and none is told how much others use.
#[tokio::test]
async fn a_tenant_has_a_quota_for_all_its_applications() {
    let server = TestServer::with_two_tenants().await;
    let one = server.add("default", "one", &[], NewApplication::default()).await;
    let two = app(&server, "two", limit(Window::Minute, 9)).await;
    limit_tenant(&server, limit(Window::Hour, 4)).await;
    assert_eq!(got(&server, &one, 3).await, 3);
    let reply = ask(&server, &two).await;
    assert_eq!(reply.header("ratelimit"), Some(r#""minute";r=8;t=52"#));
    for app in [&one, &two] {
        expect_used_up(&ask(&server, app).await, 52 * 60 + MINUTE_ENDS_IN);
    }
    // What the tenant refuses is given back to the application.
    assert_eq!(ask(&server, &two).await.header("ratelimit"), Some(r#""minute";r=8;t=52"#));
    assert_eq!(ask(&server, &one).await.header("ratelimit"), None);
    server.advance(Duration::from_hours(1));
    assert_eq!(got(&server, &two, 2).await, 2);
}

/// F05
#[tokio::test]
async fn a_quota_that_is_only_reported_refuses_nothing() {
    let server = TestServer::start().await;
    let quota = QuotaChange { mode: Change::To(QuotaMode::Report), ..limit(Window::Minute, 2) };
    let app = app(&server, "app", quota).await;
    log::take();
    for _ in 0..5 {
        let reply = ask(&server, &app).await;
        assert_eq!((reply.status, reply.header("ratelimit")), (200, None));
    }
    let logged = log::take();
    let told: Vec<_> = logged.iter().filter(|line| line["level"] == "WARN").collect();
    let [told] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(told["message"], "a quota of tokens is used up");
    let shown = ["tenant", "application", "window", "limit", "mode"].map(|name| told[name].clone());
    assert_eq!(
        shown,
        ["default".into(), "app".into(), "minute".into(), 2.into(), serde_json::json!("report")]
    );
    let figures = server.directory.figures();
    assert_eq!((figures.beyond_quota, figures.used_up, figures.issued), (3, 0, 5));
}

/// F05: one line when it begins, and each refusal for whoever asks about it.
#[tokio::test]
async fn the_log_is_told_once_and_operators_of_each() {
    let server = TestServer::start().await;
    let app = app(&server, "app", limit(Window::Minute, 1)).await;
    log::take();
    let mut last = ask(&server, &app).await;
    for _ in 0..20 {
        last = ask(&server, &app).await;
    }
    assert_eq!(log::take().iter().filter(|line| line["level"] == "WARN").count(), 1);
    server.directory.write_refusals().await.unwrap();
    let id = last.request_id().parse().unwrap();
    let refusal = server.admin.store.refusal(id).await.unwrap().unwrap();
    assert_eq!(
        (refusal.error.as_ref(), refusal.application.unwrap().as_str()),
        ("temporarily_unavailable", "app")
    );
    assert!(chancery::admin::mending::mend(&refusal.reason).is_some());
}

#[tokio::test]
async fn a_quota_that_changes_is_compared_with_what_was_issued_so_far() {
    let server = TestServer::start().await;
    let app = app(&server, "app", limit(Window::Day, 2)).await;
    assert_eq!(got(&server, &app, 3).await, 2);
    change(&server, &app, limit(Window::Day, 5)).await;
    assert_eq!(got(&server, &app, 5).await, 3);
    change(&server, &app, QuotaChange { per_day: Change::Default, ..QuotaChange::default() }).await;
    assert_eq!(got(&server, &app, 5).await, 5);
    // What was issued while there was no quota is known when it has been written down.
    server.directory.write_usage().await.unwrap();
    change(&server, &app, limit(Window::Day, 11)).await;
    server.directory.write_usage().await.unwrap();
    assert_eq!(got(&server, &app, 3).await, 1);
}

/// A restart forgets nothing that was written down, and nodes learn of each other's tokens.
#[tokio::test]
async fn nodes_on_one_store_keep_a_quota_together() {
    let one = TestServer::start().await;
    let app = app(&one, "app", limit(Window::Hour, 10)).await;
    assert_eq!(got(&one, &app, 4).await, 4);
    one.directory.write_usage().await.unwrap();
    // It has never seen the application.
    let two = one.another_node().await;
    assert_eq!(got(&two, &app, 3).await, 3);
    assert_eq!(ask(&one, &app).await.header("ratelimit"), Some(r#""hour";r=5;t=3172"#));
    for node in [&two, &one, &two] {
        node.directory.write_usage().await.unwrap();
    }
    // 4 + 3 + 1 are known to both now.
    assert_eq!((got(&two, &app, 1).await, got(&one, &app, 1).await), (1, 1));
    for node in [&two, &one, &two] {
        node.directory.write_usage().await.unwrap();
    }
    assert_eq!((got(&one, &app, 5).await, got(&two, &app, 5).await), (0, 0));
    // Writing down and reading again and again changes nothing.
    for node in [&one, &two, &one, &two] {
        node.directory.write_usage().await.unwrap();
    }
    assert_eq!((got(&one, &app, 5).await, got(&two, &app, 5).await), (0, 0));
    let three = one.another_node().await;
    assert_eq!(got(&three, &app, 1).await, 0);
}

/// A store that is away stops nobody: what is issued here is what is known.
#[tokio::test]
async fn a_quota_is_kept_while_the_store_is_away() {
    let allow = |services: Services| services.allowing(Duration::from_hours(1));
    let (server, store) = TestServer::with_faulty_store_and(allow).await;
    let known = app(&server, "known", limit(Window::Hour, 5)).await;
    let new = app(&server, "new", limit(Window::Hour, 2)).await;
    assert_eq!(got(&server, &known, 2).await, 2);
    // In memory, and none of its tokens was counted yet.
    server.answer(introspection("a.b.c").of(&new)).await.expect_inactive();
    server.advance(Duration::from_millis(401));
    store.turn(Mood::Unavailable);
    assert_eq!((got(&server, &known, 2).await, got(&server, &new, 3).await), (2, 2));
    assert!(server.directory.write_usage().await.is_err());
    assert_eq!(got(&server, &known, 3).await, 1);
    store.turn(Mood::Works);
    server.directory.follow().await.unwrap();
    server.directory.write_usage().await.unwrap();
    assert_eq!((got(&server, &known, 3).await, got(&server, &new, 3).await), (0, 0));
}
