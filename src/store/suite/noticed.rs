//! What servers notice: counts and refusals.
//! Not for: the last use of credentials (`applications.rs`).

use std::sync::Arc;
use std::time::Duration;

use super::sample::{add_tenant, event, tenant, unknown_tenant};
use super::{Place, store_with_tenant};
use crate::crypto::random::SystemRandom;
use crate::domain::application::ClientId;
use crate::domain::id::{RequestId, TenantId};
use crate::domain::refusal::{Endpoint, Refusal};
use crate::domain::statistic::{Counted, Counter, Period, Statistic, StatisticsQuery};
use crate::domain::time::Timestamp;
use crate::store::{FORGOTTEN_AT_ONCE, REFUSALS_KEPT, REFUSALS_KEPT_FOR, Store, UsageBatch};

/// Eight seconds after a full minute.
const AT: Timestamp = Timestamp::from_seconds(1_640_588_828);

fn name(client_id: &str) -> ClientId {
    ClientId::parse(client_id).unwrap()
}

/// So many of an application, or of nobody known; refused if there is a reason.
fn statistic(
    start: Timestamp,
    tenant: TenantId,
    whose: (Option<&str>, Option<&'static str>),
    count: u64,
) -> Statistic {
    let application = whose.0.map(name);
    let what = whose.1.map_or(Counted::Issued, |reason| Counted::Refused(reason.into()));
    Statistic { counter: Counter { start, tenant, application, what }, count }
}

async fn record(store: &Arc<dyn Store>, counts: Vec<Statistic>) {
    store.record_usage(UsageBatch { uses: Vec::new(), counts }).await.unwrap();
}

/// Everything that is kept of a tenant.
fn all(tenant: TenantId, period: Period) -> StatisticsQuery {
    let (from, to) = (Timestamp::from_millis(0), AT.plus(Duration::from_hours(1_000 * 24)));
    StatisticsQuery { tenant, application: None, period, from, to, limit: 1_000 }
}

fn refusal(tenant: TenantId) -> Refusal {
    Refusal {
        request: RequestId::new(&SystemRandom),
        at: AT,
        tenant,
        application: Some(name("app")),
        endpoint: Endpoint::Revocation,
        error: "invalid_client".into(),
        reason: "Ünïcode ' \" \\".into(),
        hint: Some("abcd… of 24 characters".to_owned()),
        source: Some("2001:db8::7".parse().unwrap()),
    }
}

pub(super) async fn adds_counts_to_their_minute_and_day(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let next = AT.plus(Duration::from_mins(1));
    let issued = |at, count| statistic(at, one.id, (Some("app"), None), count);
    let refused = |at, count| statistic(at, one.id, (Some("app"), Some("why")), count);
    let strange = |at, count| statistic(at, one.id, (None, Some("why")), count);
    record(&store, vec![issued(AT, 3), refused(AT, 1), issued(next, 5)]).await;
    record(&place.open().await, vec![issued(AT, 4), strange(next, 1)]).await;
    record(&store, Vec::new()).await;
    let (minute, later) = (Period::Minute.start_of(AT), Period::Minute.start_of(next));
    assert_eq!(
        store.statistics(all(one.id, Period::Minute)).await.unwrap(),
        [issued(minute, 7), refused(minute, 1), strange(later, 1), issued(later, 5)]
    );
    let day = Period::Day.start_of(AT);
    assert_eq!(
        store.statistics(all(one.id, Period::Day)).await.unwrap(),
        [strange(day, 1), issued(day, 12), refused(day, 1)]
    );
}

pub(super) async fn finds_the_newest_counts_of_one_tenant(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let other = tenant("other");
    add_tenant(&store, &other).await;
    let minutes: Vec<_> = (0..4).map(|n| Period::Minute.start_of(AT).plus(Duration::from_mins(n))).collect();
    for (number, start) in (1..).zip(&minutes) {
        for (owner, whose) in
            [(&one, Some("app")), (&one, Some("another")), (&one, None), (&other, Some("app"))]
        {
            record(&store, vec![statistic(*start, owner.id, (whose, None), number)]).await;
        }
    }
    let query = all(one.id, Period::Minute);
    let of_app = StatisticsQuery { application: Some(name("app")), ..query.clone() };
    let counts = async |query| -> Vec<u64> {
        store.statistics(query).await.unwrap().iter().map(|one| one.count).collect()
    };
    assert_eq!(counts(query.clone()).await, [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
    assert_eq!(counts(StatisticsQuery { limit: 4, ..query.clone() }).await, [3, 4, 4, 4]);
    assert_eq!(counts(of_app.clone()).await, [1, 2, 3, 4]);
    let within = StatisticsQuery { from: minutes[1], to: minutes[3], ..of_app.clone() };
    assert_eq!(counts(within).await, [2, 3]);
    assert!(counts(StatisticsQuery { application: Some(name("nobody")), ..query.clone() }).await.is_empty());
    assert!(counts(StatisticsQuery { tenant: unknown_tenant(), ..query }).await.is_empty());
}

pub(super) async fn sums_up_the_tokens_of_the_present_minute_hour_and_day(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let other = tenant("other");
    add_tenant(&store, &other).await;
    // Seven minutes and eight seconds after a full hour, and seven hours after midnight.
    let before = |duration| Period::Minute.start_of(Timestamp::from_millis(AT.as_millis() - duration));
    let minutes = [0, 60_000, 7 * 60_000, 8 * 60_000, 7 * 3_600_000, 8 * 3_600_000, -60_000].map(before);
    for (count, start) in [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000].into_iter().zip(minutes) {
        for (whose, reason, times) in [
            (Some("app"), None, 1),
            (Some("another"), None, 2),
            (None, None, 4),
            (Some("app"), Some("why"), 5),
            (None, Some("why"), 5),
        ] {
            record(&store, vec![statistic(start, one.id, (whose, reason), times * count)]).await;
        }
        record(&store, vec![statistic(start, other.id, (Some("app"), None), 3 * count)]).await;
    }
    let whose = vec![
        (one.id, Some(name("app"))),
        (one.id, None),
        (other.id, Some(name("app"))),
        (one.id, Some(name("nobody"))),
        (unknown_tenant(), None),
        (one.id, Some(name("another"))),
    ];
    let sums = [1, 1_000_111, 1_011_111];
    // What another server, whose clock is ahead, has counted in the next minute is of this hour.
    let expected = [1, 7, 3, 0, 0, 2].map(|times| sums.map(|sum: u64| times * sum));
    assert_eq!(store.issued(whose, AT).await.unwrap(), expected);
    assert!(store.issued(Vec::new(), AT).await.unwrap().is_empty());
}

pub(super) async fn counts_outlive_whom_they_are_of_and_no_longer_than_they_are_kept(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let many = (0..=2 * FORGOTTEN_AT_ONCE)
        .map(|number| statistic(AT, one.id, (Some(&format!("app{number}")), None), 1));
    record(&store, many.collect()).await;
    store.remove_tenant(one.id, event("tenant")).await.unwrap();
    let left = async |period| store.statistics(all(one.id, period)).await.unwrap().len();
    for (period, other) in [(Period::Minute, Period::Day), (Period::Day, Period::Minute)] {
        let last = period.start_of(AT).plus(period.kept());
        assert!(!store.forget_past(last).await.unwrap());
        let (before, others) = (left(period).await, left(other).await);
        assert_eq!(before, 1_000);
        for more in [true, true, false] {
            assert_eq!(store.forget_past(last.plus(Duration::from_millis(1))).await.unwrap(), more);
        }
        assert_eq!((left(period).await, left(other).await), (0, others));
    }
}

pub(super) async fn what_is_noticed_is_no_change(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let before = (store.changes_since(0).await.unwrap(), store.audit_events(0, 100).await.unwrap());
    record(&store, vec![statistic(AT, one.id, (Some("app"), None), 1)]).await;
    store.record_refusals(vec![refusal(one.id)]).await.unwrap();
    let after = (store.changes_since(0).await.unwrap(), store.audit_events(0, 100).await.unwrap());
    assert_eq!(after, before);
}

pub(super) async fn keeps_a_refusal_exactly(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let whole = refusal(one.id);
    let (application, hint, source) = (None, None, None);
    let bare = Refusal { application, hint, source, endpoint: Endpoint::Token, ..refusal(one.id) };
    store.record_refusals(vec![whole.clone(), bare.clone()]).await.unwrap();
    let again = Refusal { reason: "another".into(), ..whole.clone() };
    store.record_refusals(vec![again]).await.unwrap();
    store.record_refusals(Vec::new()).await.unwrap();
    store.remove_tenant(one.id, event("tenant")).await.unwrap();
    drop(store);
    let store = place.open().await;
    for kept in [whole, bare] {
        assert_eq!(store.refusal(kept.request).await.unwrap(), Some(kept));
    }
    assert_eq!(store.refusal(RequestId::new(&SystemRandom)).await.unwrap(), None);
}

pub(super) async fn keeps_the_newest_refusals(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let (first, second) = (refusal(one.id), refusal(one.id));
    store.record_refusals(vec![first.clone(), second.clone()]).await.unwrap();
    place.note_refusals(one.id, AT, REFUSALS_KEPT - 2).await;
    assert_eq!(store.refusal(first.request).await.unwrap(), Some(first.clone()));
    store.record_refusals(vec![refusal(one.id)]).await.unwrap();
    assert_eq!(place.count_refusals().await, REFUSALS_KEPT);
    assert_eq!(store.refusal(first.request).await.unwrap(), None);
    assert_eq!(store.refusal(second.request).await.unwrap(), Some(second));
}

pub(super) async fn forgets_refusals_after_their_time_in_small_steps(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    place.note_refusals(one.id, AT, 2 * FORGOTTEN_AT_ONCE + 1).await;
    let later = Refusal { at: AT.plus(Duration::from_hours(1)), ..refusal(one.id) };
    store.record_refusals(vec![later.clone()]).await.unwrap();
    let last = AT.plus(REFUSALS_KEPT_FOR);
    assert!(!store.forget_past(last).await.unwrap());
    assert_eq!(place.count_refusals().await, 2 * FORGOTTEN_AT_ONCE + 2);
    for more in [true, true, false] {
        assert_eq!(store.forget_past(last.plus(Duration::from_millis(1))).await.unwrap(), more);
    }
    assert_eq!((place.count_refusals().await, store.refusal(later.request).await.unwrap()), (1, Some(later)));
}
