//! How many rows of statistics refusals may make. Whoever knows the client ids of others can have each of them refused for
//! each reason in each minute; what comes beyond is counted for nobody in particular.
//! Not for: counting (`usage.rs`).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::domain::application::ClientId;
use crate::domain::id::TenantId;
use crate::domain::statistic::{Counted, Counter, Period};
use crate::domain::time::Timestamp;

/// How many pairs of application and reason of all tenants have rows of their own in one period, some 15 MB of them.
const MAX_PAIRS: usize = 100_000;

/// How many of one tenant.
const fn max_pairs_of_a_tenant(period: Period) -> usize {
    match period {
        Period::Minute => 2_000,
        Period::Day => 10_000,
    }
}

/// The rows that refusals have made, in the minute and the day that the last one was in.
#[derive(Default)]
pub(super) struct Rows {
    periods: [Pairs; Period::ALL.len()],
}

/// Those of one period.
#[derive(Default)]
struct Pairs {
    start: Option<Timestamp>,
    known: HashSet<(TenantId, ClientId, Cow<'static, str>)>,
    by_tenant: HashMap<TenantId, usize>,
}

impl Rows {
    /// Whether a refusal may have a row for its application, in each period.
    pub(super) fn admit(&mut self, counter: &Counter) -> bool {
        let (Some(application), Counted::Refused(reason)) = (&counter.application, &counter.what) else {
            return true;
        };
        let pair = (counter.tenant, application.clone(), reason.clone());
        // One after another: what has no room in its minute takes none in its day.
        Period::ALL.into_iter().zip(&mut self.periods).all(|(period, pairs)| {
            pairs.begin(period.start_of(counter.start));
            pairs.admit(&pair, max_pairs_of_a_tenant(period))
        })
    }
}

impl Pairs {
    fn begin(&mut self, start: Timestamp) {
        if self.start != Some(start) {
            *self = Self { start: Some(start), ..Self::default() };
        }
    }

    fn admit(&mut self, pair: &(TenantId, ClientId, Cow<'static, str>), most: usize) -> bool {
        if self.known.contains(pair) {
            return true;
        }
        let of_tenant = self.by_tenant.entry(pair.0).or_default();
        if *of_tenant >= most || self.known.len() >= MAX_PAIRS {
            return false;
        }
        *of_tenant += 1;
        self.known.insert(pair.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::SystemRandom;

    fn refused(tenant: TenantId, number: usize, minute: i64) -> Counter {
        Counter {
            start: Timestamp::from_seconds(1_640_588_820 + 60 * minute),
            tenant,
            application: Some(ClientId::parse(&format!("app{number}")).unwrap()),
            what: Counted::Refused("why".into()),
        }
    }

    #[test]
    fn a_tenant_has_so_many_in_a_minute_and_so_many_in_a_day() {
        let (mut rows, tenant, other) =
            (Rows::default(), TenantId::new(&SystemRandom), TenantId::new(&SystemRandom));
        for minute in 0..5 {
            for number in 0..2_000 {
                assert!(rows.admit(&refused(
                    tenant,
                    2_000 * usize::try_from(minute).unwrap() + number,
                    minute
                )));
            }
            assert!(!rows.admit(&refused(tenant, 50_000, minute)));
            assert!(rows.admit(&refused(other, 0, minute)));
        }
        assert!(!rows.admit(&refused(tenant, 50_000, 6)));
        assert!(rows.admit(&refused(tenant, 1, 6)));
        assert!(rows.admit(&Counter { application: None, ..refused(tenant, 1, 6) }));
        assert!(rows.admit(&refused(tenant, 50_000, 24 * 60)));
    }

    #[test]
    fn all_tenants_together_have_so_many() {
        let mut rows = Rows::default();
        for _ in 0..50 {
            let tenant = TenantId::new(&SystemRandom);
            assert!((0..2_000).all(|number| rows.admit(&refused(tenant, number, 0))));
        }
        let late = TenantId::new(&SystemRandom);
        assert_eq!([0, 24 * 60].map(|minute| rows.admit(&refused(late, 0, minute))), [false, true]);
    }
}
