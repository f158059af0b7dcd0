//! What the server lets in: so many connections, one server for a port, and floods that hurt only their sender.
//! Not for: limits of one request (`http`).

#[cfg(target_os = "linux")]
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::thread::scope;
use std::time::Duration;

use super::floods::{frame, head_of_a_request, preface};
use super::get;
use crate::support::binary::{Installation, PATIENCE};
use crate::support::wire::{Answer, Connection};

fn ask(connection: &mut Connection) -> Answer {
    connection.send(get("/oauth2/jwks"));
    connection.answer()
}

#[test]
fn a_connection_too_many_waits_until_another_ends() {
    let installation = Installation::new();
    let server = installation.serve(&["--listen-max-connections", "2"]);
    let (mut first, mut second) = (Connection::open(server.public), Connection::open(server.public));
    assert_eq!((ask(&mut first).status, ask(&mut second).status), (200, 200));

    let mut third = Connection::open(server.public);
    third.send(get("/oauth2/jwks"));
    third.stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let error = third.stream.peek(&mut [0]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    // The others go on, and so does the listener for operators.
    assert_eq!((ask(&mut first).status, ask(&mut second).status), (200, 200));
    let mut probe = Connection::open(server.admin);
    probe.send(get("/health/ready"));
    assert_eq!(probe.answer().status, 200);

    drop(first);
    third.stream.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(third.answer().status, 200);
    assert_eq!(ask(&mut second).status, 200);
}

#[test]
fn a_second_server_on_the_same_address_says_which_setting_to_change() {
    let installation = Installation::new();
    let server = installation.serve(&[]);
    for (flag, setting, address) in [
        ("--listen-public", "listen.public", server.public),
        ("--listen-admin", "listen.admin", server.admin),
    ] {
        let other = if setting == "listen.public" { "--listen-admin" } else { "--listen-public" };
        let output = installation.run(&["serve", flag, &address.to_string(), other, "127.0.0.1:0"]);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        for part in [setting, flag, &address.to_string(), "listens there already"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    // The first one is none the worse for it.
    assert_eq!(ask(&mut Connection::open(server.public)).status, 200);
}

/// CVE-2023-44487: requests that are taken back at once cost their sender nothing.
#[test]
fn a_flood_of_requests_that_are_taken_back_hurts_nobody_else() {
    const REQUESTS: u32 = 2_000;
    let installation = Installation::new();
    let server = installation.serve(&[]);
    let flood = || {
        let mut connection = Connection::open(server.public);
        connection.send(preface());
        for number in 0..REQUESTS {
            let stream = 2 * number + 1;
            let request = frame(1, 0x5, stream, &head_of_a_request());
            connection.send([request, frame(3, 0, stream, &8_u32.to_be_bytes())].concat());
        }
        connection
    };
    let floods = scope(|scope| {
        let floods = [scope.spawn(flood), scope.spawn(flood), scope.spawn(flood)];
        let mut honest = Connection::open(server.public);
        for _ in 0..100 {
            assert_eq!(ask(&mut honest).status, 200);
        }
        floods.map(|flood| flood.join().unwrap())
    });
    // Whoever floods is sent away.
    for mut flood in floods {
        let _ = flood.rest();
    }
    assert_eq!(ask(&mut Connection::open(server.public)).status, 200);
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// Administrators have a thread of their own that gives way, and so has what reads long answers for them.
#[cfg(target_os = "linux")]
#[test]
fn what_answers_administrators_is_nicer_than_what_answers_callers() {
    let installation = Installation::new();
    let server = installation.serve(&[]);
    let is_right = |niceness: &BTreeMap<String, i32>| {
        let is = |name: &str, nicer_by: i32| {
            let expected = niceness.get("chancery").map(|callers| (callers + nicer_by).min(19));
            expected.is_some() && niceness.get(name).copied() == expected
        };
        niceness.iter().filter(|(name, _)| name.starts_with("serve-")).all(|(name, _)| is(name, 0))
            && is("store", 0)
            && is("administration", 15)
            && is("store-quiet", 15)
    };
    let mut niceness = niceness_of_threads(server.id());
    // A thread has its name and its niceness from itself, a moment after it began.
    for _ in 0..100 {
        if is_right(&niceness) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
        niceness = niceness_of_threads(server.id());
    }
    panic!("{niceness:?}");
}

/// How nice each thread of a process is, by its name.
#[cfg(target_os = "linux")]
fn niceness_of_threads(process: u32) -> BTreeMap<String, i32> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let stats = tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("stat")).ok());
    let stat = |stat: String| {
        let (name, rest) = stat.split_once('(').unwrap().1.rsplit_once(')').unwrap();
        (name.to_owned(), rest.split_whitespace().nth(16).unwrap().parse().unwrap())
    };
    stats.map(stat).collect()
}
