//! Everything the protocol can refuse with: one text for the caller, another for the log.
//! Not for: rendering (`http/oauth_error.rs`).

use std::error::Error;
use std::time::Duration;

use crate::domain::application::ClientId;
use crate::issuer::imported::NotJudged;
use crate::issuer::quotas::Standing;
use crate::keys::signing::NotSigned;
use crate::store::StoreError;

/// An `error` code, and nothing else (RFC 6749 §5.2 and registered extensions).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// The request is malformed (RFC 6749 §5.2).
    InvalidRequest,
    /// Client authentication failed (RFC 6749 §5.2).
    InvalidClient,
    /// What was presented was issued to another client (RFC 6749 §5.2).
    InvalidGrant,
    /// The application may not use this grant (RFC 6749 §5.2).
    UnauthorizedClient,
    /// The grant is not served here (RFC 6749 §5.2).
    UnsupportedGrantType,
    /// The scope is unknown, malformed or not granted (RFC 6749 §5.2).
    InvalidScope,
    /// The resource is unknown or not allowed (RFC 8707 §2).
    InvalidTarget,
    /// The authorization details are not supported (RFC 9396 §5).
    InvalidAuthorizationDetails,
    /// The caller asks too much; asking again later may help (RFC 6585 §4).
    TooManyRequests,
    /// Our own fault.
    ServerError,
    /// Our own trouble; trying again may help.
    TemporarilyUnavailable,
}

impl ErrorCode {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::ServerError => "server_error",
            Self::TooManyRequests | Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidRequest
            | Self::InvalidGrant
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType
            | Self::InvalidScope
            | Self::InvalidTarget
            | Self::InvalidAuthorizationDetails => 400,
            Self::InvalidClient => 401,
            Self::TooManyRequests => 429,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
        }
    }
}

/// A refusal. What the caller is told is a constant; what is logged is never told.
#[derive(Debug)]
pub struct OAuthError {
    /// Which refusal.
    pub code: ErrorCode,
    /// The `error_description`: a constant, so that nothing of the request or of a cause can leak.
    pub description: Option<&'static str>,
    reason: &'static str,
    application: Option<ClientId>,
    hint: Option<String>,
    look_again: bool,
    is_late: bool,
    is_overload: bool,
    limit: Option<Box<Limit>>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

/// A limit that was reached.
#[derive(Debug)]
pub struct Limit {
    /// How long it is until there is room again, in whole seconds.
    pub retry_after: Duration,
    /// How it stands with a quota, if the caller may know.
    pub standing: Option<Standing>,
}

impl OAuthError {
    /// A refusal whose reason may be told.
    #[must_use]
    pub const fn new(code: ErrorCode, description: &'static str) -> Self {
        Self {
            code,
            description: Some(description),
            reason: description,
            application: None,
            hint: None,
            look_again: false,
            is_late: false,
            is_overload: false,
            limit: None,
            cause: None,
        }
    }

    /// Failed client authentication: one answer for all reasons. The reason is for the log.
    #[must_use]
    pub const fn invalid_client(reason: &'static str) -> Self {
        Self {
            code: ErrorCode::InvalidClient,
            description: None,
            reason,
            application: None,
            hint: None,
            look_again: false,
            is_late: true,
            is_overload: false,
            limit: None,
            cause: None,
        }
    }

    /// The same failure while the store is away, where what would make it a success may stand: our own trouble, at the
    /// same late time. The true reason goes into the log as the cause.
    #[must_use]
    pub fn while_store_is_away(self) -> Self {
        let why = "the store is away, and the application is not in memory with this secret";
        Self {
            is_late: true,
            application: self.application,
            hint: self.hint,
            cause: Some(self.reason.into()),
            ..Self::not_now(why)
        }
    }

    /// Our own trouble: something so new that it is not known here yet.
    #[must_use]
    pub fn not_yet() -> Self {
        Self::not_now("an API was added a moment ago")
    }

    /// Our own trouble, which passes. The reason is for the log.
    #[must_use]
    pub fn not_now(reason: &'static str) -> Self {
        Self { reason, ..Self::new(ErrorCode::TemporarilyUnavailable, TRY_AGAIN) }
    }

    /// What is in memory may not be acted on, and what is true could not be found out: whatever ails the store, that passes
    /// when it is mended.
    #[must_use]
    pub fn not_known(error: StoreError) -> Self {
        Self::ours(ErrorCode::TemporarilyUnavailable, TRY_AGAIN, error)
    }

    /// No refusal yet: an imported secret has just proved right, which took so long that everything else has to be looked
    /// at again. If nobody does, it is our own trouble.
    #[must_use]
    pub fn look_again() -> Self {
        Self {
            look_again: true,
            ..Self::not_now("an imported secret was proved, and nothing is known after that")
        }
    }

