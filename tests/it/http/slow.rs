//! Callers that stop in the middle are not waited for: 10 s, and then 408 or nothing.
//! Not for: what is too long (`bodies.rs`, `framing.rs`).

use std::convert::Infallible;
use std::io::{Read, Write};
use std::thread::{scope, sleep};
use std::time::Duration;

use futures_util::stream::pending;
use http_body_util::StreamBody;
use hyper::Request;
use hyper::body::{Bytes, Frame};
use tokio::time::Instant;

use super::{FORM, SITE, assert_ours};
use crate::serving::SECURE_SITE;
use crate::support::http2::Http2;
use crate::support::wire::{Connection, connect};

/// No deadline of the server is shorter.
const AT_LEAST: Duration = Duration::from_secs(9);

/// Its deadlines, and time for a busy machine.
const AT_MOST: Duration = Duration::from_secs(25);

/// Sends something at once and reads until the server closes; what it said.
fn wait_for_the_end<S: Read + Write>(name: &str, mut connection: Connection<S>, sent: &str) -> String {
    let started = Instant::now();
    connection.send(sent);
    let said = connection.rest();
    let waited = started.elapsed();
    assert!((AT_LEAST..AT_MOST).contains(&waited), "{name}: {waited:?}: {said:?}");
    said
}

/// Sends a byte each half second; the server must not take each as a reason to wait anew.
fn trickle() {
    let started = Instant::now();
    let mut stream = connect(SITE.server.public);
    let mut reader = stream.try_clone().unwrap();
    scope(|scope| {
        scope.spawn(move || {
            for byte in SITE.request("GET", "/oauth2/jwks", &[]).bytes().take(60) {
                if stream.write_all(&[byte]).is_err() {
                    return;
                }
                sleep(Duration::from_millis(500));
            }
        });
        let _ = reader.read(&mut [0]);
        let waited = started.elapsed();
        assert!((AT_LEAST..AT_MOST).contains(&waited), "a trickle: {waited:?}");
    });
}

/// A body of which nothing ever comes, on a connection that speaks HTTP/2.
fn stalled_body_over_http2() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let started = Instant::now();
        let request = Request::post(format!("http://{}/oauth2/token", SITE.host()))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(StreamBody::new(pending::<Result<Frame<Bytes>, Infallible>>()))
            .unwrap();
        let answer = Http2::open(SITE.server.public).await.ask(request).await;
        assert_ours(&answer);
        assert_eq!(answer.status, 408);
        assert!((AT_LEAST..AT_MOST).contains(&started.elapsed()));
    });
}

/// A14
#[test]
fn whoever_stops_in_the_middle_is_not_waited_for() {
    let site = &*SECURE_SITE;
    let plain = || Connection::open(SITE.server.public);
    let head = SITE.request("POST", "/oauth2/token", &[FORM, "Content-Length: 100"]);
    let chunked = SITE.request("POST", "/oauth2/token", &[FORM, "Transfer-Encoding: chunked"]);
    let waiting = SITE.request("POST", "/oauth2/token", &[FORM, "Content-Length: 9", "Expect: 100-continue"]);
    let good = SITE.request("GET", "/oauth2/jwks", &[]);
    let half = &good[..good.len() - 2];
    scope(|scope| {
        for sent in ["", "P", "PRI * HT", "POST /oauth2/tok", half] {
            scope.spawn(move || assert_eq!(wait_for_the_end("no head", plain(), sent), ""));
        }
        for sent in
            [head.clone(), format!("{head}grant_type="), chunked.clone(), format!("{chunked}9\r\ngrant")]
        {
            scope.spawn(move || {
                let said = wait_for_the_end("a body", plain(), &sent);
                assert!(said.starts_with("HTTP/1.1 408 ") && said.contains("x-request-id"), "{said:?}");
            });
        }
        scope.spawn(|| {
            let said = wait_for_the_end("a body that was asked for", plain(), &waiting);
            assert!(said.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 408 "), "{said:?}");
        });
        scope.spawn(|| {
            let said = wait_for_the_end("a second head", plain(), &format!("{good}{half}"));
            assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "{said:?}");
        });
        for sent in
            ["PRI * HTTP/2.0\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x09\x01"]
        {
            scope.spawn(move || wait_for_the_end("HTTP/2", plain(), sent));
        }
        scope.spawn(trickle);
        scope.spawn(stalled_body_over_http2);

        let secure = || Connection::open(site.server.public);
        for sent in ["", "\x16\x03\x01\x02\0\x01\0\x01\x7c\x03\x03"] {
            scope.spawn(move || wait_for_the_end("a handshake", secure(), sent));
        }
        for sent in ["", "GET /oauth2/jwks HTTP/1.1\r\nHost: localhost\r\n"] {
            let connection = site.certificate.connect(site.server.public);
            scope.spawn(move || assert_eq!(wait_for_the_end("TLS", connection, sent), ""));
        }
    });
    // Nobody else was kept waiting.
    assert_eq!(SITE.ask(&good).status, 200);
}
