//! Settings that several kinds of things have, as operators are shown them.
//! Not for: the things themselves (`view.rs`).

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::quota::{Quota, QuotaMode};
use crate::domain::token::{TokenProfile, TokenSettings};

/// What tokens are like. Null is the default.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct TokenView {
    /// Seconds.
    token_lifetime: Option<u64>,
    token_profile: Option<&'static str>,
    /// Seconds.
    nbf_backdating: Option<u64>,
}

impl TokenView {
    pub(super) fn new(settings: TokenSettings) -> Self {
        Self {
            token_lifetime: settings.lifetime.map(|lifetime| lifetime.as_secs()),
            token_profile: settings.profile.map(TokenProfile::as_str),
            nbf_backdating: settings.backdating.map(|backdating| backdating.as_secs()),
        }
    }
}

/// How many tokens there may be. Null is no limit.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct QuotaView {
    tokens_per_minute: Option<NonZeroU32>,
    tokens_per_hour: Option<NonZeroU32>,
    tokens_per_day: Option<NonZeroU32>,
    /// What becomes of a token beyond it: it is refused (enforce), or issued and reported (report).
    quota_mode: &'static str,
}

impl QuotaView {
    pub(super) fn new(quota: Quota) -> Self {
        Self {
            tokens_per_minute: quota.per_minute,
            tokens_per_hour: quota.per_hour,
            tokens_per_day: quota.per_day,
            quota_mode: QuotaMode::as_str(quota.mode),
        }
    }
}
