//! What a token may say, and a token that says it.
//! Not for: deciding it (`oauth/grant`), or making the token (`oauth/access_token.rs`).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::api::Api;
use super::id::{KeyId, TokenId};
use super::scope::ScopeName;
use super::time::Timestamp;
use super::token::TokenProfile;

/// What a token may say. With tenant and application it is all that a token is made of, but for its id and its time: what
/// a token is to be bound to has its place here too.
#[derive(Debug, Clone)]
pub struct Authorization {
    /// The scopes granted, in the order asked.
    pub scopes: Vec<ScopeName>,
    /// The APIs it is for.
    pub apis: Vec<Arc<Api>>,
    /// Its shape.
    pub profile: TokenProfile,
    /// How long it lives.
    pub lifetime: Duration,
    /// How long before `iat` its `nbf` lies.
    pub backdating: Duration,
    /// What it is signed with, if the APIs ask for something other than the tenant.
    pub algorithm: Option<String>,
}

impl Authorization {
    /// Whether tokens of both say the same, where both are of the same application and the tenant has not changed. An API
    /// is the same one only if it is the one in memory.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let Self { scopes, apis, profile, lifetime, backdating, algorithm } = other;
        self.scopes == *scopes
            && self.apis.len() == apis.len()
            && self.apis.iter().zip(apis).all(|(one, other)| Arc::ptr_eq(one, other))
            && (self.profile, self.lifetime, self.backdating) == (*profile, *lifetime, *backdating)
            && self.algorithm == *algorithm
    }
}

/// A token and what is said of it (RFC 6749 §5.1). It does not print.
pub struct GrantedToken {
    /// The signed JWT.
    pub text: String,
    /// What was granted, in the order asked.
    pub scopes: Vec<ScopeName>,
    /// The APIs that its `aud` names; none when it names the application itself.
    pub audience: Vec<Arc<Api>>,
    /// Its `jti`.
    pub id: TokenId,
    /// Its `kid`.
    pub key: KeyId,
    /// Its `exp`.
    pub expires_at: Timestamp,
}

impl fmt::Debug for GrantedToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("GrantedToken").field("id", &self.id).finish_non_exhaustive()
    }
}
