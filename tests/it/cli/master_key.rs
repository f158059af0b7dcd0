//! The master key is changed while servers run: no key is lost and no secret has to be renewed.

use std::fs;

use serde_json::Value;

use super::{check_refused, done, text, token_by_post};
use crate::support::binary::{Installation, RunningServer};

/// Runs a command that must succeed with this master key.
fn done_with(installation: &Installation, master: &str, arguments: &[&str]) -> Value {
    let mut command = installation.command(&[&["--output", "json"], arguments].concat());
    let output = command.env("CHANCERY_KEYS_MASTER", master).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn check_all(server: &RunningServer, secrets: &[String]) {
    for (number, secret) in secrets.iter().enumerate() {
        assert_eq!(token_by_post(server, "x", secret).0, 200, "secret {number}: {}", server.log());
    }
    assert_eq!(token_by_post(server, "x", "wrong").0, 401);
}

#[test]
fn every_secret_and_every_key_survives_two_changes_of_the_master_key() {
    let installation = Installation::new();
    let added = done(&installation, "app add --name x --client-id x");
    let mut secrets = vec![text(&added, "client_secret").to_owned()];
    let kid = text(&done(&installation, "key list")[0], "kid").to_owned();
    fs::write(installation.folder().join("second"), format!("{}\n", "5a".repeat(32))).unwrap();
    fs::write(installation.folder().join("third"), format!("{}\n", "6b".repeat(32))).unwrap();
    let own = installation.data().join("master.key").to_str().unwrap().to_owned();
    check_all(&installation.serve(&[]), &secrets);

    for (old, new) in [(own.as_str(), "second"), ("second", "third")] {
        let server = installation.serve(&["--keys-master", old, "--keys-accept", new]);
        let resealed = done_with(&installation, old, &["key", "reseal", "--to", new]);
        assert_eq!((&resealed["signing_keys"], text(&resealed, "result")), (&1.into(), "sealed anew"));
        check_all(&server, &secrets);
        // The old master key alone opens nothing any more, and says so.
        let mut late = installation.command(&["app", "list"]);
        let late = late.env("CHANCERY_KEYS_MASTER", old).output().unwrap();
        check_refused(&late, &["is sealed under master key", "keys.master"]);
        drop(server);

        let server = installation.serve(&["--keys-master", new, "--keys-accept", old]);
        let more = done_with(&installation, new, &["app", "secret", "add", "x"]);
        secrets.push(text(&more, "client_secret").to_owned());
        super::within_one_second(|| token_by_post(&server, "x", secrets.last().unwrap()).0 == 200);
        check_all(&server, &secrets);
        let again = done_with(&installation, new, &["key", "reseal"]);
        assert_eq!(text(&again, "result"), "nothing was left to do");
        drop(server);
        check_all(&installation.serve(&["--keys-master", new]), &secrets);
    }
    let keys = done_with(&installation, "third", &["key", "list"]);
    assert_eq!((keys.as_array().unwrap().len(), text(&keys[0], "kid")), (1, kid.as_str()));
}

#[test]
fn a_second_master_key_that_cannot_be_read_stops_the_command() {
    let installation = Installation::new();
    done(&installation, "app list");
    fs::write(installation.folder().join("no-key"), "hello\n").unwrap();
    for (named, word) in [("absent", "absent"), ("no-key", "256 bits"), ("env:ABSENT", "environment")] {
        let output = installation.command(&["app", "list"]).env("CHANCERY_KEYS_ACCEPT", named).output();
        check_refused(&output.unwrap(), &["keys.accept", word]);
        check_refused(&installation.run(&["key", "reseal", "--to", named]), &["--to", word]);
    }
}
