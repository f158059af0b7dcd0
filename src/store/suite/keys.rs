//! Signing keys on their way from state to state, and master keys that are changed.
//! Not for: when keys move (`keys/schedule.rs`).

use std::sync::Arc;

use tokio::task::JoinSet;

use super::sample::{add_tenant, event, key, tenant};
use super::{Place, store_with_tenant};
use crate::crypto::seal::Sealed;
use crate::domain::id::KeyId;
use crate::domain::signing_key::{KeptDigestKey, KeyState, SigningKey};
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::store::{KeyChange, KeyMove, Store};

async fn kept(store: &Arc<dyn Store>, tenant: &Tenant, id: KeyId) -> Option<SigningKey> {
    store.signing_keys(tenant.id).await.unwrap().into_iter().find(|key| key.id == id)
}

async fn states(store: &Arc<dyn Store>, tenant: &Tenant) -> Vec<(KeyId, KeyState)> {
    store.signing_keys(tenant.id).await.unwrap().iter().map(|key| (key.id, key.state)).collect()
}

fn later(tenant: &Tenant, algorithm: &str, state: KeyState) -> SigningKey {
    let created_at = Timestamp::from_millis(2_000);
    SigningKey { algorithm: algorithm.to_owned(), state, created_at, ..key(tenant) }
}

fn added(key: &SigningKey) -> KeyChange {
    KeyChange { added: Some(key.clone()), ..KeyChange::default() }
}

fn moves<const COUNT: usize>(moves: [(KeyId, KeyState, KeyState); COUNT]) -> KeyChange {
    let at = Timestamp::from_millis(3_000);
    KeyChange {
        moved: moves.map(|(key, from, to)| KeyMove { key, from, to, at }).to_vec(),
        ..KeyChange::default()
    }
}

/// What `change_signing_keys` answered, after it was seen that there is an event and a revision just for a change.
async fn changed(store: &Arc<dyn Store>, tenant: &Tenant, change: KeyChange) -> bool {
    let logs = async || {
        let events = store.audit_events(0, 100).await.unwrap().len();
        (events, store.changes_since(0).await.unwrap().list.unwrap())
    };
    let before = logs().await;
    let happened = store.change_signing_keys(tenant.id, change, event("key")).await.unwrap();
    let after = logs().await;
    assert_eq!(after.0 - before.0, usize::from(happened));
    let expected = if happened { vec![(tenant.id, None)] } else { Vec::new() };
    assert_eq!(after.1[before.1.len()..], expected);
    happened
}

pub(super) async fn moves_keys_only_from_the_state_they_are_in(place: &impl Place) {
    use KeyState::{Active, Gone, Retiring, Upcoming};
    let (store, one) = store_with_tenant(place).await;
    let old = store.signing_keys(one.id).await.unwrap()[0].id;
    let next = later(&one, "RS256", Upcoming);
    assert!(changed(&store, &one, added(&next)).await);
    let activate = moves([(old, Active, Retiring), (next.id, Upcoming, Active)]);
    assert!(changed(&store, &one, activate.clone()).await);
    assert!(!changed(&store, &one, activate).await);
    assert_eq!(states(&store, &one).await, [(old, Retiring), (next.id, Active)]);
    let moved = kept(&store, &one, next.id).await.unwrap();
    assert_eq!((moved.created_at, moved.state_since), (next.created_at, Timestamp::from_millis(3_000)));
    // All or none: the first of these would fit.
    assert!(!changed(&store, &one, moves([(old, Retiring, Gone), (next.id, Upcoming, Active)])).await);
    let other = tenant("other");
    add_tenant(&store, &other).await;
    assert!(!changed(&store, &other, moves([(old, Retiring, Gone)])).await);
    assert!(!changed(&store, &other, added(&later(&one, "ES256", Upcoming))).await);
    assert_eq!(states(&store, &one).await, [(old, Retiring), (next.id, Active)]);
    assert!(!kept(&store, &one, old).await.unwrap().sealed.as_bytes().is_empty());
}

/// A key that is gone leaves its id and nothing that could sign.
pub(super) async fn keeps_of_a_gone_key_its_id_alone(place: &impl Place) {
    use KeyState::{Active, Gone, Retiring, Upcoming};
    let (store, one) = store_with_tenant(place).await;
    let old = store.signing_keys(one.id).await.unwrap().remove(0);
    let next = later(&one, "RS256", Active);
    let replace = KeyChange { added: Some(next.clone()), ..moves([(old.id, Active, Retiring)]) };
    assert!(changed(&store, &one, replace).await);
    assert!(changed(&store, &one, moves([(old.id, Retiring, Gone)])).await);
    let gone = kept(&store, &one, old.id).await.unwrap();
    assert!(gone.sealed.as_bytes().is_empty() && gone.public == old.public);
    let again = SigningKey { id: old.id, ..later(&one, "ES256", Upcoming) };
    assert!(!changed(&store, &one, added(&again)).await);
    assert!(!store.reseal_signing_key(gone, old.sealed_under, event("reseal")).await.unwrap());
}

