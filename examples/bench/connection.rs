//! A connection over which requests are made one after the other, and the form that most of them post.
//! Not for: what is asked, or what an answer means.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// The request that posts a form.
pub(super) fn post(host: &str, path: &str, form: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    )
}

/// A connection that is kept alive.
pub(super) struct Connection<S = TcpStream> {
    stream: S,
    answer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub(super) async fn open(address: SocketAddr) -> Result<Self, String> {
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Self::over(stream))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// One over a stream that is there already.
    pub(super) fn over(stream: S) -> Self {
        Self { stream, answer: Vec::with_capacity(4096) }
    }

    /// Asks, and waits for the whole answer.
    pub(super) async fn ask(&mut self, request: &str) -> Result<&[u8], String> {
        let failed = |error: std::io::Error| error.to_string();
        self.stream.write_all(request.as_bytes()).await.map_err(failed)?;
        self.stream.flush().await.map_err(failed)?;
        self.answer.clear();
        while !is_whole(&self.answer) {
            if self.stream.read_buf(&mut self.answer).await.map_err(failed)? == 0 {
                return Err("the server closed the connection".to_owned());
            }
        }
        Ok(&self.answer)
    }
}

/// Whether head and body are there.
pub(super) fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = memchr::memmem::find(answer, b"\r\n\r\n") else {
        return false;
    };
    let head = answer.get(..end).unwrap_or_default();
    // RFC 9112 §6.3: these never have a body.
    if ["HTTP/1.1 204", "HTTP/1.1 304"].iter().any(|start| head.starts_with(start.as_bytes())) {
        return true;
    }
    let length = field(head, "content-length").and_then(|length| length.parse::<usize>().ok());
    length.is_some_and(|length| answer.len() >= end + 4 + length)
}

/// The value of a header field.
pub(super) fn field<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (start, rest) = line.split_at_checked(name.len())?;
        let value = rest.strip_prefix(b":").filter(|_| start.eq_ignore_ascii_case(name.as_bytes()))?;
        std::str::from_utf8(value).ok().map(str::trim)
    })
}
