//! Quotas: how many tokens an application or a tenant may have in a minute, an hour and a day.
//! Not for: counting them (`issuer`), or guesses at secrets, which have a budget of their own.

use std::num::NonZeroU32;
use std::time::Duration;

use super::Invalid;
use super::time::Timestamp;

/// What a limit holds for: a full minute, hour or day of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Window {
    /// 60 seconds.
    Minute,
    /// 60 minutes.
    Hour,
    /// 24 hours.
    Day,
}

impl Window {
    /// All there are, the shortest first.
    pub const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// How long it is.
    #[must_use]
    pub const fn length(self) -> Duration {
        match self {
            Self::Minute => Duration::from_mins(1),
            Self::Hour => Duration::from_hours(1),
            Self::Day => Duration::from_hours(24),
        }
    }

    /// The beginning of the one that an instant is in.
    #[must_use]
    pub fn start_of(self, at: Timestamp) -> Timestamp {
        at.rounded_down(self.length())
    }
}

/// How many tokens there may be. What is `None` has no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// In a minute.
    pub per_minute: Option<NonZeroU32>,
    /// In an hour.
    pub per_hour: Option<NonZeroU32>,
    /// In a day.
    pub per_day: Option<NonZeroU32>,
    /// What becomes of a token beyond it.
    pub mode: QuotaMode,
}

/// What becomes of a token beyond a quota.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum QuotaMode {
    /// It is refused.
    #[default]
    Enforce,
    /// It is issued, and reported.
    Report,
}

impl QuotaMode {
    /// Every mode.
    pub const ALL: [Self; 2] = [Self::Enforce, Self::Report];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Report => "report",
        }
    }

    /// The mode of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        super::named(&Self::ALL, Self::as_str, text, "a quota mode")
    }
}

impl Quota {
    /// The limit for a window.
    #[must_use]
    pub const fn limit(&self, window: Window) -> Option<NonZeroU32> {
        match window {
            Window::Minute => self.per_minute,
            Window::Hour => self.per_hour,
            Window::Day => self.per_day,
        }
    }

    /// Whether nothing is limited.
    #[must_use]
    pub const fn is_unlimited(&self) -> bool {
        self.per_minute.is_none() && self.per_hour.is_none() && self.per_day.is_none()
    }
}

/// A limit of so many tokens: 1 to 4,294,967,295.
///
/// # Errors
/// When it is less or more.
pub fn limit(tokens: u64) -> Result<NonZeroU32, Invalid> {
    u32::try_from(tokens).ok().and_then(NonZeroU32::new).ok_or_else(|| no_limit(&tokens.to_string()))
}

/// A limit as an operator writes it: a whole number from 1 to 4,294,967,295.
///
/// # Errors
/// When it is no such number.
pub fn parse_limit(text: &str) -> Result<NonZeroU32, Invalid> {
    text.parse().map_err(|_| no_limit(&format!("{text:?}")))
}

fn no_limit(given: &str) -> Invalid {
    Invalid(format!("{given} is no limit: a whole number of tokens, 1 to {}", u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_begins_at_the_full_minute_hour_or_day() {
        let at = Timestamp::from_millis(1_640_588_828_123);
        let starts = Window::ALL.map(|window| window.start_of(at).to_string());
        assert_eq!(
            starts,
            ["2021-12-27T07:07:00.000Z", "2021-12-27T07:00:00.000Z", "2021-12-27T00:00:00.000Z"]
        );
    }

    #[test]
    fn a_limit_is_a_whole_number_above_zero() {
        assert_eq!(parse_limit("1").unwrap().get(), 1);
        for bad in ["0", "-1", "", "1.5", "4294967296", "ten", " 1"] {
            assert!(parse_limit(bad).is_err(), "{bad}");
        }
        for (tokens, good) in [(0, false), (1, true), (4_294_967_295, true), (4_294_967_296, false)] {
            assert_eq!(limit(tokens).is_ok(), good, "{tokens}");
        }
        assert!(Quota::default().is_unlimited());
        let quota = Quota { per_day: NonZeroU32::new(1), ..Quota::default() };
        assert!(!quota.is_unlimited() && quota.limit(Window::Day).is_some());
    }

    #[test]
    fn modes_are_read_back() {
        for mode in QuotaMode::ALL {
            assert_eq!(QuotaMode::parse(mode.as_str()), Ok(mode));
        }
        assert!(QuotaMode::parse("Enforce").is_err());
    }
}
