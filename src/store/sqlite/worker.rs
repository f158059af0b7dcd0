//! Threads that own connections and run questions one after another, off the async threads.
//! Not for: anything that knows SQL.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::store::StoreError;
use crate::threads::start_quiet;

/// How many questions may wait. More than that are refused: the last of them would be answered too late.
const QUEUE: usize = 4096;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// One thread for each connection, all fed from one queue. The threads end when the worker is dropped.
pub(super) struct Worker {
    queue: mpsc::SyncSender<Job>,
}

impl Worker {
    /// Starts a thread for each connection.
    pub(super) fn start(connections: Vec<Connection>) -> Result<Self, StoreError> {
        Self::start_on(connections, |work| {
            thread::Builder::new().name("store".to_owned()).spawn(work).map(drop)
        })
    }

    /// Starts a thread for each connection, which gives way to others.
    pub(super) fn start_quiet(connections: Vec<Connection>) -> Result<Self, StoreError> {
        Self::start_on(connections, |work| start_quiet("store-quiet", work))
    }

    fn start_on(
        connections: Vec<Connection>,
        start: impl Fn(Box<dyn FnOnce() + Send>) -> io::Result<()>,
    ) -> Result<Self, StoreError> {
        let (queue, jobs) = mpsc::sync_channel::<Job>(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        for connection in connections {
            let jobs = Arc::clone(&jobs);
            start(Box::new(move || serve(connection, &jobs)))
                .map_err(|failure| StoreError::Unavailable(failure.to_string()))?;
        }
        Ok(Self { queue })
    }

    /// Runs `job` on one of the threads. Once begun it runs to its end; one that nobody waits for any more is not begun.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            if !answer.is_closed() {
                let _ = answer.send(job(connection));
            }
        });
        let gone = || StoreError::Unavailable("its thread is gone".to_owned());
        self.queue.try_send(job).map_err(|refused| match refused {
            mpsc::TrySendError::Full(_) => {
                StoreError::Unavailable("too many questions wait for it".to_owned())
            }
            mpsc::TrySendError::Disconnected(_) => gone(),
        })?;
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
