//! Schemas of other releases, and many servers that start at once.

use tokio::task::JoinSet;

use super::next::migrate_to_it;
use super::with_tenant;
use crate::domain::quota::Quota;
use crate::store::postgres::Postgres;
use crate::store::postgres::asking::{CHANGE_DEADLINE, ask};
use crate::store::postgres::schema::{MIGRATIONS, NEWEST, migrate};
use crate::store::suite::places::Database;
use crate::store::suite::sample::{add_application, application, event};
use crate::store::{Migrated, Schema, StoreError};

#[test]
fn knows_as_many_schemas_as_there_are_migrations() {
    assert_eq!(usize::try_from(NEWEST).unwrap(), MIGRATIONS.len());
    for (number, migration) in (1..).zip(MIGRATIONS) {
        assert!(migration.works_with <= number, "{number}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn opened_at_once_by_many_it_is_migrated_once() {
    let database = Database::make().await;
    let mut openers = JoinSet::new();
    for _ in 0..8 {
        let access = database.access();
        openers.spawn(async move { Postgres::open(&access).await.map(|(_, migrated)| migrated).unwrap() });
    }
    let migrated = openers.join_all().await;
    assert_eq!(migrated.iter().filter(|one| one.from == 0).count(), 1, "{migrated:?}");
    assert!(migrated.iter().all(|one| one.to == NEWEST));
}

/// While servers are replaced one by one, those of the former release go on; `store/suite` runs every clause as well.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn goes_on_while_the_next_release_migrates() {
    let (database, store, one) = with_tenant().await;
    let use_everything = async |name: &str| {
        let app = application(&one, name);
        add_application(&store, &app).await;
        store.change_application(app.clone(), event("app")).await.unwrap();
        assert!(store.application(one.id, name).await.unwrap().is_some());
        assert!(!store.applications(one.id, None, 10).await.unwrap().is_empty());
        assert!(!store.find_applications(one.id, name, None, 10).await.unwrap().is_empty());
        assert_eq!(
            (store.tenants().await.unwrap().len(), store.signing_keys(one.id).await.unwrap().len()),
            (1, 1)
        );
        assert!(store.changes_since(0).await.unwrap().list.is_some());
        assert!(!store.audit_events(0, 10).await.unwrap().is_empty());
    };
    use_everything("before").await;
    assert_eq!(migrate_to_it(&database, NEWEST).await.unwrap(), Migrated { from: NEWEST, to: NEWEST + 1 });
    use_everything("after").await;
    let (_, migrated) = Postgres::open(&database.access()).await.unwrap();
    assert_eq!(migrated, Migrated { from: NEWEST + 1, to: NEWEST + 1 });
}

/// The release before quotas works with their schema: what it says nothing of takes its default, or stays.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn the_release_before_quotas_goes_on_with_their_schema() {
    const ID: &str = "00000000-0000-4000-8000-00000000000";
    let database = Database::make().await;
    let before = Postgres::reach(&database.access(), false).unwrap();
    let migrated = ask(&before.administrators, CHANGE_DEADLINE, |session| migrate(session, &MIGRATIONS[..7]));
    assert_eq!(migrated.await.unwrap(), Migrated { from: 0, to: 7 });
    let client = database.connect().await;
    let add = async |number: u8| {
        let sql = format!(
            "INSERT INTO tenant (id, name, issuer, enabled, algorithm, key_period, created_at, updated_at, version)
             VALUES ('{ID}{number}', 't{number}', 'https://t{number}', true, 'RS256', 86400, 1, 1, 1);
             INSERT INTO application (id, tenant_id, client_id, name, type, enabled, grants, auth_methods, narrowed,
                claims, created_at, updated_at, version)
             VALUES ('{ID}{number}', '{ID}{number}', 'app', 'App', 'm2m', true, '', '', false, '{{}}', 1, 1, 1)"
        );
        client.batch_execute(&sql).await.unwrap();
    };
    add(1).await;
    let (store, migrated) = Postgres::open(&database.access()).await.unwrap();
    assert_eq!(migrated, Migrated { from: 7, to: NEWEST });
    add(2).await;
    let store: std::sync::Arc<dyn crate::store::Store> = std::sync::Arc::new(store);
    let tenants = store.tenants().await.unwrap();
    assert_eq!(tenants.len(), 2);
    for tenant in &tenants {
        let found = store.application(tenant.id, "app").await.unwrap().unwrap();
        assert_eq!((found.application.token_reuse, found.application.quota), (None, Quota::default()));
        assert_eq!(tenant.quota, Quota::default());
    }
    let limited = application(&tenants[0], "limited");
    add_application(&store, &limited).await;
    client
        .batch_execute("UPDATE application SET name = 'By the former', version = version + 1")
        .await
        .unwrap();
    let found = store.application(tenants[0].id, "limited").await.unwrap().unwrap();
    assert_eq!(
        (found.application.token_reuse, found.application.quota),
        (limited.token_reuse, limited.quota)
    );
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn refuses_a_schema_that_is_not_for_it_and_leaves_it_alone() {
    let (database, _store, _) = with_tenant().await;
    migrate_to_it(&database, NEWEST + 1).await.unwrap();
    let refused = Postgres::open(&database.access()).await.err().unwrap();
    assert!(
        matches!(refused, StoreError::NewerSchema { found, known } if (found, known) == (NEWEST + 1, NEWEST))
    );
    let (_, schema) = Postgres::look(&database.access()).await.unwrap();
    assert_eq!(schema, Schema { number: NEWEST + 1, works_with: NEWEST + 1, known: NEWEST });
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn a_look_makes_and_changes_nothing() {
    let database = Database::make().await;
    let (_, schema) = Postgres::look(&database.access()).await.unwrap();
    assert_eq!(schema, Schema { number: 0, works_with: 0, known: NEWEST });
    let (store, _) = Postgres::open(&database.access()).await.unwrap();
    let store: std::sync::Arc<dyn crate::store::Store> = std::sync::Arc::new(store);
    let one = crate::store::suite::sample::tenant("one");
    crate::store::suite::sample::add_tenant(&store, &one).await;
    let (looker, _) = Postgres::look(&database.access()).await.unwrap();
    let looker: std::sync::Arc<dyn crate::store::Store> = std::sync::Arc::new(looker);
    assert_eq!(looker.tenants().await.unwrap(), std::slice::from_ref(&one));
    let refused = looker.remove_tenant(one.id, event("tenant")).await.unwrap_err();
    assert!(refused.is_away(), "{refused}");
    assert_eq!(store.tenants().await.unwrap().len(), 1);
}
