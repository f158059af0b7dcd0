//! Errors say what RFC 6749 §5.2 lets them say, and nothing of what was sent: CONFORMANCE F.

use chancery::admin::applications::NewApplication;
use serde_json::Value;

use crate::support::ask::{Ask, encode, form, get, raw, revocation, token_request};
use crate::support::log;
use crate::support::reply::Reply;
use crate::support::server::{App, SOURCE, TestServer};

const CODES: &[&str] = &[
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",
    "invalid_authorization_details",
];

/// What a caller may hope to see again. No part of it is a word of ours.
const HOSTILE: &[&str] =
    &["\"zq'\\", "zq\r\nX-Zq: zq", "zq😈", "<script>zq</script>", "zq${7*7}", "%zq", "zq\0", "zq\u{202e}"];

const PARAMETERS: &[&str] = &[
    "grant_type",
    "client_id",
    "client_secret",
    "scope",
    "resource",
    "client_assertion",
    "client_assertion_type",
    "authorization_details",
    "token",
    "token_type_hint",
    "foo",
];

async fn server() -> (TestServer, App) {
    let server = TestServer::start().await;
    let app = server.app(&["read"]).await;
    (server, app)
}

/// What the error answers all have in common, and that nothing of the request is in them.
#[track_caller]
fn expect_harmless(reply: &Reply) {
    if reply.status == 200 {
        assert_eq!(reply.scope().unwrap(), "read");
        return;
    }
    let text = format!("{} {:?}", reply.body, reply.headers);
    assert!(!text.to_lowercase().contains("zq"), "{reply:?}");
    let json = reply.json();
    assert!(CODES.contains(&json["error"].as_str().unwrap()), "{json}");
    let members: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    // F03: there is no error_uri.
    assert!(matches!(members[..], ["error"] | ["error", "error_description"]), "{json}");
    if let Some(description) = json.get("error_description") {
        let allowed = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        assert!(description.as_str().unwrap().bytes().all(allowed), "{json}");
    }
    reply.expect_never_cached();
}

/// F01, F02, F03: hostile text in each parameter, with and without a good secret beside it.
#[tokio::test]
async fn no_parameter_comes_back() {
    let (server, app) = server().await;
    for text in HOSTILE {
        for name in PARAMETERS {
            let good = [("grant_type", "client_credentials"), ("scope", "read")];
            let others = good.into_iter().filter(|(other, _)| other != name);
            let parameters: Vec<_> = others.chain([(*name, *text)]).collect();
            expect_harmless(&server.answer(form(&parameters).of(&app)).await);
            expect_harmless(&server.answer(form(&parameters)).await);
            let twice = [&parameters[..], &[(name, text)]].concat();
            expect_harmless(&server.answer(form(&twice).of(&app)).await);
        }
        expect_harmless(&server.answer(raw(format!("{text}={text}&{text}")).of(&app)).await);
        expect_harmless(&server.answer(token_request(&[]).basic(text, text)).await);
        expect_harmless(&server.answer(token_request(&[]).basic_raw(text)).await);
        let query = format!("/oauth2/token?error={}&zq=1", encode(text));
        expect_harmless(&server.answer(token_request(&[]).to(&query)).await);
    }
}

