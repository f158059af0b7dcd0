//! `store copy` and `store reopen`: an installation moves with its servers running, and nothing acknowledged is lost.

use std::fs;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::{check_refused, done, refused, text, token_by_post, wrong_usage};
use crate::support::binary::{Installation, PATIENCE, RunningServer, exchange, status};

pub(super) const HERE: &str = "sqlite:data/chancery.db";

/// An application `x` with a secret.
pub(super) fn installed() -> (Installation, String) {
    let installation = Installation::new();
    done(&installation, "scope add read");
    let add = ["app", "add", "--name", "x", "--client-id", "x", "--scope", "read"];
    let secret = text(&installation.json(&add), "client_secret").to_owned();
    (installation, secret)
}

/// A server that is called the same wherever it listens: tokens are good beyond it.
fn serve(installation: &Installation, store: &str) -> RunningServer {
    installation.serve(&["--store", store, "--issuer", "http://127.0.0.1:8080"])
}

/// A token of the application, to be asked about and taken back.
pub(super) fn token(server: &RunningServer, secret: &str) -> String {
    let (status, body) = token_by_post(server, "x", secret);
    assert_eq!(status, 200, "{body}");
    text(&body, "access_token").to_owned()
}

pub(super) fn revoke(server: &RunningServer, secret: &str, token: &str) -> u16 {
    server.post("/oauth2/revoke", &format!("client_id=x&client_secret={secret}&token={token}")).0
}

pub(super) fn is_active(server: &RunningServer, secret: &str, token: &str) -> bool {
    let form = format!("client_id=x&client_secret={secret}&token={token}");
    server.post("/oauth2/introspect", &form).1 != r#"{"active":false}"#
}

/// Says whether the store in the data folder refuses, and how.
fn said_by_store(installation: &Installation) -> Option<String> {
    let output = installation.run(&["app", "list"]);
    (!output.status.success()).then(|| String::from_utf8(output.stderr).unwrap())
}

/// Many applications, so that copying takes a while.
pub(super) fn add_many(installation: &Installation, count: usize) {
    use std::fmt::Write;
    let mut file = "tenants:\n- name: default\n  issuer: http://127.0.0.1:8080\n  \
                    hosts: [\"127.0.0.1:8080\", \"localhost:8080\"]\n  applications:\n"
        .to_owned();
    for number in 0..count {
        let _ = writeln!(file, "  - client_id: many-{number}\n    name: Many {number}");
    }
    fs::write(installation.folder().join("many.yaml"), file).unwrap();
    done(installation, "apply -f many.yaml");
}

#[test]
fn secrets_keys_audit_and_revocations_are_there_after_a_move() {
    let (installation, secret) = installed();
    let server = serve(&installation, HERE);
    let (kept, taken_back) = (token(&server, &secret), token(&server, &secret));
    assert_eq!(revoke(&server, &secret, &taken_back), 200);
    let end = done(&installation, "audit verify");
    let kid = text(&done(&installation, "key list")[0], "kid").to_owned();

    let moved = done(&installation, &format!("store copy {HERE} sqlite:elsewhere/new.db"));
    assert_eq!(text(&moved, "audit"), format!("{}:{}", end["sequence"], text(&end, "hash")));
    let rows = moved["tables"].as_array().unwrap().iter().map(|table| table["rows"].as_u64().unwrap());
    assert_eq!(moved["rows"], rows.sum::<u64>());
    assert!(
        text(&moved, "to").ends_with("/elsewhere/new.db")
            && text(&moved, "master_key").contains("keys.master")
    );

    // The server on the former store cannot acknowledge a change that nobody would ever see.
    assert_eq!(revoke(&server, &secret, &kept), 503, "{}", server.log());
    let there = serve(&installation, "sqlite:elsewhere/new.db");
    assert!(is_active(&there, &secret, &kept) && !is_active(&there, &secret, &taken_back));
    token(&there, &secret);
    let at = |line: &str| done(&installation, &format!("{line} --store sqlite:elsewhere/new.db"));
    assert_eq!(text(&at("key list")[0], "kid"), kid);
    at(&format!("audit verify --expect {}", text(&moved, "audit")));
    assert_eq!(at("audit list --limit 1")[0]["action"], "store.copy");
    at("scope add after");
}

