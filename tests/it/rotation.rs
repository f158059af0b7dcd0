//! Keys that rotate while tokens are issued and verified, keys that leak, and a clock that goes back.

use std::collections::BTreeMap;
use std::time::Duration;

use chancery::admin::applications::{ApplicationChange, NewApplication};
use chancery::admin::change::{Change, TokenChange};
use chancery::admin::keys;
use chancery::domain::audit::AuditEvent;
use chancery::domain::signing_key::{JWKS_MAX_AGE, KeyState, LONGEST_OUTAGE};
use chancery::domain::tenant::Tenant;
use chancery::domain::time::Timestamp;
use chancery::oauth::jwks::{self, VerificationKey};
use chancery::oauth::verify::{Expected, verify};
use chancery::store::{Recorded, RegistryChange};
use serde_json::Value;

use crate::support::ask::{get, token_request};
use crate::support::log;
use crate::support::reply::{claims, part};
use crate::support::server::{App, ISSUER, TestServer};

const JWKS: &str = "/oauth2/jwks";

const DAY: Duration = Duration::from_hours(24);

/// Between a change of keys and when it is complete, with something to spare.
const LEAD: Duration = Duration::from_mins(8);

/// A resource server that fetches the keys and keeps them for as long as it may.
struct Verifier {
    fetched: Option<Timestamp>,
    keys: Vec<VerificationKey>,
}

impl Verifier {
    async fn check(&mut self, server: &TestServer, token: &str) {
        let now = server.admin.now();
        if self.fetched.is_none_or(|fetched| now.since(fetched) >= JWKS_MAX_AGE) {
            self.keys = jwks::read(&server.answer(get(JWKS)).await.json()).unwrap();
            self.fetched = Some(now);
        }
        let verified = verify(token, &self.keys, Expected { issuer: ISSUER, audience: None, now });
        assert!(verified.is_ok(), "{:?} at {now}, {}", verified.err(), part(token, 0));
    }
}

/// What is known of a key from outside.
#[derive(Debug, Default)]
struct Observed {
    published: Option<Timestamp>,
    gone: Option<Timestamp>,
    signed: Option<Timestamp>,
    last_expiry: Option<Timestamp>,
}

/// A server, an application whose tokens live for a day, four verifiers, and what all of them have seen.
struct Scene {
    server: TestServer,
    app: App,
    verifiers: Vec<Verifier>,
    tokens: Vec<(String, Timestamp)>,
    observed: BTreeMap<String, Observed>,
}

impl Scene {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let token = TokenChange { lifetime: Change::To(DAY), ..TokenChange::default() };
        let settings = ApplicationChange { token, ..ApplicationChange::default() };
        let app =
            server.add("default", "app", &[], NewApplication { settings, ..NewApplication::default() }).await;
        let verifiers = (0..4).map(|_| Verifier { fetched: None, keys: Vec::new() }).collect();
        Self { server, app, verifiers, tokens: Vec::new(), observed: BTreeMap::new() }
    }

    async fn pass(&mut self, duration: Duration) {
        self.server.advance(duration);
        self.server.run_chores().await;
        let now = self.server.admin.now();
        let published = published(&self.server).await;
        for kid in &published {
            self.observed.entry(kid.clone()).or_default().published.get_or_insert(now);
        }
        for (_, observed) in self.observed.iter_mut().filter(|(kid, _)| !published.contains(kid)) {
            observed.gone.get_or_insert(now);
        }
        self.tokens.retain(|(_, expiry)| *expiry > now);
    }

    async fn issue(&mut self) {
        let now = self.server.admin.now();
        let token = self.server.answer(token_request(&[]).of(&self.app)).await.token();
        let expiry = Timestamp::from_seconds(claims(&token)["exp"].as_i64().unwrap());
        let observed = self.observed.entry(kid_of(&token)).or_default();
        observed.signed.get_or_insert(now);
        observed.last_expiry = Some(expiry);
        self.tokens.push((token, expiry));
    }

    /// Each verifier looks at the newest token and at some of the others.
    async fn verify_some(&mut self, step: usize) {
        let every = (self.tokens.len() / 6).max(1);
        let chosen = self.tokens.iter().rev().step_by(every);
        for (token, _) in chosen {
            for (number, verifier) in self.verifiers.iter_mut().enumerate() {
                // They begin one after the other, so that they do not fetch at the same time.
                if step >= number * 3 {
                    verifier.check(&self.server, token).await;
                }
            }
        }
    }
}

