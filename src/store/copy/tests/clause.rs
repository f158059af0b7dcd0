//! What holds of every backend, as clauses.
//! Not for: what one backend does in a way of its own.

use std::sync::Arc;
use std::time::Duration;

use super::{Place, copy_all, dump, mark, quiet, small};
use crate::crypto::random::SystemRandom;
use crate::crypto::seal::Sealed;
use crate::crypto::slow_hash::SlowHash;
use crate::domain::application::{Application, ClientId};
use crate::domain::audit::ChainWalk;
use crate::domain::credential::{Credential, Verifier};
use crate::domain::id::{RequestId, TokenId};
use crate::domain::refusal::{Endpoint, Refusal};
use crate::domain::scope::Scope;
use crate::domain::signing_key::KeptDigestKey;
use crate::domain::statistic::{Counted, Counter, Statistic};
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::store::copy::{Direction, NotCopied, PAGE, Purpose, Side, copy};
use crate::store::suite::sample;
use crate::store::{KeptAnswer, KeyChange, Recorded, RegistryChange, Store, StoreError, UsageBatch};

const HASH: &str = "{bcrypt}$2a$04$DhGEJa5lcLrMLiJlRUAnYO5y1hFb9v4RmZmm/65Cyi7oh0KB8sgHu";

/// Text that other orders than that of its bytes would put elsewhere.
const TEXTS: [&str; 8] = ["", "Z", "a", "ä", "a\u{301}", "\u{e000}", "😀", "' \" \\ %_\t"];

fn digest_key(fingerprint: &str) -> KeptDigestKey {
    let sealed = Sealed::from_bytes(vec![5; 61]);
    KeptDigestKey { fingerprint: fingerprint.to_owned(), sealed, sealed_under: "0123abcd".to_owned() }
}

fn refusal(one: &Tenant) -> Refusal {
    Refusal {
        request: RequestId::new(&SystemRandom),
        at: Timestamp::from_millis(1_700_000_000_000),
        tenant: one.id,
        application: Some(ClientId::parse("app").unwrap()),
        endpoint: Endpoint::Revocation,
        error: "invalid_client".into(),
        reason: "Ünïcode ' \" \\".into(),
        hint: None,
        source: Some("2001:db8::7".parse().unwrap()),
    }
}

fn batch(one: &Tenant, credential: &Credential) -> UsageBatch {
    let counter = Counter {
        start: Timestamp::from_millis(1_700_000_000_000),
        tenant: one.id,
        application: None,
        what: Counted::Refused("why".into()),
    };
    let uses = vec![(credential.id, Timestamp::from_millis(1_900))];
    UsageBatch { uses, counts: vec![Statistic { counter, count: 3 }] }
}

/// Applications with everything an application can have, and more of them than fit one page.
fn applications(one: &Tenant) -> Vec<Recorded> {
    let orders = sample::api(one, "urn:orders");
    (0..PAGE * 2 + 7)
        .map(|number| {
            let app = Application {
                name: format!("{} {number}", TEXTS[number % TEXTS.len()]),
                scopes: sample::scopes(&["read", "orders:read"]),
                default_scopes: Some(sample::scopes(&["read"])),
                apis: vec![orders.identifier.clone()],
                default_api: (number % 2 == 0).then(|| orders.identifier.clone()),
                acts_for: vec![orders.identifier.clone()],
                ..sample::application(one, &format!("app-{number}"))
            };
            let mut credentials = vec![sample::credential(&app, 1), sample::credential(&app, 2)];
            credentials[1].verifier = Verifier::Imported(SlowHash::parse(HASH).unwrap());
            let event = sample::event(&app.name);
            Recorded::new(RegistryChange::AddApplication(app, credentials), event)
        })
        .collect()
}

