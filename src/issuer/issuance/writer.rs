//! The one thread that writes the stream: many lines at a time, each within moments, none waited for by a request.
//! Not for: what a line says (`line.rs`), or where the file goes when it is large (`file.rs`).

use std::io::{self, Write};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::line::lost_line;
use super::{Issuance, Message, Queue};
use crate::domain::time::Clock;

/// How many lines may wait, some 30 MB of them. At ten thousand tokens a second a disk may pause for six seconds.
pub const QUEUE: usize = 65_536;

/// How many bytes are written at once at most, but for the last line.
const BATCH_BYTES: usize = 64 * 1024;

/// How long the writer is left alone before it is told again that the end has come.
const PAUSE: Duration = Duration::from_millis(10);

/// Where lines end up.
pub trait Output: Send {
    /// Writes whole lines, each with its end.
    ///
    /// # Errors
    /// When they could not all be written.
    fn write(&mut self, lines: &[u8]) -> io::Result<()>;
}

/// The process's standard output.
#[derive(Debug, Clone, Copy)]
pub struct StandardOutput;

impl Output for StandardOutput {
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut standard_output = io::stdout().lock();
        standard_output.write_all(lines)?;
        standard_output.flush()
    }
}

/// The thread, for whoever stops the server.
#[derive(Debug)]
pub struct Writer {
    messages: SyncSender<Message>,
    ended: oneshot::Receiver<()>,
}

/// The lines could not be written to their end in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the last lines of the issuance stream could not be written in time")]
pub struct NotFinished;

/// Starts a writer with room for `queue` lines: the stream, and the writer itself.
///
/// # Errors
/// When the system gives no thread.
pub fn start(
    output: impl Output + 'static,
    clock: Arc<dyn Clock>,
    queue: usize,
) -> io::Result<(Issuance, Writer)> {
    let (messages, received) = sync_channel(queue);
    let (end, ended) = oneshot::channel();
    let lost = Arc::new(AtomicU64::new(0));
    let mut work = Work {
        received,
        lost: Arc::clone(&lost),
        clock,
        output: Box::new(output),
        batch: Batch::default(),
        failing: false,
    };
    thread::Builder::new().name("issuance".to_owned()).spawn(move || {
        work.run();
        let _ = end.send(());
    })?;
    let issuance = Issuance(Some(Queue { messages: messages.clone(), lost }));
    Ok((issuance, Writer { messages, ended }))
}

impl Writer {
    /// Lets everything be written that is in the queue, and ends. What comes afterwards is lost.
    ///
    /// # Errors
    /// When that takes longer than `deadline`.
    pub async fn finish(self, deadline: Duration) -> Result<(), NotFinished> {
        let finished = async {
            while let Err(TrySendError::Full(_)) = self.messages.try_send(Message::End) {
                sleep(PAUSE).await;
            }
            let _ = self.ended.await;
        };
        timeout(deadline, finished).await.map_err(|_| NotFinished)
    }
}

/// What the thread works with.
struct Work {
    received: Receiver<Message>,
    lost: Arc<AtomicU64>,
    clock: Arc<dyn Clock>,
    output: Box<dyn Output>,
    batch: Batch,
    failing: bool,
}

/// Lines that are written together.
#[derive(Default)]
struct Batch {
    text: Vec<u8>,
    lines: u64,
    /// How many lines it says were lost.
    lost: u64,
}

impl Work {
    fn run(&mut self) {
        loop {
            let message = match self.received.try_recv() {
                Ok(message) => message,
                Err(TryRecvError::Disconnected) => break,
                Err(TryRecvError::Empty) => {
                    self.write();
                    let Ok(message) = self.received.recv() else { break };
                    message
                }
            };
            match message {
                Message::Line(line) => self.take(&line),
                Message::End => break,
            }
        }
        self.tell_lost();
        self.write();
    }

    fn take(&mut self, line: &str) {
        if self.batch.text.is_empty() {
            self.tell_lost();
        }
        self.batch.push(line);
        self.batch.lines += 1;
        if self.batch.text.len() >= BATCH_BYTES {
            self.write();
        }
    }

    /// Lines were lost before those that come next.
    fn tell_lost(&mut self) {
        let lost = self.lost.swap(0, Ordering::AcqRel);
        if lost > 0 {
            self.batch.push(&lost_line(self.clock.now(), lost));
            self.batch.lost += lost;
        }
    }

