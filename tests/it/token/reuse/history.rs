//! Histories nobody thought of: requests, changes and revocations on two nodes, while time passes and is stepped.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chancery::admin::applications::ApplicationChange;
use proptest::prelude::*;

use super::{add, ask, expires_in};
use crate::support::ask::revocation;
use crate::support::reply::{Reply, claims};
use crate::support::server::{App, TestServer};

#[derive(Debug, Clone)]
enum Deed {
    /// Of which node, which application, with which scopes.
    Ask(usize, usize, usize),
    Advance(u64),
    Step(i64),
    Change(usize),
    RevokeKey,
    /// Gives the last token of an application back, at a node.
    Revoke(usize, usize),
}

const SCOPES: [&str; 3] = ["read", "read write", "write read"];

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        12 => (0..2_usize, 0..2_usize, 0..SCOPES.len()).prop_map(|(node, app, scope)| Deed::Ask(node, app, scope)),
        4 => (0..90_000_u64).prop_map(Deed::Advance),
        1 => (-100..100_i64).prop_map(Deed::Step),
        1 => (0..2_usize).prop_map(Deed::Change),
        1 => Just(Deed::RevokeKey),
        2 => (0..2_usize, 0..2_usize).prop_map(|(node, app)| Deed::Revoke(node, app)),
    ];
    proptest::collection::vec(deed, 1..60)
}

/// What is known of a token that was handed out.
struct Seen {
    node: usize,
    app: usize,
    scope: usize,
    /// How many changes there were before it.
    changes: u64,
    /// On the monotonic clock.
    since: Duration,
}

struct History {
    nodes: [TestServer; 2],
    apps: Vec<App>,
    seen: HashMap<String, Seen>,
    last: [Option<String>; 2],
    refused: HashSet<String>,
    changes: u64,
    names: u64,
}

impl History {
    async fn begin() -> Self {
        let first = TestServer::start().await;
        let second = first.another_node().await;
        let mut apps = Vec::new();
        for client_id in ["one", "two"] {
            apps.push(add(&first, "default", client_id, &["read", "write"]).await);
        }
        let (seen, refused) = (HashMap::new(), HashSet::new());
        Self { nodes: [first, second], apps, seen, last: [None, None], refused, changes: 0, names: 0 }
    }

    /// Does one thing. A second passes after each change, so that every node knows it.
    async fn run(&mut self, deed: &Deed) {
        match *deed {
            Deed::Ask(node, app, scope) => {
                let reply = ask(&self.nodes[node], &self.apps[app], SCOPES[scope]).await;
                self.check(&reply, node, (app, scope));
            }
            Deed::Advance(millis) => self.nodes[0].advance(Duration::from_millis(millis)),
            Deed::Step(seconds) => self.nodes[0].step_clock(seconds),
            Deed::Change(app) => {
                self.names += 1;
                let name = Some(format!("name {}", self.names));
                let change = ApplicationChange { name, ..ApplicationChange::default() };
                self.nodes[0].change(&self.apps[app], change).await;
                self.seen.retain(|_, seen| {
                    seen.app != app || {
                        seen.changes = u64::MAX;
                        true
                    }
                });
                self.nodes[0].advance_a_second();
            }
            Deed::RevokeKey => {
                self.nodes[0].revoke_key().await;
                self.changes += 1;
                self.nodes[0].advance_a_second();
            }
            Deed::Revoke(node, app) => {
                let Some(token) = self.last[app].take() else { return };
                let reply = self.nodes[node].answer(revocation(&token).of(&self.apps[app])).await;
                assert_eq!(reply.status, 200);
                self.refused.insert(token);
                self.nodes[0].advance_a_second();
            }
        }
    }

    fn check(&mut self, reply: &Reply, node: usize, (app, scope): (usize, usize)) {
        let token = reply.token();
        let claims = claims(&token);
        let now = self.nodes[0].admin.now();
        assert_eq!(reply.scope().as_deref(), Some(SCOPES[scope]));
        assert_eq!(claims["sub"], self.apps[app].client_id);
        let left = claims["exp"].as_i64().unwrap() * 1000 - now.as_millis();
        assert!((1..=300_000).contains(&left), "{left}");
        assert_eq!(expires_in(reply), (left - 1) / 1000);
        assert!(!self.refused.contains(&token), "a refused token is handed out");
        let since = self.nodes[0].admin.clock.monotonic();
        let seen = Seen { node, app, scope, changes: self.changes, since };
        let first = self.seen.entry(token.clone()).or_insert(seen);
        assert_eq!((first.node, first.app, first.scope, first.changes), (node, app, scope, self.changes));
        assert!(since.saturating_sub(first.since) < Duration::from_secs(150));
        self.last[app] = Some(token);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn in_no_history_a_token_is_handed_out_to_whom_it_is_not_for(deeds in deeds()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut history = History::begin().await;
            for deed in &deeds {
                history.run(deed).await;
            }
        });
    }
}
