//! Threads that own connections and run questions one after another, off the async threads.
//! Not for: anything that knows SQL.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::store::StoreError;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// One thread for each connection, all fed from one queue. The threads end when the worker is dropped.
pub(super) struct Worker {
    queue: mpsc::Sender<Job>,
}

impl Worker {
    /// Starts a thread for each connection.
    pub(super) fn start(connections: Vec<Connection>) -> Result<Self, StoreError> {
        let (queue, jobs) = mpsc::channel::<Job>();
        let jobs = Arc::new(Mutex::new(jobs));
        for connection in connections {
            let jobs = Arc::clone(&jobs);
            thread::Builder::new()
                .name("store".to_owned())
                .spawn(move || serve(connection, &jobs))
                .map_err(|failure| StoreError::Unavailable(failure.to_string()))?;
        }
        Ok(Self { queue })
    }

    /// Runs `job` on one of the threads. It runs to its end even if nobody waits for the answer any more.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let _ = answer.send(job(connection));
        });
        let gone = || StoreError::Unavailable("its thread is gone".to_owned());
        self.queue.send(job).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

fn serve(mut connection: Connection, jobs: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // A panic in one question must not take the store away from all others; its asker is told by the dropped
        // sender, and the transaction rolled back when it was dropped.
        let _ = catch_unwind(AssertUnwindSafe(|| job(&mut connection)));
    }
}
