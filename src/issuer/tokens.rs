//! Tokens whose signature has verified, in memory, so that asking about one again costs no second verification.
//! Not for: whether a token is good now; its time, its revocation and its application are looked at each time.

use std::sync::Arc;

use quick_cache::sync::Cache;

use crate::domain::issued::IssuedToken;

/// How many tokens are kept. One takes half a kilobyte, and none more than it is long and as much again.
const KEPT: usize = 10_000;

/// Tokens by the SHA-256 of their text. Whose they are and which key signed them stands in them.
pub(super) struct VerifiedTokens(Cache<[u8; 32], Arc<IssuedToken>>);

impl VerifiedTokens {
    pub(super) fn new() -> Self {
        Self(Cache::new(KEPT))
    }

    pub(super) fn get(&self, digest: &[u8; 32]) -> Option<Arc<IssuedToken>> {
        self.0.get(digest)
    }

    pub(super) fn keep(&self, digest: [u8; 32], token: Arc<IssuedToken>) {
        self.0.insert(digest, token);
    }
}
