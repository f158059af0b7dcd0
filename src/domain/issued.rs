//! A token that was issued, as it is when it comes back: who has it, what for, until when.
//! Not for: whether it is good now (`oauth/introspect.rs`), or making one (`oauth/access_token.rs`).

use std::slice;

use super::id::{KeyId, TokenId};
use super::tenant::IssuerUrl;
use super::time::Timestamp;
use super::token::TokenProfile;

/// What a token says that this server has signed. Only its signature is known to be good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// Its id, `jti`.
    pub id: TokenId,
    /// Its shape, which `typ` tells.
    pub profile: TokenProfile,
    /// The key that signed it.
    pub key: KeyId,
    /// Who issued it, `iss`.
    pub issuer: IssuerUrl,
    /// The application it was issued to, `sub`.
    pub client_id: String,
    /// Whom it is meant for, `aud`.
    pub audience: Audience,
    /// What it permits: scope names separated by spaces, or nothing.
    pub scope: String,
    /// When it was issued, `iat`.
    pub issued_at: Timestamp,
    /// When it begins, `nbf`, if it says so.
    pub not_before: Option<Timestamp>,
    /// When it ends, `exp`.
    pub expires_at: Timestamp,
}

/// Whom a token is meant for (RFC 7519 §4.1.3): it comes back as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// One, as a string.
    One(String),
    /// Any number, as an array.
    Several(Vec<String>),
}

impl Audience {
    /// All of them.
    #[must_use]
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(name) => slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

impl IssuedToken {
    /// Whether its time is over.
    #[must_use]
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.expires_at.as_seconds() <= now.as_seconds()
    }

    /// Whether its time is now (RFC 7519 §4.1.4, §4.1.5).
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        !self.has_ended(now) && self.not_before.is_none_or(|start| start.as_seconds() <= now.as_seconds())
    }
}
