//! Whatever is wrong with a caller, it hears the same, after the same time: C15, C16.

use std::time::Duration;

use chancery::admin::applications::{ApplicationChange, NewApplication};
use chancery::admin::tenants::{self, TenantChange};
use chancery::domain::application::{ApplicationType, AuthMethod};
use tokio::time::Instant;

use crate::support::ask::{Ask, HOST, token_request};
use crate::support::log;
use crate::support::server::{App, OTHER_HOST, TestServer};

/// How often each failure is measured.
const TIMES: usize = 60;

/// How far the shortest of what was measured may lie apart: what the server does shows in the shortest, what the
/// machine does beside it in the others. A difference of one digest would be a thousandth of it; what it leaves room for
/// is the granularity of the timer.
const APART: Duration = Duration::from_millis(2);

/// Who asks, of which host, and what is wrong with it, as the log says.
struct Failure {
    host: &'static str,
    app: App,
    reason: &'static str,
}

impl Failure {
    fn in_form(&self) -> Ask {
        self.in_form_at("/oauth2/token")
    }

    /// To any endpoint that wants proof: the form has what each of them wants besides.
    fn in_form_at(&self, path: &str) -> Ask {
        let request = [
            ("client_id", self.app.client_id.as_str()),
            ("client_secret", &self.app.secret),
            ("token", "a.b.c"),
        ];
        token_request(&request).host(self.host).to(path)
    }

    fn in_field(&self) -> Ask {
        token_request(&[]).of(&self.app).host(self.host)
    }
}

/// A server on which authentication can fail in every way, and the ways.
async fn failures() -> (TestServer, Vec<Failure>) {
    let server = TestServer::with_two_tenants().await;
    let add = async |tenant, client_id, kind| {
        let new = NewApplication { kind, ..NewApplication::default() };
        server.add(tenant, client_id, &["read"], new).await
    };
    let known = add("default", "known", None).await;
    let (removed, id) = server.add_secret(&known, None).await;
    let (expired, _) = server.add_secret(&known, Some(Duration::from_mins(1))).await;
    let public =
        App { secret: known.secret.clone(), ..add("default", "public", Some(ApplicationType::Spa)).await };
    let of_disabled_tenant = add("other", "known", None).await;
    let disabled = add("default", "disabled", None).await;
    let narrowed = add("default", "narrowed", None).await;

    server.remove_secret(&known, &id).await;
    let off = ApplicationChange { enabled: Some(false), ..ApplicationChange::default() };
    server.change(&disabled, off).await;
    let basic = Some(vec![AuthMethod::ClientSecretBasic]);
    server.change(&narrowed, ApplicationChange { auth_methods: basic, ..ApplicationChange::default() }).await;
    let off = TenantChange { enabled: Some(false), ..TenantChange::default() };
    tenants::change(&server.admin, "other", off).await.unwrap();
    server.advance(Duration::from_mins(1));

    let unknown = App { client_id: "unknown".to_owned(), ..known.clone() };
    let wrong = App { secret: "wrong".to_owned(), ..known.clone() };
    let here = |app, reason| Failure { host: HOST, app, reason };
    let failures = vec![
        here(unknown, "no application has this client_id"),
        here(wrong, "the secret is wrong, or was removed"),
        here(expired, "the secret has expired"),
        here(disabled, "the application is disabled"),
        Failure { host: OTHER_HOST, app: of_disabled_tenant, reason: "the tenant is disabled" },
        here(narrowed, "the application is not registered for this authentication method"),
        here(removed, "the secret is wrong, or was removed"),
        here(public, "the application is a public client and has no credentials"),
    ];
    (server, failures)
}

