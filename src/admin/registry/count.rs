//! Whole numbers as they stand in a registry file.
//! Not for: which numbers may be chosen (`domain`).

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

/// A whole number that has not been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Count(pub u64);

impl From<NonZeroU32> for Count {
    fn from(limit: NonZeroU32) -> Self {
        Self(limit.get().into())
    }
}

impl From<u8> for Count {
    fn from(percent: u8) -> Self {
        Self(percent.into())
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Count;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a whole number above zero")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Count, E> {
                Ok(Count(number))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Count, E> {
                let unexpected = || E::invalid_value(de::Unexpected::Signed(number), &self);
                u64::try_from(number).map(Count).map_err(|_| unexpected())
            }
        }
        // Whatever it is: a text or a fraction is told from a number, and none is taken for another.
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Count {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Count".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1 })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_whole_numbers_and_nothing_else() {
        for number in [0, 1, u64::MAX] {
            let count: Count = serde_json::from_value(json!(number)).unwrap();
            assert_eq!((count, json!(count)), (Count(number), json!(number)));
        }
        for bad in [json!(-1), json!(1.5), json!("1"), json!(true), json!([1]), json!(null)] {
            assert!(serde_json::from_value::<Count>(bad).is_err());
        }
    }
}
