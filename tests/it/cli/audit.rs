//! The audit from the command line: found, followed, and noticed when somebody has been at it.

use serde_json::{Value, json};

use super::{check_refused, done, members, refused, text, wrong_usage};
use crate::support::binary::Installation;

/// A tenant, two scopes, and an application, each with its event.
fn with_events() -> Installation {
    let installation = Installation::new();
    done(&installation, "scope add read");
    done(&installation, "scope add write");
    done(&installation, "app add --name x --client-id x --scope read");
    installation
}

/// Does something to the store behind the back of the program.
pub(super) fn tamper(installation: &Installation, sql: &str) {
    let store = rusqlite::Connection::open(installation.data().join("chancery.db")).unwrap();
    store.execute_batch(sql).unwrap();
}

fn sequences(events: &Value) -> Vec<i64> {
    events.as_array().unwrap().iter().map(|event| event["sequence"].as_i64().unwrap()).collect()
}

fn place(chain: &Value) -> String {
    format!("{}:{}", chain["sequence"], text(chain, "hash"))
}

#[test]
fn events_are_listed_newest_first_and_found_by_what_they_say() {
    let installation = with_events();
    done(&installation, "tenant add sample --host sample.example --issuer https://sample.example");
    let all = done(&installation, "audit list");
    assert_eq!(sequences(&all), [5, 4, 3, 2, 1]);
    let expected = [
        "sequence",
        "at",
        "tenant",
        "tenant_id",
        "actor",
        "source",
        "request",
        "action",
        "subject",
        "detail",
        "hash",
    ];
    assert_eq!(members(&all[1]), expected);
    assert_eq!((text(&all[1], "action"), text(&all[1], "subject")), ("application.add", "x"));
    assert_eq!((text(&all[1], "actor"), text(&all[1], "source")), ("cli:tester", "command line"));
    assert_eq!((text(&all[1], "tenant"), &all[1]["request"]), ("default", &Value::Null));
    assert_eq!(all[1]["detail"]["scopes"], json!(["read"]));
    for (line, found) in [
        ("audit list --limit 2", vec![5, 4]),
        ("audit list --action scope.add", vec![3, 2]),
        ("audit list --action scope.add --subject read", vec![2]),
        ("audit list --actor cli:tester --since 1h --limit 1", vec![5]),
        ("audit list --actor cli:other", vec![]),
        ("audit list --since 0s", vec![]),
        ("--tenant sample audit list", vec![5]),
    ] {
        assert_eq!(sequences(&done(&installation, line)), found, "{line}");
    }
    let printed = installation.run(&["audit", "list", "--limit", "1"]).stdout;
    let printed = String::from_utf8(printed).unwrap();
    let mut lines = printed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    assert_eq!(lines.next().unwrap(), ["AT", "ACTOR", "SOURCE", "ACTION", "SUBJECT"]);
    assert_eq!(lines.next().unwrap()[1..], ["cli:tester", "command", "line", "tenant.add", "sample"]);
    // The events of a tenant outlive it.
    done(&installation, "tenant remove sample");
    let events = done(&installation, "audit list --subject sample");
    assert_eq!((sequences(&events), &events[0]["tenant"]), (vec![6, 5], &Value::Null));
    refused(&installation, "audit list --since yesterday", &["is not a duration"]);
    refused(&installation, "--tenant absent audit list", &["no tenant \"absent\""]);
    wrong_usage(&installation, &["audit", "list", "--limit", "all"]);
}

#[test]
fn an_end_that_was_written_down_is_found_again() {
    let installation = with_events();
    let end = done(&installation, "audit verify");
    assert_eq!(members(&end), ["events", "sequence", "hash"]);
    assert_eq!((&end["events"], &end["sequence"]), (&json!(4), &json!(4)));
    assert_eq!(end["hash"], done(&installation, "audit list --limit 1")[0]["hash"]);
    done(&installation, "scope add more");
    let later = done(&installation, &format!("audit verify --expect {}", place(&end)));
    assert_eq!(later["sequence"], json!(5));

    let other = format!("audit verify --expect 4:{}", text(&later, "hash"));
    refused(&installation, &other, &["event number 4", "another hash"]);
    let ahead = format!("audit verify --expect 6:{}", text(&later, "hash"));
    refused(&installation, &ahead, &["ends with event number 5", "number 6"]);
    for wrong in ["4", "4:00", "x:y"] {
        refused(&installation, &format!("audit verify --expect {wrong}"), &["SEQUENCE:HASH"]);
    }
    // Whoever has but the store can do so: no master key is needed.
    std::fs::remove_file(installation.data().join("master.key")).unwrap();
    assert_eq!(done(&installation, "audit verify"), later);
}

#[test]
fn whatever_is_done_to_the_audit_is_noticed() {
    for (sql, words) in [
        ("UPDATE audit_event SET subject = 'y' WHERE sequence = 4", &["event number 4", "altered"][..]),
        ("UPDATE audit_event SET detail = '{}' WHERE sequence = 2", &["event number 2", "altered"]),
        ("UPDATE audit_event SET tenant_id = NULL WHERE sequence = 3", &["event number 3", "altered"]),
        ("DELETE FROM audit_event WHERE sequence = 2", &["before number 3 is missing"]),
        ("UPDATE audit_event SET sequence = sequence + 10 WHERE sequence = 4", &["before number 14"]),
        ("UPDATE audit_event SET detail = 'x' WHERE sequence = 2", &["damaged data"]),
        ("UPDATE audit_event SET hash = NULL WHERE sequence = 1", &["damaged data"]),
    ] {
        let installation = with_events();
        tamper(&installation, sql);
        refused(&installation, "audit verify", words);
        // A doctor finds the same.
        let output = installation.run(&["doctor", "--output", "json"]);
        assert_eq!(output.status.code(), Some(1), "{sql}");
        let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
        let found = findings.as_array().unwrap().iter().find(|one| one["check"] == "audit").unwrap();
        assert_eq!(found["result"], "wrong", "{sql}");
        for word in words {
            assert!(text(found, "detail").contains(word), "{found}");
        }
    }
}

#[test]
fn an_end_that_was_cut_off_is_noticed_by_whoever_wrote_it_down_and_by_the_next_event() {
    let installation = with_events();
    let end = done(&installation, "audit verify");
    tamper(&installation, "DELETE FROM audit_event WHERE sequence >= 3");
    assert_eq!(done(&installation, "audit verify")["events"], json!(2));
    let expected = format!("audit verify --expect {}", place(&end));
    refused(&installation, &expected, &["ends with event number 2", "number 4"]);
    done(&installation, "scope add more");
    refused(&installation, "audit verify", &["before number 5 is missing"]);
}

#[test]
fn where_there_is_no_store_none_is_made_to_be_verified() {
    let installation = Installation::new();
    check_refused(&installation.run(&["audit", "verify"]), &["there is no store", "--data"]);
    assert!(!installation.data().exists());
}
