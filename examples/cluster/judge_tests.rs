//! For each promise a history that breaks it and is caught, and the nearest one that does not.

use super::super::history::Span;
use super::*;

/// An operation from one time to another, in milliseconds.
fn operation(kind: Kind, (start, end): (u64, u64), things: &[&str], outcome: Outcome) -> Operation {
    Operation {
        start: Duration::from_millis(start),
        end: Duration::from_millis(end),
        place: Some(0),
        kind,
        things: things.iter().map(|thing| (*thing).into()).collect(),
        outcome,
        keys: Vec::new(),
        number: 0,
    }
}

fn granted(kind: Kind, times: (u64, u64), things: &[&str]) -> Operation {
    operation(kind, times, things, Outcome::Granted)
}

fn denied(kind: Kind, times: (u64, u64), things: &[&str]) -> Operation {
    operation(kind, times, things, Outcome::Denied)
}

fn with_keys(mut operation: Operation, keys: &[&str]) -> Operation {
    operation.keys = keys.iter().map(|key| (*key).into()).collect();
    operation
}

fn span(node: Option<usize>, start: u64, end: u64) -> Span {
    Span { node, start: Duration::from_millis(start), end: Duration::from_millis(end) }
}

fn record(operations: &[Operation]) -> Record {
    Record { operations: operations.to_vec(), ..Record::default() }
}

fn broken(record: &Record) -> Vec<Promise> {
    violations(record).iter().map(|violation| violation.promise).collect()
}

#[test]
fn finds_a_success_that_is_stale() {
    let forbid = granted(Kind::Forbid, (0, 10), &["app"]);
    let tries = |start| [forbid.clone(), granted(Kind::Token, (start, start + 5), &["app", "secret"])];
    assert_eq!(broken(&record(&tries(1_011))), [Promise::NothingStale]);
    // Within the second it is no fault, but then nobody has looked at what was promised.
    assert_eq!(broken(&record(&tries(1_010))), [Promise::AllLookedAt]);
}

#[test]
fn what_was_allowed_again_is_not_stale() {
    let mut operations = vec![
        granted(Kind::Forbid, (0, 10), &["app"]),
        denied(Kind::Token, (1_500, 1_505), &["app"]),
        granted(Kind::Allow, (2_000, 2_010), &["app"]),
        granted(Kind::Token, (2_005, 2_015), &["app"]),
    ];
    assert_eq!(broken(&record(&operations)), []);
    operations.push(granted(Kind::Forbid, (3_000, 3_010), &["app"]));
    operations.push(granted(Kind::Introspect, (4_020, 4_025), &["app"]));
    assert_eq!(broken(&record(&operations)), [Promise::NothingStale]);
}

#[test]
fn a_change_that_was_not_acknowledged_obliges_nobody() {
    for outcome in [Outcome::Away, Outcome::Lost("no answer".to_owned()), Outcome::Denied] {
        let forbid = operation(Kind::Forbid, (0, 10), &["app"], outcome);
        assert_eq!(broken(&record(&[forbid, granted(Kind::Token, (5_000, 5_005), &["app"])])), []);
    }
}

#[test]
fn finds_an_action_on_stale_state_after_a_pause() {
    let mut paused = record(&[
        // Sent before the change, and held in the socket until the node went on.
        granted(Kind::Token, (600, 5_010), &["app"]),
        granted(Kind::Forbid, (900, 950), &["app"]),
        denied(Kind::Token, (5_100, 5_105), &["app"]),
    ]);
    assert_eq!(broken(&paused), []);
    paused.pauses.push(span(Some(0), 500, 5_000));
    assert_eq!(broken(&paused), [Promise::NothingStale]);
    paused.pauses = vec![span(Some(1), 500, 5_000)];
    assert_eq!(broken(&paused), []);
}

#[test]
fn a_node_that_is_cut_off_may_issue_what_it_could_not_know_to_be_forbidden() {
    let elsewhere = Operation { place: Some(2), ..granted(Kind::Forbid, (5_000, 5_010), &["app"]) };
    let mut cut_off = record(&[
        elsewhere,
        granted(Kind::Token, (8_000, 8_005), &["app"]),
        denied(Kind::Token, (20_000, 20_005), &["app"]),
    ]);
    assert_eq!(broken(&cut_off), [Promise::NothingStale]);
    cut_off.outages.push(span(Some(1), 4_000, 9_000));
    assert_eq!(broken(&cut_off), [Promise::NothingStale]);
    // For a while after it can reach the database again.
    for (end, is_broken) in [(9_000, false), (6_000, false), (5_999, true)] {
        cut_off.outages = vec![span(Some(0), 4_000, end)];
        assert_eq!(broken(&cut_off).contains(&Promise::NothingStale), is_broken, "{end}");
    }
    // Long before it was cut off it knew.
    cut_off.outages = vec![span(Some(0), 7_011, 9_000)];
    assert_eq!(broken(&cut_off), [Promise::NothingStale]);
    // Whether a token is revoked it may never guess.
    cut_off.outages = vec![span(Some(0), 4_000, 9_000)];
    for operation in &mut cut_off.operations {
        if operation.kind == Kind::Token {
            operation.kind = Kind::Introspect;
        }
    }
    assert_eq!(broken(&cut_off), [Promise::NothingStale]);
}

