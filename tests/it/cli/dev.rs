//! `chancery dev`: everything at once, again and again on the same data, until Ctrl-C.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::Value;

use super::{check_refused, done, text};
use crate::support::binary::Installation;

const DEV: [&str; 5] = ["dev", "--listen-public", "127.0.0.1:0", "--listen-admin", "127.0.0.1:0"];

struct Dev {
    child: Child,
    said: String,
}

/// Starts it and reads what it prints up to the last line.
fn start(installation: &Installation) -> Dev {
    let mut child = installation.command(&DEV).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap());
    while !said.contains("Ctrl-C") {
        if lines.read_line(&mut said).unwrap() == 0 {
            let mut trouble = String::new();
            child.stderr.take().unwrap().read_to_string(&mut trouble).unwrap();
            panic!("it ended too early: {said}{trouble}");
        }
    }
    Dev { child, said }
}

impl Dev {
    fn curl_line(&self) -> &str {
        self.said.lines().find(|line| line.starts_with("curl ")).unwrap()
    }

    fn secret(&self) -> &str {
        self.curl_line().split("client_secret=").nth(1).unwrap().split(' ').next().unwrap()
    }

    /// Interrupts it as Ctrl-C does; its status and what it said on standard error.
    fn interrupt(&mut self) -> (ExitStatus, String) {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let mut trouble = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut trouble).unwrap();
        (self.child.wait().unwrap(), trouble)
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn shows_a_token_and_how_to_get_one_and_runs_again() {
    let installation = Installation::new();
    let mut first = start(&installation);
    for words in
        ["\"expires_in\": 29", "\"scope\": \"identity_proofing\"", "\"alg\": \"RS256\"", "\"sub\": \"demo\""]
    {
        assert!(first.said.contains(words), "{words} is not in {}", first.said);
    }
    if let Some(answer) = paste(first.curl_line()) {
        assert_eq!((text(&answer, "token_type"), text(&answer, "scope")), ("Bearer", "identity_proofing"));
    }
    let shown = done(&installation, "app show demo");
    assert_eq!(shown["secrets"].as_array().unwrap().len(), 1);

    let (status, trouble) = first.interrupt();
    assert_eq!((status.code(), trouble.as_str()), (Some(0), ""));
    let mut second = start(&installation);
    assert_eq!(second.secret(), first.secret());
    assert_eq!(second.interrupt().0.code(), Some(0));
    assert_eq!(done(&installation, "app show demo")["secrets"].as_array().unwrap().len(), 1);
}

/// Runs the line as a shell would when it is pasted; nothing where there is no curl.
fn paste(line: &str) -> Option<Value> {
    let output = Command::new("sh").args(["-c", line]).output().unwrap();
    match output.status.code() {
        Some(127) => None,
        status => {
            assert_eq!(status, Some(0), "{line}: {}", String::from_utf8_lossy(&output.stderr));
            Some(serde_json::from_slice(&output.stdout).unwrap())
        }
    }
}

#[test]
fn mends_what_was_taken_away_between_two_runs() {
    let installation = Installation::new();
    let mut first = start(&installation);
    first.interrupt();
    let listed = done(&installation, "app secret list demo");
    installation.json(&["app", "secret", "remove", "demo", text(&listed[0], "id")]);
    let mut second = start(&installation);
    assert_ne!(second.secret(), first.secret());
    second.interrupt();
    done(&installation, "app remove demo");
    done(&installation, "scope remove identity_proofing");
    let mut third = start(&installation);
    assert_ne!(third.secret(), second.secret());
    assert_eq!(third.interrupt().0.code(), Some(0));
}

#[test]
fn says_why_it_cannot_show_a_token() {
    let installation = Installation::new();
    start(&installation).interrupt();
    done(&installation, "app set demo --enabled false");
    let last_line = || {
        let mut output = installation.run(&DEV);
        let start = output.stderr.windows(6).rposition(|bytes| bytes == b"error:").unwrap();
        output.stderr.drain(..start);
        output
    };
    check_refused(&last_line(), &["401", "invalid_client"]);
    installation.json(&["app", "set", "demo", "--enabled", "true", "--scope", ""]);
    check_refused(&last_line(), &["400", "invalid_scope"]);
}
