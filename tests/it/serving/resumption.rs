//! Callers that come again by TLS: without a signature of the server, and without anything sent too early.
//! Not for: first handshakes (`tls.rs`), certificates as such (`certificates.rs`).

use std::sync::Arc;

use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind};

use super::certificates::{served, soon, swap_files};
use super::{SECURE_SITE, get, serve_with_tls};
use crate::support::binary::{Installation, RunningServer};
use crate::support::tls::{Certificate, Secured, secure};

/// Connects and asks; with TLS 1.3 the tickets come with the answer.
fn connect(server: &RunningServer, client: &Arc<ClientConfig>) -> Secured {
    let mut connection = secure(server.public, client).unwrap();
    connection.send(get("/oauth2/jwks"));
    assert_eq!(connection.answer().status, 200);
    connection
}

fn handshake(server: &RunningServer, client: &Arc<ClientConfig>) -> HandshakeKind {
    connect(server, client).stream.conn.handshake_kind().unwrap()
}

#[test]
fn a_caller_that_comes_again_resumes_however_many_came_since() {
    let site = &*SECURE_SITE;
    for version in [&TLS12, &TLS13] {
        let client = site.certificate.client(&[version], &["http/1.1"]);
        assert_eq!(handshake(&site.server, &client), HandshakeKind::Full);
        // More than a server would remember.
        for _ in 0..300 {
            let other = site.certificate.client(&[version], &["http/1.1"]);
            assert_eq!(handshake(&site.server, &other), HandshakeKind::Full);
        }
        for _ in 0..3 {
            assert_eq!(handshake(&site.server, &client), HandshakeKind::Resumed, "{version:?}");
        }
    }
}

#[test]
fn two_tickets_are_given_after_a_handshake() {
    let site = &*SECURE_SITE;
    let client = site.certificate.client(&[&TLS13], &["http/1.1"]);
    let tickets = connect(&site.server, &client).stream.conn.tls13_tickets_received();
    assert_eq!(tickets, 2);
}

#[test]
fn a_new_certificate_costs_known_callers_nothing() {
    let installation = Installation::new();
    let (first, second) = (Certificate::new(), Certificate::new());
    first.write(installation.folder());
    let server = serve_with_tls(&installation);
    let clients = [&TLS12, &TLS13].map(|version| first.client(&[version], &["http/1.1"]));
    for client in &clients {
        assert_eq!(handshake(&server, client), HandshakeKind::Full);
    }
    swap_files(installation.folder(), &second);
    soon("the new certificate is served", served(server.public, &second));
    for client in &clients {
        assert_eq!(handshake(&server, client), HandshakeKind::Resumed);
    }
}

#[test]
fn a_ticket_of_another_node_is_passed_over() {
    let (here, there) = (Installation::new(), Installation::new());
    let certificate = Certificate::new();
    certificate.write(here.folder());
    certificate.write(there.folder());
    let (here, there) = (serve_with_tls(&here), serve_with_tls(&there));
    for version in [&TLS12, &TLS13] {
        let client = certificate.client(&[version], &["http/1.1"]);
        assert_eq!(handshake(&here, &client), HandshakeKind::Full);
        assert_eq!(handshake(&there, &client), HandshakeKind::Full);
        assert_eq!(handshake(&there, &client), HandshakeKind::Resumed);
    }
}

/// RFC 8446 §8: what is sent before the handshake is done can be sent again by others.
#[test]
fn nothing_is_taken_before_the_handshake_is_done() {
    let site = &*SECURE_SITE;
    let client = site.certificate.client(&[&TLS13], &["http/1.1"]);
    let mut eager = ClientConfig::clone(&client);
    eager.enable_early_data = true;
    let eager = Arc::new(eager);
    assert_eq!(handshake(&site.server, &eager), HandshakeKind::Full);
    let mut session =
        rustls::ClientConnection::new(Arc::clone(&eager), crate::support::tls::localhost()).unwrap();
    assert!(session.early_data().is_none(), "its ticket allows early data");
    let connection = connect(&site.server, &eager);
    assert_eq!(connection.stream.conn.handshake_kind(), Some(HandshakeKind::Resumed));
    assert!(!connection.stream.conn.is_early_data_accepted());
}
