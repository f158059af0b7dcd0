//! What a test's own requests wrote into the log.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use serde_json::Value;

thread_local! {
    /// Each test has a thread of its own and its server runs on it, so this is the log of one test.
    static WRITTEN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        WRITTEN.with_borrow_mut(|written| written.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts the log in the form that servers write, with everything any level has to say.
pub(super) fn start() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let builder = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(|| Writer);
        builder.json().flatten_event(true).with_current_span(false).init();
    });
}

/// All that was written since the last time: one line for each event.
pub(crate) fn take() -> Vec<Value> {
    let written = WRITTEN.with_borrow_mut(std::mem::take);
    let text = String::from_utf8(written).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
