//! `doctor`: what is in order, what is wrong with each thing, and that looking changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::audit::tamper;
use super::{done, members, text};
use crate::support::binary::Installation;
use crate::support::tls::Certificate;

/// What it finds, and its status.
fn findings(installation: &Installation, arguments: &[&str]) -> (Vec<Value>, i32) {
    let output = installation.run(&[&["--output", "json", "doctor"], arguments].concat());
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(findings.iter().all(|one| members(one) == ["check", "result", "detail"]));
    (findings, output.status.code().unwrap())
}

/// What is not in order: the check, the result, and the detail.
fn troubles(installation: &Installation, arguments: &[&str]) -> Vec<(String, String, String)> {
    let (findings, status) = findings(installation, arguments);
    let is_wrong = findings.iter().any(|one| one["result"] == "wrong");
    assert_eq!(status, i32::from(is_wrong), "{findings:?}");
    let member = |one: &Value, name| text(one, name).to_owned();
    let troubles = findings.iter().filter(|one| one["result"] != "ok");
    troubles.map(|one| (member(one, "check"), member(one, "result"), member(one, "detail"))).collect()
}

/// Checks that one thing is not in order, and what is said of it.
fn only(installation: &Installation, arguments: &[&str], check: &str, result: &str, words: &[&str]) {
    let found = troubles(installation, arguments);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].0.as_str(), found[0].1.as_str()), (check, result), "{found:?}");
    for word in words {
        assert!(found[0].2.contains(word), "{word:?} is not in {found:?}");
    }
}

/// What is in the files of the data folder, as digests. Empty ones, and what SQLite makes from the others, are nothing.
fn content(installation: &Installation) -> BTreeMap<String, [u8; 32]> {
    let files = fs::read_dir(installation.data()).unwrap().map(|entry| entry.unwrap().path());
    let named = files.map(|file| (file.display().to_string(), fs::read(&file).unwrap()));
    let full = named.filter(|(name, content)| !name.ends_with("-shm") && !content.is_empty());
    full.map(|(name, content)| (name, chancery::crypto::sha256(&content))).collect()
}

