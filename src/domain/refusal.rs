//! Refused requests, kept for a while so that an operator can be told why.
//! Not for: what the caller is told (`oauth/error.rs`), or how it is mended (`admin/mending.rs`).

use std::borrow::Cow;
use std::net::IpAddr;

use super::Invalid;
use super::application::ClientId;
use super::id::{RequestId, TenantId};
use super::time::Timestamp;

/// Where applications ask with a proof of who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `POST /oauth2/token`.
    Token,
    /// `POST /oauth2/introspect`.
    Introspection,
    /// `POST /oauth2/revoke`.
    Revocation,
}

impl Endpoint {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Token, Self::Introspection, Self::Revocation];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Introspection => "introspection",
            Self::Revocation => "revocation",
        }
    }

    /// The one of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        super::named(&Self::ALL, Self::as_str, text, "an endpoint")
    }
}

/// A refused request. Nothing in it is what a stranger sent, but for the hint, which reveals no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The `X-Request-Id` of the answer.
    pub request: RequestId,
    /// When it was refused.
    pub at: Timestamp,
    /// Whose endpoint it was.
    pub tenant: TenantId,
    /// The application, if it exists.
    pub application: Option<ClientId>,
    /// Which endpoint.
    pub endpoint: Endpoint,
    /// The `error` that the caller was told.
    pub error: Cow<'static, str>,
    /// The true reason, as the log has it.
    pub reason: Cow<'static, str>,
    /// What else helps to find the caller.
    pub hint: Option<String>,
    /// Where the request came from, as far as the connection tells.
    pub source: Option<IpAddr>,
}
