//! What is told and counted of an outage.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chancery::admin::statistics::{Asked, list};
use chancery::domain::application::ClientId;
use chancery::domain::statistic::Period;
use chancery::domain::time::SystemClock;
use chancery::issuer::issuance::writer::{self, Output};
use serde_json::Value;

use super::{ALLOWED, Bridging};
use crate::support::ask::token_request;
use crate::support::faulty::Mood;
use crate::support::log;
use crate::support::server::TestServer;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Output for Written {
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().extend_from_slice(lines);
        Ok(())
    }
}

/// Every token that was issued while the store was away says so in the stream, and no other.
#[tokio::test]
async fn the_stream_says_how_long_the_store_has_been_away() {
    let written = Written::default();
    let (stream, writer) = writer::start(written.clone(), Arc::new(SystemClock::new()), 100).unwrap();
    let (server, store) =
        TestServer::with_faulty_store_and(|services| services.allowing(ALLOWED).telling(stream)).await;
    let app = server.app(&[]).await;
    let ask = async || assert_eq!(server.answer(token_request(&[]).of(&app)).await.status, 200);
    ask().await;
    server.advance_a_second();
    store.turn(Mood::Unavailable);
    ask().await;
    server.advance(Duration::from_mins(2));
    ask().await;
    store.turn(Mood::Works);
    server.directory.follow().await.unwrap();
    ask().await;
    writer.finish(Duration::from_secs(30)).await.unwrap();
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let seconds: Vec<Option<u64>> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| line.get("store_away_seconds").map(|seconds| seconds.as_u64().unwrap()))
        .collect();
    assert_eq!(seconds, [None, Some(1), Some(121), None]);
}

/// The lines of the log that are about the store, by level.
fn logged() -> Vec<(String, Value)> {
    // Lines about a request have its id.
    let lines = log::take().into_iter().filter(|line| line.get("request_id").is_none());
    let about =
        lines.filter(|line| line["message"].as_str().is_some_and(|text| text.starts_with("the store ")));
    about
        .map(|line| {
            (format!("{} {}", line["level"].as_str().unwrap(), line["message"].as_str().unwrap()), line)
        })
        .collect()
}

/// The log has a line when an outage begins, when it lasts too long, and when it ends, however many requests there are.
#[tokio::test]
async fn the_log_and_health_say_when_it_begins_and_how_it_ends() {
    let bridging = Bridging::start().await;
    let ready = async || {
        let reply = bridging.at_admin("/health/ready").await;
        (reply.status, reply.json())
    };
    assert_eq!(ready().await.1.get("warning"), None);
    log::take();
    bridging.turn(Mood::Moved);
    for _ in 0..5 {
        assert_eq!(bridging.status(&bridging.app).await, 200);
    }
    let (status, body) = ready().await;
    let warning = body["warning"].as_str().unwrap();
    assert!(
        status == 200 && warning.contains("of 1h") && warning.contains("point store.url there"),
        "{warning}"
    );
    let lines = logged();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].0.starts_with("WARN the store is away: known applications get tokens"), "{lines:?}");

    bridging.server.advance(ALLOWED);
    for _ in 0..5 {
        assert_eq!(bridging.status(&bridging.app).await, 503);
    }
    let (status, body) = ready().await;
    let reason = body["reason"].as_str().unwrap();
    assert!(status == 503 && reason.contains("longer than outage.allow (1h)"), "{reason}");
    let lines = logged();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].0.starts_with("ERROR the store has been away for longer than 1h"), "{lines:?}");

    bridging.store.turn(Mood::Works);
    bridging.follow().await;
    let lines = logged();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].0.starts_with("WARN the store is back"), "{lines:?}");
    assert_eq!((&lines[0].1["issued"], &lines[0].1["seconds"]), (&5.into(), &3600.into()), "{lines:?}");
    assert_eq!((ready().await.0, ready().await.1.get("warning")), (200, None));
}

/// The sample of this name.
#[track_caller]
fn sample(metrics: &str, name: &str) -> f64 {
    let mut found = metrics.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value = found.next().unwrap_or_else(|| panic!("{name} is missing in {metrics}"));
    assert_eq!(found.next(), None, "{name} is there twice");
    value.parse().unwrap()
}

fn is(value: f64, expected: f64) -> bool {
    (value - expected).abs() < 0.000_1
}

/// What is counted is what was done; nothing says whose it was.
#[tokio::test]
async fn metrics_say_what_is_going_on() {
    let bridging = Bridging::start().await;
    let metrics = async || bridging.at_admin("/metrics").await;
    assert_eq!(bridging.ask("app", "wrong").await.status, 401);
    assert_eq!(bridging.ask("a stranger", "x").await.status, 401);
    let before = metrics().await;
    assert_eq!(
        before.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert!(before.body.ends_with("\n# EOF\n") && !before.body.contains("stranger"), "{before:?}");
    for (name, value) in [
        ("chancery_store_available", 1.0),
        ("chancery_store_away_seconds", 0.0),
        ("chancery_tokens_issued_total", 1.0),
        ("chancery_tokens_issued_while_store_away_total", 0.0),
        (r#"chancery_requests_refused_total{error="invalid_client"}"#, 2.0),
        ("chancery_memory_applications", 1.0),
        ("chancery_memory_unknown_ids", 1.0),
        ("chancery_memory_hits_total", 1.0),
        ("chancery_memory_misses_total", 2.0),
    ] {
        assert!(is(sample(&before.body, name), value), "{name}");
    }
    assert!(sample(&before.body, "chancery_memory_used_bytes") > 500.0);
    assert!(sample(&before.body, "chancery_store_revision") > 0.0);
    bridging.turn(Mood::Unavailable);
    assert_eq!(bridging.status(&bridging.app).await, 200);
    bridging.server.advance(Duration::from_millis(1_099));
    let during = metrics().await.body;
    for (name, value) in [
        ("chancery_store_available", 0.0),
        ("chancery_store_away_seconds", 1.5),
        ("chancery_tokens_issued_total", 2.0),
        ("chancery_tokens_issued_while_store_away_total", 1.0),
    ] {
        assert!(is(sample(&during, name), value), "{name}");
    }
    assert_eq!(bridging.server.answer(crate::support::ask::get("/metrics")).await.status, 404);
}

/// What was noticed in an outage is written down after it, once.
#[tokio::test]
async fn nothing_that_was_counted_is_lost_or_counted_twice() {
    let bridging = Bridging::start().await;
    let directory = &bridging.server.directory;
    bridging.turn(Mood::Unavailable);
    for _ in 0..5 {
        assert_eq!(bridging.status(&bridging.app).await, 200);
        directory.write_usage().await.unwrap_err();
    }
    bridging.store.turn(Mood::Works);
    bridging.follow().await;
    for _ in 0..2 {
        directory.write_usage().await.unwrap();
        let tenant = bridging.server.tenant("default").await;
        let application = Some(ClientId::parse("app").unwrap());
        let asked = Asked { application, by: Period::Day, since: None, limit: 10 };
        let counted = list(&bridging.server.admin, &tenant, asked).await.unwrap();
        assert_eq!(counted.iter().map(|one| one.count).collect::<Vec<_>>(), [6]);
    }
}
