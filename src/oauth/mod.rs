//! The protocol, without HTTP: a request in, an answer or an error out.
//! Not for: sockets, headers or rendering (`http`), or administration (`admin`).

pub mod access_token;
pub mod bearer;
pub mod client_auth;
pub mod error;
pub mod form;
pub mod grant;
pub mod introspect;
mod issued;
pub mod jwks;
pub mod metadata;
pub mod quota;
pub mod request;
mod reuse;
pub mod revoke;
pub mod target;
pub mod token;
pub mod verify;