/// Puts something into every table.
pub(super) async fn fill(store: &Arc<dyn Store>) -> Tenant {
    let (one, gone) = (sample::tenant("one"), sample::tenant("gone"));
    sample::add_tenant(store, &one).await;
    sample::add_tenant(store, &gone).await;
    store.add_scope(sample::scope(&one, "read"), sample::event("scope")).await.unwrap();
    let orders = sample::api(&one, "urn:orders");
    let own = Scope { api: Some(orders.identifier.clone()), ..sample::scope(&one, "orders:read") };
    store.add_api(orders, vec![own], sample::event("api")).await.unwrap();
    store.change_registry(applications(&one)).await.unwrap();
    let answers = TEXTS.iter().map(|text| {
        Recorded::part(RegistryChange::KeepAnswer(KeptAnswer {
            caller: (*text).to_owned(),
            key: "key".to_owned(),
            request: [3; 32],
            sealed: Sealed::from_bytes(vec![0, 255, 7]),
            sealed_under: "0123abcd".to_owned(),
            kept_at: Timestamp::from_millis(1),
            expires_at: Timestamp::from_millis(2),
        }))
    });
    let operators = [sample::operator("all", None), sample::operator("own", Some(&one))];
    let operators =
        operators.map(|one| Recorded::new(RegistryChange::AddOperator(one), sample::event("operator")));
    store.change_registry(answers.chain(operators).collect()).await.unwrap();
    store.keep_digest_key(digest_key("feedbeef"), sample::event("digest key")).await.unwrap();
    let app = store.application(one.id, "app-0").await.unwrap().unwrap();
    store.record_usage(batch(&one, &app.credentials[0])).await.unwrap();
    store.record_refusals(vec![refusal(&one), Refusal { source: None, ..refusal(&one) }]).await.unwrap();
    let token = TokenId::new(&SystemRandom);
    store
        .revoke_token(one.id, &sample::caller(), token, Timestamp::from_millis(4_000_000_000_000))
        .await
        .unwrap();
    store.remove_tenant(gone.id, sample::event("gone")).await.unwrap();
    one
}

pub(super) async fn copies_everything_and_goes_on_where_it_was<P: Place>() {
    copies_from_to::<P, P>().await;
}

/// There, and everything is as it was; each is a store that goes on.
pub(super) async fn copies_from_to<A: Place, B: Place>() {
    let (from, to) = (A::new().await, B::new().await);
    let store = from.open().await;
    let one = fill(&store).await;
    let before = dump(&from).await;
    let empty: Vec<_> = before.0.iter().filter(|(_, rows)| rows.is_empty()).map(|(name, _)| name).collect();
    assert_eq!(empty, Vec::<&&str>::new(), "nothing in these proves nothing");

    let copied = copy_all(&from, &to).await.unwrap();
    assert_eq!(dump(&to).await, before);
    assert_eq!(dump(&from).await, before);
    let counts: Vec<_> = copied.tables.iter().map(|count| (count.table, count.rows)).collect();
    let wanted: Vec<_> = before.0.iter().map(|(name, rows)| (*name, rows.len() as u64)).collect();
    assert_eq!(counts, wanted);
    assert_eq!(copied.audit, Ok(before.1.audit));

    let there = to.open().await;
    assert_eq!(there.check().await.unwrap().damage, Vec::<String>::new());
    assert_eq!(there.tenants().await.unwrap(), store.tenants().await.unwrap());
    for client_id in ["app-0", "app-1", "app-2006"] {
        let was = store.application(one.id, client_id).await.unwrap().unwrap();
        let is = there.application(one.id, client_id).await.unwrap().unwrap();
        assert_eq!(is.application, was.application);
        assert_eq!(format!("{:?}", is.credentials), format!("{:?}", was.credentials));
    }
    // Nothing has changed for whoever has followed, and the next change has the next number.
    let revision = store.changes_since(0).await.unwrap().revision;
    assert_eq!(there.changes_since(revision).await.unwrap().list, Some(Vec::new()));
    there.add_scope(sample::scope(&one, "new"), sample::event("new")).await.unwrap();
    there.change_tenant(one.clone(), sample::event("tenant")).await.unwrap();
    let changes = there.changes_since(revision).await.unwrap();
    assert_eq!((changes.revision, changes.list), (revision + 1, Some(vec![(one.id, None)])));
    let mut walk = before.1.audit;
    for event in there.audit_events(walk.sequence, 10).await.unwrap() {
        walk.step(&event).unwrap();
    }
    assert_eq!(walk.sequence, before.1.audit.sequence + 2);
    there.record_refusals(vec![refusal(&one)]).await.unwrap();
    assert!(dump(&to).await.1.refusals > before.1.refusals);
}

