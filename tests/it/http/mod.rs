//! HTTP as such: the built program over real sockets, byte by byte. CONFORMANCE A, and B27.
//! Not for: what a token request means (`token`), TLS and stopping (`serving`).

use std::sync::LazyLock;

use crate::support::binary::{Installation, RunningServer};
use crate::support::wire::{Answer, Connection};

mod answers;
mod bodies;
mod exposure;
mod framing;
mod http2;
mod methods;
mod slow;

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const CLIENT_ID: &str = "caller";

/// A server for all of these tests, with two tenants: with one alone any host would do.
struct Site {
    server: RunningServer,
    secret: String,
}

static SITE: LazyLock<Site> = LazyLock::new(|| {
    let installation = Installation::new();
    installation.json(&["scope", "add", "read"]);
    let application = ["app", "add", "--name", "Caller", "--client-id", CLIENT_ID, "--scope", "read"];
    let secret = installation.json(&application)["client_secret"].as_str().unwrap().to_owned();
    installation.json(&[
        "tenant",
        "add",
        "other",
        "--host",
        "other.example",
        "--issuer",
        "https://other.example",
    ]);
    let server = installation.serve(&[]);
    server.end_with_tests(installation);
    Site { server, secret }
});

impl Site {
    /// The host by which the tenant with the application is reached.
    fn host(&self) -> String {
        self.server.public.to_string()
    }

    /// A form that is good for a token.
    fn form(&self) -> String {
        format!("grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={}", self.secret)
    }

    /// A request without a body.
    fn request(&self, method: &str, target: &str, fields: &[&str]) -> String {
        let fields: String = fields.iter().fold(String::new(), |text, field| format!("{text}{field}\r\n"));
        format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n{fields}\r\n", self.host())
    }

    /// A request for a token, with a body.
    fn post(&self, fields: &[&str], body: &str) -> String {
        let length = format!("Content-Length: {}", body.len());
        self.request("POST", "/oauth2/token", &[fields, &[&length]].concat()) + body
    }

    /// A request for a token with a body in chunks.
    fn post_chunked(&self, chunks: &[&str]) -> String {
        let head = self.request("POST", "/oauth2/token", &[FORM, "Transfer-Encoding: chunked"]);
        let chunk = |chunk: &&str| format!("{:x}\r\n{chunk}\r\n", chunk.len());
        format!("{head}{}0\r\n\r\n", chunks.iter().map(chunk).collect::<String>())
    }

    fn connect(&self) -> Connection {
        Connection::open(self.server.public)
    }

    /// Sends on a new connection; the answer, which must be one of ours.
    fn ask(&self, bytes: impl AsRef<[u8]>) -> Answer {
        let mut connection = self.connect();
        connection.send(bytes);
        let answer = connection.answer();
        assert_ours(&answer);
        answer
    }

    /// Sends on a new connection; the answer, after which the server must close.
    fn ask_last(&self, bytes: impl AsRef<[u8]>) -> Answer {
        let mut connection = self.connect();
        connection.send(bytes);
        let answer = connection.answer();
        assert_eq!(answer.field("connection"), Some("close"));
        assert_eq!(connection.rest(), "", "nothing may follow");
        answer
    }
}

/// What every answer that the program makes itself has, and what none has.
fn assert_ours(answer: &Answer) {
    assert_eq!(answer.field("x-content-type-options"), Some("nosniff"), "{answer:?}");
    let request_id = answer.field("x-request-id").unwrap();
    assert!(uuid::Uuid::parse_str(request_id).is_ok(), "{request_id}");
    let cached = answer.field("cache-control").unwrap();
    match cached {
        "no-store" => assert_eq!(answer.field("pragma"), Some("no-cache")),
        // Keys and metadata are public.
        _ => assert_eq!((cached, answer.field("pragma")), ("public, max-age=300", None)),
    }
    for absent in ["set-cookie", "last-modified", "content-encoding", "location"] {
        assert_eq!(answer.field(absent), None, "{answer:?}");
    }
    assert!(!answer.fields.iter().any(|(name, _)| name.starts_with("access-control-")), "{answer:?}");
    match answer.field("content-type") {
        Some("application/json;charset=UTF-8" | "application/json") => {}
        other => assert!(other.is_none() && answer.body.is_empty(), "{answer:?}"),
    }
    // RFC 8259 §8.1: no byte order mark.
    assert!(answer.body.is_empty() || answer.body.starts_with('{'), "{answer:?}");
}
