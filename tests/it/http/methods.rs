//! Methods and paths: what may be done where, and nowhere else.
//! Not for: what a request brings along (`bodies.rs`, `framing.rs`).

use super::{FORM, SITE};
use crate::support::wire::{Answer, Connection};

const PUBLIC_DOCUMENTS: [&str; 3] =
    ["/oauth2/jwks", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];

const FORM_ENDPOINTS: [&str; 3] = ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"];

/// A01, A03
#[test]
fn the_endpoints_for_forms_take_post_and_say_so_to_every_other_method() {
    for target in FORM_ENDPOINTS {
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            let answer = SITE.ask(SITE.request(method, target, &[]));
            assert_eq!(
                (answer.status, answer.field("allow")),
                (405, Some("POST, OPTIONS")),
                "{method} {target}"
            );
            assert_eq!(answer.error(), "invalid_request");
        }
    }
}

/// A02
#[test]
fn head_on_the_token_endpoint_is_refused_without_a_body() {
    let mut connection = SITE.connect();
    connection.send(SITE.request("HEAD", "/oauth2/token", &["Connection: close"]));
    let answer = connection.answer_without_body();
    super::assert_ours(&answer);
    assert_eq!((answer.status, answer.field("allow")), (405, Some("POST, OPTIONS")));
    assert_eq!(connection.rest(), "");
}

/// A04
#[test]
fn an_unknown_method_is_not_implemented() {
    for method in ["FROB", "get", "POSTS", "PROPFIND"] {
        for target in ["/oauth2/token", "/oauth2/jwks", "/nowhere"] {
            assert_eq!(SITE.ask(SITE.request(method, target, &[])).status, 501, "{method} {target}");
        }
    }
}

/// A05
#[test]
fn trace_gives_nothing_back() {
    for target in ["/oauth2/token", "/oauth2/jwks", "/nowhere"] {
        let fields = ["Authorization: Basic c2VjcmV0", "Cookie: a=c2VjcmV0"];
        let answer = SITE.ask(SITE.request("TRACE", target, &fields));
        assert!([404, 405, 501].contains(&answer.status), "{answer:?}");
        assert!(!format!("{answer:?}").contains("c2VjcmV0"), "{answer:?}");
    }
    let answer = SITE.ask(SITE.request("TRACE", "/oauth2/token", &[]));
    assert_eq!(answer.status, 405);
}

/// A06
#[test]
fn head_on_a_document_has_the_fields_of_get_and_no_body() {
    // The request id and the date are each answer's own.
    let fields = |answer: &Answer| {
        let mut fields = answer.fields.clone();
        fields.retain(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()));
        fields
    };
    for target in PUBLIC_DOCUMENTS {
        let got = SITE.ask(SITE.request("GET", target, &[]));
        let mut connection = SITE.connect();
        connection.send(SITE.request("HEAD", target, &[]));
        let head = connection.answer_without_body();
        assert_eq!((got.status, head.status), (200, 200), "{target}");
        assert_eq!(fields(&head), fields(&got), "{target}");
        // Where a body sent by mistake would be, the next answer begins.
        connection.send(SITE.request("GET", target, &[]));
        assert_eq!(connection.answer().body, got.body);
    }
}

/// A07
#[test]
fn options_says_what_is_allowed_and_invites_no_browser() {
    let ask = |address, target: &str| {
        let mut connection = Connection::open(address);
        let fields = ["Origin: https://page.example", "Access-Control-Request-Method: POST"];
        connection.send(SITE.request("OPTIONS", target, &fields));
        let answer = connection.answer();
        super::assert_ours(&answer);
        (answer.status, answer.field("allow").unwrap_or_default().to_owned())
    };
    for target in FORM_ENDPOINTS {
        assert_eq!(ask(SITE.server.public, target), (204, "POST, OPTIONS".to_owned()));
    }
    for target in PUBLIC_DOCUMENTS {
        assert_eq!(ask(SITE.server.public, target), (204, "GET, HEAD, OPTIONS".to_owned()));
    }
    for target in ["/health/live", "/health/ready"] {
        assert_eq!(ask(SITE.server.admin, target), (204, "GET, HEAD, OPTIONS".to_owned()));
    }
}

/// A30
#[test]
fn no_other_spelling_of_the_path_reaches_the_token_endpoint() {
    for target in [
        "/oauth2/token/",
        "/OAUTH2/TOKEN",
        "/oauth2/Token",
        "/oauth2//token",
        "//oauth2/token",
        "/oauth2/token;x",
        "/oauth2/%2e/token",
        "/oauth2/./token",
        "/oauth2/x/../token",
        "/oauth2/x/%2e%2e/token",
        "/oauth2/%74oken",
        "/oauth2%2ftoken",
        "/oauth2/token%00",
        "/oauth2/token%20",
        "/oauth2/token.json",
        "/oauth2/token&x",
    ] {
        let length = format!("Content-Length: {}", SITE.form().len());
        let request = SITE.request("POST", target, &[FORM, &length]) + &SITE.form();
        assert_eq!(SITE.ask(request).status, 404, "{target}");
        assert_eq!(SITE.ask(SITE.request("GET", target, &[])).status, 404, "{target}");
    }
    for target in ["/oauth2/introspect/", "/oauth2/Introspect", "/oauth2/revoke/", "/oauth2/%72evoke"] {
        let request = SITE.request("POST", target, &[FORM, "Content-Length: 7"]) + "token=x";
        assert_eq!(SITE.ask(request).status, 404, "{target}");
    }
    for target in ["/oauth2/jwks/", "/oauth2/JWKS", "/.well-known//openid-configuration", "/health/live", "/"]
    {
        assert_eq!(SITE.ask(SITE.request("GET", target, &[])).status, 404, "{target}");
    }
}

#[test]
fn the_admin_listener_has_no_endpoint_of_the_public_one() {
    for target in PUBLIC_DOCUMENTS.into_iter().chain(FORM_ENDPOINTS) {
        let mut connection = Connection::open(SITE.server.admin);
        connection.send(SITE.request("GET", target, &[]));
        assert_eq!(connection.answer().status, 404, "{target}");
    }
}
