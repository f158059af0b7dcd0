//! Which applications fetched far more tokens than they need.
//! Not for: the counts themselves (`noticed.rs`).

use std::sync::Arc;
use std::time::Duration;

use super::sample::{add_application, add_tenant, application, event, tenant};
use super::{Place, store_with_tenant};
use crate::domain::application::{Application, ClientId};
use crate::domain::excess::{ExcessQuery, Span};
use crate::domain::statistic::{Counted, Counter, Statistic};
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::domain::token::TokenSettings;
use crate::store::{Store, UsageBatch};

/// The beginning of a day.
const DAY: Timestamp = Timestamp::from_seconds(1_640_563_200);

async fn register(store: &Arc<dyn Store>, owner: &Tenant, client_id: &str, lifetime: Option<Duration>) {
    let app = application(owner, client_id);
    add_application(store, &Application { token: TokenSettings { lifetime, ..app.token }, ..app }).await;
}

async fn count(store: &Arc<dyn Store>, owner: &Tenant, client_id: &str, what: Counted, at: (Timestamp, u64)) {
    let application = Some(ClientId::parse(client_id).unwrap());
    let counter = Counter { start: at.0, tenant: owner.id, application, what };
    let counts = vec![Statistic { counter, count: at.1 }];
    store.record_usage(UsageBatch { uses: Vec::new(), counts }).await.unwrap();
}

/// What is found, shortly.
async fn found(store: &Arc<dyn Store>, query: ExcessQuery) -> Vec<(String, u64, u64)> {
    let found = store.excess(query).await.unwrap();
    found.into_iter().map(|one| (one.application.to_string(), one.issued, one.reused)).collect()
}

fn named(client_id: &str, issued: u64, reused: u64) -> (String, u64, u64) {
    (client_id.to_owned(), issued, reused)
}

/// Of a day: with the usual lifetime one instance needs 288 tokens, with one of 24 hours a single one.
pub(super) async fn finds_who_fetched_far_more_than_it_needs(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let other = tenant("other");
    add_tenant(&store, &other).await;
    let noon = DAY.plus(Duration::from_hours(12));
    for client_id in ["usual", "at the limit", "reused", "refused", "idle"] {
        register(&store, &one, client_id, None).await;
    }
    register(&store, &one, "long", Some(Duration::from_hours(24))).await;
    register(&store, &other, "long", Some(Duration::from_hours(24))).await;
    for (owner, client_id, what, many) in [
        (&one, "usual", Counted::Issued, 2_881),
        (&one, "at the limit", Counted::Issued, 2_880),
        (&one, "reused", Counted::Issued, 1_441),
        (&one, "reused", Counted::Reused, 1_440),
        (&one, "refused", Counted::Refused("why".into()), 1_000_000),
        (&one, "long", Counted::Reused, 90),
        (&one, "unknown", Counted::Issued, 1_000_000),
        (&other, "long", Counted::Issued, 11),
    ] {
        count(&store, owner, client_id, what, (noon, many)).await;
    }
    let query = ExcessQuery { tenant: one.id, span: Span::Day, from: DAY, factor: 10, limit: 10 };
    let worst = named("long", 0, 90);
    assert_eq!(
        found(&store, query.clone()).await,
        [worst.clone(), named("reused", 1_441, 1_440), named("usual", 2_881, 0)]
    );
    assert_eq!(found(&store, ExcessQuery { limit: 1, ..query.clone() }).await, [worst]);
    assert_eq!(found(&store, ExcessQuery { factor: 90, ..query.clone() }).await, []);
    let of_other = ExcessQuery { tenant: other.id, ..query };
    assert_eq!(found(&store, of_other.clone()).await, [named("long", 11, 0)]);
    assert_eq!(found(&store, ExcessQuery { factor: u32::MAX, ..of_other }).await, []);
}

pub(super) async fn looks_at_the_last_full_span_and_at_what_is_left(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    register(&store, &one, "app", Some(Duration::from_mins(7))).await;
    let minute = |number: u64| DAY.plus(Duration::from_mins(number));
    // The hour from 1 to 2: nine lifetimes begin in it.
    for (number, many) in [(59, 1_000), (60, 50), (119, 41), (120, 1_000)] {
        count(&store, &one, "app", Counted::Issued, (minute(number), many)).await;
    }
    let hour = ExcessQuery { tenant: one.id, span: Span::Hour, from: minute(60), factor: 10, limit: 10 };
    assert_eq!(found(&store, hour.clone()).await, [named("app", 91, 0)]);
    assert_eq!(found(&store, ExcessQuery { factor: 11, ..hour.clone() }).await, []);
    let day = ExcessQuery { span: Span::Day, from: DAY, factor: 1, ..hour.clone() };
    assert_eq!(found(&store, day.clone()).await, [named("app", 2_091, 0)]);
    let before = DAY.minus(Duration::from_hours(24));
    assert_eq!(found(&store, ExcessQuery { from: before, ..day }).await, []);
    store.remove_tenant(one.id, event("tenant")).await.unwrap();
    assert_eq!(found(&store, hour).await, []);
}
