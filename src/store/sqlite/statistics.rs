//! Counts of tokens issued and requests refused.
//! Not for: what is counted (`issuer/usage.rs`).

use rusqlite::{Connection, Row, Transaction, params};

use super::row;
use crate::domain::application::ClientId;
use crate::domain::quota::Window;
use crate::domain::statistic::{Counter, Period, Statistic, StatisticsQuery};
use crate::domain::time::Timestamp;
use crate::store::{FORGOTTEN_AT_ONCE, Spender, StoreError, Sums, stored};

/// The tokens that were issued in the periods from one to another, a minute apart.
macro_rules! issued_in {
    () => {
        "WITH RECURSIVE period_from (at) AS (SELECT ?2 UNION ALL SELECT at + 60000 FROM period_from WHERE at < ?3)
         SELECT coalesce(sum(count), 0) AS issued FROM period_from CROSS JOIN statistic
         WHERE period = ?1 AND start = at AND tenant_id = ?4 AND reason = ''"
    };
}

pub(super) fn add(transaction: &Transaction<'_>, counts: &[Statistic]) -> Result<(), StoreError> {
    let sql = "INSERT INTO statistic (period, start, tenant_id, client_id, reason, count)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)
               ON CONFLICT DO UPDATE SET count = count + excluded.count";
    for Statistic { counter, count } in counts {
        let tenant = counter.tenant.to_string();
        let client_id = counter.application.as_ref().map_or("", ClientId::as_str);
        let reason = stored::counted(&counter.what);
        let count = i64::try_from(*count).unwrap_or(i64::MAX);
        for period in Period::ALL {
            let start = period.start_of(counter.start).as_millis();
            row::execute(
                transaction,
                sql,
                params![period.as_str(), start, tenant, client_id, reason, count],
            )?;
        }
    }
    Ok(())
}

pub(super) fn find(connection: &Connection, query: &StatisticsQuery) -> Result<Vec<Statistic>, StoreError> {
    let sql = "SELECT * FROM statistic
               WHERE period = ?1 AND start >= ?2 AND start < ?3 AND tenant_id = ?4
                   AND (?5 IS NULL OR client_id = ?5)
               ORDER BY start DESC, client_id DESC, reason DESC LIMIT ?6";
    let parameters = params![
        query.period.as_str(),
        query.from.as_millis(),
        query.to.as_millis(),
        query.tenant.to_string(),
        query.application.as_ref().map(ClientId::as_str),
        i64::try_from(query.limit).unwrap_or(i64::MAX),
    ];
    let mut statistics = row::rows(connection, sql, parameters, read)?;
    statistics.reverse();
    Ok(statistics)
}

/// How many tokens were issued in the present minute, hour and day. Each minute of the hour is looked up by itself, along
/// the key; the rows of a tenant stand together.
pub(super) fn issued(
    connection: &Connection,
    (tenant, application): &Spender,
    at: Timestamp,
) -> Result<Sums, StoreError> {
    let sql = match application {
        Some(_) => concat!(issued_in!(), " AND client_id = ?5"),
        None => concat!(issued_in!(), " AND ?5 IS NULL"),
    };
    let mut sums = Sums::default();
    for (sum, window) in sums.iter_mut().zip(Window::ALL) {
        let start = window.start_of(at).as_millis();
        let (period, last) = match window {
            Window::Minute => (Period::Minute, start),
            Window::Hour => (Period::Minute, start + 59 * 60_000),
            Window::Day => (Period::Day, start),
        };
        let parameters = params![
            period.as_str(),
            start,
            last,
            tenant.to_string(),
            application.as_ref().map(ClientId::as_str),
        ];
        let read = |row: &Row<'_>| row::get::<i64>(row, "issued");
        let found = row::rows(connection, sql, parameters, read)?;
        *sum = found.first().map_or(0, |issued| u64::try_from(*issued).unwrap_or(0));
    }
    Ok(sums)
}

/// Forgets some of each period that have been kept for long enough, and says how many of that of which it was most.
pub(super) fn forget(transaction: &Transaction<'_>, now: Timestamp) -> Result<usize, StoreError> {
    let sql = "DELETE FROM statistic WHERE (period, start, tenant_id, client_id, reason) IN
               (SELECT period, start, tenant_id, client_id, reason FROM statistic WHERE period = ?1 AND start < ?2
                ORDER BY start, tenant_id, client_id, reason LIMIT ?3)";
    Period::ALL.into_iter().try_fold(0, |most: usize, period| {
        let past = now.minus(period.kept()).as_millis();
        let forgotten = row::execute(transaction, sql, params![period.as_str(), past, FORGOTTEN_AT_ONCE])?;
        Ok(most.max(forgotten))
    })
}

fn read(row: &Row<'_>) -> Result<Statistic, StoreError> {
    let application = |text: &str| {
        if text.is_empty() { Some(None) } else { ClientId::parse(text).ok().map(Some) }
    };
    let counter = Counter {
        start: row::time(row, "start")?,
        tenant: row::parse(row, "tenant_id")?,
        application: row::checked(row, "client_id", application)?,
        what: stored::read_counted(&row::get::<String>(row, "reason")?),
    };
    Ok(Statistic {
        counter,
        count: row::get::<i64>(row, "count").map(|count| u64::try_from(count).unwrap_or(0))?,
    })
}
