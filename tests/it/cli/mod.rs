//! The command line, as whole processes: what it promises to programs and shows to people.

use std::ffi::OsStr;
use std::process::Output;
use std::time::Duration;

use data_encoding::BASE64;
use serde_json::Value;
use tokio::time::Instant;

use crate::support::binary::{Installation, RunningServer, status};

mod apis;
/// The audit, and what becomes of it when somebody has been at it.
mod audit;
/// `backup` and `restore`.
mod backup;
/// `dev`, from its first start to Ctrl-C.
mod dev;
/// `doctor`, on installations that are in order and that are not.
mod doctor;
/// An issuer that signs what no server would.
mod forged;
/// The exact forms other programs rely on.
mod forms;
/// Applications from other servers.
mod import;
/// Signing keys that an operator rotates and revokes.
mod keys;
/// A change and the server that is running.
mod live;
/// The master key is changed while servers run.
mod master_key;
/// `store copy`, while servers run.
mod moving;
/// The same, to PostgreSQL and back.
mod moving_postgres;
/// People who administer.
mod operators;
/// Quotas and reuse of tokens.
mod quotas;
/// Wrong usage, and what is unknown or was removed.
mod refusals;
/// The registry as a file.
mod registry;
/// Where secrets come from, and where they never go.
mod secrets;
/// What people see, print-out by print-out.
mod shown;
/// The master key, the schema, first starts, the issuer's setting.
mod starts;
/// `token get`, `token inspect`, `token verify`.
mod token;
/// Values that cannot be accepted.
mod values;

/// Checks that a command was refused: status 1, nothing on standard output, one line on standard error which holds
/// all of `words`.
fn check_refused(output: &Output, words: &[&str]) {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    assert!(said.starts_with("error: ") && said.ends_with('\n'), "{said:?}");
    assert_eq!(
        said.trim_end_matches('\n').chars().filter(|character| character.is_control()).count(),
        0,
        "{said:?}"
    );
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
}

/// Runs a command, given as its words, that must be refused.
fn refused(installation: &Installation, line: &str, words: &[&str]) {
    refused_words(installation, &split(line), words);
}

/// The same for a command whose values are empty or hold white space.
fn refused_words(installation: &Installation, arguments: &[&str], words: &[&str]) {
    check_refused(&installation.run(arguments), words);
}

/// Runs a command, given as its words, that must succeed, and reads the one JSON document it prints.
fn done(installation: &Installation, line: &str) -> Value {
    installation.json(&split(line))
}

fn split(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// Runs a command whose usage is wrong: status 2, nothing on standard output, an explanation on standard error.
fn wrong_usage<A: AsRef<OsStr>>(installation: &Installation, arguments: &[A]) -> String {
    let output = installation.command(&[]).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(output.stdout.is_empty() && !said.contains("panicked"), "{said}");
    said
}

/// Asks again and again. What was asked a second after the change must have the new answer; most have it earlier.
fn within_one_second(holds: impl Fn() -> bool) {
    let changed = Instant::now();
    loop {
        let is_late = changed.elapsed() >= Duration::from_secs(1);
        if holds() {
            return;
        }
        assert!(!is_late, "the server did not act on the change within a second");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The names of an object's members, in order.
fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// A member that is text.
fn text<'of>(value: &'of Value, name: &str) -> &'of str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// Form-encoded (RFC 6749 App. B).
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        byte if byte.is_ascii_alphanumeric() || b"*-._".contains(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// A token request with the secret by Basic (RFC 6749 §2.3.1): status and body.
fn token_by_basic(server: &RunningServer, client_id: &str, secret: &str) -> (u16, Value) {
    let pair = BASE64.encode(format!("{}:{}", encoded(client_id), encoded(secret)).as_bytes());
    ask(server, &format!("Authorization: Basic {pair}\r\n"), "grant_type=client_credentials")
}

/// A token request with the secret in the form: status and body.
fn token_by_post(server: &RunningServer, client_id: &str, secret: &str) -> (u16, Value) {
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        encoded(client_id),
        encoded(secret)
    );
    ask(server, "", &form)
}

fn ask(server: &RunningServer, field: &str, form: &str) -> (u16, Value) {
    let answer = server.exchange(
        format!(
            "POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{field}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        )
        .as_bytes(),
    );
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    (status(head), serde_json::from_str(body).unwrap())
}
