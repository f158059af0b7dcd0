//! What stands in the head of every answer, whatever it says.
//! Not for: which answer is due (`token`).

use data_encoding::BASE64;

use super::{CLIENT_ID, FORM, SITE, assert_ours};
use crate::support::binary::Installation;
use crate::support::wire::{Answer, Connection};

const GRANT: &str = "grant_type=client_credentials";

fn basic(scheme: &str, secret: &str) -> String {
    format!("Authorization: {scheme}{}", BASE64.encode(format!("{CLIENT_ID}:{secret}").as_bytes()))
}

fn ask_with(fields: &[&str], form: &str) -> Answer {
    SITE.ask(SITE.post(&[&[FORM], fields].concat(), form))
}

/// A21
#[test]
fn two_authorization_fields_are_refused_though_both_be_good() {
    let (good, bad) = (basic("Basic ", &SITE.secret), basic("Basic ", "wrong"));
    for fields in [[&good, &good], [&good, &bad], [&bad, &bad]] {
        let answer = ask_with(&fields.map(String::as_str), GRANT);
        assert_eq!((answer.status, answer.error().as_str()), (400, "invalid_request"), "{fields:?}");
    }
    let answer = ask_with(&[&good, "authorization: Bearer x"], GRANT);
    assert_eq!((answer.status, answer.error().as_str()), (400, "invalid_request"));
}

/// A32, A33
#[test]
fn the_scheme_may_be_written_in_any_case_and_followed_by_many_spaces() {
    for scheme in ["Basic ", "basic ", "BASIC ", "bAsIc  ", "Basic       "] {
        assert_eq!(ask_with(&[&basic(scheme, &SITE.secret)], GRANT).status, 200, "{scheme:?}");
    }
    for scheme in ["Basic", "Basic\t", "Basic,", "Bearer ", "bEaReR  ", "Basi "] {
        let answer = ask_with(&[&basic(scheme, &SITE.secret)], GRANT);
        assert_eq!((answer.status, answer.error().as_str()), (401, "invalid_client"), "{scheme:?}");
    }
}

