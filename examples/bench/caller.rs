//! A connection of a generator that looks after many of them in one loop: it never waits, it is looked at.
//! Not for: what is asked, or when.

use std::net::SocketAddr;

use tokio::net::TcpStream;

use super::connection::{field, is_whole};

/// A connection that is kept alive, and opened again when the server has closed it.
pub(super) struct Caller {
    address: SocketAddr,
    socket: Option<TcpStream>,
    answer: Vec<u8>,
    /// How much of the request was written.
    written: usize,
}

/// What there is to be seen on a connection that asks.
pub(super) enum Seen<'a> {
    /// The answer is not there yet.
    Nothing,
    /// The answer, whole.
    Answer(&'a [u8]),
    /// The connection ended without one, or could not be had.
    Cut,
}

impl Caller {
    /// Connects.
    pub(super) fn open(address: SocketAddr) -> Result<Self, String> {
        let socket = Some(connect(address).map_err(|error| error.to_string())?);
        Ok(Self { address, socket, answer: Vec::with_capacity(2048), written: 0 })
    }

    /// Begins a request.
    pub(super) fn ask(&mut self, request: &[u8]) {
        if self.socket.is_none() {
            self.socket = connect(self.address).ok();
        }
        self.answer.clear();
        self.written = 0;
        self.write(request);
    }

    /// Goes on with the request, and reads what there is.
    pub(super) fn look(&mut self, request: &[u8]) -> Seen<'_> {
        self.write(request);
        let Some(socket) = &self.socket else { return Seen::Cut };
        if self.written < request.len() {
            return Seen::Nothing;
        }
        match socket.try_read_buf(&mut self.answer) {
            Ok(0) => self.socket = None,
            Ok(_) if is_whole(&self.answer) => {
                if field(&self.answer, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
                {
                    self.socket = None;
                }
                return Seen::Answer(&self.answer);
            }
            Ok(_) => return Seen::Nothing,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Seen::Nothing,
            Err(_) => self.socket = None,
        }
        Seen::Cut
    }

    fn write(&mut self, request: &[u8]) {
        let rest = request.get(self.written..).unwrap_or_default();
        let Some(socket) = self.socket.as_ref().filter(|_| !rest.is_empty()) else { return };
        match socket.try_write(rest) {
            Ok(count) => self.written += count,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => self.socket = None,
        }
    }
}

fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = std::net::TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    socket.set_nonblocking(true)?;
    TcpStream::from_std(socket)
}
