//! Where an HTTP/1.1 request begins and ends: nothing that two readers could read in two ways gets through.
//! Not for: a body that is read and found wanting (`bodies.rs`).

use super::{FORM, SITE};
use crate::support::wire::Connection;

/// Requests with both lengths, in either order (RFC 9112 §6.1).
fn with_both_lengths() -> [String; 4] {
    let both = |first: &str, second: &str| {
        SITE.request("POST", "/oauth2/token", &[FORM, first, second]) + "0\r\n\r\n"
    };
    [
        both("Content-Length: 5", "Transfer-Encoding: chunked"),
        both("Transfer-Encoding: chunked", "Content-Length: 5"),
        both("transfer-encoding:CHUNKED", "CONTENT-LENGTH:0"),
        both("Content-Length: 0", "Transfer-Encoding: gzip, chunked"),
    ]
}

fn assert_refused_and_closed(connection: &mut Connection, request: &str) {
    let answer = connection.answer();
    assert_eq!((answer.status, answer.field("connection")), (400, Some("close")), "{request:?}");
    assert_eq!(connection.rest(), "", "{request:?}");
}

/// A16
#[test]
fn both_lengths_are_refused_in_either_order_and_the_connection_is_closed() {
    let smuggled = SITE.request("GET", "/oauth2/jwks", &[]);
    for request in with_both_lengths() {
        let mut connection = SITE.connect();
        connection.send(format!("{request}{smuggled}"));
        assert_refused_and_closed(&mut connection, &request);
    }
}

/// A16
#[test]
fn both_lengths_are_refused_when_they_come_byte_by_byte() {
    for request in with_both_lengths().iter().take(2) {
        let mut connection = SITE.connect();
        for byte in request.bytes() {
            connection.send([byte]);
        }
        assert_refused_and_closed(&mut connection, request);
    }
}

/// A16
#[test]
fn both_lengths_are_refused_behind_good_requests_on_the_same_connection() {
    let good = [SITE.post(&[FORM], &SITE.form()), SITE.post_chunked(&[&SITE.form()])];
    for request in with_both_lengths() {
        let mut connection = SITE.connect();
        connection.send([&good[0], &good[1], &request, &good[0]].map(String::as_str).concat());
        assert_eq!(connection.answer().status, 200);
        assert_eq!(connection.answer().status, 200);
        assert_refused_and_closed(&mut connection, &request);
    }
}

#[test]
fn requests_sent_at_once_are_answered_in_order() {
    let requests = [
        (SITE.post(&[FORM], &SITE.form()), 200),
        (SITE.post(&[FORM], "grant_type=client_credentials"), 401),
        (SITE.request("GET", "/nowhere", &[]), 404),
        (format!("\r\n{}", SITE.request("GET", "/oauth2/jwks", &[])), 200),
    ];
    let mut connection = SITE.connect();
    connection.send(requests.each_ref().map(|(request, _)| request.as_str()).concat());
    for (request, status) in &requests {
        assert_eq!(connection.answer().status, *status, "{request}");
    }
}

/// A17
#[test]
fn a_length_that_is_not_one_plain_number_is_refused() {
    let lengths: [&[&str]; 12] = [
        &["Content-Length: 5", "Content-Length: 6"],
        &["Content-Length: +5"],
        &["Content-Length: 0x5"],
        &["Content-Length: 5, 6"],
        &["Content-Length: -5"],
        &["Content-Length: 5.0"],
        &["Content-Length: 5 5"],
        &["Content-Length: five"],
        &["Content-Length:"],
        &["Content-Length: 99999999999999999999999"],
        &["Transfer-Encoding: chunked, gzip"],
        &["Transfer-Encoding: identity"],
    ];
    for fields in lengths {
        let request = SITE.request("POST", "/oauth2/token", &[&[FORM], fields].concat()) + "a=b&c";
        assert_eq!(SITE.ask_last(&request).status, 400, "{fields:?}");
    }
}

/// A18
#[test]
fn a_malformed_head_is_refused() {
    let host = format!("Host: {}", SITE.host());
    let heads = [
        format!("GET /oauth2/jwks HTTP/1.1\r\n{host}\r\nAccept : a\r\n\r\n"),
        format!("GET /oauth2/jwks HTTP/1.1\r\n{host}\r\nAccept\t: a\r\n\r\n"),
        format!("GET /oauth2/jwks HTTP/1.1\r\n{host}\r\nAccept: a\r\n b\r\n\r\n"),
        format!("GET /oauth2/jwks HTTP/1.1\r\n{host}\r\nAccept: a\r\n\tb\r\n\r\n"),
        format!("GET /oauth2/jwks HTTP/1.1\r\n {host}\r\n\r\n"),
        format!("GET /oauth2/jwks HTTP/1.1\r\n{host}\r\nAccept: a\rb\r\n\r\n"),
        format!("GET /oauth2/jwks HTTP/1.1\r\n{host}\r\nAccept: a\0b\r\n\r\n"),
        format!("GET /oauth2/jwks HTTP/1.1\r\n{host}\r\nAccept\r\n\r\n"),
        format!("GET /oauth2/jwks HTTP/1.1\r\n{host}\r\n: a\r\n\r\n"),
        format!("GET /oauth2/jwks HTTP/1.1\r\n{host}\r\nAcc(ept: a\r\n\r\n"),
        format!("GET  /oauth2/jwks HTTP/1.1\r\n{host}\r\n\r\n"),
        format!("GET /oauth2/jw ks HTTP/1.1\r\n{host}\r\n\r\n"),
        format!("GET /oauth2/jwks HTTP/1.1 \r\n{host}\r\n\r\n"),
        format!("GET /oauth2/jwks HTTP/2.0\r\n{host}\r\n\r\n"),
        format!("GET /oauth2/jwks\r\n{host}\r\n\r\n"),
        format!("G\0T /oauth2/jwks HTTP/1.1\r\n{host}\r\n\r\n"),
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{7c}\x03\x03\r\n\r\n".to_owned(),
    ];
    for head in heads {
        assert_eq!(SITE.ask_last(&head).status, 400, "{head:?}");
    }
}

