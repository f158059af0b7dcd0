//! Changes in the order of their numbers, whoever makes them, and notices of them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{end_connections, open, with_tenant};
use crate::domain::application::Application;
use crate::domain::audit::ChainWalk;
use crate::store::suite::sample::{add_application, application, credential, event, scope, scopes};
use crate::store::{Recorded, RegistryChange};

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server that has seen one revision has seen all before it, and nobody's event is lost between two others.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn many_servers_that_change_things_at_once_leave_no_gap() {
    let (database, store, one) = with_tenant().await;
    let first = store.changes_since(0).await.unwrap().revision;
    let mut makers = JoinSet::new();
    for server in 0..3 {
        let store = open(&database).await;
        let one = one.clone();
        makers.spawn(async move {
            for number in 0..20 {
                add_application(&store, &application(&one, &format!("app-{server}-{number}"))).await;
            }
        });
    }
    // Whoever follows meanwhile is told of each change once, in order.
    let (mut seen, mut followed) = (first, 0);
    while followed < 60 {
        let changes = store.changes_since(seen).await.unwrap();
        let list = changes.list.unwrap();
        followed += list.len();
        assert_eq!(changes.revision - seen, i64::try_from(list.len()).unwrap());
        seen = changes.revision;
    }
    makers.join_all().await;
    assert_eq!((followed, store.changes_since(seen).await.unwrap().list.unwrap().len()), (60, 0));
    let mut walk = ChainWalk::default();
    for event in store.audit_events(0, 1_000).await.unwrap() {
        walk.step(&event).unwrap();
    }
    assert_eq!(walk.sequence, 61);
    assert_eq!(store.check().await.unwrap().damage, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn a_change_is_noticed_by_whoever_follows() {
    let (database, store, one) = with_tenant().await;
    let another_server = open(&database).await;
    assert!(another_server.changed().now_or_never().is_none());
    for round in 0..3 {
        // The first question, and the first after the connection was lost, begins to listen.
        let before = another_server.changes_since(0).await.unwrap().revision;
        while another_server.changed().now_or_never().is_some() {}
        add_application(&store, &application(&one, &format!("app{round}"))).await;
        timeout(PATIENCE, another_server.changed()).await.unwrap();
        assert_eq!(another_server.changes_since(before).await.unwrap().list.unwrap().len(), 1);
        // What is no change of the registry is no notice.
        store.add_scope(scope(&one, &format!("s{round}")), event("scope")).await.unwrap();
        another_server.changes_since(before).await.unwrap();
        assert!(another_server.changed().now_or_never().is_none());
        end_connections(&database).await;
    }
}

/// A registry file that makes ten thousand applications is one change.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn ten_thousand_changes_are_made_at_once() {
    let (_database, store, one) = with_tenant().await;
    store.add_scope(scope(&one, "read"), event("scope")).await.unwrap();
    let change = |number: i64| {
        let app = Application { scopes: scopes(&["read"]), ..application(&one, &format!("app{number}")) };
        let first = vec![credential(&app, number)];
        Recorded::new(RegistryChange::AddApplication(app, first), event("app"))
    };
    let before = store.changes_since(0).await.unwrap().revision;
    store.change_registry((0..10_000).map(change).collect()).await.unwrap();
    assert_eq!(store.changes_since(before).await.unwrap().list.unwrap().len(), 10_000);
    let last = store.application(one.id, "app9999").await.unwrap().unwrap();
    assert_eq!((last.credentials.len(), last.application.scopes.names().len()), (1, 1));
    // The last of them does not fit, and nothing is left of the others.
    let mut changes: Vec<_> = (10_000..12_000).map(change).collect();
    changes.push(change(0));
    store.change_registry(changes).await.unwrap_err();
    assert!(store.application(one.id, "app10000").await.unwrap().is_none());
    assert_eq!(store.changes_since(before).await.unwrap().revision, before + 10_000);
}

/// Two that wait for each other are told apart by the database, and the one that gave way tries again.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn a_change_that_had_to_give_way_is_made_after_all() {
    let (database, store, one) = with_tenant().await;
    let app = application(&one, "app");
    add_application(&store, &app).await;
    let other = database.connect().await;
    other
        .batch_execute("SET deadlock_timeout = '1min'; BEGIN; SELECT 1 FROM credential FOR UPDATE")
        .await
        .unwrap();
    let removing = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.remove_application(app.id, event("app")).await }
    });
    let sql = "SELECT count(*) FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = 'chancery' AND wait_event_type = 'Lock'";
    let watcher = database.connect().await;
    while watcher.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Now each has what the other waits for.
    let other_goes_on = other.batch_execute("SELECT 1 FROM head FOR UPDATE; COMMIT");
    let (gone_on, removed) = tokio::join!(other_goes_on, removing);
    assert!(removed.unwrap().unwrap());
    gone_on.unwrap();
    assert!(store.application(one.id, "app").await.unwrap().is_none());
}
