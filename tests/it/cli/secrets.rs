//! Where secrets come from (standard input, a file, the environment) and where they never go.

use std::process::Output;
use std::sync::Mutex;

use serde_json::Value;

use super::{check_refused, done, members, refused_words, text, token_by_basic, token_by_post};
use crate::support::binary::Installation;

/// C06, C09: an id and a secret of characters that forms and headers escape, from standard input to both methods.
#[test]
fn an_awkward_secret_works_by_both_methods() {
    let (client_id, secret) = ("we ird%+x", "p:a&s=s+w %25");
    let installation = Installation::new();
    let add =
        ["--output", "json", "app", "add", "--name", "Awkward", "--client-id", client_id, "--secret-stdin"];
    let output = installation.run_with_input(&add, format!("{secret}\n").as_bytes());
    let added: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((text(&added, "client_id"), text(&added, "client_secret")), (client_id, secret));

    let server = installation.serve(&[]);
    for (status, answer) in
        [token_by_basic(&server, client_id, secret), token_by_post(&server, client_id, secret)]
    {
        assert_eq!((status, members(&answer)), (200, vec!["access_token", "token_type", "expires_in"]));
    }
    for wrong in ["p:a&s=s w %25", "p:a&s=s+w %", "p:a&s=s+w+%25", "p:a&s=s+w %25 "] {
        assert_eq!(token_by_basic(&server, client_id, wrong).0, 401, "{wrong}");
        assert_eq!(token_by_post(&server, client_id, wrong).0, 401, "{wrong}");
    }
    std::fs::write(installation.folder().join("secret"), secret).unwrap();
    let issuer = format!("http://{}", server.public);
    let get = ["token", "get", "--issuer", &issuer, "--client-id", client_id, "--secret-file", "secret"];
    assert_eq!(text(&installation.json(&get), "token_type"), "Bearer");
}

/// C20: bcrypt would not see what comes after byte 72.
#[test]
fn secrets_that_differ_late_are_different() {
    let installation = Installation::new();
    let secret = "s".repeat(1023);
    let add = ["app", "add", "--name", "x", "--client-id", "x", "--secret-stdin"];
    assert!(installation.run_with_input(&add, format!("{secret}1\r\n").as_bytes()).status.success());
    let server = installation.serve(&[]);
    assert_eq!(token_by_post(&server, "x", &format!("{secret}1")).0, 200);
    assert_eq!(token_by_post(&server, "x", &format!("{secret}2")).0, 401);
    assert_eq!(token_by_post(&server, "x", &secret).0, 401);
}

#[test]
fn what_is_no_secret_is_refused_and_not_repeated() {
    let installation = Installation::new();
    done(&installation, "app add --name x --client-id x");
    let too_long = "t0psecret".repeat(200).into_bytes();
    let huge = vec![b'a'; 64 * 1024 + 1];
    let bad: [&[u8]; 9] = [
        b"",
        b"\n",
        b"\r\n",
        b"t0psecret\ntwo",
        b"t0psecret\0",
        b"t0psecret\xff",
        "t0psecret ä".as_bytes(),
        &too_long,
        &huge,
    ];
    for input in bad {
        for arguments in [
            &["app", "add", "--name", "y", "--secret-stdin"][..],
            &["app", "secret", "add", "x", "--secret-stdin"],
        ] {
            let output = installation.run_with_input(arguments, input);
            check_refused(&output, &[]);
            assert!(!String::from_utf8(output.stderr).unwrap().contains("t0psecret"));
        }
    }
    assert_eq!(done(&installation, "app list").as_array().unwrap().len(), 1);
    assert_eq!(done(&installation, "app secret list x").as_array().unwrap().len(), 1);
}

#[test]
fn a_secret_for_a_token_comes_from_a_file_or_the_environment() {
    let installation = Installation::new();
    let added = done(&installation, "app add --name x --client-id x");
    let server = installation.serve(&[]);
    let issuer = format!("http://{}", server.public);
    let get = ["token", "get", "--issuer", &issuer, "--client-id", "x"];
    refused_words(&installation, &get, &["--secret-file", "CHANCERY_SECRET"]);
    let from_environment =
        |secret: &str| installation.command(&get).env("CHANCERY_SECRET", secret).output().unwrap();
    assert!(from_environment(text(&added, "client_secret")).status.success());
    check_refused(&from_environment("wrong"), &["401", "invalid_client"]);
    check_refused(&from_environment(""), &["CHANCERY_SECRET", "empty"]);
    for (name, content) in
        [("empty", &b""[..]), ("lines", b"\n\n"), ("wrong", b"wrong"), ("bytes", b"\xff\xfe")]
    {
        std::fs::write(installation.folder().join(name), content).unwrap();
        refused_words(&installation, &[&get[..], &["--secret-file", name]].concat(), &[]);
    }
    refused_words(&installation, &[&get[..], &["--secret-file", "absent"]].concat(), &["absent"]);
    refused_words(&installation, &[&get[..], &["--secret-file", "."]].concat(), &["directory"]);
}

