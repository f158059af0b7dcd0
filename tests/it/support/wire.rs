//! HTTP/1.1 as bytes: a connection that is written to by hand, and answers taken apart.
//! Not for: HTTP/2 (`http2.rs`).

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use super::binary::PATIENCE;

/// A connection, and what was received on it but not yet looked at.
pub(crate) struct Connection<S = TcpStream> {
    pub(crate) stream: S,
    received: Vec<u8>,
}

impl Connection {
    /// A new connection.
    pub(crate) fn open(address: SocketAddr) -> Self {
        Self::over(connect(address))
    }
}

/// A new connection without anything around it.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

impl<S: Read + Write> Connection<S> {
    /// Speaks over something that is connected already.
    pub(crate) fn over(stream: S) -> Self {
        Self { stream, received: Vec::new() }
    }

    /// Sends bytes. What the server does not take because it has closed already is not sent.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).and_then(|()| self.stream.flush());
    }

    /// The next answer.
    pub(crate) fn answer(&mut self) -> Answer {
        self.next(true).unwrap_or_else(|| panic!("it was closed without an answer: {:?}", self.text()))
    }

    /// The next answer, if the connection does not end first.
    pub(crate) fn try_answer(&mut self) -> Option<Answer> {
        self.next(true)
    }

    /// The next answer, to a request by HEAD.
    pub(crate) fn answer_without_body(&mut self) -> Answer {
        self.next(false).unwrap_or_else(|| panic!("it was closed without an answer: {:?}", self.text()))
    }

    /// Everything that comes until the server closes.
    pub(crate) fn rest(&mut self) -> String {
        while self.receive() {}
        self.text()
    }

    fn next(&mut self, has_body: bool) -> Option<Answer> {
        let end = loop {
            match self.received.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(position) => break position + 4,
                None if self.receive() => {}
                None => return None,
            }
        };
        let mut answer = Answer::new(std::str::from_utf8(&self.received[..end]).unwrap());
        let length: usize = answer.field("content-length").map_or(0, |length| length.parse().unwrap());
        assert_eq!(answer.field("transfer-encoding"), None, "this client does not read chunks");
        let has_body = has_body && answer.status >= 200 && ![204, 304].contains(&answer.status);
        let length = if has_body { length } else { 0 };
        while self.received.len() < end + length {
            if !self.receive() {
                return None;
            }
        }
        answer.body = String::from_utf8(self.received[end..end + length].to_vec()).unwrap();
        self.received.drain(..end + length);
        Some(answer)
    }

    /// Receives more; false at the end of the connection.
    fn receive(&mut self) -> bool {
        let mut piece = [0; 16 * 1024];
        match self.stream.read(&mut piece) {
            Ok(count) => {
                self.received.extend_from_slice(&piece[..count]);
                count > 0
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("the server is silent after {:?}", self.text())
            }
            // A reset or a missing close_notify is an end like any other.
            Err(_) => false,
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }
}

/// An answer, taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In the order sent; names in lower case.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    fn new(head: &str) -> Self {
        let mut lines = head.trim_end().split("\r\n");
        let status = super::binary::status(lines.next().unwrap());
        let field = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        Self { status, fields: lines.map(field).collect(), body: String::new() }
    }

    /// A field that may be there once.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values =
            self.fields.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} is there twice");
        value
    }

    /// The body, which is JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body, which is JSON if there is one.
    pub(crate) fn json_or_nothing(&self) -> Option<Value> {
        (!self.body.is_empty()).then(|| self.json())
    }

    /// The `error` of the body.
    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap().to_owned()
    }
}
