//! Runs one command and tells how it ended.
//! Not for: anything else.

use std::process::ExitCode;

fn main() -> ExitCode {
    chancery::cli::run()
}
