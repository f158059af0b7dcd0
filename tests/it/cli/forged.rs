//! An issuer made for one test: it publishes a key and signs what no server would, such as a token that has expired.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use chancery::crypto::algorithm::{ALGORITHMS, Signer};
use chancery::crypto::jws;
use chancery::domain::time::{Clock, SystemClock};
use serde_json::{Value, json};

use super::{check_refused, refused_words};
use crate::support::binary::Installation;

struct Forger {
    issuer: String,
    signer: Arc<dyn Signer>,
    now: i64,
}

impl Forger {
    /// Answers every path with its metadata, changed by `metadata`, and the path of its keys with its key.
    fn new(metadata: fn(&mut Value)) -> Self {
        let algorithm = ALGORITHMS[0];
        let signer = algorithm.signer(&algorithm.generate().unwrap()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let mut key = signer.public_key().to_members();
        key.extend([("kid".to_owned(), json!("k")), ("alg".to_owned(), json!("RS256"))]);
        let keys = json!({ "keys": [key] });
        let mut document = json!({
            "issuer": issuer,
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
        });
        metadata(&mut document);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 4096];
                let count = stream.read(&mut request).unwrap();
                let body =
                    if request[..count].starts_with(b"GET /keys ") { &keys } else { &document }.to_string();
                let head =
                    format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
                let _ = stream.write_all((head + &body).as_bytes());
            }
        });
        Self { issuer, signer, now: SystemClock::new().now().as_seconds() }
    }

    /// A token with sound claims but for those that `change` changes.
    fn sign(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let mut header = json!({ "kid": "k", "typ": "JWT", "alg": "RS256" });
        let mut claims =
            json!({ "iss": self.issuer, "sub": "x", "aud": "x", "iat": self.now, "exp": self.now + 60 });
        change(&mut header, &mut claims);
        let mut token = String::new();
        jws::push_base64url(header.to_string().as_bytes(), &mut token);
        token.push('.');
        jws::push_base64url(claims.to_string().as_bytes(), &mut token);
        jws::sign(self.signer.as_ref(), &mut token).unwrap();
        token
    }
}

#[test]
fn what_is_signed_but_not_sound_is_refused_with_the_reason() {
    let forger = Forger::new(|_| {});
    let now = forger.now;
    let installation = Installation::new();
    let verify = |token: String| {
        installation.run_with_input(
            &["token", "verify", "--issuer", &forger.issuer, "--audience", "x"],
            token.as_bytes(),
        )
    };
    assert!(verify(forger.sign(|_, _| {})).status.success());
    assert!(verify(forger.sign(|_, claims| claims["aud"] = json!(["y", "x"]))).status.success());

    let claim = |name: &str, value: Value| forger.sign(|_, claims| claims[name] = value);
    check_refused(&verify(claim("exp", json!(now))), &["it has expired"]);
    check_refused(&verify(claim("exp", json!(now - 3600))), &["it has expired"]);
    check_refused(&verify(claim("exp", json!("9999999999"))), &["it has no expiry"]);
    check_refused(&verify(claim("nbf", json!(now + 3600))), &["it is not valid yet"]);
    check_refused(&verify(claim("iss", json!("http://127.0.0.1"))), &["issued by somebody else"]);
    check_refused(&verify(claim("iss", json!([forger.issuer]))), &["issued by somebody else"]);
    check_refused(&verify(claim("aud", json!("xx"))), &["meant for somebody else"]);
    check_refused(&verify(claim("aud", Value::Null)), &["meant for somebody else"]);
    let header = |name: &str, value: Value| forger.sign(|header, _| header[name] = value);
    check_refused(&verify(header("typ", json!("dpop+jwt"))), &["its typ is not that of an access token"]);
    check_refused(&verify(header("kid", json!("other"))), &["no key of the issuer has its kid"]);
    check_refused(&verify(header("crit", json!(["exp"]))), &["extension"]);
    check_refused(&verify(header("alg", json!("HS256"))), &["algorithm"]);
}

#[test]
fn every_algorithm_verifies_with_saved_keys_and_only_as_itself() {
    let installation = Installation::new();
    let mut forger = Forger::new(|_| {});
    let issuer = forger.issuer.clone();
    let verify = |token: &str| {
        let arguments = ["token", "verify", "--issuer", &issuer, "--audience", "x", "--jwks", "keys"];
        installation.run_with_input(&arguments, token.as_bytes())
    };
    for algorithm in ALGORITHMS {
        forger.signer = algorithm.signer(&algorithm.generate().unwrap()).unwrap();
        let mut key = forger.signer.public_key().to_members();
        key.extend([("kid".to_owned(), json!("k")), ("alg".to_owned(), json!(algorithm.name()))]);
        std::fs::write(installation.folder().join("keys"), json!({ "keys": [key] }).to_string()).unwrap();
        let token = |name: &str| forger.sign(|header, _| header["alg"] = json!(name));
        let verified = verify(&token(algorithm.name()));
        assert!(verified.status.success(), "{}: {verified:?}", algorithm.name());
        for other in ALGORITHMS.iter().map(|other| other.name()).filter(|name| *name != algorithm.name()) {
            check_refused(&verify(&token(other)), &["its algorithm is not the one its key is for"]);
        }
    }
}

/// The metadata may say what they like: a secret leaves only over TLS or on loopback.
#[test]
fn metadata_cannot_send_a_secret_into_the_clear() {
    let installation = Installation::new();
    std::fs::write(installation.folder().join("secret"), "t0psecret").unwrap();
    let get = |forger: &Forger, words: &[&str]| {
        let get = ["token", "get", "--issuer", &forger.issuer, "--client-id", "x", "--secret-file", "secret"];
        refused_words(&installation, &get, words);
    };
    get(
        &Forger::new(|document| document["token_endpoint"] = json!("http://192.0.2.1/token")),
        &["must be https"],
    );
    get(&Forger::new(|document| document["token_endpoint"] = json!("file:///etc/passwd")), &["file:"]);
    get(&Forger::new(|document| document["token_endpoint"] = json!("a\u{1b}[31m\nb")), &[]);
    get(&Forger::new(|document| document["token_endpoint"] = json!(7)), &["no token_endpoint"]);
    get(&Forger::new(|document| document["jwks_uri"] = Value::Null), &["no jwks_uri"]);
    get(&Forger::new(|document| document["issuer"] = json!("https://other.example")), &["another issuer"]);
    get(&Forger::new(|document| *document = json!([])), &["another issuer"]);
}
