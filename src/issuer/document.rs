//! A published document: its text, and a tag that is another one whenever the text is.
//! Not for: what stands in it, or how long it may be kept (`oauth/jwks.rs`, `oauth/metadata.rs`).

use std::sync::OnceLock;

use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

use crate::crypto::sha256;

/// A document for anybody to read and keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    body: Bytes,
    tag: String,
}

impl Document {
    /// Writes `value` down.
    #[must_use]
    pub fn new(value: &Value) -> Self {
        let body = value.to_string();
        let tag = BASE64URL_NOPAD.encode(sha256(body.as_bytes()).get(..16).unwrap_or_default());
        Self { body: body.into(), tag }
    }

    /// Its text: JSON. Cheap to copy.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.body.clone()
    }

    /// Its tag, for `ETag` (RFC 9110 §8.8.3).
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }
}

/// The documents of one tenant as it is now: each is written when it is asked for first.
#[derive(Debug, Default)]
pub struct Documents {
    /// Its keys.
    pub jwks: OnceLock<Document>,
    /// Its metadata.
    pub metadata: OnceLock<Document>,
}
