//! Processes that are started, signalled and never left behind.
//! Not for: what they do.

use std::fs::read_to_string;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};

use super::Done;

/// How long a command may take.
const ENDS_WITHIN: Duration = Duration::from_mins(2);

/// A child that is killed when nobody holds it any more.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Done<Self> {
        Ok(Self { child: command.stdin(Stdio::null()).spawn()? })
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) -> Done {
        send(self.child.id(), signal)
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self, deadline: Duration) -> Done {
        let end = Instant::now() + deadline;
        while !self.has_ended() {
            if Instant::now() > end {
                return Err("a process does not end".into());
            }
            sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a process a signal.
pub(crate) fn send(id: u32, signal: Signal) -> Done {
    let pid = Pid::from_raw(i32::try_from(id)?).ok_or("no such process")?;
    Ok(kill_process(pid, signal)?)
}

/// Whether there is a process of this id.
pub(crate) fn is_there(id: u32) -> bool {
    Path::new(&format!("/proc/{id}")).exists()
}

/// The processes that a process has started and that are still there.
pub(crate) fn children(parent: u32) -> Done<Vec<u32>> {
    let mut children = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // It may have ended since.
        let text = read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let after_name = text.rsplit(')').next().unwrap_or_default();
        if after_name.split_whitespace().nth(1).and_then(|id| id.parse().ok()) == Some(parent) {
            children.push(id);
        }
    }
    Ok(children)
}

/// Runs a command to its end, and gives what it has printed. It is killed when nobody waits for it any more.
pub(crate) async fn run(mut command: Command) -> Done<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Process::start(&mut command)?;
    let (printed, said) = (process.child.stdout.take(), process.child.stderr.take());
    let reading = async {
        let (printed, said) = tokio::join!(spawn_blocking(|| read(printed)), spawn_blocking(|| read(said)));
        process.ended(ENDS_WITHIN).await?;
        Done::Ok((printed?, said?, process.child.wait()?))
    };
    let (printed, said, status) =
        timeout(ENDS_WITHIN, reading).await.map_err(|_| format!("{name} does not end"))??;
    if status.success() { Ok(printed) } else { Err(format!("{name} ended with {status}: {said}").into()) }
}

fn read(from: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    // What could be read before it broke is all there is to say.
    let _ = from.map(|mut from| from.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

/// How much of the processors' time was spent so far, and how much there was, in ticks.
pub(crate) fn spent() -> Option<(u64, u64)> {
    let text = read_to_string("/proc/stat").ok()?;
    let fields = text.lines().next()?.split_whitespace().skip(1);
    let ticks: Vec<u64> = fields.take(8).map_while(|field| field.parse().ok()).collect();
    let (all, idle) = (ticks.iter().sum(), ticks.get(3)? + ticks.get(4)?);
    Some((idle, all)).map(|(idle, all): (u64, u64)| (all.saturating_sub(idle), all))
}
