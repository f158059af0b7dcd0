//! Threads of this process: those that answer callers, and those whose work can wait.
//! Not for: what is done on them.

mod each;
mod joined;
mod quiet;
mod workers;

pub use each::Each;
pub use joined::Joined;
pub use quiet::start_quiet;
pub use workers::{AtWork, Post, Workers, number};
