//! A published document: its text, and a tag that is another one whenever the text is.
//! Not for: how long it may be kept (`jwks.rs`).

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

use crate::crypto::sha256;

/// A document for anybody to read and keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    body: String,
    tag: String,
}

impl Document {
    /// Writes `value` down.
    #[must_use]
    pub fn new(value: &Value) -> Self {
        let body = value.to_string();
        let tag = BASE64URL_NOPAD.encode(sha256(body.as_bytes()).get(..16).unwrap_or_default());
        Self { body, tag }
    }

    /// Its text: JSON.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Its tag, for `ETag` (RFC 9110 §8.8.3).
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }
}