    fn write(&mut self) {
        let batch = mem::take(&mut self.batch);
        if batch.text.is_empty() {
            return;
        }
        match self.output.write(&batch.text) {
            Ok(()) => {
                if mem::take(&mut self.failing) {
                    tracing::info!("over: the issuance stream could not be written");
                }
                if batch.lost > 0 {
                    tracing::warn!(count = batch.lost, "lines of the issuance stream were lost");
                }
            }
            Err(error) => {
                self.lost.fetch_add(batch.lines + batch.lost, Ordering::AcqRel);
                if !mem::replace(&mut self.failing, true) {
                    tracing::error!(%error, "the issuance stream could not be written");
                }
            }
        }
    }
}

impl Batch {
    fn push(&mut self, line: &str) {
        self.text.extend_from_slice(line.as_bytes());
        self.text.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::sync::{Condvar, Mutex};

    use super::*;
    use crate::domain::time::SystemClock;

    /// An output that can be made to wait and to fail.
    #[derive(Default)]
    struct Shown {
        text: Mutex<String>,
        fails: AtomicBool,
        is_asked: AtomicBool,
        waits: Mutex<bool>,
        changed: Condvar,
    }

    impl Shown {
        fn wait(&self, waits: bool) {
            *self.waits.lock().unwrap() = waits;
            self.changed.notify_all();
        }

        fn text(&self) -> String {
            self.text.lock().unwrap().clone()
        }
    }

    impl Output for Arc<Shown> {
        fn write(&mut self, lines: &[u8]) -> io::Result<()> {
            self.is_asked.store(true, Ordering::SeqCst);
            let _waited = self.changed.wait_while(self.waits.lock().unwrap(), |waits| *waits).unwrap();
            if self.fails.load(Ordering::SeqCst) {
                return Err(io::Error::other("the disk is full"));
            }
            self.text.lock().unwrap().push_str(str::from_utf8(lines).unwrap());
            Ok(())
        }
    }

    fn start_with(queue: usize) -> (Arc<Shown>, Issuance, Writer) {
        let shown = Arc::new(Shown::default());
        let (issuance, writer) = start(Arc::clone(&shown), Arc::new(SystemClock::new()), queue).unwrap();
        (shown, issuance, writer)
    }

    async fn soon(holds: impl Fn() -> bool) {
        while !holds() {
            sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn everything_in_the_queue_is_written_before_the_end() {
        let (shown, issuance, writer) = start_with(1_000);
        for number in 0..1_000 {
            issuance.note(|| number.to_string());
        }
        writer.finish(Duration::from_secs(30)).await.unwrap();
        issuance.note(|| "late".to_owned());
        let numbers: Vec<_> = (0..1_000).map(|number| number.to_string()).collect();
        assert_eq!(shown.text().lines().collect::<Vec<_>>(), numbers);
    }

    #[tokio::test]
    async fn what_finds_no_room_is_counted_in_the_next_line() {
        let (shown, issuance, writer) = start_with(2);
        shown.wait(true);
        issuance.note(|| "first".to_owned());
        soon(|| shown.is_asked.load(Ordering::SeqCst)).await;
        for line in ["second", "third", "x", "x", "x", "x", "x"] {
            issuance.note(|| line.to_owned());
        }
        shown.wait(false);
        writer.finish(Duration::from_secs(30)).await.unwrap();
        let text = shown.text();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!((lines.len(), lines[0], lines[2], lines[3]), (4, "first", "second", "third"));
        assert!(lines[1].ends_with("\"event\":\"lost\",\"count\":5}"), "{text}");
    }

    #[tokio::test]
    async fn what_a_disk_did_not_take_is_counted_when_it_does() {
        let (shown, issuance, writer) = start_with(100);
        shown.fails.store(true, Ordering::SeqCst);
        for _ in 0..3 {
            issuance.note(|| "unwritten".to_owned());
        }
        let lost = || issuance.0.as_ref().map_or(0, |queue| queue.lost.load(Ordering::SeqCst));
        soon(|| lost() == 3).await;
        shown.fails.store(false, Ordering::SeqCst);
        issuance.note(|| "written".to_owned());
        writer.finish(Duration::from_secs(30)).await.unwrap();
        let text = shown.text();
        assert!(text.contains("\"count\":3}\nwritten\n") && !text.contains("unwritten"), "{text}");
    }

    #[tokio::test]
    async fn an_output_that_stands_still_holds_nobody_up() {
        let (shown, issuance, writer) = start_with(1);
        shown.wait(true);
        for _ in 0..100 {
            issuance.note(|| "x".to_owned());
        }
        assert_eq!(writer.finish(Duration::from_millis(50)).await, Err(NotFinished));
        shown.wait(false);
    }

    #[test]
    fn when_it_is_off_no_line_is_made() {
        Issuance::off().note(|| unreachable!("nobody wants a line"));
    }
}