#[test]
fn a_store_that_was_moved_is_used_by_nobody_until_it_is_reopened() {
    let (installation, secret) = installed();
    done(&installation, &format!("store copy {HERE} sqlite:new.db"));
    let words = ["moved to sqlite:", "/new.db", "store.url", "store reopen"];
    for line in [
        "app list",
        "scope add late",
        "serve",
        "dev",
        &format!("store copy {HERE} sqlite:third.db"),
        "backup b",
    ] {
        refused(&installation, line, &words);
    }
    assert!(!installation.folder().join("third.db").exists() && !installation.folder().join("b").exists());
    let doctor = installation.run(&["doctor"]);
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("moved to sqlite:"), "{doctor:?}");
    done(&installation, "audit verify");

    let reopened = done(&installation, "store reopen");
    assert!(text(&reopened, "place").ends_with("/new.db") && text(&reopened, "warning").contains("not here"));
    refused(&installation, "store reopen", &["the store is open"]);
    let server = serve(&installation, HERE);
    token(&server, &secret);
    assert_eq!(done(&installation, "audit list --limit 1")[0]["action"], "store.reopen");
    done(&installation, "scope add after");
}

#[test]
fn a_copy_goes_only_where_there_is_nothing_and_from_where_there_is_something() {
    let (installation, _) = installed();
    let other = format!("store copy {HERE}");
    for (line, words) in [
        (format!("{other} {HERE}"), ["same store", "another"]),
        (format!("{other} sqlite:data/../data/chancery.db"), ["same store", "another"]),
        (format!("{other} mysql://me:hunter2@db"), ["TO: ", "sqlite:"]),
        (format!("{other} sqlite:data"), ["this is a folder", "data"]),
        ("store copy sqlite:absent.db sqlite:new.db".to_owned(), ["absent.db", "no store"]),
        ("store copy hunter2 sqlite:new.db".to_owned(), ["FROM: ", "sqlite:"]),
        ("store copy sqlite:data/master.key sqlite:new.db".to_owned(), ["file is not a database", "damaged"]),
    ] {
        refused(&installation, &line, &words);
        let said = String::from_utf8(installation.run(&super::split(&line)).stderr).unwrap();
        assert!(!said.contains("hunter2"), "{said}");
    }
    for arguments in
        [&["store", "copy"][..], &["store", "copy", HERE], &["store", "copy", "a", "b", "c"], &["store"]]
    {
        wrong_usage(&installation, arguments);
    }
    assert!(!installation.folder().join("new.db").exists());
    // A store that was used, if only once.
    installation.json(&["--store", "sqlite:used.db", "app", "list"]);
    refused(&installation, &format!("{other} sqlite:used.db"), &["not empty", "tenant"]);
    // An older store, a newer one, and one that nobody has used.
    let schema = |name: &str, number: i64| {
        fs::copy(installation.data().join("chancery.db"), installation.folder().join(name)).unwrap();
        let connection = rusqlite::Connection::open(installation.folder().join(name)).unwrap();
        connection.pragma_update(None, "user_version", number).unwrap();
    };
    schema("older.db", 6);
    schema("newer.db", 99);
    refused(&installation, "store copy sqlite:older.db sqlite:new.db", &["number 6", "chancery migrate"]);
    refused(&installation, "store copy sqlite:newer.db sqlite:new.db", &["number 99", "newer program"]);
    installation.json(&["--store", "sqlite:unused.db", "migrate"]);
    refused(&installation, "store copy sqlite:unused.db sqlite:new.db", &["no tenant", "nothing to copy"]);
    assert_eq!(said_by_store(&installation), None);
}

/// What a server answers while the store it works on is copied, from the first moment to the last.
#[derive(Default)]
struct Watched {
    /// Tokens, keys and questions about a token, each as it was answered.
    answers: Vec<[u16; 3]>,
    /// Revocations and the tokens they are of.
    revocations: Vec<(u16, String)>,
}

