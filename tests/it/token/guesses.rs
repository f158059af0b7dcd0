//! Whoever guesses at a client's secret is stopped, and the client is not: C17.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use chancery::admin::applications::{ApplicationChange, NewApplication};
use chancery::crypto::random::SystemRandom;
use chancery::crypto::secret::{Secret, SecretText};
use chancery::oauth::client_auth::authenticate;
use chancery::oauth::error::ErrorCode;
use chancery::oauth::form::Form;
use chancery::oauth::request::Incoming;
use tokio::time::Instant;

use crate::support::ask::{Ask, introspection, revocation, token_request};
use crate::support::faulty::Mood;
use crate::support::log;
use crate::support::reply::Reply;
use crate::support::server::{App, TestServer};

/// Where the guesser sits in most of these tests.
const GUESSER: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));

/// Where clients are at home.
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));

/// How many failures one source has at once, and all strangers together.
const OF_ONE_SOURCE: usize = 30;
const OF_ALL: usize = 40;

/// One of many addresses of strangers.
fn stranger(number: u32) -> IpAddr {
    if number.is_multiple_of(2) {
        return IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + number));
    }
    // Each in a network of its own.
    IpAddr::from([
        0x2001,
        0xdb8,
        u16::try_from(number >> 16).unwrap(),
        u16::try_from(number & 0xffff).unwrap(),
        0,
        0,
        0,
        1,
    ])
}

fn guess(client_id: &str, secret: &str) -> Ask {
    token_request(&[]).basic(client_id, secret)
}

/// Guesses so often from there, and returns the answers.
async fn guesses(server: &TestServer, source: IpAddr, client_id: &str, times: usize) -> Vec<Reply> {
    let mut replies = Vec::with_capacity(times);
    for number in 0..times {
        replies.push(server.answer_from(source, guess(client_id, &format!("guess{number}"))).await);
    }
    replies
}

fn count(replies: &[Reply], status: u16) -> usize {
    replies.iter().filter(|reply| reply.status == status).count()
}

/// Leaves nothing of what strangers may try.
async fn exhaust(server: &TestServer, client_id: &str) {
    for number in 0..4 {
        guesses(server, stranger(1_000 + number), client_id, OF_ONE_SOURCE).await;
    }
    assert_eq!(server.answer_from(stranger(7), guess(client_id, "guess")).await.status, 429);
}

#[track_caller]
fn expect_not_judged(reply: &Reply) {
    assert_eq!((reply.status, &reply.json()["error"]), (429, &"temporarily_unavailable".into()), "{reply:?}");
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=600).contains(&wait), "{wait}");
    assert_eq!(reply.header("www-authenticate"), None);
    reply.expect_never_cached();
}

fn form_of_guess(client_id: &str) -> Form<'_> {
    let client_secret = Some(SecretText::in_place("a guess"));
    Form { client_id: Some(client_id.into()), client_secret, ..Form::default() }
}

/// C17: a million guesses within an hour, from thousands of sources, at a client that is there and at one that is not.
#[tokio::test]
async fn of_a_million_guesses_in_an_hour_less_than_a_hundred_are_judged() {
    let server = TestServer::start().await;
    let app = server.app(&[]).await;
    let tenant = server.tenant("default").await;
    let issuer = server.directory.current(tenant.id).await.unwrap().0.unwrap();
    let judged = async |client_id: &str, times: u32| {
        let mut incoming = Incoming { form: form_of_guess(client_id), authorization: None, source: None };
        let mut codes: BTreeMap<&str, u32> = BTreeMap::new();
        for number in 0..times {
            if number % 1_000 == 0 {
                server.advance(Duration::from_hours(1) / (times / 1_000));
            }
            incoming.source = Some(stranger(number % 5_000));
            let error = authenticate(&issuer, &incoming).await.unwrap_err();
            assert!(error.is_answered_late());
            *codes.entry(error.code.as_str()).or_default() += 1;
            assert_eq!(error.code == ErrorCode::InvalidClient, error.limit().is_none());
        }
        (codes["invalid_client"], codes["temporarily_unavailable"])
    };
    let (judged_of_app, not_judged) = judged(&app.client_id, 1_000_000).await;
    assert!((OF_ALL..100).contains(&usize::try_from(judged_of_app).unwrap()), "{judged_of_app}");
    assert_eq!(judged_of_app + not_judged, 1_000_000);
    assert_eq!(server.directory.figures().not_judged, u64::from(not_judged));
    // The same rhythm, a tenth of it.
    let (judged_of_nobody, _) = judged("nobody", 100_000).await;
    assert!(judged_of_nobody.abs_diff(judged_of_app) <= 1, "{judged_of_nobody} of {judged_of_app}");
    // Nobody else has anything to do with it.
    let other = guesses(&server, stranger(0), "another", 1).await;
    other[0].expect_invalid_client();
}

