//! Where requests begin and end on an HTTP/1 connection, seen from its bytes alone.
//! Not for: what a request says, nor for refusing a malformed one; both are hyper's.

use memchr::memchr;

/// The longest line that may hold Content-Length or Transfer-Encoding; real ones are a quarter of it.
const MAX_LINE: usize = 128;

/// The largest length hyper takes; the two numbers above it mean something else to it.
const MAX_LENGTH: u64 = u64::MAX - 2;

/// The length of a message is not certain: its head has both Content-Length and Transfer-Encoding
/// (RFC 9112 §6.1), or one of them on a line too long to be honest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ambiguous {
    /// Where in the bytes just fed the line ends that made it so.
    pub position: usize,
}

/// Where on an HTTP/1 connection requests begin and end (RFC 9112 §6.3). It agrees with hyper on every request
/// hyper takes; of others it knows nothing, since hyper reads no further after one.
#[derive(Debug)]
pub struct Framing {
    state: State,
    fields: Fields,
    line: Line,
    heads: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Head,
    Body(u64),
    Chunked(Chunked),
    Ambiguous,
    /// hyper refuses what came before.
    Broken,
}

impl Default for Framing {
    fn default() -> Self {
        let start = [0; MAX_LINE];
        Self { state: State::Idle, fields: Fields::default(), line: Line { start, length: 0 }, heads: 0 }
    }
}

impl Framing {
    /// Whether a head has begun and is not complete.
    pub fn in_head(&self) -> bool {
        self.state == State::Head
    }

    /// Whether the last request has come in full, and no other has begun.
    pub fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    /// How many heads have begun.
    pub fn heads(&self) -> u64 {
        self.heads
    }

    /// Takes the next bytes a client sent.
    ///
    /// # Errors
    ///
    /// When a head is ambiguous; the connection must not be read further then.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Ambiguous> {
        let mut rest = bytes;
        while let Some((&first, after)) = rest.split_first() {
            rest = match self.state {
                // RFC 9112 §2.2: empty lines before a request line are ignored.
                State::Idle if matches!(first, b'\r' | b'\n') => after,
                State::Idle => {
                    self.state = State::Head;
                    self.fields = Fields::default();
                    self.heads = self.heads.wrapping_add(1);
                    self.feed_line(rest)
                }
                State::Head => self.feed_line(rest),
                State::Body(remaining) => {
                    let (remaining, rest) = skip(remaining, rest);
                    self.state = match remaining {
                        0 => State::Idle,
                        _ => State::Body(remaining),
                    };
                    rest
                }
                State::Chunked(Chunked::Data(remaining)) => {
                    let (remaining, rest) = skip(remaining, rest);
                    self.state = State::Chunked(match remaining {
                        0 => Chunked::DataCr,
                        _ => Chunked::Data(remaining),
                    });
                    rest
                }
                State::Chunked(chunked) => {
                    self.state = chunked.after(first);
                    after
                }
                State::Ambiguous => {
                    let position = bytes.len() - rest.len();
                    return Err(Ambiguous { position });
                }
                State::Broken => return Ok(()),
            };
        }
        Ok(())
    }

    /// Takes one line of a head, or as much of it as there is, and returns what follows. hyper ends a line at
    /// LF, whether CR comes before it or not, and takes no CR elsewhere (RFC 9112 §2.2).
    fn feed_line<'bytes>(&mut self, bytes: &'bytes [u8]) -> &'bytes [u8] {
        let Some((text, rest)) = memchr(b'\n', bytes).and_then(|end| bytes.split_at_checked(end)) else {
            self.line.extend(bytes);
            return &[];
        };
        let (line, length) = match self.line.length {
            0 => (text, text.len()),
            _ => self.line.extend(text),
        };
        self.state = match line {
            [] | [b'\r'] => self.fields.body(),
            _ => self.fields.note(line, length > MAX_LINE),
        };
        self.line.length = 0;
        match self.state {
            // The end of the line is where it is refused, so that hyper never sees the line whole.
            State::Ambiguous => rest,
            _ => rest.get(1..).unwrap_or_default(),
        }
    }
}

/// Returns how much of `remaining` is still to come, and what follows it.
fn skip(remaining: u64, bytes: &[u8]) -> (u64, &[u8]) {
    let count = usize::try_from(remaining).unwrap_or(usize::MAX);
    match bytes.split_at_checked(count) {
        Some((_, rest)) => (0, rest),
        None => (remaining.saturating_sub(bytes.len() as u64), &[]),
    }
}

/// A line that comes in pieces: its start, and how long it is in full.
#[derive(Debug)]
struct Line {
    start: [u8; MAX_LINE],
    length: usize,
}

impl Line {
    fn extend(&mut self, bytes: &[u8]) -> (&[u8], usize) {
        let room = self.start.get_mut(self.length..).unwrap_or_default();
        room.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        self.length = self.length.saturating_add(bytes.len());
        (self.start.get(..self.length).unwrap_or(&self.start), self.length)
    }
}