fn watch(server: &RunningServer, secret: &str, tokens: Vec<String>, copying: &mut Child) -> Watched {
    let (kept, over, mut watched) = (token(server, secret), AtomicBool::new(false), Watched::default());
    let keys = b"GET /oauth2/jwks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let ask = || {
        let active = if is_active(server, secret, &kept) { 200 } else { 0 };
        [token_by_post(server, "x", secret).0, status(&exchange(server.public, keys)), active]
    };
    std::thread::scope(|scope| {
        let answers = scope.spawn(|| {
            let mut answers = Vec::new();
            while !over.load(Ordering::SeqCst) {
                answers.push(ask());
            }
            answers
        });
        for token in tokens {
            if copying.try_wait().unwrap().is_some() {
                break;
            }
            watched.revocations.push((revoke(server, secret, &token), token));
        }
        copying.wait().unwrap();
        over.store(true, Ordering::SeqCst);
        watched.answers = answers.join().unwrap();
    });
    watched
}

#[test]
fn servers_answer_while_they_are_moved_and_nothing_acknowledged_is_missing() {
    let (installation, secret) = installed();
    add_many(&installation, 3_000);
    let server = serve(&installation, HERE);
    let tokens = (0..60).map(|_| token(&server, &secret)).collect();
    let mut copy = installation.command(&["store", "copy", HERE, "sqlite:new.db"]);
    let mut copying = copy.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let watched = watch(&server, &secret, tokens, &mut copying);
    let output = copying.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    // Once it is moved the server may have something else to say; before, only if this machine has no time for it.
    let last = watched.answers.iter().rposition(|answer| *answer == [200; 3]).unwrap();
    let failed = watched.answers[..last].iter().filter(|answer| **answer != [200; 3]).count();
    assert!(last > 3 && failed <= last / 10, "{:?}", watched.answers);
    let there = serve(&installation, "sqlite:new.db");
    assert!(!watched.revocations.is_empty());
    for (status, token) in &watched.revocations {
        match status {
            200 => assert!(!is_active(&there, &secret, token), "an acknowledged revocation was lost"),
            503 => assert!(is_active(&there, &secret, token)),
            other => panic!("a revocation was answered {other}"),
        }
    }
    super::within_one_second(|| revoke(&server, &secret, &watched.revocations[0].1) == 503);
}

/// Waits for something that comes.
pub(super) fn wait_for(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "{what} did not come");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_copy_that_is_killed_leaves_one_store_live_and_the_other_empty() {
    let (installation, secret) = installed();
    add_many(&installation, 2_000);
    let rows = done(&installation, "app list").as_array().map(Vec::len);
    for milliseconds in [0, 5, 20, 60, 120] {
        let to = format!("sqlite:killed-{milliseconds}.db");
        let file = installation.folder().join(&to["sqlite:".len()..]);
        let mut copy = installation.command(&["store", "copy", HERE, &to]);
        let mut copying = copy.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_for("the new file", || file.exists());
        std::thread::sleep(Duration::from_millis(milliseconds));
        copying.kill().unwrap();
        if copying.wait().unwrap().success() {
            break;
        }
        // It was killed before its end, or after it had marked the first store.
        if let Some(said) = said_by_store(&installation) {
            assert!(said.contains("moved to"), "{said}");
            done(&installation, "store reopen");
            continue;
        }
        assert_eq!(done(&installation, "app list").as_array().map(Vec::len), rows);
        let there = installation.run(&["--store", &to, "--output", "json", "audit", "list"]);
        let said = String::from_utf8_lossy(&there.stderr);
        let events = serde_json::from_slice::<Value>(&there.stdout).ok();
        let is_unfinished = said.contains("copy of sqlite:") && said.contains("not finished");
        assert!(is_unfinished || is_empty(&there.stdout, events.as_ref()), "{said} {events:?}");
    }
    let server = serve(&installation, HERE);
    token(&server, &secret);
    check_refused(&installation.run(&["store", "reopen"]), &["the store is open"]);
}

/// Whether nobody has done anything in a store.
fn is_empty(printed: &[u8], events: Option<&Value>) -> bool {
    printed.is_empty() || events.and_then(Value::as_array).is_some_and(Vec::is_empty)
}
