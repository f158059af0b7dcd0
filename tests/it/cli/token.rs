//! `token get`, `token inspect` and `token verify` against a server that runs.

use serde_json::{Value, json};

use super::{check_refused, done, members, refused_words, text, wrong_usage};
use crate::support::binary::{Installation, RunningServer};

/// An application `x` with the scopes `read` and `write`, its secret in the file `secret`, a server, its issuer.
fn served(arguments: &[&str]) -> (Installation, RunningServer, String) {
    let installation = Installation::new();
    done(&installation, "scope add read");
    done(&installation, "scope add write");
    let add = ["app", "add", "--name", "x", "--client-id", "x", "--scope", "read", "--scope", "write"];
    let secret = text(&installation.json(&add), "client_secret").to_owned();
    std::fs::write(installation.folder().join("secret"), secret).unwrap();
    let server = installation.serve(arguments);
    let issuer = format!("http://{}", server.public);
    (installation, server, issuer)
}

fn get(installation: &Installation, issuer: &str, arguments: &[&str]) -> Value {
    let get = ["token", "get", "--issuer", issuer, "--client-id", "x", "--secret-file", "secret"];
    installation.json(&[&get[..], arguments].concat())
}

#[test]
fn a_token_is_got_inspected_and_verified() {
    let (installation, _server, issuer) = served(&[]);
    let answer = get(&installation, &issuer, &[]);
    assert_eq!(members(&answer), ["access_token", "scope", "token_type", "expires_in"]);
    assert_eq!(text(&answer, "scope"), "read write");
    assert!((290..300).contains(&answer["expires_in"].as_u64().unwrap()), "{answer}");
    let narrowed = get(&installation, &issuer, &["--scope", "write"]);
    assert_eq!(text(&narrowed, "scope"), "write");
    for both in [&["--scope", "write", "--scope", "read"][..], &["--scope", "write read"]] {
        assert_eq!(text(&get(&installation, &issuer, both), "scope"), "write read");
    }

    let token = text(&answer, "access_token");
    let inspected = installation.run_with_input(&["--output", "json", "token", "inspect"], token.as_bytes());
    assert!(inspected.status.success());
    assert_eq!(String::from_utf8(inspected.stderr).unwrap(), "the signature was not verified\n");
    let decoded: Value = serde_json::from_slice(&inspected.stdout).unwrap();
    assert_eq!(members(&decoded), ["header", "claims"]);
    assert_eq!(members(&decoded["header"]), ["kid", "typ", "alg"]);
    assert_eq!(members(&decoded["claims"]), ["sub", "aud", "nbf", "scope", "iss", "exp", "iat", "jti"]);
    for audience in [&[][..], &["--audience", "x"]] {
        let verify = [&["--output", "json", "token", "verify", "--issuer", &issuer], audience].concat();
        let verified = installation.run_with_input(&verify, format!("  {token}\n").as_bytes());
        assert!(verified.status.success() && verified.stderr.is_empty());
        assert_eq!(serde_json::from_slice::<Value>(&verified.stdout).unwrap(), decoded);
    }
}

