//! Asking the database: how often, for how long, and to the end.
//! Not for: what is asked.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::Postgres;
use super::error::Trouble;
use super::pool::Pool;
use super::session::Link;
use crate::store::{Conflict, StoreError};

/// How often a question is asked that was not answered, through no fault of its own.
const ATTEMPTS: usize = 3;

/// How long one that collided with another waits before it is asked again.
const PAUSE: Duration = Duration::from_millis(50);

/// What a request asks is answered within this time, or too late.
pub(super) const DEADLINE: Duration = Duration::from_secs(2);

/// What administrators ask may take longer: each statement, and all of them.
pub(super) const QUIET_DEADLINE: Duration = Duration::from_secs(30);
pub(super) const CHANGE_DEADLINE: Duration = Duration::from_mins(2);

/// How long a migration may take.
pub(super) const MIGRATED_WITHIN: Duration = Duration::from_hours(6);

/// How much longer than the server we wait ourselves, since its answer has a way to go.
const GRACE: Duration = Duration::from_secs(1);

impl Postgres {
    pub(super) async fn read<T, F>(
        &self,
        question: impl Fn(Link) -> F + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Trouble>> + Send + 'static,
    {
        ask(&self.requests, DEADLINE + GRACE, question).await
    }

    pub(super) async fn read_quietly<T, F>(
        &self,
        question: impl Fn(Link) -> F + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Trouble>> + Send + 'static,
    {
        ask(&self.administrators, QUIET_DEADLINE + GRACE, question).await
    }

    pub(super) async fn follow<T, F>(
        &self,
        question: impl Fn(Link) -> F + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Trouble>> + Send + 'static,
    {
        ask(&self.follower, DEADLINE + GRACE, question).await
    }

    /// Writes down what is no change of the registry: it waits for none and none waits for it.
    pub(super) async fn note<T, F>(&self, deed: impl Fn(Link) -> F + Send + 'static) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Trouble>> + Send + 'static,
    {
        ask(&self.requests, DEADLINE + GRACE, committed(deed)).await
    }

    /// Changes the registry.
    pub(super) async fn change<F>(
        &self,
        change: impl Fn(Link) -> F + Send + 'static,
    ) -> Result<(), StoreError>
    where
        F: Future<Output = Result<(), Trouble>> + Send + 'static,
    {
        ask(&self.administrators, CHANGE_DEADLINE, committed(change)).await
    }

    /// Changes the registry unless something is no longer as it was expected to be; whether it did.
    pub(super) async fn change_if<F>(
        &self,
        change: impl Fn(Link) -> F + Send + 'static,
    ) -> Result<bool, StoreError>
    where
        F: Future<Output = Result<(), Trouble>> + Send + 'static,
    {
        match self.change(change).await {
            Err(StoreError::Conflict(Conflict::Changed | Conflict::Exists | Conflict::Missing)) => Ok(false),
            answer => answer.map(|()| true),
        }
    }
}

/// Makes durable what a deed did. Nobody knows what became of a commit without an answer, so it is not done again.
fn committed<T, F>(
    deed: impl Fn(Link) -> F,
) -> impl Fn(Link) -> Pin<Box<dyn Future<Output = Result<T, Trouble>> + Send>>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Trouble>> + Send + 'static,
{
    move |session| {
        let done = deed(Arc::clone(&session));
        Box::pin(async move {
            let answer = done.await?;
            session.commit().await.map_err(|trouble| Trouble { again: false, ..trouble })?;
            Ok(answer)
        })
    }
}

/// Asks over a connection of the pool, to the end even if nobody waits for the answer any more: a connection in the middle
/// of something is no use to anybody.
pub(super) async fn ask<T, F>(
    pool: &Pool,
    deadline: Duration,
    question: impl Fn(Link) -> F + Send + 'static,
) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Trouble>> + Send + 'static,
{
    let pool = pool.clone();
    let asked = tokio::spawn(async move {
        let mut attempts = 1;
        loop {
            let session = pool.session().await?;
            match timeout(deadline, question(Arc::clone(&session))).await {
                Ok(Ok(answer)) => {
                    session.is_sound();
                    return Ok(answer);
                }
                Ok(Err(trouble)) => {
                    if trouble.lost {
                        // Most likely the others are lost with it.
                        pool.close_idle();
                    } else if matches!(timeout(GRACE, session.roll_back()).await, Ok(Ok(()))) {
                        session.is_sound();
                    }
                    if !trouble.again || attempts == ATTEMPTS {
                        return Err(trouble.error);
                    }
                    attempts += 1;
                    // Whoever it collided with has to get what it waits for meanwhile, or they collide again.
                    if !trouble.lost {
                        drop(session);
                        sleep(PAUSE).await;
                    }
                }
                Err(_) => {
                    pool.close_idle();
                    return Err(StoreError::Unavailable("the database did not answer in time".to_owned()));
                }
            }
        }
    });
    asked.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the question was given up".to_owned())))
}