pub(super) async fn has_one_key_of_an_algorithm_upcoming_and_one_active(place: &impl Place) {
    use KeyState::{Active, Gone, Retiring, Upcoming};
    let (store, one) = store_with_tenant(place).await;
    let old = store.signing_keys(one.id).await.unwrap()[0].id;
    let next = later(&one, "RS256", Upcoming);
    assert!(changed(&store, &one, added(&next)).await);
    assert!(!changed(&store, &one, added(&later(&one, "RS256", Upcoming))).await);
    assert!(!changed(&store, &one, added(&later(&one, "RS256", Active))).await);
    assert!(!changed(&store, &one, moves([(next.id, Upcoming, Active)])).await);
    for state in [Upcoming, Active] {
        assert!(changed(&store, &one, added(&later(&one, "ES256", state))).await);
    }
    let other = tenant("other");
    add_tenant(&store, &other).await;
    assert!(changed(&store, &other, added(&later(&other, "RS256", Upcoming))).await);
    // Some key is always active.
    let es256 = store.signing_keys(one.id).await.unwrap();
    let es256 = es256.iter().find(|key| key.algorithm == "ES256" && key.state == Active).unwrap().id;
    assert!(changed(&store, &one, moves([(es256, Active, Retiring)])).await);
    for state in [Retiring, Gone, Upcoming] {
        assert!(!changed(&store, &one, moves([(old, Active, state)])).await);
    }
}

pub(super) async fn of_many_who_make_the_next_key_one_wins(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let mut makers = JoinSet::new();
    for _ in 0..8 {
        let (store, next) = (place.open().await, later(&one, "RS256", KeyState::Upcoming));
        makers.spawn(async move {
            store.change_signing_keys(next.tenant, added(&next), event("key")).await.unwrap()
        });
    }
    let won = makers.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!((won, store.signing_keys(one.id).await.unwrap().len()), (1, 2));
}

pub(super) async fn reseals_a_key_that_is_sealed_as_before(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let old = store.signing_keys(one.id).await.unwrap().remove(0);
    let sealed = Sealed::from_bytes(vec![8; 50]);
    let resealed = SigningKey { sealed, sealed_under: "feedbeef".to_owned(), ..old.clone() };
    let before = store.changes_since(0).await.unwrap().revision;
    assert!(store.reseal_signing_key(resealed.clone(), "0123abcd".to_owned(), event("key")).await.unwrap());
    assert!(!store.reseal_signing_key(old, "0123abcd".to_owned(), event("key")).await.unwrap());
    let now = kept(&store, &one, resealed.id).await.unwrap();
    assert_eq!((now.sealed.as_bytes(), now.sealed_under.as_str()), (&[8; 50][..], "feedbeef"));
    assert_eq!((now.state, now.state_since), (resealed.state, resealed.state_since));
    assert_eq!(store.changes_since(before).await.unwrap().list.unwrap(), [(one.id, None)]);
    let gone = SigningKey { id: KeyId::new(&crate::crypto::random::SystemRandom), ..resealed };
    assert!(!store.reseal_signing_key(gone, "feedbeef".to_owned(), event("key")).await.unwrap());
}

pub(super) async fn keeps_digest_keys_and_tells_every_tenant(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let other = tenant("other");
    add_tenant(&store, &other).await;
    assert!(store.digest_keys().await.unwrap().is_empty());
    let digest_key = |fingerprint: &str, byte, under: &str| KeptDigestKey {
        fingerprint: fingerprint.to_owned(),
        sealed: Sealed::from_bytes(vec![byte; 61]),
        sealed_under: under.to_owned(),
    };
    let before = store.changes_since(0).await.unwrap().revision;
    for (byte, under) in [(1, "b"), (2, "c")] {
        store.keep_digest_key(digest_key("a", byte, under), event("digest key")).await.unwrap();
    }
    store.keep_digest_key(digest_key("b", 3, "c"), event("digest key")).await.unwrap();
    let kept = store.digest_keys().await.unwrap();
    let kept: Vec<_> =
        kept.iter().map(|key| (&*key.fingerprint, key.sealed.as_bytes()[0], &*key.sealed_under)).collect();
    assert_eq!(kept, [("a", 2, "c"), ("b", 3, "c")]);
    let list = store.changes_since(before).await.unwrap().list.unwrap();
    assert_eq!(list.iter().filter(|(tenant, _)| *tenant == one.id).count(), 3);
    assert_eq!(list.iter().filter(|(tenant, _)| *tenant == other.id).count(), 3);
}
