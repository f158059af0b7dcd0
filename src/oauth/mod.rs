//! The protocol, without HTTP: a request in, a token or an error out.
//! Not for: sockets, headers or rendering (`http`), or administration (`admin`).

pub mod access_token;
pub mod client_auth;
pub mod error;
pub mod form;
pub mod grant;
pub mod jwks;
pub mod metadata;
pub mod request;
pub mod target;
pub mod token;
pub mod verify;