pub(super) async fn copies_to_an_empty_store_alone<P: Place>() {
    let (from, _, one) = small::<P>().await;
    let (empty, used) = (P::new().await, P::new().await);
    let nothing = copy_all(&empty, &used).await;
    assert!(matches!(nothing, Err(NotCopied::Nothing)), "{nothing:?}");
    // Whatever it is that is there.
    let token = TokenId::new(&SystemRandom);
    used.open()
        .await
        .revoke_token(one.id, &sample::caller(), token, Timestamp::from_millis(5))
        .await
        .unwrap();
    let before = dump(&used).await;
    let refused = copy_all(&from, &used).await;
    assert!(matches!(refused, Err(NotCopied::NotEmpty("revoked_token"))), "{refused:?}");
    assert_eq!(dump(&used).await, before);
    let (twice, same) = (copy_all(&from, &empty).await, copy_all(&from, &empty).await);
    assert!(twice.is_ok() && matches!(same, Err(NotCopied::NotEmpty("tenant"))), "{same:?}");
}

pub(super) async fn what_is_not_committed_never_was<P: Place>() {
    let (from, store, _) = small::<P>().await;
    let to = P::new().await;
    let before = dump(&to).await;
    {
        let mut held = from.session(Purpose::Hold).await.unwrap();
        let mut filled = to.session(Purpose::Fill).await.unwrap();
        copy(held.as_mut(), filled.as_mut(), &mut quiet()).await.unwrap();
        filled.set_mark(Some(mark(1, Direction::From))).await.unwrap();
        held.set_mark(Some(mark(1, Direction::To))).await.unwrap();
    }
    assert_eq!(dump(&to).await, before);
    for store in [&to.open().await, &store] {
        assert_eq!(store.moved().await.unwrap(), None);
        let another = sample::tenant("another");
        sample::add_tenant(store, &another).await;
    }
}

pub(super) async fn a_snapshot_keeps_nobody_from_writing<P: Place>() {
    let (from, store, one) = small::<P>().await;
    let before = dump(&from).await;
    let to = P::new().await;
    let mut snapshot = from.session(Purpose::Snapshot).await.unwrap();
    sample::add_application(&store, &sample::application(&one, "later")).await;
    let mut filled = to.session(Purpose::Fill).await.unwrap();
    copy(snapshot.as_mut(), filled.as_mut(), &mut quiet()).await.unwrap();
    filled.commit().await.unwrap();
    assert_eq!(dump(&to).await, before);
    assert_ne!(dump(&from).await, before);
}

pub(super) async fn while_a_store_is_held_it_answers_and_nothing_changes<P: Place>() {
    let (from, store, one) = small::<P>().await;
    let before = dump(&from).await;
    let held = from.session(Purpose::Hold).await.unwrap();
    assert!(store.application(one.id, "app").await.unwrap().is_some());
    assert_eq!(store.changes_since(before.1.revision).await.unwrap().list, Some(Vec::new()));
    let (caller, token) = (sample::caller(), TokenId::new(&SystemRandom));
    let at = Timestamp::from_millis(5);
    // Each waits for as long as it may, beside the other.
    let second = from.open().await;
    let later = tokio::join!(
        store.revoke_token(one.id, &caller, token, at),
        second.record_refusals(vec![refusal(&one)])
    );
    for refused in [later.0.map(drop), later.1] {
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }
    assert!(!store.is_revoked(one.id, token, at).await.unwrap());
    drop(held);
    // Whoever has let go is gone a moment later.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(dump(&from).await, before);
    assert!(store.revoke_token(one.id, &caller, token, at).await.unwrap());
}

