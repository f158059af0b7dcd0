//! Getting the master key: from a file, from the environment, or made for a new embedded store.
//! Not for: what it protects (`keys/vault.rs`).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use super::Failure;
use crate::config::{self, MasterKeySource, Settings};
use crate::crypto::master::MasterKey;
use crate::crypto::random::Random;

/// Longest file that is read as a key.
const MAX_FILE_BYTES: u64 = 4096;

/// Where the master key is, and what of it can be known before the store is.
pub(super) enum Found<'of> {
    /// Somebody said where it is, and there it is.
    Key(MasterKey),
    /// Nobody did: it is in this file, or will be.
    OwnFile(&'of Path),
}

/// Finds the master key. One that somebody named is never made.
pub(super) fn find(settings: &Settings) -> Result<Found<'_>, Failure> {
    match &settings.signing.master_key {
        MasterKeySource::Default(file) => Ok(Found::OwnFile(file)),
        named => read_named(named, "keys.master").map(Found::Key),
    }
}

/// Reads the master key that is accepted beside the first, if there is one.
pub(super) fn accepted(settings: &Settings) -> Result<Option<MasterKey>, Failure> {
    settings.signing.accepted.as_ref().map(|source| read_named(source, "keys.accept")).transpose()
}

/// Reads the master key that `option` of a command names.
pub(super) fn named(reference: &str, option: &str) -> Result<MasterKey, Failure> {
    let source = config::find_master_key(reference, config::process_environment())
        .map_err(|why| Failure::new(format!("{option}: {why}")))?;
    read_named(&source, option)
}

fn read_named(source: &MasterKeySource, setting: &str) -> Result<MasterKey, Failure> {
    match source {
        MasterKeySource::Environment { name, text } => MasterKey::parse(text.reveal())
            .map_err(|error| Failure::new(format!("{setting}: {name}: {error}"))),
        MasterKeySource::File(file) | MasterKeySource::Default(file) => read(file, setting),
    }
}

impl Found<'_> {
    /// The key itself. `store_is_empty` tells whether a new one may be made: never when there is something sealed
    /// under another.
    pub(super) fn get(self, store_is_empty: bool, random: &dyn Random) -> Result<MasterKey, Failure> {
        let file = match self {
            Self::Key(key) => return Ok(key),
            Self::OwnFile(file) => file,
        };
        match read_private(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && store_is_empty => make(file, random),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::new(format!(
                "{}: the master key is gone, and the store's keys are sealed under it: restore it, or say where it is with keys.master",
                file.display()
            ))),
            Err(error) => Err(Failure::new(format!("{}: {error}", file.display()))),
            Ok(()) => read(file, "keys.master"),
        }
    }
}

fn read(file: &Path, setting: &str) -> Result<MasterKey, Failure> {
    let failed = |why: &dyn std::fmt::Display| Failure::new(format!("{setting}: {}: {why}", file.display()));
    let length = fs::metadata(file).map_err(|error| failed(&error))?.len();
    if length > MAX_FILE_BYTES {
        return Err(failed(&"it is too long to be a master key"));
    }
    let text = Zeroizing::new(fs::read_to_string(file).map_err(|error| failed(&error))?);
    MasterKey::parse(&text).map_err(|error| failed(&error))
}

/// The file made by the server itself must not be readable by others.
fn read_private(file: &Path) -> io::Result<()> {
    let mode = fs::metadata(file)?.permissions().mode();
    if mode.trailing_zeros() >= 6 {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        "others may read the master key: run chmod 600 on it",
    ))
}

/// Writes a new key aside and links it into place, so that there is never half a key and never a second one.
fn make(file: &Path, random: &dyn Random) -> Result<MasterKey, Failure> {
    let failed = |error: io::Error| Failure::new(format!("{}: {error}", file.display()));
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let aside = folder.join(format!(".master.key.{}", crate::crypto::random::uuid(random)));
    let key = MasterKey::generate(random);
    let mut text = key.expose();
    text.push('\n');
    let written =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside).and_then(|mut open| {
            open.write_all(text.as_bytes())?;
            open.sync_all()?;
            match fs::hard_link(&aside, file) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
                linked => linked.map(|()| true),
            }
        });
    let _ = fs::remove_file(&aside);
    if written.map_err(failed)? {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        return Ok(key);
    }
    // Another process was faster; its key is the key.
    read(file, "keys.master")
}
