//! `backup` and `restore`: what is in the file, what is not, and where it goes.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{done, refused, text, token_by_post, wrong_usage};
use crate::support::binary::Installation;

/// An application `x` with a secret.
fn installed() -> (Installation, String) {
    let installation = Installation::new();
    let added = done(&installation, "app add --name x --client-id x");
    let secret = text(&added, "client_secret").to_owned();
    (installation, secret)
}

fn copy_key(from: &Installation, to: &Installation) {
    fs::create_dir_all(to.data()).unwrap();
    fs::copy(from.data().join("master.key"), to.data().join("master.key")).unwrap();
}

/// The names in a folder.
fn names(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_was_backed_up_while_a_server_ran_is_restored_elsewhere() {
    let (first, secret) = installed();
    let server = first.serve(&["--issuer", "http://127.0.0.1:8080"]);
    let made = done(&first, "backup backup.db");
    let end = done(&first, "audit verify");
    assert_eq!(text(&made, "audit"), format!("{}:{}", end["sequence"], text(&end, "hash")));
    assert!(text(&made, "master_key").contains("not in the backup"));
    // The server and the commands go on as if nothing had been.
    assert_eq!(token_by_post(&server, "x", &secret).0, 200);
    let later = done(&first, "app secret add x");
    let file = first.folder().join("backup.db");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let key = fs::read_to_string(first.data().join("master.key")).unwrap();
    let bytes = fs::read(&file).unwrap();
    for secret in [key.trim(), &secret] {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
    // One file is all there is.
    let beside = names(first.folder());
    assert!(
        !beside.iter().any(|name| name.contains("unfinished") || name.starts_with("backup.db-")),
        "{beside:?}"
    );

    let second = Installation::new();
    let restored = second.json(&["restore", file.to_str().unwrap()]);
    assert_eq!((&restored["rows"], &restored["audit"]), (&made["rows"], &made["audit"]));
    refused(&second, "app list", &["master key is gone", "keys.master"]);
    copy_key(&first, &second);
    let server = second.serve(&["--issuer", "http://127.0.0.1:8080"]);
    assert_eq!(token_by_post(&server, "x", &secret).0, 200);
    assert_eq!(token_by_post(&server, "x", text(&later, "client_secret")).0, 401);
    second.json(&["audit", "verify", "--expect", text(&made, "audit")]);
    assert_eq!(done(&second, "audit list --limit 1")[0]["action"], "store.restore");
    assert!(second.run(&["doctor"]).status.success());
}

#[test]
fn a_backup_replaces_nothing_and_leaves_nothing_half_done() {
    let (installation, _) = installed();
    fs::write(installation.folder().join("mine"), "precious").unwrap();
    std::os::unix::fs::symlink("nowhere", installation.folder().join("link")).unwrap();
    fs::create_dir(installation.folder().join("folder")).unwrap();
    for name in ["mine", "folder", "link", "data/chancery.db"] {
        refused(&installation, &format!("backup {name}"), &["something of that name"]);
    }
    refused(&installation, "backup absent/backup.db", &["absent"]);
    refused(&installation, "--store sqlite:absent.db backup b.db", &["absent.db", "no store"]);
    installation.json(&["--store", "sqlite:unused.db", "migrate"]);
    refused(&installation, "--store sqlite:unused.db backup b.db", &["no tenant"]);
    assert_eq!(fs::read_to_string(installation.folder().join("mine")).unwrap(), "precious");
    let left = names(installation.folder());
    assert!(!left.iter().any(|name| name == "b.db" || name.contains("unfinished")), "{left:?}");
    for arguments in [&["backup"][..], &["backup", "a", "b"], &["restore"], &["restore", "a", "b"]] {
        wrong_usage(&installation, arguments);
    }
}

#[test]
fn only_a_whole_backup_of_this_schema_goes_into_an_empty_store() {
    let (installation, _) = installed();
    done(&installation, "backup good.db");
    refused(&installation, "restore good.db", &["not empty", "tenant"]);
    let new = "--store sqlite:new/store.db";
    refused(&installation, &format!("{new} restore absent.db"), &["absent.db", "no store"]);
    refused(&installation, &format!("{new} restore data"), &["this is a folder"]);
    refused(&installation, &format!("{new} restore data/master.key"), &["not a database"]);
    let altered = |name: &str, sql: &str| {
        let file = installation.folder().join(name);
        fs::copy(installation.folder().join("good.db"), &file).unwrap();
        rusqlite::Connection::open(file).unwrap().execute_batch(sql).unwrap();
    };
    altered("older.db", "PRAGMA user_version = 6");
    refused(&installation, &format!("{new} restore older.db"), &["number 6", "chancery migrate"]);
    altered("newer.db", "PRAGMA user_version = 99");
    refused(&installation, &format!("{new} restore newer.db"), &["number 99", "newer program"]);
    assert!(!installation.folder().join("new").exists(), "a wrong name leaves something behind");
    altered("forged.db", "UPDATE audit_event SET actor = 'nobody' WHERE sequence = 2");
    refused(
        &installation,
        &format!("{new} restore forged.db"),
        &["audit is broken", "number 2", "--accept-broken-audit"],
    );
    altered("typed.db", "PRAGMA ignore_check_constraints = 1; UPDATE tenant SET enabled = 7");
    refused(&installation, &format!("{new} restore typed.db"), &["column enabled of tenant"]);
    let restored = done(&installation, &format!("{new} restore forged.db --accept-broken-audit"));
    assert!(text(&restored, "audit").contains("broken: event number 2"), "{restored}");
}
