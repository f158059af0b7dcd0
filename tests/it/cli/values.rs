//! Values that cannot be accepted: empty, too long, of the wrong type, hostile. Each is refused in one line.

use std::process::Command;

use super::refusals::{everything, with_an_application};
use super::{check_refused, refused_words, split};
use crate::support::binary::Installation;

/// The end of a command that lacks its last value, values for it, and what the refusal must say.
type Case<'of> = (&'of str, &'of [&'of str], &'of str);

fn check(cases: &[Case<'_>]) {
    let installation = with_an_application();
    let before = everything(&installation);
    for (line, values, word) in cases {
        for value in *values {
            refused_words(&installation, &[&split(line)[..], &[*value]].concat(), &[word]);
        }
    }
    assert_eq!(everything(&installation), before);
}

fn long(length: usize) -> String {
    "a".repeat(length)
}

#[test]
fn of_an_application_are_refused_in_one_line() {
    check(&[
        ("app add --name", &["", " ", "a\nb", "\u{1b}[31mred", &long(201)], "the name"),
        ("app set x --name", &["", "\t", "a\u{7f}", &long(201)], "the name"),
        ("app add --name a --client-id", &["", "a\tb", "ä", "a\u{7f}", &long(129)], "not a client id"),
        ("app add --name a --type", &["", "M2M", "m2m ", "machine", &long(5000)], "m2m, web, spa, native"),
        (
            "app add --name a --scope",
            &["a b", " read", "read\n", "\"", "a\\b", "ä", &long(129)],
            "scope name",
        ),
        ("app add --name a --scope", &["READ", "write"], "scope add"),
        ("app add --name a --scope read --scope", &[""], "scope name is empty"),
        ("app add --name a --default-scope", &["read"], "not among the application's scopes"),
        ("app set x --grant", &["password", "implicit", "Client_Credentials"], "client_credentials"),
        ("app set x --auth-method", &["none", "private_key_jwt", "basic"], "client_secret_basic"),
    ]);
}

#[test]
fn of_secrets_and_durations_are_refused_in_one_line() {
    check(&[
        ("app set x --token-lifetime", &[" ", "5", "m", "1.5h", "5M", "5 m", "٥m", &long(9)], "90s, 5m"),
        ("app set x --token-lifetime", &["99999999999999999999d", "+5m", "24h1s"], "90s, 5m"),
        ("app set x --token-lifetime", &["0s", "59s", "25h", "2d"], "60s to 24h"),
        ("app set x --token-lifetime", &["40000d"], "100 years"),
        ("app secret add x --expires", &["1y", "", "1"], "90s, 5m"),
        ("app secret add x --expires", &["0s", "0d"], "at least 1s"),
        ("app secret add x --label", &[" ", "a\nb", &long(101)], "the label"),
        ("app secret remove x", &["", "1", "x", "00000000-0000-0000-0000-000000000000"], "no secret with id"),
    ]);
}

#[test]
fn of_a_scope_are_refused_in_one_line() {
    check(&[
        ("scope add", &["", "a b", "read ", "é", "\"", "\\", "a\nb", &long(129)], "scope name"),
        ("scope add", &["read"], "exists already"),
        ("scope add a --description", &["a\nb", &long(501)], "the description"),
        ("scope set read --description", &["a\u{85}b", &long(501)], "the description"),
        ("scope remove", &["read"], "still granted"),
    ]);
}

#[test]
fn of_a_tenant_are_refused_in_one_line() {
    let url = format!("https://{}", long(250));
    let no_https = ["", "y.example", "ftp://y.example", "http://y.example", "https://", "https://y example"];
    let no_issuer = ["https://y.example/", "https://Y.example", "https://y.example?q", "https://y.example#f"];
    let no_host = ["https://u:p@y.example", "https://y.example:443", "https://y.example/a/../b", &url];
    check(&[
        ("tenant add --host y --issuer https://y", &["", "Y", "a b", "ä", "../y", &long(64)], "tenant name"),
        ("tenant add y --host y --issuer", &no_https, "issuer"),
        ("tenant add y --host y --issuer", &no_issuer, "issuer"),
        ("tenant add y --host y --issuer", &no_host, "issuer"),
        ("tenant set default --issuer", &no_https, "issuer"),
        (
            "tenant add y --issuer https://y --host",
            &["", "a b", "https://y", "y:x", "ä", &long(261)],
            "a host",
        ),
        ("tenant set default --host", &["", "[::1", "a..b", "a/b"], "a host"),
        ("tenant add default --host y --issuer", &["https://y"], "tenant list"),
        ("tenant add y --host localhost:8080 --issuer", &["https://y"], "tenant list"),
        ("tenant add y --host y --issuer", &["http://127.0.0.1:8080"], "tenant list"),
    ]);
}

#[test]
fn of_a_setting_are_refused_in_one_line() {
    check(&[
        ("app list --tenant", &["", "Default", "a\u{1b}]0;title\u{7}"], "no tenant"),
        (
            "app list --store",
            &["", "mysql:x", "postgres://u:p@h", "sqlite::memory:", "sqlite:a?b"],
            "store.url",
        ),
        ("migrate --store", &["sqlite:absent/\u{7f}", "sqlite:"], "store.url"),
        ("app list --config", &["absent\n.toml", "absent", &long(5000)], ""),
    ]);
    let installation = Installation::new();
    for data in ["", "a\nb", &long(5000)] {
        let mut command = Command::new(installation.command(&[]).get_program());
        command.env_clear().current_dir(installation.folder()).args(["app", "list", "--data", data]);
        check_refused(&command.output().unwrap(), &["data"]);
    }
}
