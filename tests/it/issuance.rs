//! The issuance stream, as the built binary writes it: each line whole, none missing, nothing secret in any.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::thread::scope;

use serde_json::{Value, json};

use crate::support::binary::{Installation, RunningServer};

/// The lines of a file; each is JSON.
fn lines(text: &str) -> Vec<Value> {
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

/// What a folder holds, the newest file last.
fn written(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let number = |path: &Path| path.extension().unwrap().to_str().unwrap().parse().unwrap_or(0);
    files.sort_by_key(|path| std::cmp::Reverse(number(path)));
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    files.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

fn stop(server: &mut RunningServer) {
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
}

/// An installation with an application `app` that has the scope `read`; its secret.
fn installation() -> (Installation, String) {
    let installation = Installation::new();
    installation.json(&["scope", "add", "read"]);
    let app = installation.json(&["app", "add", "--name", "x", "--client-id", "app", "--scope", "read"]);
    (installation, app["client_secret"].as_str().unwrap().to_owned())
}

#[test]
fn a_token_and_a_refusal_are_a_line_each() {
    let (installation, secret) = installation();
    let mut server = installation.serve(&["--issuance-to", "stdout"]);
    let (status, answer) = server.token("app", &secret, "read");
    assert_eq!((status, server.token("app", "wrong", "read").0), (200, 401));
    assert_eq!(server.token("nobody", &secret, "read").0, 401);
    server.post("/oauth2/introspect", "token=a&client_id=app&client_secret=wrong");
    stop(&mut server);
    let mut lines = lines(&server.output());
    assert_eq!(lines.len(), 4, "{lines:#?}");
    for line in &mut lines {
        let members = line.as_object_mut().unwrap();
        for made in ["at", "request_id"] {
            assert!(members.shift_remove(made).unwrap().as_str().unwrap().len() > 20);
        }
        assert_eq!(members.shift_remove("tenant").unwrap(), "default");
        assert_eq!(members.shift_remove("source").unwrap(), "127.0.0.1");
    }
    let issued = lines[0].as_object_mut().unwrap();
    let inspected = installation.run_with_input(
        &["--output", "json", "token", "inspect"],
        answer["access_token"].as_str().unwrap().as_bytes(),
    );
    let inspected: Value = serde_json::from_slice(&inspected.stdout).unwrap();
    assert_eq!(issued.shift_remove("kid").unwrap(), inspected["header"]["kid"]);
    assert_eq!(issued.shift_remove("jti").unwrap(), inspected["claims"]["jti"]);
    let secrets = installation.json(&["app", "secret", "list", "app"]);
    assert_eq!(issued.shift_remove("credential").unwrap(), secrets[0]["id"]);
    assert_eq!(issued.shift_remove("expires_at").unwrap().as_str().unwrap()[19..], *".000Z");
    let expected =
        json!({ "event": "token.issued", "client_id": "app", "scope": "read", "audience": ["app"] });
    assert_eq!(lines[0], expected);
    let refused = |event, client_id: Option<&str>, reason, hint: Option<&str>| {
        let error = "invalid_client";
        json!({ "event": event, "client_id": client_id, "error": error, "reason": reason, "hint": hint })
    };
    let (wrong, unknown) = ("the secret is wrong, or was removed", "no application has this client_id");
    assert_eq!(lines[1], refused("token.refused", Some("app"), wrong, None));
    assert_eq!(lines[2], refused("token.refused", None, unknown, Some("… of 6 characters")));
    assert_eq!(lines[3], refused("introspection.refused", Some("app"), wrong, None));
}

#[test]
fn a_token_for_apis_names_them() {
    let installation = Installation::new();
    let api = "https://api.example.com/orders";
    installation.json(&["api", "add", api, "--scope", "orders:read"]);
    let add = ["app", "add", "--name", "x", "--client-id", "app", "--scope", "orders:read"];
    let app = installation.json(&add);
    let mut server = installation.serve(&["--issuance-to", "stdout"]);
    let secret = app["client_secret"].as_str().unwrap();
    assert_eq!(server.token("app", secret, "orders:read").0, 200);
    stop(&mut server);
    let lines = lines(&server.output());
    assert_eq!((&lines[0]["audience"], &lines[0]["scope"]), (&json!([api]), &json!("orders:read")));
}

#[test]
fn files_rotate_and_a_stop_loses_no_line() {
    let (installation, secret) = installation();
    let folder = installation.folder().join("stream");
    fs::create_dir(&folder).unwrap();
    let to = ["--issuance-to", "stream/lines.jsonl", "--issuance-rotate-at", "4KiB"];
    let mut server = installation.serve(&[&to[..], &["--issuance-keep", "1000"]].concat());
    scope(|scope| {
        for caller in 0..4 {
            let (server, secret) = (&server, &secret);
            scope.spawn(move || {
                for number in 0..15 {
                    let stranger = format!("{secret}{caller}.{number}");
                    assert_eq!(server.token(&stranger, secret, secret).0, 401);
                    assert_eq!(server.token("app", secret, "read").0, 200);
                }
            });
        }
    });
    stop(&mut server);
    let files = written(&folder);
    let all: String = files.iter().map(|(_, text)| text.as_str()).collect();
    let events: Vec<Value> = lines(&all).into_iter().map(|line| line["event"].clone()).collect();
    let count = |event: &str| events.iter().filter(|one| **one == event).count();
    assert_eq!((count("token.issued"), count("token.refused"), events.len()), (60, 60, 120));
    assert!(files.len() > 5, "{}", files.len());
    for (name, text) in &files {
        assert!(text.len() <= 4096 && lines(text).len() > 5, "{name}: {text}");
    }
    assert!(!all.contains(&secret) && !all.contains(&secret[10..30]));

    // It goes on in the same file, and of those before only so many stay.
    let mut server = installation.serve(&[&to[..], &["--issuance-keep", "2"]].concat());
    assert_eq!(server.token("app", &secret, "read").0, 200);
    stop(&mut server);
    let goes_on: String = written(&folder).into_iter().map(|(_, text)| text).collect();
    let (_, before) = files.last().unwrap();
    let (_, after) = goes_on.rsplit_once(before.as_str()).unwrap();
    assert_eq!(lines(after)[0]["event"], "token.issued");
}

/// With the commands and the real clock: the same token, a line for each answer, and counts apart.
#[test]
fn a_token_that_is_handed_out_again_says_so() {
    let (installation, secret) = installation();
    installation.json(&["app", "set", "app", "--token-reuse-percent", "90"]);
    let mut server = installation.serve(&["--issuance-to", "stdout"]);
    let tokens: Vec<Value> = (0..3).map(|_| server.token("app", &secret, "read").1).collect();
    assert!(tokens.iter().all(|token| token["access_token"] == tokens[0]["access_token"]));
    stop(&mut server);
    let lines = lines(&server.output());
    let said: Vec<_> = lines.iter().map(|line| (&line["event"], line.get("reused"))).collect();
    let (issued, again) = (json!("token.issued"), json!(true));
    assert_eq!(said, [(&issued, None), (&issued, Some(&again)), (&issued, Some(&again))]);
    assert!(lines.iter().all(|line| line["jti"] == lines[0]["jti"]));
    let counts = installation.json(&["statistics", "--by", "minute"]);
    let of = |outcome: &str| {
        let counts = counts.as_array().unwrap().iter().filter(|one| one["outcome"] == outcome);
        counts.map(|one| one["count"].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!((of("issued"), of("reused"), of("refused")), (1, 2, 0));
    // The hour is not over.
    assert_eq!(installation.json(&["excess", "--over", "hour", "--factor", "1"]), json!([]));
    let shown = String::from_utf8(installation.run(&["excess"]).stdout).unwrap();
    assert!(shown.starts_with("CLIENT ID  ISSUED  REUSED  TOKEN LIFETIME  NEEDED  FACTOR"), "{shown}");
    assert_eq!(installation.run(&["excess", "--factor", "0"]).status.code(), Some(2));
    let said = String::from_utf8(installation.run(&["excess", "--over", "week"]).stderr).unwrap();
    assert!(said.contains("one of hour, day"), "{said}");
}

#[test]
fn each_server_has_a_file_of_its_own_that_it_can_write() {
    let (installation, _) = installation();
    let _server = installation.serve(&["--issuance-to", "mine.jsonl"]);
    let refused = |to: &str| {
        let listen = ["--listen-public", "127.0.0.1:0", "--listen-admin", "127.0.0.1:0"];
        let output = installation.run(&[&["serve"], &listen[..], &["--issuance-to", to]].concat());
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        said.lines()
            .find(|line| line.starts_with("error: issuance.to: "))
            .unwrap_or_else(|| panic!("{said}"))
            .to_owned()
    };
    assert!(refused("mine.jsonl").contains("another server writes it"));
    assert!(refused("nowhere/at/all").contains("No such file"));
    assert!(refused("data").contains("directory"));
}

#[test]
fn what_dev_shows_does_not_mix_with_lines() {
    let installation = Installation::new();
    let mut dev = installation.command(&["dev", "--issuance-to", "stdout"]);
    let output = dev.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{said}");
    assert!(said.starts_with("error: issuance.to: dev shows text"), "{said}");
}

/// Whoever asks after a refusal reads it with the built binary, while the server runs.
#[test]
fn commands_show_counts_and_explain() {
    let (installation, secret) = installation();
    let mut server = installation.serve(&[]);
    assert_eq!(server.token("app", &secret, "read").0, 200);
    let form = "grant_type=client_credentials&client_id=app&client_secret=wrong";
    let answer = server.exchange(
        format!(
            "POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        )
        .as_bytes(),
    );
    let id = answer.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap().to_owned();
    let started = tokio::time::Instant::now();
    let explained = loop {
        let output = installation.run(&["explain", &id]);
        if output.status.success() {
            break String::from_utf8(output.stdout).unwrap();
        }
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("kept for 7 days") && said.lines().count() == 1, "{said}");
        assert!(started.elapsed() < crate::support::binary::PATIENCE, "{said}");
    };
    for words in
        ["tenant      default", "client_id   app", "error       invalid_client", "mend        Compare"]
    {
        assert!(explained.contains(words), "{words:?} is not in {explained}");
    }
    stop(&mut server);
    assert_eq!(server.output(), "");
    let counts = installation.json(&["statistics", "--by", "minute", "--application", "app"]);
    assert_eq!((&counts[0]["outcome"], &counts[0]["count"]), (&json!("issued"), &json!(1)));
    assert_eq!((&counts[1]["outcome"], &counts[1]["count"]), (&json!("refused"), &json!(1)));
    let mut text = String::new();
    installation.run(&["statistics", "--since", "1d"]).stdout.as_slice().read_to_string(&mut text).unwrap();
    assert!(text.starts_with("START ") && text.contains(" CLIENT ID  OUTCOME  REASON "), "{text}");
    assert!(text.contains("T00:00:00.000Z  app        issued   -  "), "{text}");
    for (arguments, words) in [
        (&["explain", "x"][..], "not a request id"),
        (&["statistics", "--by", "hour"], "one of minute, day"),
        (&["statistics", "--since", "yesterday"], "not a duration"),
    ] {
        let output = installation.run(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && said.contains(words), "{said}");
    }
}
