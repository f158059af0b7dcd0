//! How values are written down, the same in every backend.
//! Not for: reading them, which each backend does in its own types (`row.rs`).

use std::num::NonZeroU32;
use std::time::Duration;

use crate::domain::application::Application;
use crate::domain::token::{ReuseShare, TokenProfile, TokenSettings};

/// What an application has to do with an API.
pub(super) const CALLS: &str = "calls";
pub(super) const ACTS_FOR: &str = "acts for";

/// Names, separated by spaces.
pub(super) fn names<T: Copy>(values: &[T], name: impl Fn(T) -> &'static str) -> String {
    values.iter().map(|value| name(*value)).collect::<Vec<_>>().join(" ")
}

/// The claims of an application, as a JSON object.
pub(super) fn claims(application: &Application) -> String {
    serde_json::Value::Object(application.claims.members().clone()).to_string()
}

/// The name of a profile.
pub(super) fn profile_name(settings: &TokenSettings) -> Option<&'static str> {
    settings.profile.map(TokenProfile::as_str)
}

/// A duration in whole seconds.
pub(super) fn seconds(duration: Option<Duration>) -> Option<i64> {
    duration.map(|duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
}

/// A limit of a quota, in tokens.
pub(super) fn limit(limit: Option<NonZeroU32>) -> Option<i64> {
    limit.map(|limit| limit.get().into())
}

/// A share in whole percent.
pub(super) fn percent(share: Option<ReuseShare>) -> Option<i64> {
    share.map(|share| share.percent().into())
}
