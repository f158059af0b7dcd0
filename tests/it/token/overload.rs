//! More tokens are asked for than can be signed: who is refused, and who notices nothing.

use std::sync::Arc;

use chancery::admin::applications::NewApplication;
use chancery::admin::refusals::explain;
use chancery::admin::statistics::{Asked, list};
use chancery::domain::application::ClientId;
use chancery::domain::statistic::{Counted, Period};
use insta::assert_snapshot;
use serde_json::Value;
use tokio::task::{JoinHandle, yield_now};

use crate::support::ask::{Ask, get, token_request};
use crate::support::log;
use crate::support::reply::Reply;
use crate::support::server::{App, TestServer};

/// More at once than a server lets wait that has not measured yet how soon it signs.
const MANY: usize = 1_000;

/// A server with an application that floods and one that does not, both in memory.
async fn start() -> (Arc<TestServer>, App, App) {
    let server = TestServer::start().await;
    let flood = server.app(&[]).await;
    let other = server.add("default", "other", &[], NewApplication::default()).await;
    for app in [&flood, &other] {
        assert_eq!(server.answer(token_request(&[]).of(app)).await.status, 200);
    }
    log::take();
    (Arc::new(server), flood, other)
}

fn ask(server: &Arc<TestServer>, ask: Ask) -> JoinHandle<Reply> {
    let server = Arc::clone(server);
    tokio::spawn(async move { server.answer(ask).await })
}

fn flooding(server: &Arc<TestServer>, app: &App, count: usize) -> Vec<JoinHandle<Reply>> {
    (0..count).map(|_| ask(server, token_request(&[]).of(app))).collect()
}

async fn all(asked: Vec<JoinHandle<Reply>>) -> Vec<Reply> {
    let mut replies = Vec::new();
    for one in asked {
        replies.push(one.await.unwrap());
    }
    replies
}

/// Waits until nobody else can wait for a signature, or too long for a test.
async fn until_somebody_waits(server: &TestServer, count: usize) {
    for _ in 0..10_000 {
        if server.directory.figures().waiting >= count {
            return;
        }
        yield_now().await;
    }
    panic!("{} wait", server.directory.figures().waiting);
}

/// F06
#[tokio::test]
async fn who_floods_is_told_to_come_back_and_another_application_gets_its_tokens() {
    let (server, flood, other) = start().await;
    let flooded = flooding(&server, &flood, MANY);
    let others = flooding(&server, &other, 5);
    let answers = all(others).await;
    assert!(answers.iter().all(|reply| reply.status == 200), "{answers:?}");
    // They did not come after those who came before them.
    assert!(server.directory.figures().issued < 50, "{}", server.directory.figures().issued);
    let replies = all(flooded).await;
    let refused: Vec<&Reply> = replies.iter().filter(|reply| reply.status != 200).collect();
    assert!(refused.len() > 100 && refused.len() < MANY - 750, "{}", refused.len());
    assert!(refused.iter().all(|reply| reply.to_string() == refused[0].to_string()));
    assert_snapshot!(refused[0], @r#"
    503
    cache-control: no-store
    content-type: application/json;charset=UTF-8
    pragma: no-cache
    retry-after: 1
    x-content-type-options: nosniff
    x-request-id: <request id>

    {"error":"temporarily_unavailable","error_description":"The server cannot answer right now. Try again."}
    "#);
    assert_eq!(server.answer(token_request(&[]).of(&flood)).await.status, 200);
}

#[tokio::test]
async fn a_flood_of_refusals_is_one_line_in_the_log_and_one_row_of_the_statistics() {
    let (server, flood, _) = start().await;
    let replies = all(flooding(&server, &flood, MANY)).await;
    let refused = replies.iter().filter(|reply| reply.status == 503).count();
    assert!(refused > 100, "{refused}");
    assert!(log::take().is_empty());
    server.directory.tell_overload();
    let logged = log::take();
    assert_eq!(logged.len(), 1, "{logged:?}");
    let member = |name: &str| logged[0][name].clone();
    assert_eq!((member("level"), member("application")), ("WARN".into(), flood.client_id.as_str().into()));
    let count = Value::from(refused);
    assert_eq!([member("count"), member("of_it"), member("applications")], [count.clone(), count, 1.into()]);
    server.directory.tell_overload();
    assert!(log::take().is_empty());

    server.directory.write_usage().await.unwrap();
    server.directory.write_refusals().await.unwrap();
    let application = Some(ClientId::parse(&flood.client_id).unwrap());
    let asked = Asked { application, by: Period::Minute, since: None, limit: usize::MAX };
    let counts = list(&server.admin, &server.tenant("default").await, asked).await.unwrap();
    let rows: Vec<_> = counts.iter().filter(|row| row.counter.what != Counted::Issued).collect();
    assert_eq!((rows.len(), rows[0].count), (1, u64::try_from(refused).unwrap()));
    // None of them is kept for itself.
    let one = replies.iter().find(|reply| reply.status == 503).unwrap();
    assert!(explain(&server.admin, None, one.request_id()).await.is_err());
    let figures = server.directory.figures();
    assert_eq!((figures.refused_by_overload, figures.waiting), (u64::try_from(refused).unwrap(), 0));
    assert_eq!(figures.refused, [("temporarily_unavailable".into(), figures.refused_by_overload)]);
}

/// C15: whether there is room is asked after who it is, so that a stranger sees of overload what it sees without.
#[tokio::test]
async fn overload_tells_strangers_nothing() {
    let (server, flood, _) = start().await;
    let flooded = flooding(&server, &flood, MANY);
    until_somebody_waits(&server, 200).await;
    for (client_id, secret) in [(flood.client_id.as_str(), "wrong"), ("other", "wrong"), ("nobody", "x")] {
        server.answer(token_request(&[]).basic(client_id, secret)).await.expect_invalid_client();
    }
    assert!(all(flooded).await.iter().any(|reply| reply.status == 503));
}

/// What needs no signature waits for four at most, however many wait for theirs.
#[tokio::test]
async fn keys_and_metadata_are_served_after_a_few_signatures() {
    let (server, flood, _) = start().await;
    let flooded = flooding(&server, &flood, 200);
    until_somebody_waits(&server, 150).await;
    for path in ["/oauth2/jwks", "/.well-known/oauth-authorization-server"].repeat(5) {
        let before = server.directory.figures();
        let reply = ask(&server, get(path)).await.unwrap();
        let after = server.directory.figures();
        assert_eq!(reply.status, 200);
        assert!(before.waiting > 0 && after.issued - before.issued <= 4, "{before:?} {after:?}");
    }
    assert!(all(flooded).await.iter().all(|reply| reply.status == 200));
}