/// F01, F02, F03, A24: nor at the endpoints that take a token, where hostile text may be the token.
#[tokio::test]
async fn no_parameter_comes_back_from_the_endpoints_that_take_a_token() {
    let (server, app) = server().await;
    for path in ["/oauth2/introspect", "/oauth2/revoke"] {
        for text in HOSTILE {
            for name in PARAMETERS {
                let others = [("token", "a.b.c")].into_iter().filter(|(other, _)| other != name);
                let parameters: Vec<_> = others.chain([(*name, *text)]).collect();
                for ask in [form(&parameters).of(&app), form(&parameters)] {
                    let reply = server.answer(ask.to(path)).await;
                    if reply.status == 200 {
                        assert!(["", r#"{"active":false}"#].contains(&reply.body.as_str()), "{reply:?}");
                        reply.expect_never_cached();
                    } else {
                        expect_harmless(&reply);
                    }
                }
            }
        }
    }
}

/// F01, F02
#[tokio::test]
async fn no_header_comes_back() {
    let (server, app) = server().await;
    let names = [
        "authorization",
        "content-type",
        "accept",
        "accept-language",
        "accept-encoding",
        "origin",
        "referer",
        "cookie",
        "user-agent",
        "x-request-id",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "forwarded",
        "via",
        "traceparent",
        "dpop",
        "if-none-match",
        "range",
        "te",
        "x-http-method-override",
        "zq",
    ];
    for name in names {
        for text in ["\"zq'\\", "<script>zq</script>", "zq😈", "${jndi:zq}", "zq; q=1"] {
            let body = if name == "authorization" { token_request(&[]) } else { token_request(&[]).of(&app) };
            let ask = if name == "content-type" { body.without(name) } else { body };
            expect_harmless(&server.answer(ask.with(name, text)).await);
        }
    }
    for host in ["zq.example.com", "zq.example.com:8080"] {
        expect_harmless(&server.answer(token_request(&[]).host(host)).await);
    }
    for path in ["/zq", "/oauth2/zq?zq", "/oauth2/token/zq", "/.well-known/zq"] {
        expect_harmless(&server.answer(get(path)).await);
        expect_harmless(&server.answer(token_request(&[]).to(path)).await);
    }
    expect_harmless(&server.answer(token_request(&[]).method("ZQ")).await);
}

/// F02: every refusal that there is, each with its own words, keeps to the characters of RFC 6749 App. A.8.
#[tokio::test]
async fn every_description_keeps_to_the_grammar() {
    let (server, app) = server().await;
    let others = server.add("default", "other", &[], NewApplication::default()).await;
    let others = server.answer(token_request(&[]).of(&others)).await.token();
    let of = |ask: Ask| ask.of(&app);
    let asks = [
        of(form(&[]).to("/oauth2/introspect")),
        of(revocation(&others)),
        of(raw("")),
        of(form(&[("grant_type", "frob")])),
        of(token_request(&[("scope", " ")])),
        of(token_request(&[("scope", "frob")])),
        of(token_request(&[("scope", &"a ".repeat(9_000))])),
        of(token_request(&[("resource", "https://api.example.com")])),
        of(token_request(&[("authorization_details", "[]")])),
        of(token_request(&[("client_secret", "x")])),
        of(token_request(&[("client_id", "x")])),
        of(token_request(&[("scope", "read"), ("scope", "read")])),
        of(token_request(&[("foo", "\u{7}")])),
        of(raw("a=%")),
        of(raw("a=%ff")),
        of(raw("a&".repeat(200))),
        of(raw("a".repeat(70_000))),
        of(token_request(&[])).basic("app", "x"),
        of(token_request(&[])).without("content-type"),
        token_request(&[]).method("GET"),
        token_request(&[]).method("FROB"),
        token_request(&[]).to("/nowhere"),
        token_request(&[]).without("host"),
    ];
    let mut told = Vec::new();
    for ask in asks {
        let reply = server.answer(ask).await;
        expect_harmless(&reply);
        told.push(reply.json()["error_description"].as_str().unwrap().to_owned());
    }
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 23, "{told:#?}");
}

/// F05: one line for each refusal, under its request id, with the true reason and nothing secret.
#[tokio::test]
async fn the_true_reason_is_logged_once() {
    let (server, app) = server().await;
    let secret = app.secret.as_str();
    let cases = [
        (
            token_request(&[]).basic("app", "s3cr3t"),
            "invalid_client",
            "the secret is wrong, or was removed",
            Some("app"),
        ),
        (
            token_request(&[]).basic("s3cr3t", secret),
            "invalid_client",
            "no application has this client_id",
            None,
        ),
        (
            token_request(&[]).basic_raw("s3cr3t"),
            "invalid_client",
            "the Basic credentials have no colon",
            None,
        ),
        (
            token_request(&[]).with("authorization", "Bearer s3cr3t"),
            "invalid_client",
            "the Authorization scheme is not supported",
            None,
        ),
        (
            token_request(&[("scope", "s3cr3t")]).of(&app),
            "invalid_scope",
            "A scope is unknown, or not granted to the application.",
            Some("app"),
        ),
        (raw(format!("x={secret}&scope&scope")), "invalid_request", "A parameter is there twice.", None),
    ];
    for (ask, error, reason, application) in cases {
        log::take();
        let reply = server.answer(ask).await;
        let logged = log::take();
        assert_eq!(logged.len(), 1, "{logged:?}");
        let line = &logged[0];
        assert_eq!(line["request_id"], reply.request_id());
        assert_eq!((line["level"].as_str(), line["error"].as_str()), (Some("WARN"), Some(error)));
        assert_eq!(line["message"].as_str(), Some(reason));
        assert_eq!(line.get("application").and_then(Value::as_str), application);
        assert_eq!(
            (line["tenant"].as_str(), line["source"].as_str()),
            (Some("default"), Some(&*SOURCE.to_string()))
        );
        let text = line.to_string();
        assert!(!text.contains("s3cr3t") && !text.contains(secret), "{text}");
    }
}