/// A15
#[test]
fn an_http_1_1_request_names_exactly_one_valid_host() {
    let host = SITE.host();
    let heads = [
        String::new(),
        format!("Host: {host}\r\nHost: {host}\r\n"),
        format!("Host: {host}\r\nhost: other.example\r\n"),
        "Host:\r\n".to_owned(),
        "Host: a b\r\n".to_owned(),
        format!("Host: user@{host}\r\n"),
        format!("Host: {host}/\r\n"),
        format!("Host: {host}, {host}\r\n"),
        "Host: a..b\r\n".to_owned(),
        "Host: a:b\r\n".to_owned(),
        "Host: a:65536\r\n".to_owned(),
        "Host: [::1\r\n".to_owned(),
        "Host: b\u{fc}cher.example\r\n".to_owned(),
        "Host: a%2eb\r\n".to_owned(),
    ];
    for fields in heads {
        let answer = SITE.ask(format!("GET /oauth2/jwks HTTP/1.1\r\n{fields}\r\n"));
        assert_eq!(answer.status, 400, "{fields:?}");
    }
    // RFC 9112 §3.2.2: one that has its host in the target still needs the field, which then does not count.
    assert_eq!(SITE.ask(format!("GET http://{host}/oauth2/jwks HTTP/1.1\r\n\r\n")).status, 400);
    let answer = SITE.ask(format!("GET http://{host}/oauth2/jwks HTTP/1.1\r\nHost: nobody.example\r\n\r\n"));
    assert_eq!(answer.status, 200);
}

/// A13
#[test]
fn a_head_of_more_than_16_kib_or_100_fields_is_refused() {
    let ask = |fields: &[&str]| SITE.request("GET", "/oauth2/jwks", fields);
    let (long, piece) = ("a".repeat(17 * 1024), "a".repeat(1024));
    for request in [
        ask(&[&format!("X-Long: {long}")]),
        ask(&vec![format!("X-Piece: {piece}").as_str(); 17]),
        // With Host it is 101.
        ask(&["X-Small: a"; 100]),
        SITE.request("GET", &format!("/{long}"), &[]),
        SITE.request("GET", &format!("/oauth2/jwks?{long}"), &[]),
        ask(&[&format!("X-Very-Long: {}", "a".repeat(200 * 1024))]),
    ] {
        assert_eq!(SITE.ask_last(&request).status, 431, "{} bytes", request.len());
    }
    assert_eq!(SITE.ask(ask(&[&format!("X-Long: {}", "a".repeat(15 * 1024))])).status, 200);
    assert_eq!(SITE.ask(ask(&["X-Small: a"; 99])).status, 200);
}

/// A13: a head that never ends is refused when it is too long, not kept until it ends.
#[test]
fn a_head_that_never_ends_is_refused_when_it_is_too_long() {
    let mut connection = SITE.connect();
    connection.send(format!("GET /oauth2/jwks HTTP/1.1\r\nX: {}", "a".repeat(40 * 1024)));
    assert_eq!(connection.answer().status, 431);
    assert_eq!(connection.rest(), "");
}

/// A19
#[test]
fn a_malformed_chunk_is_refused_and_the_connection_is_closed() {
    let extension = "a".repeat(17 * 1024);
    let trailer = "b".repeat(17 * 1024);
    for body in [
        "10000000000000000\r\n",
        "ffffffffffffffffffffffffffffffff\r\n",
        "-1\r\na\r\n0\r\n\r\n",
        "0x1\r\na\r\n0\r\n\r\n",
        "+1\r\na\r\n0\r\n\r\n",
        " 1\r\na\r\n0\r\n\r\n",
        "1\na\n0\n\n",
        "1\r\nab\r\n0\r\n\r\n",
        "1\r\na0\r\n\r\n",
        "\r\n",
        "g\r\n",
        &format!("1;{extension}\r\na\r\n0\r\n\r\n"),
        &format!("1;a\r\na\r\n{}", format!("1;{piece}\r\na\r\n", piece = &extension[..6000]).repeat(4)),
        &format!("0\r\nTrailer: {trailer}\r\n\r\n"),
    ] {
        let head = SITE.request("POST", "/oauth2/token", &[FORM, "Transfer-Encoding: chunked"]);
        let answer = SITE.ask_last(format!("{head}{body}"));
        super::assert_ours(&answer);
        let start: String = body.chars().take(40).collect();
        assert_eq!((answer.status, answer.error().as_str()), (400, "invalid_request"), "{start:?}");
    }
}

#[test]
fn http_1_0_is_answered_and_closed() {
    let mut connection = SITE.connect();
    connection.send(format!("GET /oauth2/jwks HTTP/1.0\r\nHost: {}\r\n\r\n", SITE.host()));
    let answer = connection.answer();
    super::assert_ours(&answer);
    assert_eq!(answer.status, 200);
    assert_eq!(connection.rest(), "");
}
