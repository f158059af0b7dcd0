//! A connection over which requests are made one after the other, and the form that most of them post.
//! Not for: what is asked, or what an answer means.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The request that posts a form.
pub(super) fn post(host: &str, path: &str, form: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    )
}

/// A connection that is kept alive.
pub(super) struct Connection {
    stream: tokio::net::TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub(super) async fn open(address: SocketAddr) -> Result<Self, String> {
        let stream = tokio::net::TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Self { stream, answer: Vec::with_capacity(4096) })
    }

    /// Asks, and waits for the whole answer.
    pub(super) async fn ask(&mut self, request: &str) -> Result<&[u8], String> {
        let failed = |error: std::io::Error| error.to_string();
        self.stream.write_all(request.as_bytes()).await.map_err(failed)?;
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
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(answer.get(..end).unwrap_or_default()).to_ascii_lowercase();
    // RFC 9112 §6.3: these never have a body.
    if ["http/1.1 204", "http/1.1 304"].iter().any(|start| head.starts_with(start)) {
        return true;
    }
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    length
        .and_then(|length| length.parse::<usize>().ok())
        .is_some_and(|length| answer.len() >= end + 4 + length)
}
