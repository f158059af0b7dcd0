//! Chancery: a machine-to-machine token server. OAuth 2.0 client credentials, and nothing else.
//!
//! The modules are the layers; each may use only those before it, as `tests/it/layers.rs` says exactly.

pub mod admin;
pub mod cli;
pub mod config;
pub mod crypto;
pub mod domain;
pub mod http;
pub mod issuer;
pub mod keys;
pub mod oauth;
pub mod store;
pub mod threads;
