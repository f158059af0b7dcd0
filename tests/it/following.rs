//! A change made on the store by somebody else reaches every running server within one second. The other one works
//! through connections of its own, as the command line does; the servers are told nothing.

use std::time::Duration;

use chancery::admin::applications::{self, ApplicationChange, NewApplication};
use chancery::domain::application::AuthMethod;

use crate::support::ask::{get, token_request};
use crate::support::reply::claims;
use crate::support::server::{App, TestServer, names};

/// Two servers on one store, and an operator with a connection of its own.
struct Cluster {
    nodes: [TestServer; 2],
    operator: TestServer,
}

impl Cluster {
    async fn start() -> Self {
        let first = TestServer::start().await;
        let second = first.another_node().await;
        let operator = first.another_node().await;
        Self { nodes: [first, second], operator }
    }

    /// What each server answers to the application.
    async fn statuses(&self, app: &App) -> [u16; 2] {
        let ask = || token_request(&[]).of(app);
        [self.nodes[0].answer(ask()).await.status, self.nodes[1].answer(ask()).await.status]
    }

    /// What each server grants the application.
    async fn scopes(&self, app: &App) -> Vec<String> {
        let mut scopes = Vec::new();
        for node in &self.nodes {
            scopes.push(claims(&node.answer(token_request(&[]).of(app)).await.token())["scope"].to_string());
        }
        scopes
    }

    fn advance_a_second(&self) {
        self.operator.advance_a_second();
    }
}