async fn published(server: &TestServer) -> Vec<String> {
    let document = server.answer(get(JWKS)).await.json();
    let keys = document["keys"].as_array().unwrap();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn kid_of(token: &str) -> String {
    let header: Value = serde_json::from_str(&part(token, 0)).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

/// I14, I15: twenty rotations in a row under a stream of tokens, and not one verification fails.
#[tokio::test]
async fn twenty_rotations_in_a_row_break_no_verification() {
    let mut scene = Scene::new().await;
    let tenant = scene.server.tenant("default").await;
    let steps = [7, 20, 45, 3, 60].map(Duration::from_secs);
    let mut step = 0;
    for _ in 0..20 {
        keys::rotate(&scene.server.admin, &tenant, None).await.unwrap();
        assert!(keys::rotate(&scene.server.admin, &tenant, None).await.is_err());
        scene.pass(Duration::ZERO).await;
        let begun = scene.server.admin.now();
        while scene.server.admin.now().since(begun) < LEAD + Duration::from_mins(1) {
            scene.issue().await;
            scene.verify_some(step).await;
            scene.pass(steps[step % steps.len()]).await;
            step += 1;
        }
    }
    assert_eq!(scene.observed.len(), 21, "each key has an id of its own");
    let end = scene.server.admin.now().plus(DAY * 3);
    while scene.server.admin.now() < end {
        scene.verify_some(step).await;
        scene.pass(Duration::from_mins(20)).await;
        step += 1;
    }
    let first = scene.observed.values().min_by_key(|observed| observed.signed).unwrap().signed;
    let newest = scene.observed.values().max_by_key(|observed| observed.signed).unwrap().signed;
    for (kid, observed) in &scene.observed {
        let signed = observed.signed.unwrap();
        if observed.signed != first {
            assert!(signed.since(observed.published.unwrap()) >= LEAD, "{kid}: {observed:?}");
        }
        assert_eq!(observed.gone.is_none(), observed.signed == newest, "{kid}: {observed:?}");
        let after = observed.gone.unwrap_or(end).since(observed.last_expiry.unwrap());
        // A server that was cut off from the store may have signed with it for another day.
        assert!(after >= LONGEST_OUTAGE + JWKS_MAX_AGE, "{kid}: {observed:?}");
    }
    let kept = scene.server.admin.store.signing_keys(tenant.id).await.unwrap();
    let gone: Vec<_> = kept.iter().filter(|key| key.state == KeyState::Gone).collect();
    assert_eq!((kept.len(), gone.len()), (21, 20));
    assert!(gone.iter().all(|key| key.sealed.as_bytes().is_empty()));
}

/// I14: nobody has to do anything; two servers that look at the same moment make one key between them.
#[tokio::test]
async fn keys_rotate_by_themselves_when_their_period_is_over() {
    let server = TestServer::start().await;
    let node = server.another_node().await;
    let first = published(&server).await;
    let period = server.tenant("default").await.key_period;
    server.advance(period.checked_sub(LEAD + Duration::from_secs(1)).unwrap());
    tokio::join!(server.run_chores(), node.run_chores());
    assert_eq!(published(&server).await, first);
    server.advance_a_second();
    tokio::join!(server.run_chores(), node.run_chores());
    let both = published(&node).await;
    assert_eq!((both.len(), &both[0]), (2, &first[0]));
    let app = server.app(&[]).await;
    assert_eq!(kid_of(&server.answer(token_request(&[]).of(&app)).await.token()), both[0]);
    server.advance(LEAD);
    tokio::join!(server.run_chores(), node.run_chores());
    for one in [&server, &node] {
        assert_eq!(kid_of(&one.answer(token_request(&[]).of(&app)).await.token()), both[1]);
        assert_eq!(published(one).await, both);
    }
    let events = server.admin.store.audit_events(0, 100).await.unwrap();
    let actions = events.iter().map(|one| &one.event).filter(|event| event.actor == "schedule");
    assert_eq!(actions.map(|event| &*event.action).collect::<Vec<_>>(), ["key.add", "key.activate"]);
}

/// What a newer program has asked for cannot be made here, and holds nothing else up.
#[tokio::test]
async fn an_algorithm_that_is_not_known_holds_nothing_up() {
    let server = TestServer::with_two_tenants().await;
    let tenants = server.admin.store.tenants().await.unwrap();
    let unknown = Tenant { algorithm: "XX999".to_owned(), ..tenants[0].clone() };
    let event = server.admin.store.audit_events(0, 1).await.unwrap().remove(0);
    let event = AuditEvent { action: "tenant.set".into(), ..event.event };
    let change = Recorded::new(RegistryChange::ChangeTenant(unknown), event);
    server.admin.store.change_registry(vec![change]).await.unwrap();
    server.advance(tenants[1].key_period);
    let failed = server.directory.rotate_keys().await.unwrap_err();
    assert!(failed.to_string().contains("does not know the algorithm \"XX999\""), "{failed}");
    let counts = [(0, 1), (1, 2)];
    for (index, count) in counts {
        assert_eq!(server.admin.store.signing_keys(tenants[index].id).await.unwrap().len(), count);
    }
}

#[tokio::test]
async fn a_revoked_key_is_gone_at_once_and_another_signs() {
    let server = TestServer::start().await;
    let (app, tenant) = (server.app(&[]).await, server.tenant("default").await);
    let token = server.answer(token_request(&[]).of(&app)).await.token();
    // Without a next key a new one signs at once, which verifiers cannot know; with one, that one does.
    let mut leaked = token.clone();
    for has_next in [false, true] {
        if has_next {
            keys::rotate(&server.admin, &tenant, None).await.unwrap();
            server.advance(LEAD);
        }
        let revoked = keys::revoke(&server.admin, &tenant, &kid_of(&leaked)).await.unwrap();
        assert_eq!(revoked.breaks.len(), if has_next { 1 } else { 2 }, "{:?}", revoked.breaks);
        server.advance_a_second();
        assert_eq!(server.verify(&leaked).await.unwrap_err().to_string(), "no key of the issuer has its kid");
        let next = server.answer(token_request(&[]).of(&app)).await.token();
        assert_eq!(kid_of(&next), revoked.replaced_by.unwrap().to_string());
        assert!(server.verify(&next).await.is_ok());
        leaked = next;
    }
    for kid in [kid_of(&token), "unknown".to_owned()] {
        assert!(keys::revoke(&server.admin, &tenant, &kid).await.is_err());
    }
    // One that does not sign is replaced by nothing.
    let upcoming = keys::rotate(&server.admin, &tenant, None).await.unwrap();
    let revoked = keys::revoke(&server.admin, &tenant, &upcoming.id.to_string()).await.unwrap();
    assert_eq!((revoked.replaced_by, revoked.breaks.len()), (None, 0));
}

/// A clock that goes back gives tokens times in the past, so operators hear of it; nothing of the schedule is done
/// until it is right again.
#[tokio::test]
async fn a_clock_that_went_back_is_told_and_stops_the_schedule() {
    let server = TestServer::start().await;
    let tenant = server.tenant("default").await;
    let server = server.behind_admin();
    let health = async || {
        server.advance_a_second();
        server.run_chores().await;
        let answer = server.answer(get("/health/ready")).await;
        assert_eq!(answer.status, 200);
        answer.json()["warning"].as_str().map(str::to_owned)
    };
    let warnings = || log::take().iter().filter(|line| line["level"] == "WARN").count();
    assert_eq!((health().await, warnings()), (None, 0));
    server.step_clock(-60);
    assert_eq!((health().await, warnings()), (None, 0), "less than a minute behind");
    let next = keys::rotate(&server.admin, &tenant, None).await.unwrap().id;
    server.step_clock(-3_540);
    server.advance(LEAD);
    let warning = health().await.unwrap();
    assert!(warning.starts_with("the clock went back by "), "{warning}");
    assert_eq!((health().await.is_some(), warnings()), (true, 1));
    // Another server, started now, knows it from what is written in the store.
    let other = server.another_node().await.behind_admin();
    assert!(other.answer(get("/health/ready")).await.json()["warning"].is_string());
    log::take();
    server.step_clock(3_600);
    assert_eq!((health().await, warnings()), (None, 1));
    let keys = server.admin.store.signing_keys(tenant.id).await.unwrap();
    let active: Vec<_> = keys.iter().filter(|key| key.state == KeyState::Active).map(|key| key.id).collect();
    assert_eq!(active, [next]);
}