/// Every command of a session with its output, and every secret that came up in it.
struct Session {
    installation: Installation,
    secrets: Mutex<Vec<String>>,
    said: Mutex<Vec<u8>>,
}

impl Session {
    /// Runs a command; what it prints on standard error is kept, and on standard output if it shows no new secret.
    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let arguments = [&["--output", "json"], arguments].concat();
        let output = self.installation.run_with_input(&arguments, input.as_bytes());
        let mut said = self.said.lock().unwrap();
        said.extend_from_slice(&output.stderr);
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let secret = answer.get("client_secret").or(answer.get("access_token")).and_then(Value::as_str);
        match secret {
            Some(secret) => self.keep(secret),
            None => said.extend_from_slice(&output.stdout),
        }
        output
    }

    fn keep(&self, secret: &str) {
        self.secrets.lock().unwrap().push(secret.to_owned());
    }

    fn secret(&self, arguments: &[&str], input: &str) -> String {
        let answer: Value = serde_json::from_slice(&self.run(arguments, input).stdout).unwrap();
        text(&answer, "client_secret").to_owned()
    }

    /// Fails if any of the secrets is in `bytes`.
    fn check(&self, place: &str, bytes: &[u8]) {
        for secret in self.secrets.lock().unwrap().iter() {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "a secret is in {place}");
        }
    }
}

#[test]
fn nothing_secret_is_ever_printed_logged_or_stored() {
    let session =
        Session { installation: Installation::new(), secrets: Mutex::default(), said: Mutex::default() };
    let made = session.secret(&["app", "add", "--name", "x", "--client-id", "x"], "");
    let given =
        session.secret(&["app", "add", "--name", "y", "--client-id", "y", "--secret-stdin"], "given-by-them");
    let server = session.installation.serve(&["--log-level", "debug"]);
    let second = session.secret(&["app", "secret", "add", "x", "--label", "second"], "");
    let third = session.secret(&["app", "secret", "add", "y", "--secret-stdin"], "also-given-by-them");
    for wrong in ["wrong-guess-of-a-secret", "x-secret-with-ä-in-it"] {
        session.keep(wrong);
        assert_eq!(token_by_post(&server, "x", wrong).0, 401);
        assert_eq!(token_by_basic(&server, "y", wrong).0, 401);
        assert_eq!(token_by_post(&server, wrong, "x").0, 401, "a secret in the place of the id");
    }
    for (client_id, secret) in [("x", &made), ("x", &second), ("y", &given), ("y", &third)] {
        super::within_one_second(|| token_by_post(&server, client_id, secret).0 == 200);
        let token = text(&token_by_basic(&server, client_id, secret).1, "access_token").to_owned();
        session.keep(&token);
        session.keep(token.rsplit('.').next().unwrap());
        let issuer = format!("http://{}", server.public);
        session.run(&["token", "verify", "--issuer", &issuer, "--audience", "nobody"], &token);
        session.run(&["token", "verify", "--issuer", &issuer], &token);
        session.run(&["token", "inspect"], &token);
        std::fs::write(session.installation.folder().join("secret"), secret).unwrap();
        let get = ["token", "get", "--issuer", &issuer, "--secret-file", "secret", "--client-id"];
        session.run(&[&get[..], &[client_id]].concat(), "");
        session.run(&[&get[..], &["nobody"]].concat(), "");
        server.exchange(format!("GET /oauth2/token?client_secret={secret}&token={token} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes());
        server.exchange(format!("BREW /{secret} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n").as_bytes());
    }
    for arguments in
        [&["app", "list"][..], &["app", "show", "x"], &["app", "secret", "list", "y"], &["key", "list"]]
    {
        session.run(arguments, "");
    }
    session.run(&["app", "secret", "add", "x", "--secret-stdin"], "wrong-guess-of-a-secret\n\n");
    session.run(&["app", "secret", "add", "nobody", "--secret-stdin"], "given-by-them");
    session.keep(std::fs::read_to_string(session.installation.data().join("master.key")).unwrap().trim());
    look_everywhere(&session, server);
}

fn look_everywhere(session: &Session, mut server: crate::support::binary::RunningServer) {
    if let Ok(arguments) = std::fs::read(format!("/proc/{}/cmdline", server.id())) {
        session.check("the arguments of the process", &arguments);
    }
    session.check("what the commands said", &session.said.lock().unwrap());
    for round in ["while serving", "after the stop"] {
        for entry in std::fs::read_dir(session.installation.data()).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap() != "master.key" {
                session.check(&format!("{} {round}", path.display()), &std::fs::read(&path).unwrap());
            }
        }
        if round == "while serving" {
            server.signal("TERM");
            assert!(server.wait().success());
        }
    }
    let log = server.log();
    assert!(log.lines().count() >= 8, "the refusals are not in the log: {log}");
    session.check("the log", log.as_bytes());
}
