//! Workers: threads that answer callers, one for each processor, each with a runtime of its own.
//! Not for: what they answer (`http`), or which of them signs (`keys/signing/`).

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::{Each, Joined};

thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(0) };
}

/// The number of the worker that this is. The first, whose number is 0, is the thread that started the others; a thread that
/// is no worker has this number as well.
#[must_use]
pub fn number() -> usize {
    NUMBER.get()
}

/// All workers. What begins with one of them stays with it to its end, so that what it touches is in the caches of one
/// processor: docs/decisions/0031-a-worker-for-each-processor.md.
#[derive(Clone)]
pub struct Workers(Arc<Each<Worker>>);

struct Worker {
    handle: Handle,
    /// How many connections it has.
    connections: AtomicUsize,
}

/// Keeps the further workers at work until it is dropped. It belongs to the first: another one would wait for itself.
#[must_use]
pub struct AtWork(Vec<Further>);

struct Further {
    /// Given up, it tells the worker to end.
    _end: oneshot::Sender<()>,
    _thread: Joined,
}

/// A connection's place with the worker that was chosen for it, until it is dropped.
pub struct Post {
    workers: Workers,
    number: usize,
}

impl Workers {
    /// The caller's thread, which has to be in its runtime, and nobody else.
    #[must_use]
    pub fn alone() -> Self {
        Self::new(Vec::new())
    }

    /// So many workers: the caller's thread, which has to be in its runtime, and others that are started.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(count: usize) -> io::Result<(Self, AtWork)> {
        let (mut further, mut at_work) = (Vec::new(), AtWork(Vec::new()));
        for number in 1..count {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            further.push(Worker::new(runtime.handle().clone()));
            let (end, ended) = oneshot::channel();
            let work = move || {
                NUMBER.set(number);
                let _ = runtime.block_on(ended);
            };
            let thread = thread::Builder::new().name(format!("serve-{number}")).spawn(work)?;
            at_work.0.push(Further { _end: end, _thread: thread.into() });
        }
        Ok((Self::new(further), at_work))
    }

    fn new(further: Vec<Worker>) -> Self {
        Self(Arc::new(Each::new(Worker::new(Handle::current()), further)))
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.count()
    }

    /// A place for a connection, with whoever has fewest of them; here, if that is all the same.
    #[must_use]
    pub fn post(&self) -> Post {
        let here = number();
        let load = |(number, worker): &(usize, &Worker)| {
            (worker.connections.load(Ordering::Relaxed), *number != here)
        };
        let (number, worker) = self.0.all().enumerate().min_by_key(load).unwrap_or((0, self.0.of(0)));
        worker.connections.fetch_add(1, Ordering::Relaxed);
        Post { workers: self.clone(), number }
    }

    /// Has a worker do something beside its other work.
    pub fn spawn(&self, number: usize, deed: impl Future<Output = ()> + Send + 'static) {
        self.0.of(number).handle.spawn(deed);
    }
}

impl Worker {
    fn new(handle: Handle) -> Self {
        Self { handle, connections: AtomicUsize::new(0) }
    }
}

impl Post {
    /// The number of that worker.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// Whether it is the one that asks.
    #[must_use]
    pub fn is_here(&self) -> bool {
        self.number == number()
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        self.workers.0.of(self.number).connections.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_connection_goes_to_whoever_has_fewest_and_stays_there() {
        let (workers, at_work) = Workers::start(3).unwrap();
        let posts: Vec<_> = (0..7).map(|_| workers.post()).collect();
        assert_eq!(posts.iter().map(|post| post.number).collect::<Vec<_>>(), [0, 1, 2, 0, 1, 2, 0]);
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        for post in posts {
            let (tell, expected) = (tell.clone(), post.number);
            workers.spawn(expected, async move {
                tokio::task::yield_now().await;
                tell.send((expected, number())).unwrap();
                drop(post);
            });
        }
        for _ in 0..7 {
            let (expected, actual) = told.recv().await.unwrap();
            assert_eq!(actual, expected);
        }
        // The places are free again, sooner or later.
        while workers.0.of(2).connections.load(Ordering::Relaxed) > 0 {
            tokio::task::yield_now().await;
        }
        drop(tell);
        drop(at_work);
        assert!(told.recv().await.is_none());
    }

    #[tokio::test]
    async fn what_a_worker_has_left_is_dropped_with_it() {
        let (workers, at_work) = Workers::start(2).unwrap();
        let kept = Arc::new(());
        let held = Arc::clone(&kept);
        workers.spawn(1, async move {
            std::future::pending::<()>().await;
            drop(held);
        });
        drop(at_work);
        assert_eq!(Arc::strong_count(&kept), 1);
        // There is nobody any more to do it.
        let held = Arc::clone(&kept);
        workers.spawn(1, async move { drop(held) });
        assert_eq!(Arc::strong_count(&kept), 1);
    }

    #[tokio::test]
    async fn alone_everything_is_here() {
        let workers = Workers::alone();
        assert_eq!(workers.count(), 1);
        assert!((0..3).all(|_| workers.post().is_here()));
    }
}
