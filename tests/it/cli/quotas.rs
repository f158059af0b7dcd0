//! How many tokens there may be, and for how long one is handed out again: settings from the command line.

use serde_json::{Value, json};

use super::{done, refused};
use crate::support::binary::Installation;

/// What is shown of a quota.
fn quota(thing: &Value) -> [&Value; 4] {
    [&thing["tokens_per_minute"], &thing["tokens_per_hour"], &thing["tokens_per_day"], &thing["quota_mode"]]
}

#[test]
fn an_application_has_a_quota_and_reuse_until_they_are_taken_away() {
    let installation = Installation::new();
    let added = done(
        &installation,
        "app add --name x --client-id x --token-reuse-percent 50 --tokens-per-minute 1 --tokens-per-hour 4294967295 \
         --tokens-per-day 5 --quota-mode report",
    );
    assert_eq!(quota(&added), [&json!(1), &json!(4_294_967_295_u32), &json!(5), &json!("report")]);
    assert_eq!(added["token_reuse_percent"], 50);
    let changed = done(&installation, "app set x --token-reuse-percent 90 --tokens-per-hour 60");
    assert_eq!(quota(&changed), [&json!(1), &json!(60), &json!(5), &json!("report")]);
    assert_eq!((&changed["token_reuse_percent"], &changed["version"]), (&json!(90), &json!(2)));
    assert_eq!(done(&installation, "app set x --tokens-per-day 5"), changed);
    let empty = ["--token-reuse-percent", "", "--tokens-per-minute", "", "--quota-mode", ""];
    let changed = installation.json(&[&["app", "set", "x"][..], &empty].concat());
    assert_eq!(quota(&changed), [&json!(null), &json!(60), &json!(5), &json!("enforce")]);
    assert_eq!(changed["token_reuse_percent"], json!(null));
    assert_eq!(done(&installation, "app show x"), changed);
}

#[test]
fn a_tenant_has_a_quota_until_it_is_taken_away() {
    let installation = Installation::new();
    let added = done(
        &installation,
        "tenant add a --host a.example --issuer https://a.example --tokens-per-hour 7 --quota-mode report",
    );
    assert_eq!(quota(&added), [&json!(null), &json!(7), &json!(null), &json!("report")]);
    let changed = done(&installation, "tenant set a --tokens-per-minute 2 --quota-mode enforce");
    assert_eq!(quota(&changed), [&json!(2), &json!(7), &json!(null), &json!("enforce")]);
    assert_eq!(changed["version"], 2);
    let changed =
        installation.json(&["tenant", "set", "a", "--tokens-per-hour", "", "--tokens-per-day", "9"]);
    assert_eq!(quota(&changed), [&json!(2), &json!(null), &json!(9), &json!("enforce")]);
    assert_eq!(done(&installation, "tenant show a"), changed);
}

#[test]
fn what_is_no_quota_is_refused_and_nothing_is_changed() {
    let installation = Installation::new();
    let before = done(&installation, "app add --name x --client-id x");
    let tenant = done(&installation, "tenant show default");
    for (flag, why) in [
        ("--token-reuse-percent 0", "1 to 90 percent"),
        ("--token-reuse-percent 91", "1 to 90 percent"),
        ("--token-reuse-percent 50%", "a whole number of percent, 1 to 90"),
        ("--token-reuse-percent 0.5", "a whole number of percent, 1 to 90"),
    ] {
        refused(&installation, &format!("app set x {flag}"), &[why]);
    }
    for (flag, why) in [
        ("--tokens-per-minute 0", "--tokens-per-minute: \"0\" is no limit: a whole number of tokens"),
        ("--tokens-per-hour=-1", "--tokens-per-hour: \"-1\" is no limit"),
        ("--tokens-per-day 4294967296", "1 to 4294967295"),
        ("--tokens-per-day 1.5", "1 to 4294967295"),
        ("--quota-mode Report", "one of enforce, report"),
    ] {
        refused(&installation, &format!("app set x {flag}"), &[why]);
        refused(&installation, &format!("tenant set default {flag}"), &[why]);
    }
    assert_eq!(done(&installation, "app show x")["version"], before["version"]);
    assert_eq!(done(&installation, "tenant show default"), tenant);
}