#[test]
fn finds_that_something_permitted_was_refused() {
    assert_eq!(broken(&record(&[denied(Kind::Token, (0, 5), &["app"])])), [Promise::NothingRefused]);
    assert_eq!(broken(&record(&[denied(Kind::Introspect, (0, 5), &["token"])])), [Promise::NothingRefused]);
    let forbidden = [
        operation(Kind::Forbid, (0, 10), &["app"], Outcome::Lost("no answer".to_owned())),
        denied(Kind::Token, (5, 8), &["app"]),
    ];
    assert_eq!(broken(&record(&forbidden)), []);
    let allowed = |start| {
        [
            granted(Kind::Forbid, (0, 10), &["app"]),
            granted(Kind::Allow, (20, 30), &["app"]),
            denied(Kind::Token, (start, start + 5), &["app"]),
        ]
    };
    assert_eq!(broken(&record(&allowed(2_000))), [Promise::NothingRefused]);
    assert_eq!(broken(&record(&allowed(1_020))), []);
}

#[test]
fn what_was_just_made_need_not_be_known_everywhere() {
    let made =
        |start| [granted(Kind::Make, (0, 10), &["app"]), denied(Kind::Token, (start, start + 5), &["app"])];
    assert_eq!(broken(&record(&made(500))), []);
    assert_eq!(broken(&record(&made(1_011))), [Promise::NothingRefused]);
}

#[test]
fn finds_that_something_acknowledged_was_lost() {
    let lost = [granted(Kind::Make, (0, 10), &["app"]), denied(Kind::Look, (20, 30), &["app"])];
    assert_eq!(broken(&record(&lost)), [Promise::NothingLost]);
    let not_acknowledged = [
        operation(Kind::Make, (0, 10), &["app"], Outcome::Lost("no answer".to_owned())),
        denied(Kind::Look, (20, 30), &["app"]),
    ];
    assert_eq!(broken(&record(&not_acknowledged)), []);
    let forbidden = [
        granted(Kind::Make, (0, 10), &["app"]),
        granted(Kind::Forbid, (12, 15), &["app"]),
        denied(Kind::Look, (20, 30), &["app"]),
        denied(Kind::Token, (1_020, 1_025), &["app"]),
    ];
    assert_eq!(broken(&record(&forbidden)), []);
}

#[test]
fn finds_that_nobody_looked() {
    assert_eq!(broken(&record(&[granted(Kind::Make, (0, 10), &["app"])])), [Promise::AllLookedAt]);
    assert_eq!(broken(&record(&[granted(Kind::Forbid, (0, 10), &["app"])])), [Promise::AllLookedAt]);
    let away = operation(Kind::Look, (20, 30), &["app"], Outcome::Away);
    assert_eq!(broken(&record(&[granted(Kind::Make, (0, 10), &["app"]), away])), [Promise::AllLookedAt]);
    let looked = [granted(Kind::Make, (0, 10), &["app"]), granted(Kind::Look, (20, 30), &["app"])];
    assert_eq!(broken(&record(&looked)), []);
}

#[test]
fn finds_an_acknowledgement_without_a_database() {
    for kind in [Kind::Make, Kind::Forbid, Kind::Allow] {
        let look = if kind == Kind::Forbid { denied } else { granted };
        let mut away = record(&[
            granted(kind, (1_500, 1_510), &["thing"]),
            look(Kind::Token, (9_000, 9_005), &["thing"]),
        ]);
        assert_eq!(broken(&away), []);
        away.outages.push(span(None, 1_000, 5_000));
        assert_eq!(broken(&away), [Promise::NothingAcknowledgedAway]);
        away.outages = vec![span(Some(1), 1_000, 5_000)];
        assert_eq!(broken(&away), []);
    }
}

#[test]
fn finds_that_an_unknown_application_was_turned_away() {
    let mut away = record(&[denied(Kind::Unknown, (2_500, 2_505), &["nobody"])]);
    assert_eq!(broken(&away), []);
    away.outages.push(span(Some(0), 1_000, 5_000));
    assert_eq!(broken(&away), [Promise::NobodyTurnedAway]);
    let given = record(&[granted(Kind::Unknown, (0, 5), &["nobody"])]);
    assert_eq!(broken(&given), [Promise::NobodyTurnedAway]);
    away.operations = vec![operation(Kind::Unknown, (2_500, 2_505), &["nobody"], Outcome::Away)];
    assert_eq!(broken(&away), []);
}

#[test]
fn finds_a_key_that_was_not_published() {
    let signed = |start| with_keys(granted(Kind::Token, (start, start + 5), &["app"]), &["new"]);
    let keys = |start, keys: &[&str]| with_keys(granted(Kind::Keys, (start, start + 5), &[]), keys);
    // After it has signed.
    assert_eq!(broken(&record(&[signed(0), keys(10, &["old"])])), [Promise::KeysPublished]);
    assert_eq!(broken(&record(&[signed(0), keys(10, &["old", "new"])])), []);
    // Before: within five minutes, and longer ago.
    assert_eq!(broken(&record(&[keys(0, &["old"]), signed(200_000)])), [Promise::KeysPublished]);
    assert_eq!(broken(&record(&[keys(0, &["old"]), signed(310_000)])), []);
}
