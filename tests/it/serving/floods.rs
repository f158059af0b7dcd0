//! HTTP/2 frames that no honest client sends, by the hundred thousand: others are served, memory stays what it was.
//! Not for: what frames mean where they are meant well (`http/http2.rs`).

use std::io::Write;
use std::net::TcpStream;
use std::thread::scope;
use std::time::Duration;

use super::get;
use crate::support::binary::{Installation, RunningServer};
use crate::support::wire::Connection;

/// How much of a flood is sent by each of those who flood, in bytes.
const FLOOD: usize = 3 * 1024 * 1024;

/// How much memory all floods together may cost, in bytes. What they send is far more.
const MOST_MEMORY: u64 = 48 * 1024 * 1024;

/// A frame of HTTP/2 (RFC 9113 §4.1).
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The start of an HTTP/2 connection, with no settings (RFC 9113 §3.4).
pub(super) fn preface() -> Vec<u8> {
    with_settings(&[])
}

fn with_settings(settings: &[u8]) -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &frame(4, 0, 0, settings)[..]].concat()
}

/// `GET /oauth2/jwks` without compression (RFC 7541 §6.2.2).
pub(super) fn head_of_a_request() -> Vec<u8> {
    b"\x82\x86\x04\x0c/oauth2/jwks\x01\x09localhost".to_vec()
}

/// What is sent first, and then again and again with the next stream.
struct Flood {
    name: &'static str,
    start: Vec<u8>,
    next: fn(u32) -> Vec<u8>,
}

fn floods() -> Vec<Flood> {
    let flood = |name, start: &[Vec<u8>], next| Flood { name, start: start.concat(), next };
    // A field of 4000 bytes that is named again by one byte (RFC 7541 §6.1).
    let long_field = [&b"\x40\x01x\x7f\xa1\x1e"[..], &[b'y'; 4000]].concat();
    vec![
        flood("rapid reset", &[preface()], |stream| {
            let request = frame(1, 0x5, stream, &head_of_a_request());
            [request, frame(3, 0, stream, &8_u32.to_be_bytes())].concat()
        }),
        flood("CONTINUATION", &[preface(), frame(1, 0, 1, &head_of_a_request())], |_| {
            frame(9, 0, 1, &[&b"\x00\x01x\x7f\x81\x06"[..], &[b'y'; 896]].concat())
        }),
        flood("PING", &[preface()], |_| frame(6, 0, 0, &[7; 8])),
        flood("SETTINGS", &[preface()], |_| frame(4, 0, 0, &[0, 4, 0, 0, 255, 255])),
        flood("PRIORITY", &[preface()], |stream| frame(2, 0, stream, &[0, 0, 0, 0, 7])),
        flood("WINDOW_UPDATE", &[preface()], |_| frame(8, 0, 0, &[0, 0, 0, 1])),
        flood("empty DATA", &[preface(), frame(1, 0x4, 1, &head_of_a_request())], |_| frame(0, 0, 1, &[])),
        flood("bodies of one byte", &[preface()], |stream| {
            [frame(1, 0x4, stream, &head_of_a_request()), frame(0, 0, stream, &[7])].concat()
        }),
        flood("many streams", &[preface()], |stream| frame(1, 0x4, stream, &head_of_a_request())),
        flood("tiny windows", &[with_settings(&[0, 4, 0, 0, 0, 0])], |stream| {
            frame(1, 0x5, stream, &head_of_a_request())
        }),
        flood(
            "long field, named again",
            &[preface(), frame(1, 0x5, 1, &[head_of_a_request(), long_field].concat())],
            |stream| frame(1, 0x5, stream + 2, &[head_of_a_request(), vec![0xbe; 8_000]].concat()),
        ),
        flood("broken frames", &[preface()], |stream| {
            frame(1, 0x5, stream, b"\x82\x86\x04\x0c/oauth2/jwks\x01\x09localhost\x00\x01X\x01y")
        }),
    ]
}

/// Sends a flood, until the server takes no more of it. Nothing is read.
fn send(flood: &Flood, server: &RunningServer) -> TcpStream {
    let mut stream = TcpStream::connect(server.public).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let _ = stream.write_all(&flood.start);
    let (mut sent, mut number) = (0, 0);
    while sent < FLOOD {
        let mut lot = Vec::new();
        while lot.len() < 16 * 1024 {
            lot.extend((flood.next)(2 * number + 1));
            number += 1;
        }
        sent += lot.len();
        if stream.write_all(&lot).is_err() {
            break;
        }
    }
    stream
}

/// CVE-2023-44487, CVE-2024-27316 and their kin.
#[test]
fn a_flood_hurts_nobody_else_and_costs_no_memory() {
    let installation = Installation::new();
    let server = installation.serve(&[]);
    let ask = |connection: &mut Connection| {
        connection.send(get("/oauth2/jwks"));
        assert_eq!(connection.answer().status, 200);
    };
    let mut honest = Connection::open(server.public);
    ask(&mut honest);
    let before = memory_of(&server);
    for flood in floods() {
        let held: Vec<TcpStream> = scope(|scope| {
            let senders = [(); 3].map(|()| scope.spawn(|| send(&flood, &server)));
            for _ in 0..30 {
                ask(&mut honest);
                ask(&mut Connection::open(server.public));
            }
            senders.map(|sender| sender.join().unwrap()).into()
        });
        ask(&mut honest);
        let grown = memory_of(&server).saturating_sub(before);
        assert!(grown < MOST_MEMORY, "{}: {grown} bytes more", flood.name);
        drop(held);
    }
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// Where the system does not tell, there is nothing to compare.
fn memory_of(server: &RunningServer) -> u64 {
    if cfg!(target_os = "linux") { super::memory(server.id()) } else { 0 }
}

/// What a flood that ends its connection looks like to whoever sent it.
#[test]
fn whoever_floods_is_sent_away_at_once_where_no_honest_client_could_do_the_same() {
    let installation = Installation::new();
    let server = installation.serve(&[]);
    let ended = ["rapid reset", "CONTINUATION", "empty DATA", "broken frames"];
    for flood in floods().into_iter().filter(|flood| ended.contains(&flood.name)) {
        let mut connection = Connection::over(send(&flood, &server));
        let answer = connection.rest();
        // GOAWAY (RFC 9113 §6.8), unless the end came before it could be read.
        let goodbye = frame(7, 0, 0, &[0; 8]);
        let bytes = answer.as_bytes();
        let was_said = bytes.windows(5).any(|window| window == &goodbye[3..8]);
        assert!(was_said || bytes.len() < 64 * 1024, "{}: {} bytes", flood.name, bytes.len());
    }
}
