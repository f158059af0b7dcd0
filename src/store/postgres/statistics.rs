//! Counts of tokens issued and requests refused.
//! Not for: what is counted (`issuer/usage.rs`).

use std::collections::BTreeMap;

use tokio_postgres::Row;

use super::error::Trouble;
use super::row::{self, values};
use super::session::{Link, Session};
use crate::domain::application::ClientId;
use crate::domain::quota::Window;
use crate::domain::statistic::{Counter, Period, Statistic, StatisticsQuery};
use crate::domain::time::Timestamp;
use crate::store::{FORGOTTEN_AT_ONCE, Spender, StoreError, Sums, stored};

/// Adds counts to those stored. All servers do so in the order of the key, so that none of them waits for one that waits
/// for it.
pub(super) async fn add(session: &Session, counts: &[Statistic]) -> Result<(), Trouble> {
    let mut sums: BTreeMap<(&str, i64, String, &str, &str), i64> = BTreeMap::new();
    for Statistic { counter, count } in counts {
        let client_id = counter.application.as_ref().map_or("", ClientId::as_str);
        let reason = stored::counted(&counter.what);
        let count = i64::try_from(*count).unwrap_or(i64::MAX);
        for period in Period::ALL {
            let start = period.start_of(counter.start).as_millis();
            let sum = sums.entry((period.as_str(), start, counter.tenant.to_string(), client_id, reason));
            let sum = sum.or_default();
            *sum = sum.saturating_add(count);
        }
    }
    if sums.is_empty() {
        return Ok(());
    }
    let (mut periods, mut starts, mut tenants) = (Vec::new(), Vec::new(), Vec::new());
    let (mut client_ids, mut reasons, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    for ((period, start, tenant, client_id, reason), count) in sums {
        periods.push(period.to_owned());
        starts.push(start);
        tenants.push(tenant);
        client_ids.push(client_id.to_owned());
        reasons.push(reason.to_owned());
        counts.push(count);
    }
    let sql = "INSERT INTO statistic (period, start, tenant_id, client_id, reason, count)
               SELECT period, start, tenant_id, client_id, reason, count
               FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[])
                   WITH ORDINALITY AS one (period, start, tenant_id, client_id, reason, count, place)
               ORDER BY place
               ON CONFLICT (period, start, tenant_id, client_id, reason)
               DO UPDATE SET count = statistic.count + excluded.count";
    session.execute(sql, values![periods, starts, tenants, client_ids, reasons, counts]).await.map(drop)
}

pub(super) async fn find(session: Link, query: StatisticsQuery) -> Result<Vec<Statistic>, Trouble> {
    let sql = "SELECT start, tenant_id, client_id, reason, count FROM statistic
               WHERE period = $1 AND start >= $2 AND start < $3 AND tenant_id = $4
                   AND ($5::text IS NULL OR client_id = $5)
               ORDER BY start DESC, client_id DESC, reason DESC LIMIT $6";
    let values = values![
        query.period.as_str(),
        query.from.as_millis(),
        query.to.as_millis(),
        query.tenant.to_string(),
        query.application.as_ref().map(ToString::to_string),
        row::limit(query.limit),
    ];
    let mut statistics = session.rows(sql, values, read).await?;
    statistics.reverse();
    Ok(statistics)
}

/// How many tokens applications were issued in the present minute, hour and day. Each minute of the hour is looked up by
/// itself, along the key.
pub(super) const ISSUED_TO_APPLICATIONS: &str = "SELECT place,
    (SELECT coalesce(sum(count), 0) FROM statistic
        WHERE period = 'minute' AND start = $3 AND tenant_id = one.tenant_id AND client_id = one.client_id
            AND reason = '')::bigint AS minute,
    (SELECT coalesce(sum(count), 0) FROM statistic
        WHERE period = 'minute' AND start = ANY ($4) AND tenant_id = one.tenant_id AND client_id = one.client_id
            AND reason = '')::bigint AS hour,
    (SELECT coalesce(sum(count), 0) FROM statistic
        WHERE period = 'day' AND start = $5 AND tenant_id = one.tenant_id AND client_id = one.client_id
            AND reason = '')::bigint AS day
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS one (tenant_id, client_id, place)";