/// What a head has said about its body so far.
#[derive(Debug, Default)]
struct Fields {
    length: Length,
    /// Whether its last coding is chunked, which alone has an end.
    is_chunked: Option<bool>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Length {
    #[default]
    Absent,
    Exactly(u64),
    /// No number, or more than one.
    Refused,
}

impl Fields {
    /// Notes a line of a head, and returns what comes after it.
    fn note(&mut self, line: &[u8], is_overlong: bool) -> State {
        if let Some(value) = value_of(line, b"content-length:") {
            self.length = match (self.length, parse_length(value)) {
                (Length::Absent, Some(length)) => Length::Exactly(length),
                // RFC 9110 §8.6: the same number again is no other length.
                (Length::Exactly(earlier), Some(length)) if earlier == length => self.length,
                _ => Length::Refused,
            };
        } else if let Some(value) = value_of(line, b"transfer-encoding:") {
            let last = value.rsplit(|byte| *byte == b',').next().unwrap_or_default();
            self.is_chunked = Some(last.trim_ascii().eq_ignore_ascii_case(b"chunked"));
        } else {
            return State::Head;
        }
        let has_both = self.length != Length::Absent && self.is_chunked.is_some();
        if has_both || is_overlong { State::Ambiguous } else { State::Head }
    }

    /// What comes after the head (RFC 9112 §6.3).
    fn body(&self) -> State {
        match (self.is_chunked, self.length) {
            (Some(true), _) => State::Chunked(Chunked::Start),
            (None, Length::Absent | Length::Exactly(0)) => State::Idle,
            (None, Length::Exactly(length)) => State::Body(length),
            (Some(false), _) | (None, Length::Refused) => State::Broken,
        }
    }
}

/// Returns what a line says for a field; `name` has the colon, which nothing may come before (RFC 9112 §5.1).
fn value_of<'line>(line: &'line [u8], name: &[u8]) -> Option<&'line [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then_some(value)
}

fn parse_length(value: &[u8]) -> Option<u64> {
    let digits = value.trim_ascii();
    let length = digits.iter().try_fold(0_u64, |length, byte| match byte {
        b'0'..=b'9' => length.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    });
    length.filter(|length| !digits.is_empty() && *length <= MAX_LENGTH)
}

/// Where in a chunked body (RFC 9112 §7.1). A number is the size of the chunk, or what of it is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chunked {
    Start,
    Size(u64),
    SizeSpace(u64),
    Extension(u64),
    SizeLf(u64),
    Data(u64),
    DataCr,
    DataLf,
    Trailer,
    TrailerLf,
    EndCr,
    EndLf,
}

impl Chunked {
    /// Unlike in a head, hyper takes no LF without CR here; a lone LF in a trailer ends nothing.
    fn after(self, byte: u8) -> State {
        let next = match (self, byte) {
            (Self::Start, _) => return add_digit(0, byte),
            (Self::Size(size) | Self::SizeSpace(size) | Self::Extension(size), b'\r') => Self::SizeLf(size),
            (Self::Size(size) | Self::SizeSpace(size), b' ' | b'\t') => Self::SizeSpace(size),
            (Self::Size(size) | Self::SizeSpace(size), b';') => Self::Extension(size),
            (Self::Size(size), _) => return add_digit(size, byte),
            (Self::Extension(size), _) if byte != b'\n' => Self::Extension(size),
            (Self::SizeLf(0) | Self::TrailerLf, b'\n') => Self::EndCr,
            (Self::SizeLf(size), b'\n') => Self::Data(size),
            (Self::DataCr, b'\r') => Self::DataLf,
            (Self::DataLf, b'\n') => Self::Start,
            (Self::Trailer, b'\r') => Self::TrailerLf,
            (Self::EndCr, b'\r') => Self::EndLf,
            (Self::Trailer | Self::EndCr, _) => Self::Trailer,
            (Self::EndLf, b'\n') => return State::Idle,
            _ => return State::Broken,
        };
        State::Chunked(next)
    }
}

