//! What can be given of several kinds of things alike, and lists and values that can be emptied.
//! Not for: what the values may be (`domain`).

use std::num::NonZeroU32;

use serde_json::{Value, json};

use crate::admin::change::{Change, QuotaChange, TokenChange};
use crate::domain::Invalid;
use crate::domain::quota::{QuotaMode, parse_limit};
use crate::domain::time::parse_duration;
use crate::domain::token::TokenProfile;

/// What tokens are like. An empty value brings a default back.
#[derive(Debug, clap::Args)]
pub(super) struct TokenFlags {
    /// How long tokens live, 60s to 24h [default: 5m]
    #[arg(long, value_name = "DURATION")]
    token_lifetime: Option<String>,
    /// Their shape: ciam or rfc9068 [default: rfc9068 for an API, ciam otherwise]
    #[arg(long, value_name = "PROFILE")]
    token_profile: Option<String>,
    /// How long before iat their nbf lies, for verifiers whose clocks are late, 0s to 60s [default: 0s]
    #[arg(long, value_name = "DURATION")]
    nbf_backdating: Option<String>,
}

impl TokenFlags {
    pub(super) fn to_change(&self) -> Result<TokenChange, Invalid> {
        Ok(TokenChange {
            lifetime: change(self.token_lifetime.as_deref(), parse_duration)?,
            profile: change(self.token_profile.as_deref(), TokenProfile::parse)?,
            backdating: change(self.nbf_backdating.as_deref(), parse_duration)?,
        })
    }
}

/// How many tokens there may be. An empty value brings a default back.
#[derive(Debug, clap::Args)]
pub(super) struct QuotaFlags {
    /// How many tokens it may have in a minute of UTC [default: no limit]
    #[arg(long, value_name = "TOKENS")]
    tokens_per_minute: Option<String>,
    /// How many tokens it may have in an hour of UTC [default: no limit]
    #[arg(long, value_name = "TOKENS")]
    tokens_per_hour: Option<String>,
    /// How many tokens it may have in a day of UTC [default: no limit]
    #[arg(long, value_name = "TOKENS")]
    tokens_per_day: Option<String>,
    /// What becomes of a token beyond these: enforce (it is refused) or report (it is issued) [default: enforce]
    #[arg(long, value_name = "MODE")]
    quota_mode: Option<String>,
}

impl QuotaFlags {
    pub(super) fn to_change(&self) -> Result<QuotaChange, Invalid> {
        Ok(QuotaChange {
            per_minute: limit("--tokens-per-minute", self.tokens_per_minute.as_deref())?,
            per_hour: limit("--tokens-per-hour", self.tokens_per_hour.as_deref())?,
            per_day: limit("--tokens-per-day", self.tokens_per_day.as_deref())?,
            mode: change(self.quota_mode.as_deref(), QuotaMode::parse)?,
        })
    }
}

/// There are several, so the refusal says which is meant.
fn limit(name: &str, value: Option<&str>) -> Result<Change<NonZeroU32>, Invalid> {
    change(value, parse_limit).map_err(|error| Invalid(format!("{name}: {error}")))
}

/// A quota as it is shown when none was given.
pub(super) fn usual_quota() -> Value {
    json!({
        "tokens_per_minute": null,
        "tokens_per_hour": null,
        "tokens_per_day": null,
        "quota_mode": QuotaMode::default().as_str(),
    })
}

/// `Stay` when the option was not given; `Default` when it was given empty.
pub(super) fn change<T>(
    value: Option<&str>,
    parse: impl Fn(&str) -> Result<T, Invalid>,
) -> Result<Change<T>, Invalid> {
    match value {
        None => Ok(Change::Stay),
        Some("") => Ok(Change::Default),
        Some(value) => parse(value).map(Change::To),
    }
}

/// `None` when the option was not given; the empty list when it was given once, empty.
pub(super) fn list<T>(
    values: &[String],
    parse: impl Fn(&str) -> Result<T, Invalid>,
) -> Result<Option<Vec<T>>, Invalid> {
    match values {
        [] => Ok(None),
        [empty] if empty.is_empty() => Ok(Some(Vec::new())),
        values => values.iter().map(|value| parse(value)).collect::<Result<_, _>>().map(Some),
    }
}
