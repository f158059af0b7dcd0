//! `chancery backup`: all that is in the store, as it is at one moment, in a new file.
//! Not for: filling a store from it (`restore.rs`).

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::copying::{self, CopyView, Names};
use super::{Failure, Global, workspace};
use crate::admin::copy::Place;
use crate::crypto::random::{SystemRandom, uuid};
use crate::store::copy::{Copied, Purpose};
use crate::store::sqlite::SqliteSession;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The file to make; there must be none of that name. Its owner alone can read it
    file: PathBuf,
}

pub(super) async fn run(global: &Global, arguments: &Arguments) -> Result<(), Failure> {
    let settings = workspace::settings(global, Vec::new())?;
    let file = copying::absolute(&arguments.file);
    if fs::symlink_metadata(&file).is_ok() {
        return Err(exists(&file));
    }
    let mut from = copying::open(&settings.storage.url, Purpose::Snapshot).await?;
    let aside = aside(&file)?;
    let copied = fill(global, &mut from, &aside).await;
    let kept = copied.and_then(|copied| keep(&aside, &file).map(|()| copied));
    let _ = fs::remove_file(&aside);
    let master_key = "not in the backup, and nothing opens without it: keep it too, in another place";
    let next = "'chancery restore' fills an empty store from it".to_owned();
    let names = Names { from: &from.name, to: &file.display().to_string() };
    global.output.one(&CopyView::new(&names, &kept?, master_key, next))
}

async fn fill(global: &Global, from: &mut Place, aside: &Path) -> Result<Copied, Failure> {
    let session = Box::new(SqliteSession::make(aside).await?);
    let mut to = Place { session, name: aside.display().to_string() };
    Ok(copying::copier(global, true).back_up(from, &mut to).await?)
}

/// A name in the same folder that nobody takes for a backup.
fn aside(file: &Path) -> Result<PathBuf, Failure> {
    let name =
        file.file_name().ok_or_else(|| Failure::new(format!("{}: this is no file name", file.display())))?;
    let name = format!(".{}.{}.unfinished", name.to_string_lossy(), uuid(&SystemRandom));
    Ok(file.with_file_name(name))
}

/// Makes what was written durable, and gives it its name unless something has it.
fn keep(aside: &Path, file: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::new(format!("{}: {error}", file.display()));
    File::open(aside).and_then(|open| open.sync_all()).map_err(failed)?;
    match fs::hard_link(aside, file) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(exists(file)),
        // Not every file system has links.
        Err(_) if fs::symlink_metadata(file).is_ok() => return Err(exists(file)),
        Err(_) => fs::rename(aside, file).map_err(failed)?,
        Ok(()) => {}
    }
    let folder = file.parent().unwrap_or(Path::new("/"));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

fn exists(file: &Path) -> Failure {
    Failure::new(format!(
        "{}: there is something of that name: a backup replaces nothing, name another file",
        file.display()
    ))
}
