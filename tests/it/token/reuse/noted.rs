//! What is noted of a token that is handed out again: counted apart, and its credential as used.

use chancery::admin::applications::NewApplication;
use chancery::admin::excess::{self, Asked};
use chancery::admin::statistics;
use chancery::domain::application::ClientId;
use chancery::domain::excess::Span;
use chancery::domain::statistic::{Counted, Period};
use serde_json::{Value, json};
use std::time::Duration;

use super::{add, ask, server, token};
use crate::support::ask::get;
use crate::support::server::TestServer;

/// How many tokens of an application of the tenant `default` were made, and how often one was handed out again.
pub(super) async fn counted(server: &TestServer, client_id: &str) -> (u64, u64) {
    server.directory.write_usage().await.unwrap();
    let application = Some(ClientId::parse(client_id).unwrap());
    let asked = statistics::Asked { application, by: Period::Day, since: None, limit: 100 };
    let tenant = server.tenant("default").await;
    let counts = statistics::list(&server.admin, &tenant, asked).await.unwrap();
    let of = |what: Counted| counts.iter().filter(|one| one.counter.what == what).map(|one| one.count).sum();
    (of(Counted::Issued), of(Counted::Reused))
}

#[tokio::test]
async fn a_token_is_counted_once_and_each_further_answer_apart() {
    let (server, app) = server().await;
    for _ in 0..5 {
        token(&server, &app).await;
    }
    ask(&server, &app, "write").await;
    assert_eq!(counted(&server, "app").await, (2, 4));
    let metrics = server.behind_admin().answer(get("/metrics")).await.body;
    for line in ["chancery_tokens_issued_total 2\n", "chancery_tokens_reused_total 4\n"] {
        assert!(metrics.contains(line), "{metrics}");
    }
}

/// What may be handed out no more does not keep its room.
#[tokio::test]
async fn what_is_past_is_forgotten() {
    let (server, app) = server().await;
    let bytes = async || {
        server.directory.forget_past().await.unwrap();
        server.directory.figures().reuse_bytes
    };
    assert_eq!(bytes().await, 0);
    token(&server, &app).await;
    let one = bytes().await;
    ask(&server, &app, "write").await;
    let two = bytes().await;
    assert!((1_500..4_096).contains(&one) && two > one + 1_500 && two < 2 * one, "{one} {two}");
    server.advance(Duration::from_secs(150));
    assert_eq!(bytes().await, 0);
}

#[tokio::test]
async fn its_credential_was_used_each_time() {
    let (server, app) = server().await;
    let used = async || {
        server.directory.write_usage().await.unwrap();
        let tenant = server.tenant("default").await;
        let found = server.admin.store.application(tenant.id, "app").await.unwrap().unwrap();
        found.credentials[0].last_used_at.unwrap()
    };
    token(&server, &app).await;
    let first = used().await;
    server.advance(Duration::from_secs(100));
    token(&server, &app).await;
    assert_eq!(used().await.since(first), Duration::from_secs(100));
}

#[tokio::test]
async fn who_fetches_far_too_much_is_named_with_what_to_do() {
    let server = TestServer::start().await;
    let reuses = add(&server, "default", "reuses", &["read"]).await;
    let wasteful = server.add("default", "wasteful", &["read"], NewApplication::default()).await;
    let modest = server.add("default", "modest", &["read"], NewApplication::default()).await;
    for _ in 0..121 {
        token(&server, &reuses).await;
        token(&server, &wasteful).await;
    }
    for _ in 0..120 {
        token(&server, &modest).await;
    }
    server.directory.write_usage().await.unwrap();
    let tenant = server.tenant("default").await;
    let found = async |factor| {
        let asked = Asked { over: Span::Hour, factor, limit: 10 };
        serde_json::to_value(excess::find(&server.admin, &tenant, asked).await.unwrap()).unwrap()
    };
    assert_eq!(found(10).await["items"], json!([]), "the hour is not over");
    server.advance(Duration::from_hours(1));
    let excess = found(10).await;
    assert_eq!(
        (&excess["from"], &excess["to"]),
        (&json!("2021-12-27T07:00:00.000Z"), &json!("2021-12-27T08:00:00.000Z"))
    );
    let named: Vec<&Value> =
        excess["items"].as_array().unwrap().iter().map(|one| &one["client_id"]).collect();
    assert_eq!(named, ["reuses", "wasteful"]);
    assert_eq!(
        excess["items"][0],
        json!({
            "client_id": "reuses", "name": "An application", "issued": 1, "reused": 120, "token_lifetime": 300,
            "needed": 12, "factor": 10.1, "credentials_used": 1, "reuses_tokens": true,
            "mend": "Let the caller keep its token until it is nearly over: it is handed out the same one already.",
        })
    );
    assert_eq!(excess["items"][1]["issued"], 121);
    assert!(excess["items"][1]["mend"].as_str().unwrap().contains("token_reuse_percent"));
    assert_eq!(found(11).await["items"], json!([]));
    assert_eq!(found(9).await["items"].as_array().unwrap().len(), 3);
}
