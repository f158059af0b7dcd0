//! Processes that are started, signalled and never left behind.
//! Not for: what they do.

use std::fs::read_to_string;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::Done;

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

/// Runs a command to its end, and gives what it has printed.
pub(crate) async fn run(mut command: Command) -> Done<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = spawn_blocking(move || command.stdin(Stdio::null()).output()).await??;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?.trim().to_owned());
    }
    let (said, status) = (String::from_utf8_lossy(&output.stderr).into_owned(), output.status);
    Err(format!("{name} ended with {status}: {}", said.trim()).into())
}
