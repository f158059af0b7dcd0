//! TLS as callers see it: versions, HTTP by ALPN, and what is said to those who speak something else.
//! Not for: the suites on offer (`src/http/tls.rs`), certificates that change (`certificates.rs`).

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use rustls::ProtocolVersion;
use rustls::version::{TLS12, TLS13};
use tokio_rustls::TlsConnector;

use super::{REFUSED, SECURE_SITE, get};
use crate::support::http2::Http2;
use crate::support::tls::{localhost, secure};
use crate::support::wire::{Answer, Connection};

fn assert_by_https(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.field("strict-transport-security"), Some("max-age=31536000"), "{answer:?}");
}

/// A31
#[test]
fn speaks_tls_1_2_and_1_3_and_http_1_1_over_both() {
    let site = &*SECURE_SITE;
    for (version, number) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        for offered in [&[][..], &["http/1.1"], &["http/1.1", "h2"]] {
            let chosen: Option<&[u8]> = match offered {
                [] => None,
                [_] => Some(b"http/1.1"),
                // The server prefers HTTP/2; that is the other test.
                _ => continue,
            };
            let mut connection =
                secure(site.server.public, &site.certificate.client(&[version], offered)).unwrap();
            assert_eq!(connection.stream.conn.protocol_version(), Some(number));
            assert_eq!(connection.stream.conn.alpn_protocol(), chosen);
            for (request, status) in
                [(get("/oauth2/jwks"), 200), (REFUSED.to_owned(), 401), (get("/nowhere"), 404)]
            {
                connection.send(request);
                assert_by_https(&connection.answer(), status);
            }
        }
    }
}

/// A31
#[tokio::test]
async fn speaks_http_2_where_the_caller_can() {
    let site = &*SECURE_SITE;
    for version in [&TLS12, &TLS13] {
        for offered in [&["h2"][..], &["h2", "http/1.1"], &["http/1.1", "h2"]] {
            let stream = tokio::net::TcpStream::connect(site.server.public).await.unwrap();
            let connector = TlsConnector::from(site.certificate.client(&[version], offered));
            let stream = connector.connect(localhost(), stream).await.unwrap();
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
            let mut connection = Http2::over(stream).await;
            for (path, status) in [("/oauth2/jwks", 200), ("/oauth2/token", 405)] {
                let request =
                    Request::get(format!("https://localhost{path}")).body(Full::<Bytes>::default()).unwrap();
                assert_by_https(&connection.ask(request).await, status);
            }
        }
    }
}

#[test]
fn refuses_a_caller_that_can_neither_kind_of_http() {
    let site = &*SECURE_SITE;
    assert!(secure(site.server.public, &site.certificate.client(rustls::ALL_VERSIONS, &["spdy/3"])).is_err());
}

#[test]
fn refuses_tls_before_1_2() {
    for minor in [0, 1, 2] {
        let mut hello = vec![3, minor];
        hello.extend([7; 32]);
        // No session; two suites of that time; no compression.
        hello.extend([0, 0, 4, 0xc0, 0x13, 0x00, 0x2f, 1, 0]);
        let length = u8::try_from(hello.len()).unwrap();
        let record = [&[0x16, 3, minor, 0, length + 4, 1, 0, 0, length], &hello[..]].concat();
        let mut connection = Connection::open(SECURE_SITE.server.public);
        connection.send(record);
        let answer = connection.rest().into_bytes();
        // An alert, if anything: no ServerHello.
        assert!(answer.first().is_none_or(|kind| *kind == 0x15), "{answer:?}");
    }
}

/// A31
#[test]
fn plain_http_where_tls_is_spoken_gets_no_answer_and_no_redirect() {
    for request in [get("/oauth2/jwks"), REFUSED.to_owned(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()] {
        let mut connection = Connection::open(SECURE_SITE.server.public);
        connection.send(request);
        let answer = connection.rest();
        assert!(!answer.contains("HTTP"), "{answer:?}");
    }
}
