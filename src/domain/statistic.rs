//! Statistics: how many tokens were issued and reused and requests refused, by minute and by day.
//! Not for: what became of one request (`refusal.rs`).

use std::borrow::Cow;
use std::time::Duration;

use super::Invalid;
use super::application::ClientId;
use super::id::TenantId;
use super::time::Timestamp;

/// What a count is over, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    /// 60 seconds.
    Minute,
    /// 24 hours.
    Day,
}

impl Period {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Minute, Self::Day];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Day => "day",
        }
    }

    /// The one of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        super::named(&Self::ALL, Self::as_str, text, "a period")
    }

    /// How long it is.
    #[must_use]
    pub const fn length(self) -> Duration {
        match self {
            Self::Minute => Duration::from_mins(1),
            Self::Day => Duration::from_hours(24),
        }
    }

    /// How long its counts are kept: 24 hours and 400 days.
    #[must_use]
    pub const fn kept(self) -> Duration {
        match self {
            Self::Minute => Duration::from_hours(24),
            Self::Day => Duration::from_hours(400 * 24),
        }
    }

    /// The beginning of the one that an instant is in.
    #[must_use]
    pub fn start_of(self, at: Timestamp) -> Timestamp {
        at.rounded_down(self.length())
    }
}

/// What is counted by itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Counter {
    /// The beginning of the minute or day.
    pub start: Timestamp,
    /// Whose it is.
    pub tenant: TenantId,
    /// The application, if it is known: strangers are counted together.
    pub application: Option<ClientId>,
    /// What is counted.
    pub what: Counted,
}

/// What is counted of an application.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Counted {
    /// Tokens that were issued: made and handed out.
    Issued,
    /// Answers that had a token which had been handed out before.
    Reused,
    /// Requests that were refused for this reason.
    Refused(Cow<'static, str>),
}

impl Counted {
    /// What became of the requests, in a word.
    #[must_use]
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Reused => "reused",
            Self::Refused(_) => "refused",
        }
    }

    /// Why they were refused, if they were.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Issued | Self::Reused => None,
            Self::Refused(reason) => Some(reason),
        }
    }
}

/// A count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistic {
    /// Of what.
    pub counter: Counter,
    /// How many.
    pub count: u64,
}

/// Which counts are asked for.
#[derive(Debug, Clone)]
pub struct StatisticsQuery {
    /// Of this tenant.
    pub tenant: TenantId,
    /// Of this application alone.
    pub application: Option<ClientId>,
    /// By minute or by day.
    pub period: Period,
    /// Periods that begin then or later.
    pub from: Timestamp,
    /// Periods that begin before.
    pub to: Timestamp,
    /// At most so many counts; the newest when there are more.
    pub limit: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_begins_at_the_full_minute_or_day() {
        let at = Timestamp::from_millis(1_640_588_828_123);
        assert_eq!(Period::Minute.start_of(at).to_string(), "2021-12-27T07:07:00.000Z");
        assert_eq!(Period::Day.start_of(at).to_string(), "2021-12-27T00:00:00.000Z");
        for period in Period::ALL {
            assert_eq!(period.start_of(period.start_of(at)), period.start_of(at));
            assert_eq!(Period::parse(period.as_str()).unwrap(), period);
            assert!(period.start_of(Timestamp::from_millis(-1)) < Timestamp::from_millis(0));
        }
        assert!(Period::parse("hour").is_err());
    }
}
