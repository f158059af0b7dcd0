//! Threads that own connections and run questions one after another, off the async threads.
//! Not for: anything that knows SQL.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::store::StoreError;
use crate::threads::{Joined, start_quiet};

/// How many questions may wait. More than that are refused: the last of them would be answered too late.
const QUEUE: usize = 4096;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// One thread for each connection, all fed from one queue. Dropping it waits for what is being asked, and for the
/// connections to be closed: SQLite puts the journal into the file only when the last one is.
pub(super) struct Worker {
    /// Dropped, it tells the threads to end.
    queue: mpsc::SyncSender<Job>,
    _threads: Vec<Joined>,
}

impl Worker {
    /// Starts a thread for each connection.
    pub(super) fn start(connections: Vec<Connection>) -> Result<Self, StoreError> {
        Self::start_on(connections, |work| thread::Builder::new().name("store".to_owned()).spawn(work))
    }

    /// Starts a thread for each connection, which gives way to others.
    pub(super) fn start_quiet(connections: Vec<Connection>) -> Result<Self, StoreError> {
        Self::start_on(connections, |work| start_quiet("store-quiet", work))
    }

    fn start_on(
        connections: Vec<Connection>,
        start: impl Fn(Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>>,
    ) -> Result<Self, StoreError> {
        let (queue, jobs) = mpsc::sync_channel::<Job>(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        let threads = connections.into_iter().map(|connection| {
            let jobs = Arc::clone(&jobs);
            start(Box::new(move || serve(connection, &jobs)))
                .map_err(|failure| StoreError::Unavailable(failure.to_string()))
        });
        // Waited for only once there are all of them: until then the queue would outlive them.
        let threads = threads.collect::<Result<Vec<_>, _>>()?;
        Ok(Self { queue, _threads: threads.into_iter().map(Joined::from).collect() })
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::Sqlite;

    #[test]
    fn a_store_that_is_dropped_is_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store.db");
        for _ in 0..20 {
            drop(Sqlite::open(&file).unwrap());
            let left = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
            assert_eq!(left.collect::<Vec<_>>(), ["store.db"]);
        }
    }
}
