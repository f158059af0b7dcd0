//! Opening a connection the one right way.
//! Not for: what is asked over it.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error;
use crate::store::{BUSY_DEADLINE, StoreError};

/// How long to wait before a busy file is tried again.
const PAUSE: Duration = Duration::from_millis(5);

/// Makes the file with mode 0600 when it is absent; SQLite gives its journal files the same mode.
pub(super) fn create_private(file: &Path) -> Result<(), StoreError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(_) => Ok(()),
        Err(failure) if failure.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(failure) => Err(StoreError::Unavailable(format!("{}: {failure}", file.display()))),
    }
}

/// Opens a connection that waits for others, checks references, and syncs before it says that a change is done.
pub(super) fn open(file: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(error::from)?;
    connection.busy_timeout(BUSY_DEADLINE).map_err(error::from)?;
    if !write_ahead(&connection)?.eq_ignore_ascii_case("wal") {
        return Err(StoreError::Unavailable(format!(
            "{}: its file system has no room for a write-ahead log: keep it on a local disk",
            file.display()
        )));
    }
    connection.pragma_update(None, "synchronous", "full").map_err(error::from)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(error::from)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Opens a connection that waits for others and cannot change anything. Where there are no journal files SQLite leaves
/// empty ones.
pub(super) fn look(file: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(error::from)?;
    connection.busy_timeout(BUSY_DEADLINE).map_err(error::from)?;
    Ok(connection)
}

/// Switches to a write-ahead log and says which journal there is then. Whoever does so while another opens the new file
/// is told at once that it is busy: SQLite does not wait here, since two that wait for each other would do so for ever.
fn write_ahead(connection: &Connection) -> Result<String, StoreError> {
    let attempts = BUSY_DEADLINE.as_millis() / PAUSE.as_millis();
    let switch =
        || connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0));
    let is_busy = |failure: &rusqlite::Error| failure.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
    for _ in 0..attempts {
        match switch() {
            Err(failure) if is_busy(&failure) => thread::sleep(PAUSE),
            answer => return answer.map_err(error::from),
        }
    }
    switch().map_err(error::from)
}
