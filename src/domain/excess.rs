//! Excess: which applications fetch far more tokens than the lifetime of those tokens makes necessary.
//! Not for: how many tokens there may be (`quota.rs`), or counting them (`statistic.rs`).

use std::time::Duration;

use super::Invalid;
use super::application::ClientId;
use super::id::TenantId;
use super::statistic::Period;
use super::time::Timestamp;

/// The time that is looked at: the last full one, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// 60 minutes.
    Hour,
    /// 24 hours.
    Day,
}

impl Span {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Hour, Self::Day];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// The one of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        super::named(&Self::ALL, Self::as_str, text, "a span")
    }

    /// How long it is.
    #[must_use]
    pub const fn length(self) -> Duration {
        match self {
            Self::Hour => Duration::from_hours(1),
            Self::Day => Duration::from_hours(24),
        }
    }

    /// The period by which its tokens are counted.
    #[must_use]
    pub const fn counted_by(self) -> Period {
        match self {
            Self::Hour => Period::Minute,
            Self::Day => Period::Day,
        }
    }

    /// The last full one: its beginning, and its end.
    #[must_use]
    pub fn last_before(self, now: Timestamp) -> (Timestamp, Timestamp) {
        let length = i64::try_from(self.length().as_millis()).unwrap_or(i64::MAX);
        let past = now.as_millis().rem_euclid(length);
        let end = Timestamp::from_millis(now.as_millis().saturating_sub(past));
        (end.minus(self.length()), end)
    }
}

/// How many tokens one instance of an application needs in this time if it keeps each to its end: at least one.
#[must_use]
pub fn needed(span: Span, lifetime: Duration) -> u64 {
    span.length().as_secs().div_ceil(lifetime.as_secs().max(1))
}

/// Whose excess is asked for.
#[derive(Debug, Clone)]
pub struct ExcessQuery {
    /// Of applications of this tenant.
    pub tenant: TenantId,
    /// How long they had.
    pub span: Span,
    /// When that began.
    pub from: Timestamp,
    /// Only of those that fetched more than so many times what they need.
    pub factor: u32,
    /// At most so many, the worst first.
    pub limit: usize,
}

/// How many tokens an application fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The application.
    pub application: ClientId,
    /// Tokens that were made.
    pub issued: u64,
    /// Answers with a token that had been handed out before.
    pub reused: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_full_span_ends_where_the_present_one_begins() {
        let at = Timestamp::from_seconds(1_640_588_828);
        let shown = |span: Span| {
            let (from, to) = span.last_before(at);
            (from.to_string(), to.to_string())
        };
        let expected = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        assert_eq!(shown(Span::Hour), expected("2021-12-27T06:00:00.000Z", "2021-12-27T07:00:00.000Z"));
        assert_eq!(shown(Span::Day), expected("2021-12-26T00:00:00.000Z", "2021-12-27T00:00:00.000Z"));
        for span in Span::ALL {
            assert_eq!(Span::parse(span.as_str()), Ok(span));
        }
        assert!(Span::parse("minute").is_err());
    }

    #[test]
    fn one_instance_needs_a_token_for_each_lifetime_that_begins() {
        let needed = |span, seconds| needed(span, Duration::from_secs(seconds));
        assert_eq!([needed(Span::Hour, 300), needed(Span::Hour, 301), needed(Span::Hour, 299)], [12, 12, 13]);
        assert_eq!(
            [needed(Span::Day, 300), needed(Span::Day, 86_400), needed(Span::Hour, 86_400)],
            [288, 1, 1]
        );
    }
}
