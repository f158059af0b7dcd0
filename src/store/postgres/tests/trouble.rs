//! A database that goes away, comes back, is slow, or is not the one that may be believed.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::{end_connections, open, with_tenant};
use crate::domain::audit::AuditFilter;
use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;
use crate::store::postgres::{Access, Address, Password, Postgres};
use crate::store::suite::places::Database;
use crate::store::suite::sample::{add_application, application, caller, event};
use crate::store::{Store, StoreError};

const END: Timestamp = Timestamp::from_seconds(1_640_589_128);

fn token() -> TokenId {
    TokenId::new(&crate::crypto::random::SystemRandom)
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn connections_that_were_ended_are_opened_anew() {
    let (database, store, one) = with_tenant().await;
    for round in 0..3 {
        end_connections(&database).await;
        assert!(store.application(one.id, "app").await.unwrap().is_none(), "{round}");
        assert_eq!(store.tenants().await.unwrap().len(), 1);
        assert!(!store.audit_events(0, 10).await.unwrap().is_empty());
        end_connections(&database).await;
        assert!(store.revoke_token(one.id, &caller(), token(), END).await.unwrap());
        add_application(&store, &application(&one, &format!("app{round}"))).await;
    }
}

/// Nothing was committed yet, so it is done again; it is done once.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn a_change_whose_connection_is_ended_in_the_middle_is_made_once() {
    let (database, store, one) = with_tenant().await;
    let other = database.connect().await;
    other.batch_execute("BEGIN; SELECT 1 FROM head FOR UPDATE").await.unwrap();
    let adding = tokio::spawn({
        let (store, app) = (Arc::clone(&store), application(&one, "app"));
        async move { store.add_application(app, None, event("added")).await }
    });
    let watcher = database.connect().await;
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = 'chancery' AND wait_event_type = 'Lock'";
    while watcher.execute(sql, &[]).await.unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    other.batch_execute("COMMIT").await.unwrap();
    adding.await.unwrap().unwrap();
    let added = AuditFilter { subject: Some("added".to_owned()), ..AuditFilter::default() };
    assert_eq!(store.find_audit_events(added, None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn a_question_is_given_up_when_it_takes_too_long() {
    let (database, store, one) = with_tenant().await;
    let token = token();
    store.revoke_token(one.id, &caller(), token, END).await.unwrap();
    let other = database.connect().await;
    other.batch_execute("BEGIN; LOCK TABLE revoked_token IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let late = store.is_revoked(one.id, token, END).await.unwrap_err();
    assert!(late.is_away(), "{late}");
    // It holds up nobody else.
    assert_eq!(store.tenants().await.unwrap().len(), 1);
    other.batch_execute("ROLLBACK").await.unwrap();
    assert!(store.is_revoked(one.id, token, END).await.unwrap());
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn a_server_that_may_not_be_written_to_is_not_used() {
    let (database, store, one) = with_tenant().await;
    let name = database.url().rsplit_once('/').unwrap().1.to_owned();
    let admin = database.connect().await;
    admin
        .batch_execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"))
        .await
        .unwrap();
    end_connections(&database).await;
    let refused = store.application(one.id, "app").await.unwrap_err();
    assert!(refused.to_string().contains("does not allow writes"), "{refused}");
    assert!(store.revoke_token(one.id, &caller(), token(), END).await.unwrap_err().is_away());
    assert!(store.changes_since(0).await.unwrap_err().is_away());
    let sql = format!("SET default_transaction_read_only = off; ALTER DATABASE {name} RESET ALL");
    admin.batch_execute(&sql).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(store.revoke_token(one.id, &caller(), token(), END).await.unwrap());
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn commits_are_as_durable_as_the_server_makes_them_and_durable_at_least() {
    let database = Database::make().await;
    let name = database.url().rsplit_once('/').unwrap().1.to_owned();
    for (set, wanted) in [
        ("off", "on"),
        ("local", "on"),
        ("on", "on"),
        ("remote_write", "remote_write"),
        ("remote_apply", "remote_apply"),
    ] {
        let sql = format!("ALTER DATABASE {name} SET synchronous_commit = {set}");
        database.connect().await.batch_execute(&sql).await.unwrap();
        let (store, _) = Postgres::open(&database.access()).await.unwrap();
        let summary = store.about().await.unwrap().summary;
        assert!(summary.ends_with(&format!(", synchronous_commit {wanted}")), "{set}: {summary}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn a_database_of_another_encoding_is_refused() {
    let database = Database::make().await;
    let name = format!("{}_latin", database.url().rsplit_once('/').unwrap().1);
    let sql = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
    let admin = database.connect().await;
    admin.batch_execute(&sql).await.unwrap();
    let address = Address::parse(&format!("{}_latin", database.url())).unwrap();
    let refused = Postgres::open(&Access { address, ..database.access() }).await.err().unwrap();
    admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    assert!(refused.to_string().contains("all of Unicode"), "{refused}");
}

/// A machine that is gone sends nothing, not even that it is gone.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn a_silent_database_is_given_up_and_taken_again() {
    let (database, _, one) = with_tenant().await;
    let (user, place) = database.url().split_once('@').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let (host, name) = place.split_once('/').unwrap();
    let (way, is_open) = way_to(host.to_owned()).await;
    let address = Address::parse(&format!("{user}@{way}/{name}")).unwrap();
    let store = Postgres::open(&Access { address, ..database.access() }).await.unwrap().0;
    assert!(store.application(one.id, "app").await.unwrap().is_none());
    is_open.send_replace(false);
    for _ in 0..2 {
        let late = store.application(one.id, "app").await.unwrap_err();
        assert!(late.is_away(), "{late}");
    }
    is_open.send_replace(true);
    let started = tokio::time::Instant::now();
    while let Err(error) = store.application(one.id, "app").await {
        assert!(started.elapsed() < Duration::from_mins(1), "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A way to the server on which nothing goes on while it is closed, and where it begins.
async fn way_to(server: String) -> (std::net::SocketAddr, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, (sender, is_open)) = (listener.local_addr().unwrap(), watch::channel(true));
    tokio::spawn(async move {
        while let Ok((here, _)) = listener.accept().await {
            let there = TcpStream::connect(&server).await.unwrap();
            let ((asks, back), (answers, on)) = (here.into_split(), there.into_split());
            tokio::spawn(carry(asks, on, is_open.clone()));
            tokio::spawn(carry(answers, back, is_open.clone()));
        }
    });
    (address, sender)
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut is_open: watch::Receiver<bool>) {
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        if is_open.wait_for(|is_open| *is_open).await.is_err() || to.write_all(&piece[..count]).await.is_err()
        {
            return;
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn finds_what_its_own_rules_forbid() {
    let (database, store, one) = with_tenant().await;
    add_application(&store, &application(&one, "app")).await;
    let other = database.connect().await;
    for (sql, found) in [
        ("DELETE FROM audit_event WHERE sequence = 2", "the newest audit event is not"),
        ("UPDATE head SET revision = 0", "there are changes newer"),
        ("ALTER TABLE credential DISABLE TRIGGER ALL", "the references of credential are switched off"),
        ("DELETE FROM head", "the table head has not exactly one row"),
    ] {
        other.batch_execute(sql).await.unwrap();
        let damage = store.check().await.unwrap().damage.join("; ");
        assert!(damage.contains(found), "{sql}: {damage}");
    }
    assert!(matches!(store.changes_since(0).await, Err(StoreError::Corrupt(_))));
    let refused = store.remove_tenant(one.id, event("tenant")).await;
    assert!(matches!(refused, Err(StoreError::Corrupt(_))), "{refused:?}");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn what_postgresql_cannot_hold_is_not_there() {
    let (_database, store, one) = with_tenant().await;
    assert!(store.application(one.id, "a\0b").await.unwrap().is_none());
    assert!(store.find_applications(one.id, "\0", None, 10).await.unwrap().is_empty());
    assert!(store.kept_answer("\0", "\0", END).await.unwrap().is_none());
    let filter = AuditFilter { subject: Some("\0".to_owned()), ..AuditFilter::default() };
    assert!(store.find_audit_events(filter, None, 10).await.unwrap().is_empty());
    let named =
        crate::domain::application::Application { name: "a\0b".to_owned(), ..application(&one, "app") };
    let refused = store.add_application(named, None, event("app")).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict(_)), "{refused}");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn says_where_it_is_not_reached_and_never_the_password() {
    let database = Database::make().await;
    let (before, rest) = database.url().split_once('@').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let user = before.rsplit_once(':').unwrap().0.to_owned();
    let reach = async |url: String, password: Option<Password>| {
        let access = Access { address: Address::parse(&url).unwrap(), password, connections: 4 };
        Postgres::open(&access).await.map(drop)
    };
    let nobody = reach(format!("{user}:hunter2@127.0.0.1:1/x"), None).await.unwrap_err().to_string();
    assert!(nobody.contains("127.0.0.1:1: ") && nobody.contains("refused"), "{nobody}");
    let wrong = Password::Text(Zeroizing::new("hunter2".to_owned()));
    let wrong = reach(format!("{user}@{rest}"), Some(wrong)).await.unwrap_err().to_string();
    assert!(wrong.contains("password authentication failed"), "{wrong}");
    let absent = Password::File("/nowhere/password".into());
    let absent = reach(format!("{user}@{rest}"), Some(absent)).await.unwrap_err().to_string();
    assert!(absent.contains("/nowhere/password"), "{absent}");
    assert!(!format!("{nobody} {wrong} {absent}").contains("hunter2"));
    // The right one may stand in a file, with a line end.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{}\n", before.rsplit_once(':').unwrap().1)).unwrap();
    reach(format!("{user}@{rest}"), Some(Password::File(file.path().to_owned()))).await.unwrap();
}

/// What many ask at once waits for its turn, and what nobody waits for any more is no loss of a connection.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn questions_that_are_given_up_cost_no_connection() {
    let (database, _, one) = with_tenant().await;
    let store = open(&database).await;
    let sql = "SELECT count(*), max(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = 'chancery'";
    let watcher = database.connect().await;
    let connections = async || {
        let row = watcher.query_one(sql, &[]).await.unwrap();
        (row.get::<_, i64>(0), row.get::<_, Option<i32>>(1))
    };
    let ask = async || {
        let asked = (0..50).map(|number| {
            let store: Arc<dyn Store> = Arc::clone(&store);
            async move { store.application(one.id, &format!("app{number}")).await.map(drop) }
        });
        futures_util::future::join_all(asked).await.into_iter().for_each(|answer| answer.unwrap());
    };
    ask().await;
    let before = connections().await;
    for _ in 0..50 {
        let question = store.application(one.id, "given up");
        drop(tokio::time::timeout(Duration::from_micros(1), question).await);
    }
    ask().await;
    assert_eq!(connections().await, before);
}
