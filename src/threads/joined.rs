//! Threads that are waited for.
//! Not for: telling them to end, which comes first.

use std::thread::JoinHandle;

/// A thread; dropping this waits for its end. What tells it to end is dropped before: in a structure it stands before this.
pub struct Joined(Option<JoinHandle<()>>);

impl From<JoinHandle<()>> for Joined {
    fn from(thread: JoinHandle<()>) -> Self {
        Self(Some(thread))
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        // One that panicked has ended as well, and has said so.
        let _ = self.0.take().map(JoinHandle::join);
    }
}
