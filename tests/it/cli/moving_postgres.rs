//! `store copy`, `backup` and `restore` with PostgreSQL: there, back, and when it is interrupted.

use std::fs;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::moving::{HERE, add_many, installed, is_active, revoke, token, wait_for};
use super::{check_refused, done, split, text};
use crate::support::binary::{Installation, RunningServer};
use crate::support::database::Database;

/// Runs a command on a store, under the installation's master key.
fn run_at(installation: &Installation, store: &str, line: &str) -> Output {
    let mut command = installation.command(&["--store", store, "--output", "json"]);
    command.args(split(line)).env("CHANCERY_KEYS_MASTER", installation.data().join("master.key"));
    command.output().unwrap()
}

/// Runs one that must succeed.
fn done_at(installation: &Installation, store: &str, line: &str) -> Value {
    let output = run_at(installation, store, line);
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn serve(installation: &Installation, store: &str) -> RunningServer {
    let master = installation.data().join("master.key");
    installation.serve(&[
        "--store",
        store,
        "--issuer",
        "http://127.0.0.1:8080",
        "--keys-master",
        master.to_str().unwrap(),
    ])
}

fn end_of_audit(installation: &Installation, store: &str) -> String {
    let end = done_at(installation, store, "audit verify");
    format!("{}:{}", end["sequence"], text(&end, "hash"))
}

#[test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
fn an_installation_moves_to_postgresql_and_back_with_all_that_it_has() {
    let ((installation, secret), database) = (installed(), Database::new());
    let url = database.url();
    let password = database.url_and_password().1;
    let server = serve(&installation, HERE);
    let (kept, taken_back) = (token(&server, &secret), token(&server, &secret));
    assert_eq!(revoke(&server, &secret, &taken_back), 200);
    let end = end_of_audit(&installation, HERE);

    let moved = done(&installation, &format!("store copy {HERE} {url}"));
    assert!(!moved.to_string().contains(&password), "the password is in {moved}");
    assert_eq!(text(&moved, "audit"), end);
    assert_eq!(revoke(&server, &secret, &kept), 503);
    check_refused(&installation.run(&["app", "list"]), &["moved to postgres://", "store reopen"]);
    let there = serve(&installation, &url);
    assert!(is_active(&there, &secret, &kept) && !is_active(&there, &secret, &taken_back));
    let issued_there = token(&there, &secret);
    assert!(is_active(&server, &secret, &issued_there), "verified with the same keys");
    done_at(&installation, &url, &format!("audit verify --expect {end}"));
    assert!(run_at(&installation, &url, "doctor").status.success());
    assert_eq!(revoke(&there, &secret, &kept), 200);
    done_at(&installation, &url, "scope add made-there");

    // Back, while that server runs.
    let end = end_of_audit(&installation, &url);
    let back = done(&installation, &format!("store copy {url} sqlite:back.db"));
    assert_eq!(text(&back, "audit"), end);
    assert_eq!(revoke(&there, &secret, &issued_there), 503);
    check_refused(&run_at(&installation, &url, "app list"), &["moved to sqlite:", "/back.db"]);
    check_refused(&run_at(&installation, &url, "backup late.db"), &["moved to sqlite:"]);
    let last = serve(&installation, "sqlite:back.db");
    assert!(is_active(&last, &secret, &issued_there) && !is_active(&last, &secret, &kept));
    token(&last, &secret);
    let scopes = done_at(&installation, "sqlite:back.db", "scope list").to_string();
    assert!(scopes.contains("made-there"));

    let reopened = done_at(&installation, &url, "store reopen");
    assert!(text(&reopened, "store").starts_with("postgres://") && text(&reopened, "direction") == "to");
    done_at(&installation, &url, "scope add open-again");
    super::within_one_second(|| revoke(&there, &secret, &issued_there) == 200);
}

#[test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
fn a_password_is_found_where_it_is_said_to_be_and_never_shown() {
    let ((installation, _), database) = (installed(), Database::new());
    let (url, password) = database.url_and_password();
    fs::write(installation.folder().join("password"), format!("{password}\n")).unwrap();
    let copy = |to: &str, option: &str| {
        let mut command = installation.command(&["--output", "json", "store", "copy", HERE, to]);
        command.args(split(option)).env("DB_PASSWORD", &password).env("EMPTY", "").output().unwrap()
    };
    for (to, option, words) in [
        (url.as_str(), "", ["the store", "password"]),
        (&url, "--to-password file:absent", ["absent", "No such file"]),
        (&url, "--to-password env:ABSENT", ["--to-password: the environment variable", "not set"]),
        (&url, "--to-password env:EMPTY", ["--to-password: the environment variable", "empty"]),
        (
            &url,
            &format!("--to-password {password}"),
            ["--to-password: must be file:PATH", "never the password"],
        ),
        (&database.url(), "--to-password env:DB_PASSWORD", ["TO: has a password in it", "leave out"]),
        ("sqlite:new.db", "--to-password env:DB_PASSWORD", ["TO: is a file", "no password"]),
        (&url, "--from-password env:DB_PASSWORD", ["FROM: is a file", "no password"]),
    ] {
        let output = copy(to, option);
        check_refused(&output, &words);
        assert!(!String::from_utf8_lossy(&output.stderr).contains(&password), "{option}");
    }
    let output = copy(&url, "--to-password env:DB_PASSWORD");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let back = format!("store copy {url} sqlite:back.db --from-password file:password");
    assert!(!done(&installation, &back).to_string().contains(&password));
}

#[test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
fn a_backup_goes_from_either_into_either() {
    let ((installation, secret), [first, second]) = (installed(), [(); 2].map(|()| Database::new()));
    let (first, second) = (first.url(), second.url());
    done(&installation, "backup file.db");
    let restored = done_at(&installation, &first, "restore file.db");
    assert!(text(&restored, "to").starts_with("postgres://"));
    check_refused(&run_at(&installation, &first, "restore file.db"), &["not empty", "tenant"]);
    let server = serve(&installation, &first);
    token(&server, &secret);
    // A server that runs is no hindrance, and none is hindered.
    let made = done_at(&installation, &first, "backup database.db");
    token(&server, &secret);
    for store in [&second, "sqlite:restored.db"] {
        let again = done_at(&installation, store, "restore database.db");
        assert_eq!((&again["rows"], &again["audit"]), (&made["rows"], &made["audit"]));
        token(&serve(&installation, store), &secret);
        done_at(&installation, store, &format!("audit verify --expect {}", text(&made, "audit")));
    }
}

#[test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
fn a_move_that_is_killed_leaves_at_most_one_store_live() {
    let (installation, secret) = installed();
    add_many(&installation, 2_000);
    for milliseconds in [0, 100, 300, 700, 1_200] {
        let database = Database::new();
        let url = database.url();
        let mut copy = installation.command(&["store", "copy", HERE, &url]);
        let mut copying = copy.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        copying.kill().unwrap();
        copying.wait().unwrap();
        // What it held is free when the database has noticed.
        wait_for("the end of its connection", || database.is_left());
        let here = installation.run(&["app", "list"]);
        if !here.status.success() {
            check_refused(&here, &["moved to postgres://"]);
            // All of it is there: at once, or when its mark is taken away.
            let there = run_at(&installation, &url, "store reopen");
            let said = String::from_utf8_lossy(&there.stderr);
            assert!(there.status.success() || said.contains("the store is open"), "{said}");
            assert!(run_at(&installation, &url, "doctor").status.success());
            done(&installation, "store reopen");
            continue;
        }
        let there = run_at(&installation, &url, "app list");
        let said = String::from_utf8_lossy(&there.stderr);
        let is_empty = there.stdout.starts_with(b"[]") && there.status.success();
        assert!(is_empty || said.contains("not finished"), "{said}");
    }
    token(&serve(&installation, HERE), &secret);
    done(&installation, "scope add after");
}

#[test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
fn a_database_that_was_used_or_is_newer_is_refused() {
    let ((installation, _), database) = (installed(), Database::new());
    let url = database.url();
    done_at(&installation, &url, "app list");
    let output = installation.run(&["store", "copy", HERE, &url]);
    check_refused(&output, &["not empty", "tenant"]);
    database.run("UPDATE schema_version SET number = 99, works_with = 99");
    check_refused(&installation.run(&["store", "copy", HERE, &url]), &["number 99", "newer program"]);
    check_refused(
        &installation.run(&["store", "copy", &url, "sqlite:new.db"]),
        &["number 99", "newer program"],
    );
    assert!(!installation.folder().join("new.db").exists());
    done(&installation, "scope add after");
}
