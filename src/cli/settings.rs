//! What can be given of applications and APIs alike, and lists and values that can be emptied.
//! Not for: what the values may be (`domain`).

use crate::admin::change::{Change, TokenChange};
use crate::domain::Invalid;
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