/// C15, F05: and the log has the true reason of each.
#[tokio::test]
async fn every_failure_is_the_same_answer_byte_by_byte() {
    let (server, failures) = failures().await;
    let reference = server.answer(failures[0].in_form()).await;
    reference.expect_invalid_client();
    for failure in &failures {
        log::take();
        let reply = server.answer(failure.in_form()).await;
        assert_eq!(reply.without_request_id(), reference.without_request_id(), "{}", failure.reason);
        let logged = log::take();
        assert_eq!(logged.len(), 1, "{logged:?}");
        assert_eq!(logged[0]["message"], failure.reason);
        assert_eq!(logged[0]["request_id"], reply.request_id());
    }
    for failure in failures.iter().filter(|failure| !failure.reason.contains("method")) {
        let reply = server.answer(failure.in_field()).await;
        assert_eq!(reply.without_request_id(), reference.without_request_id(), "{}", failure.reason);
    }
}

/// C15, K01, J01: it is the same answer wherever proof is wanted, so that no endpoint tells more than another.
#[tokio::test]
async fn every_endpoint_gives_the_same_answer() {
    let (server, failures) = failures().await;
    let reference = server.answer(failures[0].in_form()).await;
    for failure in &failures {
        for path in ["/oauth2/introspect", "/oauth2/revoke"] {
            log::take();
            let reply = server.answer(failure.in_form_at(path)).await;
            assert_eq!(reply.without_request_id(), reference.without_request_id(), "{}", failure.reason);
            let logged = log::take();
            assert_eq!((logged.len(), &logged[0]["message"]), (1, &failure.reason.into()), "{logged:?}");
        }
    }
}

/// C16: the six failures of C15, and whatever else fails so.
#[tokio::test]
async fn every_failure_takes_the_same_time() {
    let (server, failures) = failures().await;
    expect_same_time(&server, "/oauth2/token", failures).await;
}

/// C16: the two that tell most, whether there is such an application and whether the secret is its.
#[tokio::test]
async fn every_failure_takes_the_same_time_at_the_other_endpoints() {
    for path in ["/oauth2/introspect", "/oauth2/revoke"] {
        let (server, failures) = failures().await;
        expect_same_time(&server, path, failures.into_iter().take(2).collect()).await;
    }
}

/// C21: whether the application exists or not.
#[tokio::test]
async fn a_giant_secret_is_refused_in_the_same_time() {
    let (server, failures) = failures().await;
    let giant = "s".repeat(16 * 1024);
    let with_giant =
        |failure: Failure| Failure { app: App { secret: giant.clone(), ..failure.app }, ..failure };
    let failures = failures.into_iter().take(2).map(with_giant).collect();
    expect_same_time(&server, "/oauth2/token", failures).await;
}

/// Measures one after another and again, so that whatever else the machine does falls on all of them. What differs by
/// itself differs each time; what differs by chance does not.
async fn expect_same_time(server: &TestServer, path: &str, mut failures: Vec<Failure>) {
    let mut all_shown = Vec::new();
    for attempt in 0..3 {
        let mut measured: Vec<Vec<Duration>> = vec![Vec::with_capacity(TIMES); failures.len()];
        for round in 0..TIMES {
            // Nobody has used up what he may try (C17).
            server.advance(Duration::from_hours(6));
            server.directory.follow().await.unwrap();
            // Somebody whom the server has never heard of, so that memory does not help.
            failures[0].app.client_id = format!("unknown{attempt}.{round}");
            for (failure, times) in failures.iter().zip(&mut measured) {
                let ask = failure.in_form_at(path);
                let started = Instant::now();
                let reply = server.answer(ask).await;
                times.push(started.elapsed());
                assert_eq!(reply.status, 401);
            }
        }
        let shortest: Vec<Duration> = measured.iter().map(|times| *times.iter().min().unwrap()).collect();
        if shortest.iter().max().unwrap().saturating_sub(*shortest.iter().min().unwrap()) < APART {
            return;
        }
        let shown: Vec<_> = failures.iter().map(|failure| failure.reason).zip(shortest).collect();
        all_shown.push(shown);
    }
    panic!("too far apart each time: {all_shown:#?}");
}
