//! For how long other programs kept a server from its processor, which no server can do anything about.
//! Not for: how much of it a load generator took (`frugal.rs`).

use std::fs::{File, read_dir};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use super::Outcome;

/// What is not noticed: what it takes to wake up from a processor that has nothing to do.
const NOT_NOTICED: Duration = Duration::from_micros(50);

/// The threads of a process, of which one serves.
pub(super) struct Kept {
    serving: File,
    others: Vec<File>,
}

impl Kept {
    /// The threads that a process has now; the one that has run longest is the one that serves.
    pub(super) fn of(process: u32) -> Outcome<Self> {
        let mut threads = Vec::new();
        for thread in read_dir(format!("/proc/{process}/task"))? {
            let file = File::open(thread?.path().join("schedstat"))?;
            threads.push((read(&file)?, file));
        }
        threads.sort_by_key(|((ran, _), _)| *ran);
        let (_, serving) = threads.pop().ok_or("the server has no threads")?;
        Ok(Self { serving, others: threads.into_iter().map(|(_, file)| file).collect() })
    }

    /// How long the thread that serves has waited for its processor until now, and how long the other threads of its process have
    /// run. Only the difference between two looks says something. Nothing when the process has ended.
    pub(super) fn look(&self) -> Look {
        let own = self.others.iter().filter_map(|thread| read(thread).ok()).map(|(ran, _)| ran);
        let (_, waited) = read(&self.serving).unwrap_or_default();
        Look { waited, own: own.sum() }
    }

    /// For how long other programs had its processor since this look, if it was longer than it takes to wake up.
    pub(super) fn since(&self, before: Look) -> Duration {
        let now = self.look();
        let own = now.own.saturating_sub(before.own);
        let kept = now.waited.saturating_sub(before.waited).saturating_sub(own);
        if kept > NOT_NOTICED { kept } else { Duration::ZERO }
    }
}

/// What was seen at one moment.
#[derive(Clone, Copy, Default)]
pub(super) struct Look {
    waited: Duration,
    own: Duration,
}

/// How long a thread has run, and how long it has waited to run, as the kernel keeps account of it.
fn read(schedstat: &File) -> Outcome<(Duration, Duration)> {
    let mut buffer = [0; 64];
    let length = schedstat.read_at(&mut buffer, 0)?;
    let text = std::str::from_utf8(buffer.get(..length).unwrap_or_default())?;
    let mut numbers = text.split_whitespace().map(|number| number.parse().map(Duration::from_nanos));
    let (ran, waited) = numbers.next().zip(numbers.next()).ok_or("the kernel keeps no schedstat")?;
    Ok((ran?, waited?))
}
