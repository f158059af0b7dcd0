//! What the integration tests stand on.
//!
//! `server` is the real router with a set clock and seeded randomness, asked with `ask` and answering with `reply`;
//! `binary` is the built program over real sockets, spoken to by `wire`, `http2` and `tls`.

pub(crate) mod ask;
pub(crate) mod binary;
pub(crate) mod cost;
pub(crate) mod database;
pub(crate) mod faulty;
pub(crate) mod http2;
pub(crate) mod log;
pub(crate) mod reply;
pub(crate) mod server;
pub(crate) mod tls;
pub(crate) mod wire;
pub(crate) mod world;
