//! Wrong usage (status 2) and what cannot be accepted (status 1): absent, empty, twice, too long, of the wrong type,
//! not UTF-8, hostile, unknown, removed. Nothing of it changes anything.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde_json::Value;

use super::{check_refused, done, refused, refused_words, wrong_usage};
use crate::support::binary::Installation;

/// An application `x` with the scope `read`.
pub(super) fn with_an_application() -> Installation {
    let installation = Installation::new();
    done(&installation, "scope add read");
    done(&installation, "app add --name x --client-id x --scope read");
    installation
}

/// Everything there is, as the commands tell it.
pub(super) fn everything(installation: &Installation) -> Vec<Value> {
    let lists: [&[&str]; 5] =
        [&["tenant", "list"], &["app", "list"], &["app", "show", "x"], &["scope", "list"], &["key", "list"]];
    lists.iter().map(|list| installation.json(list)).collect()
}

#[test]
fn wrong_usage_is_explained() {
    let installation = with_an_application();
    let before = everything(&installation);
    let lines = "
        |frob|app|app frob|app list x|app show|app show x y|app add|app add --name|app add --name a --name b
        |app add --name a --frob|app add --name a --client-id a --client-id b|app add --name a --secret chy_x
        |app add --name a --client-secret x|app add --name a --type m2m --type web|app add --name a --secret-stdin=x
        |app add --name a --token-lifetime 5m --token-lifetime 6m|app set|app set x --enabled|app set x --enabled yes|app set x --token-lifetime -5m
        |app set x --enabled true --enabled false|app set x --type spa|app set x --secret-stdin|app remove
        |app secret|app secret add|app secret add x chy_x|app secret add x --secret y|app secret remove x
        |app secret add x --expires 1d --expires 2d|app secret list|tenant add|tenant add y --issuer https://y.example
        |tenant add y --host y.example|tenant add y --host y --issuer https://y --issuer https://z|tenant show
        |tenant set x --enabled 1|scope add|scope add a b|scope set read|scope add a --description b --description c
        |key|key list x|key rotate x|key revoke|key revoke x y|key reseal x|migrate now|token|token get --client-id x|token get --issuer http://127.0.0.1:1
        |token get --issuer http://127.0.0.1:1 --client-id x --secret y|token verify|token inspect a.b.c
        |serve now|serve --listen-public 127.0.0.1:0 --listen-public 127.0.0.1:0|dev --demo|--output xml app list
        |--output json --output json app list|--data a --data b app list|--tenant a --tenant b app list";
    for line in lines.split('|') {
        let said = wrong_usage(&installation, &line.split_whitespace().collect::<Vec<_>>());
        assert!(said.contains("Usage: chancery") || said.contains("try '--help'"), "{line}: {said}");
    }
    assert_eq!(everything(&installation), before);
}

#[test]
fn help_and_version_are_no_failure() {
    let installation = Installation::new();
    for arguments in
        [&["--help"][..], &["app", "secret", "add", "--help"], &["help", "token"], &["--version"]]
    {
        let output = installation.run(arguments);
        assert!(output.status.success() && output.stderr.is_empty());
        assert!(String::from_utf8(output.stdout).unwrap().contains("chancery"));
    }
    assert!(!installation.data().exists(), "asking for help made a data folder");
}

#[test]
fn text_that_is_not_utf_8_is_wrong_usage() {
    let installation = with_an_application();
    let before = everything(&installation);
    let bad = OsStr::from_bytes(b"a\xff\xfeb");
    for line in [
        "app add --name",
        "app add --name a --client-id",
        "app add --name a --scope",
        "app add --name a --type",
        "app show",
        "app set x --name",
        "app set x --enabled",
        "app remove",
        "app secret add",
        "app secret add x --label",
        "app secret remove x",
        "scope add",
        "scope add a --description",
        "tenant add",
        "tenant show",
        "--tenant",
        "token verify --issuer",
        "token get --client-id",
        "serve --listen-public",
        "--data",
        "--store",
        "--output",
        "",
    ] {
        let arguments: Vec<_> = line.split_whitespace().map(OsStr::new).chain([bad]).collect();
        wrong_usage(&installation, &arguments);
    }
    let list = |name: &str| installation.command(&["app", "list"]).env(name, bad).output().unwrap();
    assert_eq!(list("CHANCERY_TENANT").status.code(), Some(2));
    check_refused(&list("CHANCERY_CONFIG"), &[]);
    check_refused(&list("CHANCERY_ISSUER"), &["issuer", "not UTF-8"]);
    let file =
        [OsStr::new("token"), OsStr::new("get"), OsStr::new("--issuer"), OsStr::new("http://127.0.0.1:1")];
    let file = file.into_iter().chain(["--client-id", "x", "--secret-file"].map(OsStr::new)).chain([bad]);
    check_refused(&installation.command(&[]).args(file).output().unwrap(), &["No such file"]);
    assert_eq!(everything(&installation), before);
}

#[test]
fn what_is_unknown_or_was_removed_is_named_with_a_way_on() {
    let installation = with_an_application();
    for scope in ["gone", "also-gone"] {
        installation.json(&["scope", "add", scope]);
        installation.json(&["scope", "remove", scope]);
    }
    done(&installation, "app add --name gone --client-id gone");
    done(&installation, "app remove gone");
    for client_id in ["gone", "never", "X", "x ", "", "a\u{1b}[2J"] {
        let all: [&[&str]; 6] = [
            &["app", "show", client_id],
            &["app", "set", client_id, "--enabled", "true"],
            &["app", "remove", client_id],
            &["app", "secret", "add", client_id],
            &["app", "secret", "list", client_id],
            &["app", "secret", "remove", client_id, "00000000-0000-0000-0000-000000000000"],
        ];
        for arguments in all {
            refused_words(
                &installation,
                arguments,
                &["there is no application with client id", "chancery app list"],
            );
        }
    }
    refused(&installation, "app set x --scope gone", &["no scope \"gone\"", "chancery scope add"]);
    refused(&installation, "scope set gone --description a", &["no scope \"gone\""]);
    refused(&installation, "scope show READ", &["no scope \"READ\"", "chancery scope list"]);
    refused(&installation, "tenant set gone --enabled true", &["no tenant \"gone\""]);
    refused(&installation, "app add --name y --client-id x", &["\"x\" exists already"]);

    // What was removed can be added again, and is then another one.
    done(&installation, "app add --name again --client-id gone");
    assert_eq!(done(&installation, "app show gone")["secrets"].as_array().unwrap().len(), 1);
    refused(&installation, "scope remove read", &["still granted", "app set"]);
    installation.json(&["app", "set", "x", "--scope", ""]);
    done(&installation, "scope remove read");
}

#[test]
fn all_mistakes_in_the_settings_are_told_at_once() {
    let installation = Installation::new();
    std::fs::write(
        installation.folder().join("c.toml"),
        "listen.public = 8080\nissuer = \"http://a.example\"\n[log]\nlevle = \"x\"\nformat = \"xml\"\n",
    )
    .unwrap();
    let output = installation
        .command(&["--config", "c.toml", "serve"])
        .env("CHANCERY_LISTEN_ADMIN", "nowhere")
        .output();
    let output = output.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    for name in ["listen.public", "listen.admin", "issuer", "log.format", "log.level"] {
        assert!(said.contains(name), "{name} is not in {said}");
    }
    assert!(!installation.data().exists(), "a data folder was made with wrong settings");
}
