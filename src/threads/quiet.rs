//! Threads whose work can wait: where a processor is wanted by several, those that answer callers have most of it.
//! Not for: what is done on them, or those that answer callers (`workers.rs`).

use std::io;
use std::thread::{self, JoinHandle};

/// How much nicer than others these threads are. On a processor that is never idle each has a thirtieth of what a thread
/// that answers callers has; on one that is idle, all of it: docs/decisions/0020-administration-gives-way.md.
#[cfg(target_os = "linux")]
const NICER_BY: i32 = 15;

/// Starts a thread that gives way to others.
///
/// # Errors
/// When the system gives no thread.
pub fn start_quiet(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let quietly = move || {
        give_way();
        work();
    };
    thread::Builder::new().name(name.to_owned()).spawn(quietly)
}

/// On Linux each thread has a niceness of its own. Where that cannot be, all threads are alike, and nothing else is
/// different.
#[cfg(target_os = "linux")]
fn give_way() {
    let _ = rustix::process::nice(NICER_BY);
}

#[cfg(not(target_os = "linux"))]
fn give_way() {}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use rustix::process::getpriority_process;

    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_quiet_thread_is_nicer_than_the_one_that_starts_it_and_changes_no_other() {
        let own = || getpriority_process(None).unwrap();
        let (before, (tell, told)) = (own(), mpsc::channel());
        start_quiet("quiet", move || tell.send(own()).unwrap()).unwrap();
        assert_eq!(told.recv().unwrap(), (before + NICER_BY).min(19));
        assert_eq!(own(), before);
    }
}
