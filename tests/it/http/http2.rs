//! The same lines over HTTP/2, where they differ.
//! Not for: HTTP/2 by TLS (`serving/tls.rs`), or clients that flood (`serving/limits.rs`).

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::http::request::Builder;
use hyper::{Request, Version};

use super::{CLIENT_ID, SITE, assert_ours};
use crate::support::http2::Http2;
use crate::support::wire::Answer;

fn request(method: &str, path: &str) -> Builder {
    let uri = format!("http://{}{path}", SITE.host());
    Request::builder().version(Version::HTTP_2).method(method).uri(uri)
}

fn post(form: &str) -> Request<Full<Bytes>> {
    let request =
        request("POST", "/oauth2/token").header("content-type", "application/x-www-form-urlencoded");
    request.body(Full::new(Bytes::from(form.to_owned()))).unwrap()
}

fn empty(builder: Builder) -> Request<Full<Bytes>> {
    builder.body(Full::default()).unwrap()
}

async fn ask(request: Request<Full<Bytes>>) -> Answer {
    let answer = Http2::open(SITE.server.public).await.ask(request).await;
    assert_ours(&answer);
    answer
}

/// A01, A02, A04, A06, A07, A12, A30
#[tokio::test]
async fn http_2_is_answered_like_http_1() {
    assert_eq!(ask(post(&SITE.form())).await.status, 200);
    assert_eq!(ask(post("grant_type=client_credentials")).await.status, 401);
    let got = ask(empty(request("GET", "/oauth2/token"))).await;
    assert_eq!((got.status, got.field("allow")), (405, Some("POST, OPTIONS")));
    let head = ask(empty(request("HEAD", "/oauth2/token"))).await;
    assert_eq!((head.status, head.body.as_str()), (405, ""));
    let document = ask(empty(request("HEAD", "/oauth2/jwks"))).await;
    assert_eq!((document.status, document.body.as_str()), (200, ""));
    assert_eq!(ask(empty(request("OPTIONS", "/oauth2/token"))).await.status, 204);
    assert_eq!(ask(empty(request("FROB", "/oauth2/token"))).await.status, 501);
    assert_eq!(ask(empty(request("GET", "/oauth2//token"))).await.status, 404);
    let long = post(&format!("{}&x={}", SITE.form(), "y".repeat(64 * 1024)));
    assert_eq!(ask(long).await.status, 413);
}

/// A13
#[tokio::test]
async fn a_head_of_more_than_16_kib_or_100_fields_is_refused_on_http_2_too() {
    let with = |count: usize, value: &str| {
        let fields = (0..count).map(|index| (format!("x-{index}"), value.to_owned()));
        empty(
            fields.fold(request("GET", "/oauth2/jwks"), |request, (name, value)| request.header(name, value)),
        )
    };
    assert_eq!(ask(with(99, "a")).await.status, 200);
    assert_eq!(ask(with(101, "a")).await.status, 431);
    let mut connection = Http2::open(SITE.server.public).await;
    for too_long in [with(1, &"a".repeat(17 * 1024)), with(17, &"a".repeat(1024))] {
        assert_eq!(connection.ask(too_long).await.status, 431);
    }
    // RFC 9113 §10.5.1: it is the request that is too long, not the connection.
    assert_eq!(connection.ask(with(1, &"a".repeat(15 * 1024))).await.status, 200);
}

/// R02
#[tokio::test]
async fn authority_and_host_must_not_differ() {
    let with_host = |host: &str| empty(request("GET", "/oauth2/jwks").header("host", host));
    assert_eq!(ask(with_host(&SITE.host())).await.status, 200);
    let answer = ask(with_host("other.example")).await;
    assert_eq!((answer.status, answer.error().as_str()), (400, "invalid_request"));
}

/// R02
#[tokio::test]
async fn an_unknown_host_gets_421_and_no_hint_of_a_tenant() {
    let uri = "http://nobody.example/oauth2/jwks";
    let over_http2 = ask(empty(Request::builder().version(Version::HTTP_2).uri(uri))).await;
    let over_http1 = SITE.ask("GET /oauth2/jwks HTTP/1.1\r\nHost: nobody.example\r\n\r\n");
    let absolute = format!("GET {uri} HTTP/1.1\r\nHost: {}\r\n\r\n", SITE.host());
    for answer in [over_http2, over_http1, SITE.ask(absolute)] {
        assert_eq!((answer.status, answer.error().as_str()), (421, "invalid_request"));
        let text = format!("{answer:?}");
        for hint in ["default", "other", CLIENT_ID, SITE.host().as_str()] {
            assert!(!text.contains(hint), "{hint}: {text}");
        }
    }
}

/// R02
#[test]
fn the_host_in_an_absolute_target_wins() {
    let host = SITE.host();
    let form = SITE.form();
    let ask = |target: &str, host: &str| {
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: {host}\r\n{}\r\nContent-Length: {}",
            super::FORM,
            form.len()
        );
        SITE.ask(format!("{head}\r\n\r\n{form}")).status
    };
    assert_eq!(ask(&format!("http://{host}/oauth2/token"), "other.example"), 200);
    assert_eq!(ask("http://other.example/oauth2/token", &host), 401);
    assert_eq!(ask("/oauth2/token", "other.example"), 401);
    assert_eq!(ask("/oauth2/token", &host.to_uppercase()), 200);
}