/// D13
#[tokio::test]
async fn a_scope_taken_away_is_in_no_token_one_second_later() {
    let cluster = Cluster::start().await;
    let app = cluster.operator.app(&["read", "write"]).await;
    assert_eq!(cluster.scopes(&app).await, [r#"["read","write"]"#; 2]);
    let scopes = Some(names(&["read"]));
    cluster.operator.change(&app, ApplicationChange { scopes, ..ApplicationChange::default() }).await;
    cluster.advance_a_second();
    assert_eq!(cluster.scopes(&app).await, [r#"["read"]"#; 2]);
    for node in &cluster.nodes {
        let reply = node.answer(token_request(&[("scope", "write")]).of(&app)).await;
        reply.expect_refused("invalid_scope");
    }
}

/// C19: both are good while they live; the old one stops at its very instant, wherever it is presented.
#[tokio::test]
async fn two_secrets_are_live_while_one_replaces_the_other() {
    let cluster = Cluster::start().await;
    let app = cluster.operator.app(&[]).await;
    let (old, _) = cluster.operator.add_secret(&app, Some(Duration::from_hours(1))).await;
    let (new, _) = cluster.operator.add_secret(&app, None).await;
    assert_eq!([cluster.statuses(&old).await, cluster.statuses(&new).await], [[200; 2]; 2]);
    cluster.operator.advance(Duration::from_millis(3_599_999));
    assert_eq!([cluster.statuses(&old).await, cluster.statuses(&new).await], [[200; 2]; 2]);
    cluster.operator.advance(Duration::from_millis(1));
    assert_eq!([cluster.statuses(&old).await, cluster.statuses(&new).await], [[401; 2], [200; 2]]);
}

/// C19: one that is removed by hand stops one second later at most.
#[tokio::test]
async fn a_removed_secret_proves_nothing_one_second_later() {
    let cluster = Cluster::start().await;
    let app = cluster.operator.app(&[]).await;
    let (other, id) = cluster.operator.add_secret(&app, None).await;
    assert_eq!(cluster.statuses(&other).await, [200; 2]);
    cluster.operator.remove_secret(&app, &id).await;
    cluster.advance_a_second();
    assert_eq!(cluster.statuses(&other).await, [401; 2]);
    assert_eq!(cluster.statuses(&app).await, [200; 2]);
}

/// C22: by no method, and again as soon as it is enabled.
#[tokio::test]
async fn a_disabled_application_gets_nothing_one_second_later() {
    let cluster = Cluster::start().await;
    let app = cluster.operator.app(&[]).await;
    let enable = async |enabled| {
        let change = ApplicationChange { enabled: Some(enabled), ..ApplicationChange::default() };
        cluster.operator.change(&app, change).await;
        cluster.advance_a_second();
    };
    assert_eq!(cluster.statuses(&app).await, [200; 2]);
    enable(false).await;
    let by_post = [("client_id", app.client_id.as_str()), ("client_secret", &app.secret)];
    assert_eq!(AuthMethod::ALL.len(), 2, "another method wants its request here");
    for node in &cluster.nodes {
        node.answer(token_request(&[]).of(&app)).await.expect_invalid_client();
        node.answer(token_request(&by_post)).await.expect_invalid_client();
    }
    enable(true).await;
    assert_eq!(cluster.statuses(&app).await, [200; 2]);
}

/// C22: a removed application, and one that was asked for before it was there.
#[tokio::test]
async fn applications_come_and_go_within_a_second() {
    let cluster = Cluster::start().await;
    let early = App { client_id: "app".to_owned(), secret: "too early".to_owned() };
    assert_eq!(cluster.statuses(&early).await, [401; 2]);
    let app = cluster.operator.add("default", "app", &[], NewApplication::default()).await;
    cluster.advance_a_second();
    assert_eq!(cluster.statuses(&app).await, [200; 2]);

    let tenant = cluster.operator.tenant("default").await;
    applications::remove(&cluster.operator.admin, &tenant, "app").await.unwrap();
    cluster.advance_a_second();
    assert_eq!(cluster.statuses(&app).await, [401; 2]);
    // Registered again it is another application, and the old secret is not its secret.
    let again = cluster.operator.add("default", "app", &[], NewApplication::default()).await;
    cluster.advance_a_second();
    assert_eq!([cluster.statuses(&app).await, cluster.statuses(&again).await], [[401; 2], [200; 2]]);
}

/// C22: a server that follows regularly, as a running one does, needs no request to be told.
#[tokio::test]
async fn following_takes_in_what_changed() {
    let cluster = Cluster::start().await;
    let app = cluster.operator.app(&[]).await;
    assert_eq!(cluster.statuses(&app).await, [200; 2]);
    let off = ApplicationChange { enabled: Some(false), ..ApplicationChange::default() };
    cluster.operator.change(&app, off).await;
    for node in &cluster.nodes {
        node.directory.follow().await.unwrap();
    }
    assert_eq!(cluster.statuses(&app).await, [401; 2]);
}

/// C22: when more has changed than is written down, everything remembered is forgotten.
#[tokio::test]
async fn a_server_that_missed_too_much_starts_afresh() {
    let cluster = Cluster::start().await;
    let app = cluster.operator.app(&[]).await;
    assert_eq!(cluster.statuses(&app).await, [200; 2]);
    let off = ApplicationChange { enabled: Some(false), ..ApplicationChange::default() };
    cluster.operator.change(&app, off).await;
    cluster.nodes[0].forget_all_changes();
    cluster.advance_a_second();
    assert_eq!(cluster.statuses(&app).await, [401; 2]);
    assert_eq!(cluster.nodes[1].answer(get("/oauth2/jwks")).await.status, 200);
}

/// The last use of a secret is written down, and costs no server its memory.
#[tokio::test]
async fn the_last_use_of_a_secret_is_written_down() {
    let cluster = Cluster::start().await;
    let app = cluster.operator.app(&[]).await;
    let last_use = async || {
        let tenant = cluster.operator.tenant("default").await;
        let stored = cluster.operator.admin.store.application(tenant.id, "app").await.unwrap().unwrap();
        stored.credentials[0].last_used_at
    };
    assert_eq!(last_use().await, None);
    cluster.operator.advance(Duration::from_secs(7));
    let used = cluster.operator.admin.now();
    assert_eq!(cluster.statuses(&app).await, [200; 2]);
    let wrong = App { secret: "wrong".to_owned(), ..app };
    cluster.operator.advance(Duration::from_secs(7));
    assert_eq!(cluster.statuses(&wrong).await, [401; 2]);
    for node in &cluster.nodes {
        node.directory.write_usage().await.unwrap();
    }
    assert_eq!(last_use().await, Some(used));
}
