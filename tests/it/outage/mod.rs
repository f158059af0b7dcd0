//! The database is away: whoever is known gets tokens, and nobody is told what cannot be known.

use std::sync::Arc;
use std::time::Duration;

use chancery::admin::applications::{ApplicationChange, NewApplication};
use chancery::store::Store;

use crate::support::ask::{get, token_request};
use crate::support::faulty::{Faulty, Mood};
use crate::support::reply::Reply;
use crate::support::server::{App, TestServer};

/// A process that is paused.
mod paused;
/// Slow stores, notices, floods.
mod pressed;
/// Who gets what while the store is away.
mod served;
/// What is told and counted of an outage.
mod told;

/// How long memory may answer in these tests.
const ALLOWED: Duration = Duration::from_hours(1);

/// A server that may bridge outages, with an application `app` that it knows.
struct Bridging {
    server: TestServer,
    store: Arc<Faulty>,
    app: App,
}

impl Bridging {
    async fn start() -> Self {
        let (server, store) = TestServer::with_faulty_store_and(|services| services.allowing(ALLOWED)).await;
        let app = server.app(&["read"]).await;
        let this = Self { server, store, app };
        this.follow().await;
        assert_eq!(this.status(&this.app).await, 200);
        this
    }

    /// Makes the store behave so when memory is too old to be trusted.
    fn turn(&self, mood: Mood) {
        self.server.advance(Duration::from_millis(401));
        self.store.turn(mood);
    }

    /// What a running server does again and again.
    async fn follow(&self) {
        let _ = self.server.directory.follow().await;
    }

    async fn ask(&self, client_id: &str, secret: &str) -> Reply {
        self.server.answer(token_request(&[]).basic(client_id, secret)).await
    }

    async fn status(&self, app: &App) -> u16 {
        self.ask(&app.client_id, &app.secret).await.status
    }

    async fn at_admin(&self, path: &str) -> Reply {
        self.server.answer_administrator(get(path), Arc::clone(&self.store) as Arc<dyn Store>).await
    }

    /// Another application, which the server knows when it has been asked for.
    async fn add(&self, client_id: &str) -> App {
        self.server.add("default", client_id, &[], NewApplication::default()).await
    }

    /// Disables `app`, through a connection of somebody else.
    async fn disable(&self) {
        let change = ApplicationChange { enabled: Some(false), ..ApplicationChange::default() };
        self.server.change(&self.app, change).await;
    }
}