/// C17: with a secret that is made here a client is served wherever it is, whatever others do.
#[tokio::test]
async fn the_client_is_not_disturbed_not_even_behind_the_address_of_the_guesser() {
    let server = TestServer::start().await;
    let app = server.app(&[]).await;
    exhaust(&server, &app.client_id).await;
    guesses(&server, GUESSER, &app.client_id, OF_ONE_SOURCE + 1).await;
    for source in [HOME, stranger(5), GUESSER] {
        for _ in 0..20 {
            assert_eq!(server.answer_from(source, guess(&app.client_id, &app.secret)).await.status, 200);
            expect_not_judged(&server.answer_from(source, guess(&app.client_id, "guess")).await);
        }
        // Such a secret is judged each time: it may be one that was removed, whose owner is told so.
        let wrong = Secret::generate(&SystemRandom);
        server.answer_from(source, guess(&app.client_id, wrong.expose())).await.expect_invalid_client();
        let last = if app.secret.ends_with('0') { '1' } else { '0' };
        let changed = format!("{}{last}", &app.secret[..app.secret.len() - 1]);
        expect_not_judged(&server.answer_from(source, guess(&app.client_id, &changed)).await);
    }
}

/// C17: a client whose secret could be guessed is served where it proved itself before, which strangers cannot prevent.
#[tokio::test]
async fn a_client_with_a_weak_secret_is_served_where_it_is_at_home() {
    let server = TestServer::start().await;
    let app = server.app_with_secret("weak", "hunter2").await;
    let status = async |source, secret| server.answer_from(source, guess("weak", secret)).await.status;
    assert_eq!(status(HOME, "hunter2").await, 200);
    exhaust(&server, &app.client_id).await;
    for _ in 0..50 {
        assert_eq!((status(HOME, "hunter2").await, status(stranger(9), "hunter2").await), (200, 429));
    }
    // It has some failures of its own there, and as many as a stranger elsewhere.
    assert_eq!(count(&guesses(&server, HOME, "weak", 100).await, 401), OF_ONE_SOURCE);
    assert_eq!(status(HOME, "hunter2").await, 429);
    server.advance(Duration::from_hours(1));
    assert_eq!((status(HOME, "hunter2").await, status(stranger(9), "hunter2").await), (200, 200));
}

/// C15, C17: whether there is such a client makes no difference, byte by byte, nor does anything that is wrong with it.
#[tokio::test]
async fn a_guesser_does_not_learn_whether_there_is_such_a_client() {
    let mut all = Vec::new();
    for which in ["known", "unknown", "disabled"] {
        let server = TestServer::start().await;
        let known = server.add("default", "known", &[], NewApplication::default()).await;
        server.answer_from(HOME, guess("known", &known.secret)).await.token();
        let disabled = server.add("default", "disabled", &[], NewApplication::default()).await;
        let off = ApplicationChange { enabled: Some(false), ..ApplicationChange::default() };
        server.change(&disabled, off).await;
        server.advance_a_second();
        let mut replies = Vec::new();
        for number in 0..6 {
            replies.extend(guesses(&server, stranger(number), which, OF_ONE_SOURCE + 3).await);
            server.advance(Duration::from_secs(601));
        }
        replies.push(server.answer_from(HOME, guess(which, "guess")).await);
        assert!(count(&replies, 401) > OF_ALL && count(&replies, 429) > 20);
        let shown = replies.iter().map(|reply| {
            let (status, fields, body) = reply.without_request_id();
            (status, fields, body.to_owned())
        });
        all.push(shown.collect::<Vec<_>>());
    }
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0], all[2]);
}

/// C16, C17: nor from the time of the answer.
#[tokio::test]
async fn what_is_not_judged_is_answered_when_failures_are() {
    let server = TestServer::start().await;
    let app = server.app(&[]).await;
    exhaust(&server, &app.client_id).await;
    let started = Instant::now();
    for _ in 0..10 {
        expect_not_judged(&server.answer_from(GUESSER, guess(&app.client_id, "guess")).await);
    }
    assert!(started.elapsed() >= Duration::from_millis(10 * 5 - 1), "{:?}", started.elapsed());
}

/// C17, A27: wherever proof is wanted it is the same budget, which fills again bit by bit, and is whole after five hours.
#[tokio::test]
async fn one_source_has_one_budget_at_all_endpoints_until_time_has_passed() {
    let server = TestServer::start().await;
    let app = server.app(&[]).await;
    let asks = || [introspection("a.b.c"), revocation("a.b.c"), token_request(&[])];
    let mut replies = Vec::new();
    for _ in 0..11 {
        for ask in asks() {
            replies.push(server.answer_from(GUESSER, ask.basic(&app.client_id, "guess")).await);
        }
    }
    assert_eq!((count(&replies, 401), count(&replies, 429)), (OF_ONE_SOURCE, 3));
    let last = replies.last().unwrap();
    expect_not_judged(last);
    let wait: u64 = last.header("retry-after").unwrap().parse().unwrap();
    server.advance(Duration::from_secs(wait - 1));
    assert_eq!(count(&guesses(&server, GUESSER, &app.client_id, 3).await, 401), 0);
    server.advance(Duration::from_secs(1));
    assert_eq!(count(&guesses(&server, GUESSER, &app.client_id, 3).await, 401), 1);
    server.advance(Duration::from_hours(5));
    assert_eq!(count(&guesses(&server, GUESSER, &app.client_id, 40).await, 401), OF_ONE_SOURCE);
}

