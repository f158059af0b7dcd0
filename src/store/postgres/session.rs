//! One connection while something is asked over it: statements that are prepared once, and sent without waiting for the
//! answer to the one before.
//! Not for: what is asked, or getting a connection (`pool.rs`).

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use deadpool_postgres::Object;
use futures_util::FutureExt;
use futures_util::future::join;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row, Statement};

use super::error::Trouble;
use super::row::Value;
use super::step::Step;
use crate::store::StoreError;

/// How many statements are on their way at once.
const SENT_AT_ONCE: usize = 500;

/// What is asked before every question on whose answer tokens rest. A server that says no once stays none of those until
/// it is started anew, so what comes after is true.
const IS_STANDBY: &str = "SELECT pg_is_in_recovery()";

/// What is durable nowhere, or only on a server that may be gone, is not done; stronger settings stay as they are.
pub(super) const DURABLY: &str = "SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') IN ('off', 'local');";

/// A session that questions hand each other.
pub(super) type Link = Arc<Session>;

/// A connection of the pool.
pub(super) struct Session {
    client: Option<Object>,
    /// Nothing is left open on it: it may be used again.
    sound: AtomicBool,
    in_transaction: AtomicBool,
    /// What is only looked at may be looked at on a standby.
    standby_will_do: bool,
}

impl Session {
    pub(super) fn new(client: Object, standby_will_do: bool) -> Self {
        Self {
            client: Some(client),
            sound: AtomicBool::new(false),
            in_transaction: AtomicBool::new(false),
            standby_will_do,
        }
    }

    /// Says that nothing is left open, so that it goes back to the pool.
    pub(super) fn is_sound(&self) {
        self.sound.store(true, Ordering::Relaxed);
    }

    /// Asks, and reads each row of the answer.
    pub(super) async fn rows<T>(
        &self,
        sql: &str,
        values: Vec<Value>,
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, Trouble> {
        let statement = self.prepare(sql).await?;
        let rows = self.client()?.query(&statement, &borrowed(&values)).await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Asks a server that is no standby, in one round trip, and reads each row of the answer.
    pub(super) async fn newest_rows<T>(
        &self,
        sql: &str,
        values: Vec<Value>,
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, Trouble> {
        let (check, statement) = (self.prepare(IS_STANDBY).await?, self.prepare(sql).await?);
        let (client, values) = (self.client()?, borrowed(&values));
        let (standby, rows) = join(client.query_one(&check, &[]), client.query(&statement, &values)).await;
        if standby?.try_get(0)? && !self.standby_will_do {
            return Err(Trouble::lost("the database server at hand is a standby, which may lag behind"));
        }
        Ok(rows?.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Begins a transaction and asks its first question, in one round trip.
    pub(super) async fn begin(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, Trouble> {
        let statement = self.prepare(sql).await?;
        let (client, values) = (self.client()?, borrowed(&values));
        self.in_transaction.store(true, Ordering::Relaxed);
        let (begun, rows) = join(client.batch_execute("BEGIN"), client.query(&statement, &values)).await;
        begun?;
        Ok(rows?)
    }

    /// Begins a transaction with statements that have no parameters, of which the first is `BEGIN`.
    pub(super) async fn begin_with(&self, sql: &str) -> Result<(), Trouble> {
        self.in_transaction.store(true, Ordering::Relaxed);
        self.batch(sql).await
    }

    /// Undoes what was done since a transaction was begun, if one was.
    pub(super) async fn roll_back(&self) -> Result<(), Trouble> {
        if self.in_transaction.load(Ordering::Relaxed) { self.batch("ROLLBACK").await } else { Ok(()) }
    }

    /// Carries out all steps, in order; the first that does not fit is the error.
    pub(super) async fn run(&self, steps: &[Step]) -> Result<(), Trouble> {
        for steps in steps.chunks(SENT_AT_ONCE) {
            let mut statements = Vec::with_capacity(steps.len());
            for step in steps {
                statements.push(self.prepare(step.sql).await?);
            }
            let mut sent = Vec::with_capacity(steps.len());
            for (step, statement) in steps.iter().zip(&statements) {
                sent.push(Sent::new(self.client()?.execute_raw(statement, borrowed(&step.values))));
            }
            for (step, sent) in steps.iter().zip(sent) {
                step.judge(sent.outcome().await.map_err(Trouble::from))?;
            }
        }
        Ok(())
    }

    /// Runs a statement and returns how many rows it touched.
    pub(super) async fn execute(&self, sql: &str, values: Vec<Value>) -> Result<u64, Trouble> {
        let statement = self.prepare(sql).await?;
        Ok(self.client()?.execute(&statement, &borrowed(&values)).await?)
    }

    /// Runs statements that have no parameters.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), Trouble> {
        Ok(self.client()?.batch_execute(sql).await?)
    }

    /// Makes what was done since `begin` durable. A deadline of the server must not end this: it would answer that all is
    /// done while a standby that has to have it does not have it yet. And the server's settings may have changed since the
    /// connection was opened.
    pub(super) async fn commit(&self) -> Result<(), Trouble> {
        let client = self.client()?;
        let ready =
            join(client.batch_execute("SET LOCAL statement_timeout = 0"), client.batch_execute(DURABLY));
        let ((unhurried, durable), committed) = join(ready, client.batch_execute("COMMIT")).await;
        unhurried?;
        durable?;
        committed?;
        self.in_transaction.store(false, Ordering::Relaxed);
        Ok(())
    }

    async fn prepare(&self, sql: &str) -> Result<Statement, Trouble> {
        Ok(self.client()?.prepare_cached(sql).await?)
    }

    fn client(&self) -> Result<&Object, Trouble> {
        self.client.as_ref().ok_or_else(|| Trouble::lost("the connection is gone"))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Taken out of the pool, it is closed rather than used again.
        if let Some(client) = self.client.take().filter(|_| !*self.sound.get_mut()) {
            drop(Object::take(client));
        }
    }
}

/// A statement that is on its way: in the order in which they were made, whichever is waited for first.
struct Sent<F: Future<Output = Result<u64, Error>>> {
    at_once: Option<F::Output>,
    future: Pin<Box<F>>,
}

impl<F: Future<Output = Result<u64, Error>>> Sent<F> {
    fn new(future: F) -> Self {
        let mut future = Box::pin(future);
        Self { at_once: future.as_mut().now_or_never(), future }
    }

    async fn outcome(self) -> F::Output {
        match self.at_once {
            Some(outcome) => outcome,
            None => self.future.await,
        }
    }
}

fn borrowed(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect()
}
