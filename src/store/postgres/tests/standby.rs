//! A standby may be behind: nothing on which tokens rest is believed of one.

use std::sync::Arc;
use std::time::Duration;

use super::server::Server;
use crate::crypto::random::SystemRandom;
use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;
use crate::store::postgres::{Access, Address, Postgres};
use crate::store::suite::sample::{add_tenant, caller, scope, tenant};
use crate::store::{Store, StoreError};

fn access(url: &str) -> Access {
    Access { address: Address::parse(url).unwrap(), password: None, connections: 4 }
}

fn is_refused<T: std::fmt::Debug>(answer: Result<T, StoreError>) {
    let refused = answer.unwrap_err();
    let why = refused.to_string();
    // PostgreSQL itself lets nobody wait for notices there.
    assert!(refused.is_away() && (why.contains("is a standby") || why.contains("during recovery")), "{why}");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn a_standby_is_not_believed_until_it_is_the_primary() {
    let server = Server::start("-c fsync=off");
    let (primary, _) = Postgres::open(&access(&server.url)).await.unwrap();
    let primary: Arc<dyn Store> = Arc::new(primary);
    let one = tenant("one");
    add_tenant(&primary, &one).await;
    let standby = server.standby();
    let (token, end) = (TokenId::new(&SystemRandom), Timestamp::from_seconds(1_640_589_128));

    // Somebody who says that any server will do gets as far as that, and no further.
    let any = access(&format!("{}?target_session_attrs=any", standby.url));
    let (store, _) = Postgres::open(&any).await.unwrap();
    is_refused(store.tenants().await);
    is_refused(store.signing_keys(one.id).await);
    is_refused(store.apis(one.id).await);
    is_refused(store.digest_keys().await);
    is_refused(store.changes_since(0).await);
    is_refused(store.application(one.id, "app").await);
    is_refused(store.is_revoked(one.id, token, end).await);
    assert!(store.revoke_token(one.id, &caller(), token, end).await.unwrap_err().is_away());

    // A look is no more than that, and says so.
    let (looker, schema) = Postgres::look(&access(&standby.url)).await.unwrap();
    assert_eq!((schema.number, looker.tenants().await.unwrap()), (schema.known, vec![one.clone()]));
    assert!(looker.about().await.unwrap().summary.contains(", a standby,"));

    // Of several hosts the one is found that can be written to.
    let (user, place) = standby.url.split_once('@').unwrap();
    let hosts = [place, server.url.split_once('@').unwrap().1].map(|place| place.split_once('/').unwrap().0);
    let both = access(&format!("{user}@{},{}/postgres", hosts[0], hosts[1]));
    let (both, _) = Postgres::open(&both).await.unwrap();
    let both: Arc<dyn Store> = Arc::new(both);
    both.add_scope(scope(&one, "read"), crate::store::suite::sample::event("scope")).await.unwrap();
    assert_eq!(both.changes_since(0).await.unwrap().list.unwrap().len(), 1);

    server.stop();
    let client = crate::store::suite::places::connect(&standby.url).await;
    client.execute("SELECT pg_promote()", &[]).await.unwrap();
    let started = tokio::time::Instant::now();
    while both.tenants().await.is_err() {
        assert!(started.elapsed() < Duration::from_mins(1));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(both.revoke_token(one.id, &caller(), token, end).await.unwrap());
    assert!(store.is_revoked(one.id, token, end).await.unwrap());
}