/// A26
#[test]
fn every_401_carries_a_challenge() {
    let wrong = basic("Basic ", "wrong");
    for fields in [&[][..], &[wrong.as_str()], &["Authorization: Bearer x"], &["Authorization: Basic !"]] {
        let answer = ask_with(fields, GRANT);
        assert_eq!(answer.status, 401, "{fields:?}");
        assert_eq!(answer.field("www-authenticate"), Some(r#"Basic realm="chancery""#), "{fields:?}");
    }
}

/// A22, A25
#[test]
fn nothing_that_is_asked_for_changes_the_shape_of_an_answer() {
    let wishes = [
        "Accept: text/html",
        "Accept-Encoding: gzip, br, zstd",
        "Accept-Language: de",
        "If-None-Match: *",
        "If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT",
        "Range: bytes=0-3",
        "Cookie: session=a",
        "Origin: https://page.example",
        "TE: trailers, gzip",
        "Prefer: return=minimal",
        "Upgrade: websocket",
        "Upgrade-Insecure-Requests: 1",
    ];
    for (form, status) in [(SITE.form(), 200), (GRANT.to_owned(), 401), ("grant_type=x".to_owned(), 401)] {
        let answer = ask_with(&wishes, &form);
        assert_eq!(answer.status, status);
        assert_eq!(answer.field("content-type"), Some("application/json;charset=UTF-8"));
        assert_eq!(answer.field("etag"), None);
        assert!(answer.json().is_object());
    }
    let answer = SITE.ask(SITE.request("GET", "/oauth2/token", &wishes));
    assert_eq!((answer.status, answer.error().as_str()), (405, "invalid_request"));
}

/// A29
#[test]
fn the_token_endpoint_has_the_content_type_of_the_reference_and_the_others_plain_json() {
    for (form, status) in [(SITE.form(), 200), (GRANT.to_owned(), 401), (String::new(), 400)] {
        let answer = ask_with(&[], &form);
        assert_eq!(
            (answer.status, answer.field("content-type")),
            (status, Some("application/json;charset=UTF-8"))
        );
    }
    for target in
        ["/oauth2/jwks", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]
    {
        let answer = SITE.ask(SITE.request("GET", target, &[]));
        assert_eq!(
            (answer.status, answer.field("content-type")),
            (200, Some("application/json")),
            "{target}"
        );
    }
    for target in ["/health/live", "/health/ready"] {
        let mut connection = Connection::open(SITE.server.admin);
        connection.send(SITE.request("GET", target, &[]));
        let answer = connection.answer();
        assert_eq!(
            (answer.status, answer.field("content-type")),
            (200, Some("application/json")),
            "{target}"
        );
    }
}

/// A23, A24, A28, A34
#[test]
fn answers_of_every_kind_have_the_fields_that_all_have() {
    let etag = SITE.ask(SITE.request("GET", "/oauth2/jwks", &[])).field("etag").unwrap().to_owned();
    let many = vec!["a=b"; 101].join("&");
    let kinds = [
        (SITE.post(&[FORM], &SITE.form()), 200, "no-store"),
        (SITE.request("GET", "/oauth2/jwks", &[]), 200, "public, max-age=300"),
        (SITE.request("OPTIONS", "/oauth2/token", &[]), 204, "no-store"),
        (
            SITE.request("GET", "/oauth2/jwks", &[&format!("If-None-Match: {etag}")]),
            304,
            "public, max-age=300",
        ),
        (SITE.post(&[FORM], ""), 400, "no-store"),
        (SITE.post(&[FORM], &many), 400, "no-store"),
        (SITE.post(&[FORM], &(SITE.form() + "&scope=unknown")), 400, "no-store"),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n".to_owned(), 400, "no-store"),
        (SITE.post(&[FORM], GRANT), 401, "no-store"),
        (SITE.request("GET", "/nowhere", &[]), 404, "no-store"),
        (SITE.request("GET", "/oauth2/token", &[]), 405, "no-store"),
        (SITE.request("POST", "/oauth2/token", &[FORM, "Content-Length: 65537"]), 413, "no-store"),
        (SITE.post(&[], "a=b"), 415, "no-store"),
        ("GET / HTTP/1.1\r\nHost: nobody.example\r\n\r\n".to_owned(), 421, "no-store"),
        (SITE.request("FROB", "/", &[]), 501, "no-store"),
    ];
    for (request, status, cached) in kinds {
        let answer = SITE.ask(&request);
        assert_eq!((answer.status, answer.field("cache-control")), (status, Some(cached)), "{request}");
        assert_eq!(answer.json_or_nothing().is_some(), ![204, 304].contains(&status), "{answer:?}");
    }
    for (target, status) in [("/health/live", 200), ("/health/ready", 200), ("/", 404)] {
        let mut connection = Connection::open(SITE.server.admin);
        connection.send(SITE.request("GET", target, &[]));
        let answer = connection.answer();
        assert_ours(&answer);
        assert_eq!((answer.status, answer.field("cache-control")), (status, Some("no-store")), "{target}");
    }
    let mut connection = Connection::open(SITE.server.admin);
    connection.send(SITE.request("GET", "/metrics", &[]));
    let answer = connection.answer();
    assert_eq!((answer.status, answer.field("cache-control")), (200, Some("no-store")));
    assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
}

/// A35, A36: the store is damaged behind the server's back, and then lacks what it must have.
#[test]
fn trouble_of_our_own_is_500_or_503_and_reveals_nothing() {
    let installation = Installation::new();
    let add = |id: &str| {
        installation.json(&["app", "add", "--name", "Name", "--client-id", id])["client_secret"].clone()
    };
    let (damaged, secret) = (add("damaged"), add("sound"));
    let server = installation.serve(&[]);
    let ask = |client_id: &str, secret: &serde_json::Value| {
        let mut connection = Connection::open(server.public);
        let form = format!("{GRANT}&client_id={client_id}&client_secret={}", secret.as_str().unwrap());
        connection.send(SITE.post(&[FORM], &form));
        let answer = connection.answer();
        assert_ours(&answer);
        answer
    };
    assert_eq!(ask("sound", &secret).status, 200);

    let store = rusqlite::Connection::open(installation.data().join("chancery.db")).unwrap();
    store.execute("UPDATE application SET type = 'nonsense' WHERE client_id = 'damaged'", ()).unwrap();
    let answer = ask("damaged", &damaged);
    assert_eq!((answer.status, answer.error().as_str()), (500, "server_error"));
    assert_reveals_nothing(&answer);
    assert!(server.log().contains(answer.field("x-request-id").unwrap()), "{}", server.log());

    store.execute_batch("ALTER TABLE change RENAME TO elsewhere").unwrap();
    // Until its memory is too old the server need not notice.
    let answer = (0..300)
        .map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            ask("sound", &secret)
        })
        .find(|answer| answer.status != 200)
        .unwrap();
    assert_eq!((answer.status, answer.error().as_str()), (503, "temporarily_unavailable"));
    assert!(answer.field("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    assert_reveals_nothing(&answer);

    store.execute_batch("ALTER TABLE elsewhere RENAME TO change").unwrap();
    let mended = (0..300).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        ask("sound", &secret).status == 200
    });
    assert!(mended, "the server should find the store again: {}", server.log());
}

fn assert_reveals_nothing(answer: &Answer) {
    let text = format!("{answer:?}").to_ascii_lowercase();
    for word in ["sql", "table", "nonsense", "panic", "src/", ".rs", "rusqlite", "chancery.db", "stack"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}