    /// The caller asks too much: there is room again after so long.
    #[must_use]
    pub fn too_many(description: &'static str, retry_after: Duration) -> Self {
        let limit = Some(Box::new(Limit { retry_after, standing: None }));
        Self { limit, ..Self::new(ErrorCode::TooManyRequests, description) }
    }

    /// The same refusal, with how it stands with the caller's own quota.
    #[must_use]
    pub fn with_standing(mut self, standing: Option<Standing>) -> Self {
        if let Some(limit) = &mut self.limit {
            limit.standing = standing;
        }
        self
    }

    /// The same refusal, whose time tells nothing of why.
    #[must_use]
    pub fn answered_late(self) -> Self {
        Self { is_late: true, ..self }
    }

    /// The limit that was reached, if it is one. Its refusals are many, and said in the log when they begin.
    #[must_use]
    pub fn limit(&self) -> Option<&Limit> {
        self.limit.as_deref()
    }

    /// Whether the time of the answer must tell nothing of why authentication failed.
    #[must_use]
    pub const fn is_answered_late(&self) -> bool {
        self.is_late
    }

    /// Our own trouble: more is asked for than can be signed. Only who has proved itself is told of it, and neither the log
    /// nor what is noted has a line for each.
    #[must_use]
    pub fn overload() -> Self {
        Self { is_overload: true, ..Self::new(ErrorCode::TemporarilyUnavailable, TRY_AGAIN) }
    }

    /// Whether it is one of very many, which are counted already and told together.
    #[must_use]
    pub const fn is_overload(&self) -> bool {
        self.is_overload
    }

    /// Whether the same request, judged by what is true now, gets another answer.
    #[must_use]
    pub const fn is_to_look_again(&self) -> bool {
        self.look_again
    }

    /// Adds for the log which application it was; only one that exists, since what a stranger sends as a
    /// `client_id` may be a secret in the wrong place.
    #[must_use]
    pub fn of(mut self, application: &ClientId) -> Self {
        self.application = Some(application.clone());
        self
    }

    /// Adds for the log something that helps to find the caller and reveals nothing.
    #[must_use]
    pub fn with_hint(mut self, hint: String) -> Self {
        self.hint = Some(hint);
        self
    }

    /// What to write into the log: the true reason.
    #[must_use]
    pub const fn reason_for_log(&self) -> &'static str {
        self.reason
    }

    /// Which application it was, for the log.
    #[must_use]
    pub const fn application(&self) -> Option<&ClientId> {
        self.application.as_ref()
    }

    /// What else helps to find the caller, for the log.
    #[must_use]
    pub fn hint_for_log(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// What went wrong beneath, for the log.
    #[must_use]
    pub fn cause_for_log(&self) -> Option<String> {
        self.cause.as_ref().map(ToString::to_string)
    }

    fn ours(code: ErrorCode, description: &'static str, cause: impl Error + Send + Sync + 'static) -> Self {
        Self { cause: Some(Box::new(cause)), ..Self::new(code, description) }
    }
}

/// What a caller is told of trouble of ours that may pass.
pub const TRY_AGAIN: &str = "The server cannot answer right now. Try again.";

/// What a caller is told of a fault of ours.
pub const OUR_FAULT: &str =
    "Something is wrong inside the server. Its log has the details under the request id.";

impl From<StoreError> for OAuthError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Moved => {
                Self::ours(ErrorCode::TemporarilyUnavailable, TRY_AGAIN, error)
            }
            StoreError::Conflict(_) | StoreError::Corrupt(_) | StoreError::NewerSchema { .. } => {
                Self::ours(ErrorCode::ServerError, OUR_FAULT, error)
            }
        }
    }
}

impl From<NotSigned> for OAuthError {
    fn from(error: NotSigned) -> Self {
        match error {
            NotSigned::Busy => Self::overload(),
            NotSigned::Failed => Self::ours(ErrorCode::ServerError, OUR_FAULT, error),
        }
    }
}

impl From<NotJudged> for OAuthError {
    fn from(error: NotJudged) -> Self {
        Self::not_now(match error {
            NotJudged::Busy => "too many imported secrets wait to be checked",
            NotJudged::Failed => "the hash of an imported secret could not be checked",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F01, F05
    #[test]
    fn what_the_caller_is_told_is_constant_and_what_is_logged_is_not_told() {
        let error = OAuthError::from(StoreError::Unavailable("disk /secret/path is full".to_owned()));
        assert_eq!((error.code, error.description), (ErrorCode::TemporarilyUnavailable, Some(TRY_AGAIN)));
        assert_eq!(error.cause_for_log().unwrap(), "the store is unavailable: disk /secret/path is full");
        assert_eq!(OAuthError::invalid_client("wrong secret").description, None);
    }
}