fn set_mode(file: &std::path::Path, mode: u32) {
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn an_installation_that_is_in_order_passes_and_is_not_changed() {
    let installation = Installation::new();
    done(&installation, "app add --name x");
    let before = content(&installation);
    let (found, status) = findings(&installation, &[]);
    let checks: Vec<_> = found.iter().map(|one| text(one, "check")).collect();
    assert_eq!(
        checks,
        [
            "settings",
            "data folder",
            "store file",
            "certificate",
            "store",
            "integrity",
            "master key",
            "signing keys",
            "digest keys",
            "admin API",
            "audit",
            "clock",
            "issuer"
        ]
    );
    assert!(found.iter().all(|one| one["result"] == "ok") && status == 0, "{found:?}");
    assert_eq!(content(&installation), before);
    let printed = String::from_utf8(installation.run(&["doctor"]).stdout).unwrap();
    assert_eq!(printed.lines().count(), checks.len() + 1);
    assert!(printed.contains("\nok      integrity     the data is whole\n"), "{printed}");
    let server = installation.serve(&[]);
    assert_eq!(findings(&installation, &[]).1, 0);
    drop(server);
}

#[test]
fn every_mistake_in_the_settings_is_a_line_and_nothing_else_is_looked_at() {
    let installation = Installation::new();
    let arguments = ["--listen-public", "8080", "--log-level", "loud", "--keys-master", "env:ABSENT"];
    let found = troubles(&installation, &arguments);
    let said: Vec<_> = found.iter().map(|(_, _, detail)| detail.split(':').next().unwrap()).collect();
    assert_eq!(said, ["listen.public", "keys.master", "log.level"]);
    assert!(
        found.iter().all(|(check, result, _)| (check.as_str(), result.as_str()) == ("settings", "wrong"))
    );
    assert!(!installation.data().exists());
}

#[test]
fn a_store_that_is_absent_or_of_another_schema_is_left_as_it_is() {
    let installation = Installation::new();
    only(&installation, &[], "store", "wrong", &["there is no store", "--data"]);
    assert!(!installation.data().exists());
    done(&installation, "app list");
    for (number, mend) in [(3, "chancery migrate"), (1000, "newer program")] {
        tamper(&installation, &format!("PRAGMA user_version = {number}"));
        only(&installation, &[], "store", "wrong", &[&format!("number {number}"), mend]);
    }
    let store = rusqlite::Connection::open(installation.data().join("chancery.db")).unwrap();
    let number: u32 = store.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(number, 1000);
}

#[test]
fn a_new_store_without_tenants_is_worth_a_warning() {
    let installation = Installation::new();
    done(&installation, "migrate");
    only(&installation, &[], "tenants", "warning", &["none yet"]);
    assert!(!installation.data().join("master.key").exists());
}

#[test]
fn files_that_others_may_use_are_named_with_the_mend() {
    let installation = Installation::new();
    done(&installation, "app list");
    let store = installation.data().join("chancery.db");
    set_mode(&store, 0o644);
    only(&installation, &[], "store file", "warning", &["chancery.db", "chmod 600"]);
    set_mode(&store, 0o620);
    only(&installation, &[], "store file", "wrong", &["write", "chmod 600"]);
    set_mode(&store, 0o600);
    set_mode(&installation.data(), 0o755);
    only(&installation, &[], "data folder", "warning", &["chmod 700"]);
    set_mode(&installation.data(), 0o700);
    let key = installation.data().join("master.key");
    set_mode(&key, 0o640);
    only(&installation, &[], "master key", "wrong", &["master.key", "chmod 600"]);
    // A key that somebody named may be shared with a group.
    let named = ["--keys-master", key.to_str().unwrap()];
    assert_eq!(troubles(&installation, &named), []);
    set_mode(&key, 0o644);
    only(&installation, &named, "master key file", "warning", &["chmod 640"]);
    set_mode(&key, 0o600);
    let stream = ["--issuance-to", "absent/stream"];
    only(&installation, &stream, "issuance stream", "wrong", &["absent", "issuance.to"]);
}

#[test]
fn keys_that_do_not_open_are_found() {
    let installation = Installation::new();
    done(&installation, "app list");
    let master = installation.data().join("master.key");
    let key = fs::read(&master).unwrap();
    fs::write(&master, format!("{}\n", "5a".repeat(32))).unwrap();
    only(&installation, &[], "signing keys", "wrong", &["tenant default", "sealed under master key"]);
    fs::remove_file(&master).unwrap();
    only(&installation, &[], "master key", "wrong", &["the master key is gone", "restore"]);
    assert!(!master.exists());
    fs::write(&master, key).unwrap();
    set_mode(&master, 0o600);
    tamper(&installation, "UPDATE signing_key SET public_jwk = replace(public_jwk, 'AQAB', 'AQAD')");
    only(&installation, &[], "signing keys", "wrong", &["is damaged", "backup"]);
    tamper(&installation, "UPDATE signing_key SET state = 'gone'");
    only(&installation, &[], "signing keys", "wrong", &["no signing key is active"]);
    let digest = "INSERT INTO digest_key VALUES ('abc', x'00', 'def')";
    tamper(&installation, digest);
    assert!(troubles(&installation, &[]).iter().any(|(check, ..)| check == "digest keys"));
}

#[test]
fn what_is_odd_in_the_store_is_found() {
    let installation = Installation::new();
    done(&installation, "app list");
    tamper(&installation, "UPDATE scope SET api = NULL WHERE name = 'admin:read'");
    only(&installation, &[], "admin API", "warning", &["admin:read", "the tenant's own"]);
    tamper(&installation, "DELETE FROM scope WHERE name = 'admin:read'");
    only(&installation, &[], "admin API", "wrong", &["no scope admin:read"]);
    tamper(&installation, "DELETE FROM scope; DELETE FROM api");
    only(&installation, &[], "admin API", "wrong", &["no API urn:chancery:admin"]);

    let installation = Installation::new();
    done(&installation, "app list");
    tamper(&installation, "UPDATE signing_key SET state_since = state_since + 86400000");
    only(
        &installation,
        &[],
        "clock",
        "warning",
        &["signing key of tenant default", "set this machine's clock"],
    );
    tamper(&installation, "PRAGMA foreign_keys = off; UPDATE signing_key SET state_since = created_at");
    tamper(&installation, "PRAGMA foreign_keys = off; INSERT INTO tenant_host VALUES ('x', 'nobody', 1)");
    only(&installation, &[], "integrity", "wrong", &["tenant_host", "restore a backup"]);
}

#[test]
fn beyond_loopback_every_issuer_must_be_https_and_the_certificate_good() {
    let installation = Installation::new();
    done(&installation, "app list");
    let proxy =
        ["--listen-public", "0.0.0.0:8080", "--listen-behind-proxy", "--issuer", "https://id.example"];
    only(&installation, &proxy, "issuer", "wrong", &["tenant default", "http://127.0.0.1:8080", "not https"]);

    let folder = installation.folder().join("tls");
    Certificate::new().write(&folder);
    let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
    let tls = ["--listen-tls-certificate", certificate.to_str().unwrap()];
    let tls = [&tls[..], &["--listen-tls-key", key.to_str().unwrap()]].concat();
    set_mode(&key, 0o644);
    only(&installation, &tls, "TLS key file", "warning", &["tls.key", "chmod 640"]);
    set_mode(&key, 0o600);
    assert_eq!(troubles(&installation, &tls), []);
    for (end, result, word) in [(-1, "wrong", "has expired on"), (13, "warning", "expires on")] {
        Certificate::ending_in(end).write(&folder);
        only(&installation, &tls, "certificate", result, &["tls.crt", word]);
    }
    fs::write(&certificate, "nothing").unwrap();
    only(&installation, &tls, "certificate", "wrong", &["there is no certificate in it"]);
}
