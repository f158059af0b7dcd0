//! How a form is read: CONFORMANCE B.

use axum::body::{Body, Bytes};
use futures_util::stream;
use tokio::time::Instant;

use crate::support::ask::{form, raw, token_request};
use crate::support::log;
use crate::support::server::{App, TestServer};

const GRANT: &str = "grant_type=client_credentials";

/// A server with one application that may `read` and `write`.
async fn server() -> (TestServer, App) {
    let server = TestServer::start().await;
    let app = server.app(&["read", "write"]).await;
    (server, app)
}

/// B01, B03
#[tokio::test]
async fn unknown_parameters_are_ignored_however_often_they_come() {
    let (server, app) = server().await;
    for more in
        ["foo=1", "foo=1&foo=1", "foo=1&foo=2&foo", "foo=", "=", "&&", "audience=x&code=y&redirect_uri=z"]
    {
        let reply = server.answer(raw(format!("{GRANT}&{more}")).of(&app)).await;
        assert_eq!(reply.status, 200, "{more}: {reply:?}");
    }
}

/// B02: equal values, other values, or one of them empty.
#[tokio::test]
async fn a_known_parameter_twice_is_refused() {
    let (server, app) = server().await;
    let known = [
        ("grant_type", "client_credentials"),
        ("scope", "read"),
        ("client_id", "app"),
        ("client_secret", &app.secret),
        ("client_assertion", "x"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
    ];
    for (name, value) in known {
        for (first, second) in [(value, value), (value, "other"), (value, ""), ("", value), ("", "")] {
            let mut parameters = vec![(name, first), (name, second)];
            if name != "grant_type" {
                parameters.push(known[0]);
            }
            let reply = server.answer(form(&parameters).of(&app)).await;
            reply.expect_refused("invalid_request");
        }
    }
}

/// B04
#[tokio::test]
async fn an_empty_scope_is_as_if_it_were_absent() {
    let (server, app) = server().await;
    for body in [format!("{GRANT}&scope="), format!("{GRANT}&scope"), GRANT.to_owned()] {
        assert_eq!(server.answer(raw(body).of(&app)).await.scope().unwrap(), "read write");
    }
}

/// B05, B06, B20, B21: a name without `=` is empty, and names are case-sensitive.
#[tokio::test]
async fn a_request_without_a_grant_type_is_refused() {
    let (server, app) = server().await;
    for body in [
        "grant_type=",
        "grant_type",
        "scope=read",
        "",
        "&",
        "GRANT_TYPE=client_credentials",
        "scope=read;grant_type=x",
    ] {
        let reply = server.answer(raw(body).of(&app)).await;
        reply.expect_refused("invalid_request");
        assert_eq!(reply.json()["error_description"], "The parameter grant_type is missing.", "{body}");
    }
}

/// B07, B08, B09
#[tokio::test]
async fn a_grant_type_is_compared_exactly() {
    let (server, app) = server().await;
    for grant_type in [
        "frob",
        "Client_Credentials",
        " client_credentials",
        "client_credentials ",
        "client_credentials client_credentials",
        "client_credentials,password",
        "password",
        "authorization_code",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ] {
        let reply = server.answer(form(&[("grant_type", grant_type)]).of(&app)).await;
        reply.expect_refused("unsupported_grant_type");
    }
}

/// B10: neither used nor logged.
#[tokio::test]
async fn credentials_in_the_query_are_never_used() {
    let (server, app) = server().await;
    let query = format!("/oauth2/token?{GRANT}&client_id={}&client_secret={}", app.client_id, app.secret);
    server.answer(token_request(&[]).to(&query)).await.expect_invalid_client();
    server.answer(token_request(&[("client_id", &app.client_id)]).to(&query)).await.expect_invalid_client();
    let logged = format!("{:?}", log::take());
    assert!(logged.contains("no credentials") && !logged.contains(&app.secret), "{logged}");
    // With credentials where they belong the query changes nothing.
    assert_eq!(server.answer(token_request(&[]).to(&query).of(&app)).await.status, 200);
}

/// B11
#[tokio::test]
async fn a_grant_type_in_the_query_does_not_count() {
    let (server, app) = server().await;
    let ask = raw("scope=read").to(&format!("/oauth2/token?{GRANT}"));
    server.answer(ask.of(&app)).await.expect_refused("invalid_request");
}

/// B12, B13
#[tokio::test]
async fn a_scope_in_the_query_has_no_effect() {
    let (server, app) = server().await;
    let all = token_request(&[]).to("/oauth2/token?scope=admin");
    assert_eq!(server.answer(all.of(&app)).await.scope().unwrap(), "read write");
    for query in ["x=scope", "scope=write", "scope", "%zz"] {
        let some = token_request(&[("scope", "read")]).to(&format!("/oauth2/token?{query}"));
        assert_eq!(server.answer(some.of(&app)).await.scope().unwrap(), "read", "{query}");
    }
}

/// B14
#[tokio::test]
async fn multipart_is_not_read() {
    let (server, app) = server().await;
    let body =
        "--x\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nclient_credentials\r\n--x--\r\n";
    let ask = raw(body).without("content-type").with("content-type", "multipart/form-data; boundary=x");
    let reply = server.answer(ask.of(&app)).await;
    assert_eq!((reply.status, reply.header("accept-post")), (415, Some("application/x-www-form-urlencoded")));
    assert_eq!(reply.json()["error"], "invalid_request");
}

/// B15: a plus and an escaped plus are two things, in names as in values.
#[tokio::test]
async fn a_plus_is_a_space_and_an_escape_is_what_it_says() {
    let server = TestServer::start().await;
    let app = server.app_with_secret("a b+c", "p %&+q").await;
    let credentials = "client%5Fid=a+b%2Bc&client_secret=p%20%25%26%2bq";
    assert_eq!(server.answer(raw(format!("{GRANT}&{credentials}"))).await.status, 200);
    assert_eq!(server.answer(token_request(&[]).of(&app)).await.status, 200);
    let swapped = "client_id=a%2Bb+c&client_secret=p%20%25%26%2bq";
    server.answer(raw(format!("{GRANT}&{swapped}"))).await.expect_invalid_client();
}

/// B16, B17: wherever it stands, and whether or not the parameter means anything.
#[tokio::test]
async fn broken_escapes_and_broken_utf_8_are_refused() {
    let (server, app) = server().await;
    for broken in
        ["%zz", "%2", "%", "a%", "%%41", "%+1", "%u00e9", "%ff", "%C2", "%c3%28", "%ed%a0%80", "%c0%af"]
    {
        for name in ["scope", "foo", "client_id", "resource"] {
            let reply = server.answer(raw(format!("{GRANT}&{name}={broken}")).of(&app)).await;
            reply.expect_refused("invalid_request");
        }
        server.answer(raw(format!("{GRANT}&{broken}=x")).of(&app)).await.expect_refused("invalid_request");
    }
    let bytes = [GRANT.as_bytes(), b"&scope=\xff\xfe"].concat();
    server.answer(raw(bytes).of(&app)).await.expect_refused("invalid_request");
}

/// B18
#[tokio::test]
async fn control_characters_are_refused() {
    let (server, app) = server().await;
    for byte in (0..0x20).chain([0x7f]) {
        let with = |name| raw(format!("{GRANT}&{name}=a%{byte:02x}b")).of(&app);
        server.answer(with("foo")).await.expect_refused("invalid_request");
        server.answer(with("resource")).await.expect_refused("invalid_request");
        server.answer(with("scope")).await.expect_refused("invalid_scope");
        server
            .answer(raw(format!("grant_type=client_credentials%{byte:02x}")).of(&app))
            .await
            .expect_refused("invalid_request");
    }
}

/// B19: more than enough is refused at once, however much of it there is. The shortest of many times is the one
/// without whatever else the machine does.
#[tokio::test]
async fn too_many_parameters_cost_next_to_nothing() {
    let (server, app) = server().await;
    let many = |count: usize| format!("{GRANT}{}", "&a=1".repeat(count));
    assert_eq!(server.answer(raw(many(99)).of(&app)).await.status, 200);
    server.answer(raw(many(100)).of(&app)).await.expect_refused("invalid_request");
    for (body, status) in [(many(16_000), 400), ("name=value&x=1&".repeat(20_000), 413)] {
        let mut shortest = u128::MAX;
        for _ in 0..20 {
            let started = Instant::now();
            assert_eq!(server.answer(raw(body.clone()).of(&app)).await.status, status);
            shortest = shortest.min(started.elapsed().as_millis());
        }
        assert!(shortest < 10, "{} bytes took {shortest} ms", body.len());
    }
}

/// B20
#[tokio::test]
async fn a_semicolon_separates_nothing() {
    let (server, app) = server().await;
    let reply = server.answer(raw("grant_type=client_credentials;scope=read").of(&app)).await;
    reply.expect_refused("unsupported_grant_type");
    server.answer(raw(format!("{GRANT}&scope=read;foo=1")).of(&app)).await.expect_refused("invalid_scope");
    assert_eq!(
        server.answer(raw(format!("{GRANT}&Scope=read")).of(&app)).await.scope().unwrap(),
        "read write"
    );
}

/// B22
#[tokio::test]
async fn the_form_may_name_the_caller_again_but_nobody_else() {
    let (server, app) = server().await;
    server.app_with_secret("other", &app.secret).await;
    assert_eq!(server.answer(token_request(&[("client_id", &app.client_id)]).of(&app)).await.status, 200);
    for other in ["other", "nobody", "APP", "app "] {
        let reply = server.answer(token_request(&[("client_id", other)]).of(&app)).await;
        reply.expect_refused("invalid_request");
    }
}

/// B27: a form in pieces, of a length that nobody said before.
#[tokio::test]
async fn a_body_may_come_in_pieces() {
    let (server, app) = server().await;
    let pieces = ["grant_ty", "pe=client_", "", "credentials&scope=re", "ad"]
        .map(|piece| Bytes::from_static(piece.as_bytes()));
    let body = Body::from_stream(stream::iter(pieces.map(Ok::<_, std::io::Error>)));
    assert_eq!(server.answer(raw(body).of(&app)).await.scope().unwrap(), "read");
    let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(b"a=1&")));
    assert_eq!(server.answer(raw(Body::from_stream(endless)).of(&app)).await.status, 413);
}