/// C17: an IPv6 host has a whole network for itself.
#[tokio::test]
async fn all_addresses_of_a_network_are_one_source() {
    let server = TestServer::start().await;
    let app = server.app(&[]).await;
    let mut judged = 0;
    for number in 0..60_u16 {
        let source = IpAddr::from([0x2001, 0xdb8, 0, 1, number, number, number, number]);
        judged += count(&guesses(&server, source, &app.client_id, 1).await, 401);
    }
    assert_eq!(judged, OF_ONE_SOURCE);
    let next = IpAddr::from([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1]);
    assert_eq!(count(&guesses(&server, next, &app.client_id, 1).await, 401), 1);
}

/// C17: failures that nobody can judge to the end count too.
#[tokio::test]
async fn guesses_count_while_the_store_is_away() {
    let allow = |services: chancery::issuer::Services| services.allowing(Duration::from_hours(1));
    let (server, store) = TestServer::with_faulty_store_and(allow).await;
    let app = server.app(&[]).await;
    server.answer(guess(&app.client_id, &app.secret)).await.token();
    server.advance(Duration::from_millis(401));
    store.turn(Mood::Unavailable);
    for client_id in [app.client_id.as_str(), "nobody"] {
        let replies = guesses(&server, GUESSER, client_id, OF_ONE_SOURCE + 5).await;
        assert_eq!((count(&replies, 503), count(&replies, 429)), (OF_ONE_SOURCE, 5));
    }
    server.answer_from(GUESSER, guess(&app.client_id, &app.secret)).await.token();
}

/// F05, C17: the log is told when it begins, and by whom; not of each guess. Operators can ask about each.
#[tokio::test]
async fn the_log_is_not_flooded() {
    let server = TestServer::start().await;
    let app = server.app(&[]).await;
    log::take();
    let replies = guesses(&server, GUESSER, &app.client_id, 200).await;
    let logged = log::take();
    let warnings: Vec<_> = logged.iter().filter(|line| line["level"] == "WARN").collect();
    assert_eq!(warnings.len(), OF_ONE_SOURCE + 1, "{warnings:?}");
    let begins = "so many attempts have failed that further ones are not judged for now";
    let begins = warnings.iter().find(|line| line["message"] == begins).unwrap();
    assert_eq!((&begins["application"], &begins["source"]), (&"app".into(), &GUESSER.to_string().into()));
    assert_eq!(server.directory.figures().not_judged, 170);
    server.directory.write_refusals().await.unwrap();
    let last = replies.last().unwrap().request_id().parse().unwrap();
    let refusal = server.admin.store.refusal(last).await.unwrap().unwrap();
    assert_eq!(refusal.application.unwrap().as_str(), "app");
    assert!(chancery::admin::mending::mend(&refusal.reason).is_some());
}

/// C17: behind a proxy the source is what it says, and without one nobody is believed.
#[tokio::test]
async fn a_proxy_tells_sources_apart() {
    let server = TestServer::start().await;
    let weak = server.app_with_secret("weak", "hunter2").await;
    let from = |app: &App, source: &str| guess(&app.client_id, &app.secret).with("x-forwarded-for", source);
    let wrong = App { secret: "guess".to_owned(), ..weak.clone() };
    for number in 0..=OF_ONE_SOURCE {
        let reply = server.answer(from(&wrong, &format!("192.0.2.{number}"))).await;
        assert_eq!(reply.status, if number == OF_ONE_SOURCE { 429 } else { 401 });
    }
    assert_eq!(server.answer(from(&weak, "203.0.113.7")).await.status, 429);

    let server = TestServer::start().await.behind_proxy();
    let weak = server.app_with_secret("weak", "hunter2").await;
    log::take();
    for number in 0..=OF_ONE_SOURCE {
        // What the caller made up stands before what the proxy adds.
        let reply = server.answer(from(&wrong, &format!("203.0.113.{number}, 198.51.100.1"))).await;
        assert_eq!(reply.status, if number == OF_ONE_SOURCE { 429 } else { 401 });
    }
    let logged = log::take();
    let failed = logged.iter().find(|line| line["message"] == "the secret is wrong, or was removed").unwrap();
    assert_eq!(failed["source"], "198.51.100.1");
    assert_eq!(server.answer(from(&weak, "198.51.100.1")).await.status, 429);
    assert_eq!(server.answer(from(&weak, "198.51.100.1, 203.0.113.7")).await.status, 200);
    assert_eq!(server.answer(from(&weak, "nonsense")).await.status, 200);
}