/// The same for whole tenants, whose rows stand together.
pub(super) const ISSUED_TO_TENANTS: &str = "SELECT place,
    (SELECT coalesce(sum(count), 0) FROM statistic
        WHERE period = 'minute' AND start = $2 AND tenant_id = one.tenant_id AND reason = '')::bigint AS minute,
    (SELECT coalesce(sum(count), 0) FROM statistic
        WHERE period = 'minute' AND start = ANY ($3) AND tenant_id = one.tenant_id AND reason = '')::bigint AS hour,
    (SELECT coalesce(sum(count), 0) FROM statistic
        WHERE period = 'day' AND start = $4 AND tenant_id = one.tenant_id AND reason = '')::bigint AS day
    FROM unnest($1::text[]) WITH ORDINALITY AS one (tenant_id, place)";

/// How many tokens each of these was issued in the present minute, hour and day.
pub(super) async fn issued(session: Link, whose: Vec<Spender>, at: Timestamp) -> Result<Vec<Sums>, Trouble> {
    let [minute, hour, day] = Window::ALL.map(|window| window.start_of(at).as_millis());
    let minutes: Vec<i64> = (0..60).map(|number| hour + number * 60_000).collect();
    let (mut of_applications, mut of_tenants) = (OfOneKind::default(), OfOneKind::default());
    for (place, (tenant, application)) in whose.iter().enumerate() {
        let places = if application.is_some() { &mut of_applications } else { &mut of_tenants };
        places.places.push(place);
        places.tenants.push(tenant.to_string());
        places.client_ids.extend(application.as_ref().map(ToString::to_string));
    }
    let mut sums = vec![Sums::default(); whose.len()];
    if !of_applications.places.is_empty() {
        let OfOneKind { places, tenants, client_ids } = of_applications;
        let values = values![tenants, client_ids, minute, minutes.clone(), day];
        let found = session.rows(ISSUED_TO_APPLICATIONS, values, read_sums).await?;
        put(&mut sums, &places, found);
    }
    if !of_tenants.places.is_empty() {
        let values = values![of_tenants.tenants, minute, minutes, day];
        let found = session.rows(ISSUED_TO_TENANTS, values, read_sums).await?;
        put(&mut sums, &of_tenants.places, found);
    }
    Ok(sums)
}

/// Those of one kind, and their places among all.
#[derive(Default)]
struct OfOneKind {
    places: Vec<usize>,
    tenants: Vec<String>,
    client_ids: Vec<String>,
}

/// Puts what was found of those of one kind where they stand among all.
fn put(sums: &mut [Sums], places: &[usize], found: Vec<(i64, Sums)>) {
    for (ordinal, one) in found {
        let place = usize::try_from(ordinal - 1).ok().and_then(|ordinal| places.get(ordinal));
        if let Some(sum) = place.and_then(|place| sums.get_mut(*place)) {
            *sum = one;
        }
    }
}

fn read_sums(row: &Row) -> Result<(i64, Sums), StoreError> {
    let sum = |column| row::get::<i64>(row, column).map(|sum| u64::try_from(sum).unwrap_or(0));
    Ok((row::get(row, "place")?, [sum("minute")?, sum("hour")?, sum("day")?]))
}

/// Forgets some of each period that have been kept for long enough, and says how many of that of which it was most.
pub(super) async fn forget(session: &Session, now: Timestamp) -> Result<u64, Trouble> {
    let sql = "DELETE FROM statistic WHERE period = $1 AND start < $2 AND ctid = ANY (ARRAY(
                   SELECT ctid FROM statistic WHERE period = $1 AND start < $2
                   ORDER BY start, tenant_id, client_id, reason LIMIT $3))";
    let mut most = 0;
    for period in Period::ALL {
        let past = now.minus(period.kept()).as_millis();
        let forgotten = session.execute(sql, values![period.as_str(), past, FORGOTTEN_AT_ONCE]).await?;
        most = forgotten.max(most);
    }
    Ok(most)
}

fn read(row: &Row) -> Result<Statistic, StoreError> {
    let application = |text: &str| {
        if text.is_empty() { Some(None) } else { ClientId::parse(text).ok().map(Some) }
    };
    let counter = Counter {
        start: row::time(row, "start")?,
        tenant: row::parse(row, "tenant_id")?,
        application: row::checked(row, "client_id", application)?,
        what: stored::read_counted(row::get(row, "reason")?),
    };
    Ok(Statistic { counter, count: u64::try_from(row::get::<i64>(row, "count")?).unwrap_or(0) })
}