#[test]
fn a_token_is_asked_about_and_given_back() {
    let (installation, _server, issuer) = served(&[]);
    let token = text(&get(&installation, &issuer, &[]), "access_token").to_owned();
    let run = |command: &str, client_id: &str, token: &str| {
        let caller = ["--issuer", &issuer, "--client-id", client_id, "--secret-file", "secret"];
        let arguments = [&["--output", "json", "token", command], &caller[..]].concat();
        installation.run_with_input(&arguments, token.as_bytes())
    };
    let answer = |command: &str| {
        let output = run(command, "x", &format!("{token}\n"));
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let active = answer("introspect");
    assert_eq!((&active["active"], text(&active, "scope")), (&json!(true), "read write"));
    check_refused(&run("revoke", "y", &token), &["/oauth2/revoke", "401", "invalid_client"]);
    check_refused(&run("introspect", "y", &token), &["/oauth2/introspect", "401", "invalid_client"]);
    for _ in 0..2 {
        assert_eq!(answer("revoke"), json!({ "revoked": true }));
    }
    assert_eq!(answer("introspect"), json!({ "active": false }));
    check_refused(&run("revoke", "x", ""), &["standard input", "empty"]);
}

#[test]
fn a_refusal_by_the_server_is_told() {
    let (installation, _server, issuer) = served(&[]);
    let get = ["token", "get", "--issuer", &issuer, "--secret-file", "secret", "--client-id"];
    refused_words(&installation, &[&get[..], &["y"]].concat(), &["401", "invalid_client"]);
    refused_words(&installation, &[&get[..], &["x", "--scope", "admin"]].concat(), &["400", "invalid_scope"]);
    refused_words(&installation, &[&get[..], &["x", "--scope", ""]].concat(), &["scope name is empty"]);
    refused_words(&installation, &[&get[..], &["x", "--scope", "a\nb"]].concat(), &["not a scope name"]);
}

/// No secret goes over the network in the clear, from this side either.
#[test]
fn nothing_is_sent_over_plain_http_beyond_loopback() {
    let installation = Installation::new();
    std::fs::write(installation.folder().join("secret"), "secret").unwrap();
    for issuer in [
        "http://example.com",
        "http://192.0.2.1:8080",
        "http://localhost.example.com",
        "http://[2001:db8::1]",
    ] {
        let get = ["token", "get", "--issuer", issuer, "--client-id", "x", "--secret-file", "secret"];
        refused_words(&installation, &get, &["issuer", "must be https"]);
        let output = installation.run_with_input(&["token", "verify", "--issuer", issuer], b"a.b.c");
        check_refused(&output, &["issuer", "must be https"]);
    }
    let nobody =
        ["token", "get", "--issuer", "http://127.0.0.1:1", "--client-id", "x", "--secret-file", "secret"];
    refused_words(&installation, &nobody, &["http://127.0.0.1:1/", "refused"]);
}

fn verify(installation: &Installation, token: &str, arguments: &[&str], word: &str) {
    let arguments = [&["token", "verify"], arguments].concat();
    check_refused(
        &installation.run_with_input(&arguments, token.as_bytes()),
        &["the token is refused", word],
    );
}

#[test]
fn a_token_that_cannot_be_relied_on_is_refused_with_the_reason() {
    let (installation, server, issuer) = served(&[]);
    let token = text(&get(&installation, &issuer, &[]), "access_token").to_owned();
    let asked = ["--issuer", issuer.as_str()];
    for audience in ["y", "X", "", "x "] {
        verify(
            &installation,
            &token,
            &["--issuer", &issuer, "--audience", audience],
            "meant for somebody else",
        );
    }
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("{token}") };
    let swapped = if signature.starts_with('A') { "B" } else { "A" };
    let tampered = format!("{header}.{claims}.{swapped}{}", &signature[1..]);
    verify(&installation, &tampered, &asked, "signature does not verify");
    let encode = |text: &str| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
    let decoded = data_encoding::BASE64URL_NOPAD.decode(claims.as_bytes()).unwrap();
    let raised = encode(&String::from_utf8(decoded).unwrap().replace("read", "admin"));
    verify(&installation, &format!("{header}.{raised}.{signature}"), &asked, "signature does not verify");
    let none = encode(r#"{"alg":"none","typ":"JWT"}"#);
    verify_any(&installation, &format!("{none}.{claims}."), &asked, "algorithm is not accepted");
    for broken in [
        "a",
        "a.b",
        "a.b.c.d",
        &format!("{token}="),
        &format!("{token}.{token}"),
        "ä.b.c",
        &"a".repeat(20_000),
    ] {
        verify_any(&installation, broken, &asked, "not a compact JWS");
    }
    check_refused(&installation.run_with_input(&["token", "verify", "--issuer", &issuer], b"\n"), &["empty"]);

    let (_other, _other_server, other_issuer) = served(&[]);
    verify(&installation, &token, &["--issuer", &other_issuer], "no key of the issuer has its kid");
    drop(server);
    let server = installation.serve(&[]);
    let moved = format!("http://{}", server.public);
    verify(&installation, &token, &["--issuer", &moved], "its iss is not the issuer asked");
    check_refused(
        &installation.run_with_input(&["token", "verify", "--issuer", &issuer], token.as_bytes()),
        &[&issuer],
    );
}

/// For text that may be refused before the issuer is asked.
fn verify_any(installation: &Installation, token: &str, arguments: &[&str], word: &str) {
    verify(installation, token, arguments, word);
    check_refused(&installation.run_with_input(&["token", "inspect"], token.as_bytes()), &[]);
}

#[test]
fn an_issuer_is_asked_by_exactly_its_name() {
    let (installation, server, _) = served(&["--issuer", "http://localhost:9/tenant"]);
    let port = server.public.port();
    let get = |issuer: &str, words: &[&str]| {
        let get = ["token", "get", "--issuer", issuer, "--client-id", "x", "--secret-file", "secret"];
        refused_words(&installation, &get, words);
    };
    get(&format!("http://127.0.0.1:{port}"), &["404"]);
    get(&format!("http://127.0.0.1:{port}/tenant"), &["name another issuer"]);
    get(&format!("http://127.0.0.1:{port}/"), &["leave out the slash"]);
}

#[test]
fn a_token_is_verified_with_saved_keys_when_nobody_can_be_asked() {
    let (installation, server, issuer) = served(&[]);
    let token = text(&get(&installation, &issuer, &[]), "access_token").to_owned();
    let request = "GET /oauth2/jwks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let answer = server.exchange(request.as_bytes());
    drop(server);
    let save = |name: &str, text: &str| std::fs::write(installation.folder().join(name), text).unwrap();
    save("keys", answer.split_once("\r\n\r\n").unwrap().1);
    save("other", r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","alg":"EdDSA"}]}"#);
    save("text", "keys");
    save("list", "[]");

    let offline = ["--issuer", issuer.as_str(), "--jwks"];
    let arguments = [&["token", "verify"], &offline[..], &["keys", "--audience", "x"]].concat();
    let verified = installation.run_with_input(&arguments, token.as_bytes());
    assert!(verified.status.success() && verified.stderr.is_empty());
    let shown: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!((text(&shown["claims"], "sub"), text(&shown["claims"], "iss")), ("x", issuer.as_str()));

    let refuse = |arguments: &[&str], word: &str| verify(&installation, &token, arguments, word);
    refuse(&[&offline[..], &["keys", "--audience", "y"]].concat(), "meant for somebody else");
    refuse(&[&offline[..], &["other"]].concat(), "no key of the issuer has its kid");
    refuse(&["--issuer", "https://example.com", "--jwks", "keys"], "its iss is not the issuer asked");
    for (file, why) in [("absent", "No such file"), ("text", "it is not JSON"), ("list", "it is no JWKS")] {
        let arguments = [&["token", "verify"], &offline[..], &[file]].concat();
        check_refused(&installation.run_with_input(&arguments, token.as_bytes()), &[file, why]);
    }
    let both = ["token", "verify", "--issuer", issuer.as_str(), "--jwks", "keys", "--ca", "ca"];
    assert!(wrong_usage(&installation, &both).contains("--ca"));
}
