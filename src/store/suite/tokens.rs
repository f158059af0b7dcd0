//! Tokens that are refused before their time is over.
//! Not for: what makes a token good (`oauth/issued.rs`).

use std::sync::Arc;

use tokio::task::JoinSet;

use super::sample::{add_application, add_tenant, application, caller, event, tenant};
use super::{Place, store_with_tenant};
use crate::crypto::random::SystemRandom;
use crate::domain::application::Application;
use crate::domain::id::{TenantId, TokenId};
use crate::domain::time::Timestamp;
use crate::store::{FORGOTTEN_AT_ONCE, REFUSED_AFTER_EXPIRY, Store};

const END: Timestamp = Timestamp::from_seconds(1_640_589_128);

fn token() -> TokenId {
    TokenId::new(&SystemRandom)
}

async fn revoke(store: &Arc<dyn Store>, tenant: TenantId, token: TokenId) -> bool {
    store.revoke_token(tenant, &caller(), token, END).await.unwrap()
}

async fn is_revoked(store: &Arc<dyn Store>, tenant: TenantId, token: TokenId) -> bool {
    store.is_revoked(tenant, token, END).await.unwrap()
}

pub(super) async fn refuses_a_token_once_and_for_all_connections(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let another_server = place.open().await;
    let (token, other) = (token(), token());
    let events = async || store.audit_events(0, 100).await.unwrap().len();
    let before = (events().await, store.changes_since(0).await.unwrap());
    assert!(!is_revoked(&store, one.id, token).await);
    assert!(revoke(&store, one.id, token).await);
    for store in [&store, &another_server] {
        assert!(is_revoked(store, one.id, token).await);
        assert!(!is_revoked(store, one.id, other).await);
        assert!(!revoke(store, one.id, token).await);
    }
    // Nothing is left behind when the token is over, and servers keep nothing that they would have to forget.
    assert_eq!((events().await, store.changes_since(0).await.unwrap()), before);
    drop((store, another_server));
    assert!(is_revoked(&place.open().await, one.id, token).await);
}

pub(super) async fn tells_servers_of_a_refused_token_only_where_tokens_are_reused(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let (reuses, does_not) = (application(&one, "reuses"), application(&one, "does not"));
    let does_not = Application { token_reuse: None, ..does_not };
    add_application(&store, &reuses).await;
    add_application(&store, &does_not).await;
    let (other, another_server) = (tenant("other"), place.open().await);
    add_tenant(&store, &other).await;
    let before = store.changes_since(0).await.unwrap().revision;
    let events = store.audit_events(0, 100).await.unwrap().len();
    let changes = async || another_server.changes_since(before).await.unwrap();
    for (tenant, client_id) in [(&one, &does_not.client_id), (&other, &reuses.client_id)] {
        assert!(store.revoke_token(tenant.id, client_id, token(), END).await.unwrap());
    }
    assert_eq!(changes().await.list.unwrap(), []);
    let (first, second) = (token(), token());
    for (token, is_new) in [(first, true), (first, false), (second, true)] {
        assert_eq!(store.revoke_token(one.id, &reuses.client_id, token, END).await.unwrap(), is_new);
    }
    let change = (one.id, Some(reuses.client_id.clone()));
    assert_eq!(changes().await.list.unwrap(), [change.clone(), change]);
    assert_eq!(store.audit_events(0, 100).await.unwrap().len(), events);
    for token in [first, second] {
        assert!(another_server.is_revoked(one.id, token, END).await.unwrap());
    }
}

pub(super) async fn a_token_of_one_tenant_is_none_of_another(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let (other, token) = (tenant("other"), token());
    add_tenant(&store, &other).await;
    revoke(&store, one.id, token).await;
    assert!(is_revoked(&store, one.id, token).await && !is_revoked(&store, other.id, token).await);
    assert!(revoke(&store, other.id, token).await);
    store.remove_tenant(one.id, event("tenant")).await.unwrap();
    assert!(is_revoked(&store, other.id, token).await);
}

pub(super) async fn of_many_who_revoke_the_same_token_all_succeed(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let (another_server, token) = (place.open().await, token());
    let mut racing = JoinSet::new();
    for number in 0..16 {
        let store = Arc::clone(if number % 2 == 0 { &store } else { &another_server });
        racing.spawn(async move { revoke(&store, one.id, token).await });
    }
    assert_eq!(racing.join_all().await.into_iter().filter(|first| *first).count(), 1);
}

pub(super) async fn forgets_a_refused_token_some_time_after_its_end(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let (token, last) = (token(), END.plus(REFUSED_AFTER_EXPIRY));
    revoke(&store, one.id, token).await;
    for (now, is_remembered) in
        [(END, true), (last, true), (Timestamp::from_millis(last.as_millis() + 1), false)]
    {
        assert!(!store.forget_past(now).await.unwrap());
        assert_eq!(is_revoked(&store, one.id, token).await, is_remembered, "{now}");
    }
}

pub(super) async fn forgets_in_small_steps(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let count = 2 * FORGOTTEN_AT_ONCE + 1;
    place.note_revoked(one.id, END, count).await;
    let still_good = token();
    let later = END.plus(REFUSED_AFTER_EXPIRY * 2);
    store.revoke_token(one.id, &caller(), still_good, later).await.unwrap();
    for more in [true, true, false, false] {
        assert_eq!(store.forget_past(later).await.unwrap(), more);
    }
    assert_eq!(place.count_revoked().await, 1);
    assert!(store.is_revoked(one.id, still_good, later).await.unwrap());
}
