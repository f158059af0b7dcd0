//! Time as an argument: instants, durations as people write them, and the clock.
//! Not for: deadlines of connections (`http`).

use std::fmt;
use std::time::Duration;

use super::Invalid;

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From seconds since the epoch.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down: a `NumericDate` (RFC 7519 §2).
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Reads an instant as RFC 3339 writes it; what is finer than a millisecond is cut off.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|instant| Self(instant.as_millisecond()))
    }

    /// How much later it is than `earlier`; nothing when it is earlier itself.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or_default())
    }

    /// The beginning of the period that it is in, where periods of this length follow one another since the epoch, in UTC.
    #[must_use]
    pub fn rounded_down(self, length: Duration) -> Self {
        let length = i64::try_from(length.as_millis()).unwrap_or(i64::MAX).max(1);
        Self(self.0.saturating_sub(self.0.rem_euclid(length)))
    }

    /// The instant that much earlier.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The instant that much later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// RFC 3339 in UTC with milliseconds.
impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(formatter, "{instant:.3}"),
            Err(_) => write!(formatter, "{} ms", self.0),
        }
    }
}

/// A duration, or a moment on the monotonic clock, in whole milliseconds.
#[must_use]
pub fn in_millis(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000).saturating_add(duration.subsec_millis().into())
}

/// What time it is.
pub trait Clock: Send + Sync {
    /// The time of day, for claims and expiry.
    fn now(&self) -> Timestamp;

    /// Time since some fixed instant that never runs backwards, for measuring how long ago something was.
    fn monotonic(&self) -> Duration;
}

/// The machine's clocks.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: std::time::Instant,
}

impl SystemClock {
    /// Reads the machine's clocks from now on.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this type is the one place that reads the clock")]
    pub fn new() -> Self {
        Self { started: std::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this type is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(in_millis(since)).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Reads a duration as people write it: a whole number and `s`, `m`, `h` or `d`.
///
/// # Errors
/// When it is written in any other way, or is longer than 100 years.
pub fn parse_duration(text: &str) -> Result<Duration, Invalid> {
    let wrong = || Invalid(format!("{text:?} is not a duration: write 90s, 5m, 24h or 90d"));
    let last = text.char_indices().last().map_or(0, |(position, _)| position);
    let (number, unit) = text.split_at(last);
    let factor: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(wrong()),
    };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let seconds =
        number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).ok_or_else(wrong)?;
    if seconds > 100 * 366 * 24 * 60 * 60 {
        return Err(Invalid(format!("{text:?} is too long a duration: at most 100 years")));
    }
    Ok(Duration::from_secs(seconds))
}

/// Writes a duration of whole seconds in the largest unit that divides it.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    for (unit, factor) in [('d', 86_400), ('h', 3_600), ('m', 60)] {
        if seconds > 0 && seconds.is_multiple_of(factor) {
            return format!("{}{unit}", seconds / factor);
        }
    }
    format!("{seconds}s")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_durations_as_written_in_the_manual() {
        for (text, seconds) in [("90s", 90), ("5m", 300), ("24h", 86_400), ("90d", 7_776_000), ("0s", 0)] {
            assert_eq!(parse_duration(text).unwrap(), Duration::from_secs(seconds));
        }
    }

    #[test]
    fn refuses_everything_else() {
        for text in
            ["", "s", "5", "5 m", "-5m", "+5m", "5M", "1.5h", "99999999999999999999d", "40000d", "5µ", "٣s"]
        {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn prints_rfc_3339() {
        assert_eq!(Timestamp::from_seconds(1_640_588_828).to_string(), "2021-12-27T07:07:08.000Z");
        assert_eq!(Timestamp::from_millis(-1).as_seconds(), -1);
    }

    proptest! {
        #[test]
        fn prints_what_it_reads(seconds in 0_u64..1_000_000_000) {
            let duration = Duration::from_secs(seconds);
            prop_assert_eq!(parse_duration(&format_duration(duration)).unwrap(), duration);
        }

        #[test]
        fn never_panics(text in ".*") {
            let _ = parse_duration(&text);
        }
    }
}
