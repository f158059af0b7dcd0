//! Plain HTTP stays on loopback, and callers by https are told to stay with it.
//! Not for: TLS itself (`serving/tls.rs`).

use super::{FORM, SITE, assert_ours};
use crate::support::binary::Installation;
use crate::support::wire::Connection;

/// A31
#[test]
fn plain_http_on_a_public_address_is_refused_before_anything_listens() {
    let installation = Installation::new();
    for (flag, setting) in [("--listen-public", "listen.public"), ("--listen-admin", "listen.admin")] {
        for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080", "[::ffff:192.0.2.1]:8080"] {
            let output = installation.run(&["serve", "--issuer", "https://id.example", flag, address]);
            let text = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{address}: {text}");
            let line = text
                .lines()
                .find(|line| line.contains(&format!("{setting}:")))
                .unwrap_or_else(|| panic!("{text}"));
            assert!(line.contains("plain HTTP") && line.contains("behind_proxy"), "{line}");
        }
    }
    assert!(!installation.data().join("chancery.db").exists());
}

/// A31
#[test]
fn answers_tell_callers_to_stay_with_https_where_that_is_how_they_came() {
    let installation = Installation::new();
    let server = installation.serve(&["--listen-behind-proxy", "--issuer", "https://id.example"]);
    for request in [
        SITE.post(&[FORM], "grant_type=client_credentials"),
        SITE.post(&[], ""),
        SITE.request("GET", "/oauth2/jwks", &["X-Forwarded-Proto: http"]),
        SITE.request("GET", "/oauth2/token", &[]),
        SITE.request("GET", "/nowhere", &[]),
        SITE.request("FROB", "/", &[]),
    ] {
        let mut connection = Connection::open(server.public);
        connection.send(&request);
        let answer = connection.answer();
        assert_ours(&answer);
        assert_eq!(answer.field("strict-transport-security"), Some("max-age=31536000"), "{request}");
        assert!(![301, 302, 303, 307, 308].contains(&answer.status), "{answer:?}");
        // RFC 6797 §7.2: never by plain HTTP.
        assert_eq!(SITE.ask(&request).field("strict-transport-security"), None, "{request}");
    }
}