/// What comes after one more digit of the size of a chunk.
fn add_digit(size: u64, byte: u8) -> State {
    let digit = char::from(byte).to_digit(16).map(u64::from);
    match (size.checked_mul(16), digit) {
        (Some(shifted), Some(digit)) => State::Chunked(Chunked::Size(shifted | digit)),
        _ => State::Broken,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds in pieces, and returns where in the whole it was refused, and the end.
    fn feed<'bytes>(pieces: impl IntoIterator<Item = &'bytes [u8]>) -> (Option<usize>, State, u64) {
        let (mut framing, mut fed) = (Framing::default(), 0);
        for piece in pieces {
            if let Err(Ambiguous { position }) = framing.feed(piece) {
                return (Some(fed + position), framing.state, framing.heads);
            }
            fed += piece.len();
        }
        (None, framing.state, framing.heads)
    }

    fn end_of(text: &str) -> (Option<usize>, State, u64) {
        feed([text.as_bytes()])
    }

    #[test]
    fn refuses_both_lengths_in_either_order() {
        for (first, second) in [
            ("Content-Length: 5\r", "Transfer-Encoding: chunked\r"),
            ("TRANSFER-ENCODING:gzip", "content-length:"),
            ("Transfer-Encoding: chunked\r\nHost: a", "Content-Length: x\r"),
        ] {
            let start = format!("POST / HTTP/1.1\r\n{first}\n{second}");
            let expected = (Some(start.len()), State::Ambiguous, 1);
            assert_eq!(end_of(&format!("{start}\nA: b\r\n\r\n")), expected, "{start}");
        }
    }

    #[test]
    fn refuses_a_length_on_a_line_too_long_to_hold() {
        for name in ["Content-Length", "Transfer-Encoding"] {
            let start = format!("POST / HTTP/1.1\r\n{name}:{:MAX_LINE$}", ' ');
            assert_eq!(end_of(&format!("{start}\n\n")).0, Some(start.len()));
        }
    }

    #[test]
    fn takes_a_length_given_twice_only_when_it_is_the_same() {
        let head = |again| format!("POST / HTTP/1.1\r\nContent-Length: 7\r\nContent-Length: {again}\r\n\r\n");
        assert_eq!(end_of(&head("007")).1, State::Body(7));
        for other in ["8", "", "+7", "7, 7", "99999999999999999999"] {
            assert_eq!(end_of(&head(other)).1, State::Broken, "{other}");
        }
    }

    #[test]
    fn takes_only_a_last_coding_that_has_an_end() {
        let head = |codings| format!("POST / HTTP/1.1\nTransfer-Encoding: {codings}\n\n");
        for codings in ["Chunked ", "gzip,\tchunked", "a\nTransfer-Encoding: chunked"] {
            assert_eq!(end_of(&head(codings)).1, State::Chunked(Chunked::Start));
        }
        for codings in ["chunked, gzip", "chunked\r\nTransfer-Encoding: identity", ""] {
            assert_eq!(end_of(&head(codings)).1, State::Broken, "{codings}");
        }
    }

    #[test]
    fn follows_no_malformed_chunk() {
        let sizes = ["x", "\r", "1\n", "1 2", "1;a\n", "11111111111111111"];
        for body in sizes.into_iter().chain(["1\r\nabc", "1\r\na\rb", "0\r\n\rx"]) {
            let text = format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
            assert_eq!(end_of(&text).1, State::Broken, "{body}");
        }
    }

    /// A valid request.
    fn request() -> impl Strategy<Value = String> {
        let start = "(\r\n|\n)?POST /[a-z]{0,200} HTTP/1[.]1\r?\n";
        let fields = "((Host: [a-z]{1,200}|X-Content-Length: 4|TE: trailers|Cookie:)\r?\n){0,3}";
        let sized =
            "[ -~\r\n]{0,300}".prop_map(|data| format!("content-length:{}\r\n\r\n{data}", data.len()));
        let chunk = ("[ -~\r\n]{1,40}", "[ \t]?(;[a-z]=\"[ -~]{0,9}\")?").prop_map(|(data, extension)| {
            let size = data.len();
            format!("{size:03X}{extension}\r\n{data}\r\n")
        });
        let chunks = prop::collection::vec(chunk, 0..4);
        let chunked = (chunks, "0(;z)?\r\n(A: [b-d]{0,9}\r\n){0,2}\r\n").prop_map(|(chunks, last)| {
            format!("Transfer-Encoding: chunked\r\n\r\n{}{last}", chunks.concat())
        });
        let rest = prop_oneof!["\r?\n", sized, chunked];
        (start, fields, rest).prop_map(|(start, fields, rest)| start + &fields + &rest)
    }

    /// Valid requests, the words that matter and noise, and then one byte changed.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let words = "(G|\r\n|\n\n|Content-Length: ?|Transfer-Encoding: |chunked|[0-9a-f]| |;|,|\r){0,40}";
        let text = prop_oneof![request(), words].prop_map(String::into_bytes);
        let pieces = prop::collection::vec(prop_oneof![text, any::<Vec<u8>>()], 1..4);
        (pieces, any::<usize>(), any::<u8>()).prop_map(|(pieces, index, byte)| {
            let mut bytes = pieces.concat();
            if let Some(place) = bytes.get_mut(index % 4096) {
                *place = byte;
            }
            bytes
        })
    }

    proptest! {
        #[test]
        fn ends_idle_after_any_number_of_valid_requests(requests in prop::collection::vec(request(), 0..5)) {
            prop_assert_eq!(end_of(&requests.concat()), (None, State::Idle, requests.len() as u64));
        }

        #[test]
        fn how_bytes_are_split_changes_nothing(bytes in bytes(), size in 2_usize..99) {
            let whole = feed([bytes.as_slice()]);
            prop_assert_eq!(feed(bytes.chunks(1)), whole);
            prop_assert_eq!(feed(bytes.chunks(size)), whole);
            let (start, end) = bytes.split_at(size.min(bytes.len()));
            prop_assert_eq!(feed(start.chunks(1).chain([end])), whole);
        }
    }
}