async fn put(place: &impl Place, mark: Option<crate::store::copy::Mark>) {
    let mut session = place.session(Purpose::Hold).await.unwrap();
    session.set_mark(mark).await.unwrap();
    session.commit().await.unwrap();
}

/// What became of each kind of change.
async fn change_everything(store: &Arc<dyn Store>, one: &Tenant) -> Vec<Result<(), StoreError>> {
    let app = store.application(one.id, "app").await.unwrap().unwrap();
    let key = store.signing_keys(one.id).await.unwrap().remove(0);
    let token = TokenId::new(&SystemRandom);
    let keys = KeyChange { added: None, moved: Vec::new() };
    vec![
        store.add_scope(sample::scope(one, "new"), sample::event("new")).await,
        store.change_signing_keys(one.id, keys, sample::event("key")).await.map(drop),
        store.reseal_signing_key(key.clone(), key.sealed_under, sample::event("key")).await.map(drop),
        store.keep_digest_key(digest_key("a"), sample::event("digest key")).await,
        store.revoke_token(one.id, &sample::caller(), token, Timestamp::from_millis(5)).await.map(drop),
        store.record_usage(batch(one, &app.credentials[0])).await,
        store.record_refusals(vec![refusal(one)]).await,
        store.forget_past(Timestamp::from_millis(0)).await.map(drop),
        store.changes_since(0).await.map(drop),
    ]
}

pub(super) async fn a_mark_refuses_every_change_and_lets_questions_pass<P: Place>() {
    let (place, store, one) = small::<P>().await;
    for direction in [Direction::To, Direction::From] {
        put(&place, Some(mark(7, direction))).await;
        let before = dump(&place).await;
        for store in [&store, &place.open().await] {
            assert_eq!(store.moved().await.unwrap(), Some(mark(7, direction)));
            for refused in change_everything(store, &one).await {
                assert!(matches!(refused, Err(StoreError::Moved)), "{refused:?}");
            }
            assert_eq!(store.tenants().await.unwrap().len(), 1);
            assert!(!store.audit_events(0, 10).await.unwrap().is_empty());
        }
        assert_eq!(dump(&place).await, before);
    }
}

pub(super) async fn a_mark_is_taken_away_again<P: Place>() {
    let (place, store, one) = small::<P>().await;
    put(&place, Some(mark(7, Direction::To))).await;
    put(&place, None).await;
    assert_eq!(store.moved().await.unwrap(), None);
    // One of them has nothing to do, and is answered so.
    let done = change_everything(&store, &one).await;
    assert!(done.iter().all(|done| !matches!(done, Err(StoreError::Moved))), "{done:?}");
    assert!(done[0].is_ok() && done[8].is_ok(), "{done:?}");
}

pub(super) async fn a_store_with_a_mark_is_not_copied<P: Place>() {
    let ((from, ..), to) = (small::<P>().await, P::new().await);
    put(&to, Some(mark(1, Direction::From))).await;
    let refused = copy_all(&from, &to).await;
    assert!(matches!(&refused, Err(NotCopied::Marked(Side::To, _))), "{refused:?}");
    put(&to, None).await;
    put(&from, Some(mark(1, Direction::To))).await;
    let refused = copy_all(&from, &to).await.unwrap_err();
    let said = refused.to_string();
    assert!(matches!(refused, NotCopied::Marked(Side::From, _)), "{said}");
    for word in ["moved to sqlite:/elsewhere/ünïcode.db", "store.url", "chancery store reopen"] {
        assert!(said.contains(word), "{said}");
    }
    assert_eq!(ChainWalk::default(), dump(&to).await.1.audit);
}
