//! Requests on an HTTP/1 connection: how their bytes are split changes nothing.
#![no_main]

use chancery::http::framing::Framing;
use libfuzzer_sys::fuzz_target;

/// Feeds in pieces: where in the whole it was refused, whether it ended in a head, and how many heads there were.
fn feed<'bytes>(pieces: impl IntoIterator<Item = &'bytes [u8]>) -> (Option<usize>, bool, u64) {
    let (mut framing, mut fed) = (Framing::default(), 0);
    for piece in pieces {
        if let Err(ambiguous) = framing.feed(piece) {
            assert!(ambiguous.position <= piece.len());
            return (Some(fed + ambiguous.position), framing.in_head(), framing.heads());
        }
        fed += piece.len();
    }
    (None, framing.in_head(), framing.heads())
}

fn check(size: usize, bytes: &[u8]) {
    let whole = feed([bytes]);
    assert!(whole.2 <= bytes.len() as u64);
    assert_eq!(feed(bytes.chunks(1)), whole);
    assert_eq!(feed(bytes.chunks(size)), whole);
    let (start, end) = bytes.split_at(size.min(bytes.len()));
    assert_eq!(feed([start, end]), whole);
    assert_eq!(feed(start.chunks(1).chain([end])), whole);
}

fuzz_target!(|data: &[u8]| {
    let Some((size, bytes)) = data.split_first() else { return };
    let size = usize::from(*size) + 1;
    check(size, bytes);
    check(size, &[b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", bytes].concat());
    check(size, &[b"POST / HTTP/1.1\r\nContent-Length: 7\r\n", bytes].concat());
});
