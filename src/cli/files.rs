//! What `chancery doctor` finds about files: who may read and write them, and the certificate.
//! Not for: what is in the store (`admin/doctor.rs`).

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use crate::admin::doctor::Finding;
use crate::config::{Destination, MasterKeySource, Settings, StoreUrl, TlsFiles};
use crate::domain::time::Timestamp;
use crate::http::tls::Certificates;
use crate::store::postgres::Password;

/// How long before its end a certificate is worth a warning.
const ENDS_SOON: Duration = Duration::from_hours(14 * 24);

/// The bits of a mode by which others than the owner and the group may read or enter, and by which any but the owner
/// may write.
const OTHERS: u32 = 0o007;
const ALL_BUT_OWNER: u32 = 0o077;
const WRITE: u32 = 0o022;

/// Looks at every file that the settings name.
pub(super) fn examine(settings: &Settings, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(access("data folder", &settings.storage.data, (ALL_BUT_OWNER, "700")));
    match &settings.storage.url {
        StoreUrl::Sqlite(store) => findings.extend(access("store file", store, (ALL_BUT_OWNER, "600"))),
        StoreUrl::Postgres(database) => {
            if let Some(Password::File(file)) = &database.password {
                findings.extend(access("password file", file, (OTHERS, "640")));
            }
        }
    }
    // A group is how a key that is kept elsewhere comes to the server. The server's own key is judged where it is read.
    if let MasterKeySource::File(file) = &settings.signing.master_key {
        findings.extend(access("master key file", file, (OTHERS, "640")));
    }
    if let Some(tls) = &settings.listen.tls {
        findings.extend(access("TLS key file", &tls.key, (OTHERS, "640")));
    }
    if let Destination::File(file) = &settings.issuance.to {
        findings.extend(folder_of("issuance stream", file));
        findings.extend(access("issuance stream", file, (OTHERS, "640")));
    }
    findings.push(certificate(settings, now));
    findings
}

/// Whether others may do more with a file than they should. One that is absent is told of by whoever needs it.
fn access(check: &'static str, file: &Path, (private, mend): (u32, &str)) -> Option<Finding> {
    let name = file.display();
    let mode = match fs::metadata(file) {
        Ok(metadata) => metadata.permissions().mode(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => return Some(Finding::wrong(check, format!("{name}: {error}"))),
    };
    let mend = format!("run chmod {mend} on it");
    Some(if mode & WRITE != 0 {
        Finding::wrong(check, format!("{name}: others may write to it: {mend}"))
    } else if mode & private != 0 {
        Finding::warning(check, format!("{name}: others may look into it: {mend}"))
    } else {
        Finding::ok(check, format!("{name}: its mode is {:o}", mode & 0o777))
    })
}

/// A file that the server makes needs its folder.
fn folder_of(check: &'static str, file: &Path) -> Option<Finding> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())?;
    let name = folder.display();
    Some(Finding::wrong(check, format!("{name}: there is no such folder: make it, or set issuance.to anew")))
}

fn certificate(settings: &Settings, now: Timestamp) -> Finding {
    const CHECK: &str = "certificate";
    let Some(TlsFiles { certificate, key }) = &settings.listen.tls else {
        let ends =
            if settings.listen.behind_proxy { "TLS ends in front of the server" } else { "plain HTTP" };
        return Finding::ok(CHECK, format!("none: {ends}"));
    };
    let expires_at = match Certificates::load(certificate, key) {
        Ok(certificates) => certificates.expires_at(),
        Err(why) => return Finding::wrong(CHECK, why.to_string()),
    };
    let name = certificate.display();
    match expires_at {
        None => Finding::warning(CHECK, format!("{name}: it can be used, but its end cannot be read")),
        Some(end) if end <= now => {
            Finding::wrong(CHECK, format!("{name}: it has expired on {end}: put a new one in its place"))
        }
        Some(end) if end <= now.plus(ENDS_SOON) => {
            Finding::warning(CHECK, format!("{name}: it expires on {end}: put a new one in its place"))
        }
        Some(end) => Finding::ok(CHECK, format!("{name}: good until {end}")),
    }
}
