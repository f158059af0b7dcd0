//! What is to become of a setting: it stays, takes its default, or is set.
//! Not for: which settings there are (`applications.rs`, `apis.rs`, `tenants.rs`).

use std::num::NonZeroU32;
use std::time::Duration;

use crate::domain::quota::{Quota, QuotaMode};
use crate::domain::token::{TokenProfile, TokenSettings};

/// What is to become of a setting that may be left to its default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays as it is.
    #[default]
    Stay,
    /// It takes its default.
    Default,
    /// It becomes this.
    To(T),
}

impl<T> Change<T> {
    /// Makes the change.
    pub(super) fn apply(self, setting: &mut Option<T>) {
        match self {
            Self::Stay => {}
            Self::Default => *setting = None,
            Self::To(value) => *setting = Some(value),
        }
    }
}

/// What is to become of what tokens are like.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokenChange {
    /// How long they live.
    pub lifetime: Change<Duration>,
    /// Their shape.
    pub profile: Change<TokenProfile>,
    /// How long before `iat` their `nbf` lies.
    pub backdating: Change<Duration>,
}

impl TokenChange {
    pub(super) fn apply(self, settings: &mut TokenSettings) {
        self.lifetime.apply(&mut settings.lifetime);
        self.profile.apply(&mut settings.profile);
        self.backdating.apply(&mut settings.backdating);
    }
}

/// What is to become of how many tokens there may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QuotaChange {
    /// How many in a minute; without a limit by default.
    pub per_minute: Change<NonZeroU32>,
    /// How many in an hour; without a limit by default.
    pub per_hour: Change<NonZeroU32>,
    /// How many in a day; without a limit by default.
    pub per_day: Change<NonZeroU32>,
    /// What becomes of a token beyond it.
    pub mode: Change<QuotaMode>,
}

impl QuotaChange {
    pub(super) fn apply(self, quota: &mut Quota) {
        self.per_minute.apply(&mut quota.per_minute);
        self.per_hour.apply(&mut quota.per_hour);
        self.per_day.apply(&mut quota.per_day);
        let mut mode = Some(quota.mode);
        self.mode.apply(&mut mode);
        quota.mode = mode.unwrap_or_default();
    }
}

/// Replaces a setting that always has a value.
pub(super) fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}

/// The values in the order given, each once.
pub(super) fn distinct<T: PartialEq>(values: Vec<T>) -> Vec<T> {
    let mut seen: Vec<T> = Vec::with_capacity(values.len());
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}
