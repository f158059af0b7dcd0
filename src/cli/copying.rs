//! What moving a store, a backup and a restore have in common: places, progress, and what is said of a copy.
//! Not for: in which order things are done (`admin/copy.rs`).

use std::fs;
use std::io::{self, Write};
use std::path::{self, Path};
use std::time::Duration;

use data_encoding::HEXLOWER;
use serde::Serialize;

use super::output::Output;
use super::{Failure, Global, workspace};
use crate::admin::Actor;
use crate::admin::copy::{Copier, Place};
use crate::config::StoreUrl;
use crate::domain::time::{Clock, SystemClock};
use crate::store::Schema;
use crate::store::copy::{Copied, Progress, Purpose, Session, TableCount};
use crate::store::postgres::PostgresSession;
use crate::store::sqlite::SqliteSession;
use crate::store::sqlite::schema::NEWEST;

/// How often those who watch hear how far it is.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// What a store is called: its URL without a password, so that it means the same from every folder.
pub(super) fn name_of(url: &StoreUrl) -> String {
    match url {
        StoreUrl::Sqlite(file) => format!("sqlite:{}", absolute(file).display()),
        StoreUrl::Postgres(access) => access.address.name(),
    }
}

/// Opens a store to be copied.
pub(super) async fn open(url: &StoreUrl, purpose: Purpose) -> Result<Place, Failure> {
    let session: Box<dyn Session> = match url {
        StoreUrl::Sqlite(file) => {
            look_for(file, purpose)?;
            Box::new(SqliteSession::open(file, purpose).await?)
        }
        StoreUrl::Postgres(access) => Box::new(PostgresSession::open(access, purpose).await?),
    };
    Ok(Place { session, name: name_of(url) })
}

/// Refuses a file that is none or not there; of one that is to be filled the folder is made.
fn look_for(file: &Path, purpose: Purpose) -> Result<(), Failure> {
    let shown = file.display();
    match fs::metadata(file) {
        Ok(found) if found.is_dir() => {
            Err(Failure::new(format!("{shown}: this is a folder: name the store's file in it")))
        }
        Ok(_) => Ok(()),
        Err(_) if purpose == Purpose::Fill => {
            workspace::make_private_folder(file.parent().unwrap_or(Path::new(".")))
        }
        Err(error) => Err(Failure::new(format!("{shown}: there is no store to copy: {error}"))),
    }
}

/// Refuses a store that another program made.
pub(super) async fn check_schema(session: &mut dyn Session) -> Result<(), Failure> {
    let number = session.schema().await?;
    workspace::check_schema(Schema { number, works_with: number, known: NEWEST })
}

/// Somebody who copies now. People hear how far it is when it takes long.
pub(super) fn copier(global: &Global, accepts_broken_audit: bool) -> Copier {
    let clock = SystemClock::new();
    let (at, mut told) = (clock.now(), clock.monotonic());
    let is_watched = global.output == Output::Text;
    let tell = move |progress: Progress| {
        let now = clock.monotonic();
        if is_watched && now.saturating_sub(told) >= TELL_EVERY {
            told = now;
            let _ = writeln!(io::stderr(), "{progress}");
        }
    };
    Copier { actor: Actor::local(workspace::actor()), at, accepts_broken_audit, tell: Box::new(tell) }
}

/// What is said of a copy.
#[derive(Debug, Serialize)]
pub(super) struct CopyView {
    from: String,
    to: String,
    rows: u64,
    tables: Vec<TableView>,
    /// Where the audit ends, as it is written down; or where it is broken.
    audit: String,
    /// What becomes of the master key, without which none of it can be used.
    master_key: &'static str,
    next: String,
}

/// The stores of a copy, as they are called.
pub(super) struct Names<'of> {
    pub(super) from: &'of str,
    pub(super) to: &'of str,
}

#[derive(Debug, Serialize)]
struct TableView {
    table: &'static str,
    rows: u64,
}

impl CopyView {
    pub(super) fn new(names: &Names<'_>, copied: &Copied, master_key: &'static str, next: String) -> Self {
        let view = |count: &TableCount| TableView { table: count.table, rows: count.rows };
        let audit = match &copied.audit {
            Ok(end) => format!("{}:{}", end.sequence, HEXLOWER.encode(&end.head)),
            Err(broken) => format!("broken: {broken}"),
        };
        Self {
            from: names.from.to_owned(),
            to: names.to.to_owned(),
            rows: copied.tables.iter().map(|count| count.rows).sum(),
            tables: copied.tables.iter().map(view).collect(),
            audit,
            master_key,
            next,
        }
    }
}

/// A path that means the same from every folder.
pub(super) fn absolute(file: &Path) -> path::PathBuf {
    fs::canonicalize(file).or_else(|_| path::absolute(file)).unwrap_or_else(|_| file.to_owned())
}
