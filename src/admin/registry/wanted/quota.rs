//! A quota of a registry file with its values read.
//! Not for: what it is for (`domain/quota.rs`).

use std::fmt::Display;
use std::num::NonZeroU32;

use crate::admin::registry::count::Count;
use crate::admin::registry::document::{ApplicationEntry, TenantEntry};
use crate::admin::registry::mistakes::Mistakes;
use crate::domain::quota::{Quota, QuotaMode, limit};

/// What a file says of how many tokens there may be.
pub(super) struct QuotaEntry<'of> {
    per_minute: Option<Count>,
    per_hour: Option<Count>,
    per_day: Option<Count>,
    mode: Option<&'of str>,
}

impl<'of> From<&'of TenantEntry> for QuotaEntry<'of> {
    fn from(entry: &'of TenantEntry) -> Self {
        Self {
            per_minute: entry.tokens_per_minute,
            per_hour: entry.tokens_per_hour,
            per_day: entry.tokens_per_day,
            mode: entry.quota_mode.as_deref(),
        }
    }
}

impl<'of> From<&'of ApplicationEntry> for QuotaEntry<'of> {
    fn from(entry: &'of ApplicationEntry) -> Self {
        Self {
            per_minute: entry.tokens_per_minute,
            per_hour: entry.tokens_per_hour,
            per_day: entry.tokens_per_day,
            mode: entry.quota_mode.as_deref(),
        }
    }
}

impl QuotaEntry<'_> {
    pub(super) fn read(&self, mistakes: &mut Mistakes, place: impl Display + Copy) -> Option<Quota> {
        let mut limit = |member: &str, given: Option<Count>| -> Option<Option<NonZeroU32>> {
            mistakes.take(place, member, given.map(|Count(tokens)| limit(tokens)).transpose())
        };
        let per_minute = limit("tokens_per_minute", self.per_minute);
        let per_hour = limit("tokens_per_hour", self.per_hour);
        let per_day = limit("tokens_per_day", self.per_day);
        let mode = self.mode.map_or(Ok(QuotaMode::default()), QuotaMode::parse);
        let mode = mistakes.take(place, "quota_mode", mode);
        Some(Quota { per_minute: per_minute?, per_hour: per_hour?, per_day: per_day?, mode: mode? })
    }
}
