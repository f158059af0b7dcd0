//! Durations as they stand in a registry file: written as people write them, or in whole seconds.
//! Not for: which durations may be chosen (`domain`).

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::domain::Invalid;
use crate::domain::time::{format_duration, parse_duration};

/// A duration that has not been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Period {
    /// As people write it: `5m`.
    Written(String),
    /// In seconds.
    Seconds(u64),
}

impl Period {
    /// The duration, in whole seconds.
    ///
    /// # Errors
    /// When it is not written as durations are, or is longer than 100 years.
    pub fn duration(&self) -> Result<Duration, Invalid> {
        match self {
            Self::Written(text) => parse_duration(text),
            Self::Seconds(seconds) => parse_duration(&format!("{seconds}s")),
        }
    }
}

impl From<Duration> for Period {
    fn from(duration: Duration) -> Self {
        Self::Written(format_duration(duration))
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Written(text) => serializer.serialize_str(text),
            Self::Seconds(seconds) => serializer.serialize_u64(*seconds),
        }
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Period;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a duration such as 90s, 5m, 24h or 90d, or a number of seconds")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Period, E> {
                Ok(Period::Written(text.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Period, E> {
                Ok(Period::Seconds(seconds))
            }

            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Period, E> {
                let seconds = u64::try_from(seconds);
                seconds.map(Period::Seconds).map_err(|_| E::custom("a duration is not negative"))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Period {
    fn schema_name() -> Cow<'static, str> {
        "Period".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A duration, written 90s, 5m, 24h or 90d, or in whole seconds.",
            "anyOf": [
                { "type": "string", "pattern": "^[0-9]+[smhd]$" },
                { "type": "integer", "minimum": 0 },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_both_ways_of_writing_a_duration() {
        for (value, seconds) in [(json!("5m"), 300), (json!(300), 300), (json!("90d"), 7_776_000)] {
            let period: Period = serde_json::from_value(value).unwrap();
            assert_eq!(period.duration().unwrap(), Duration::from_secs(seconds));
        }
        for bad in [json!(-1), json!(1.5), json!(true), json!([])] {
            assert!(serde_json::from_value::<Period>(bad).is_err());
        }
        for bad in [json!("300"), json!(""), json!(u64::MAX)] {
            assert!(serde_json::from_value::<Period>(bad).unwrap().duration().is_err());
        }
    }
}
