//! The `cache` and `outage` sections: how much is kept in memory, and how long it answers without the store.
//! Not for: what is kept (`store/cached/`), or who is answered (`issuer/freshness.rs`).

use super::reader::Reader;
use crate::domain::signing_key::LONGEST_OUTAGE;
use crate::domain::time::parse_duration;
use std::ops::RangeInclusive;
use std::time::Duration;

/// In bytes.
const CACHE: RangeInclusive<u64> = 1024 * 1024..=1024 * 1024 * 1024 * 1024;

/// What memory may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemorySettings {
    /// `cache.memory`: how much the applications in memory may take, in bytes. Default: 96 MiB.
    pub cache: u64,
    /// `outage.allow`: how long memory answers while the store is away. Default: one hour. Nothing means not at all.
    pub outage: Duration,
}

/// Reads both sections.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<MemorySettings> {
    let cache = reader.size("cache.memory", &CACHE);
    let outage = reader.text("outage.allow", parse_outage);
    Some(MemorySettings { cache: cache?, outage: outage? })
}

fn parse_outage(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let outage = parse_duration(text).ok().filter(|outage| *outage <= LONGEST_OUTAGE);
    outage.ok_or_else(|| "must be 0 or a duration up to 24h, such as 90s, 30m or 1h".to_owned())
}

#[cfg(test)]
mod tests {
    use crate::config::example::{from_file, mistakes_of_file};
    use std::time::Duration;

    #[test]
    fn an_hour_and_96_mib_unless_said_otherwise() -> Result<(), String> {
        let memory = from_file("")?.memory;
        assert_eq!((memory.cache, memory.outage), (96 * 1024 * 1024, Duration::from_hours(1)));
        let memory = from_file("cache.memory = '1GiB'\noutage.allow = '90s'")?.memory;
        assert_eq!((memory.cache, memory.outage), (1 << 30, Duration::from_secs(90)));
        for off in ["0", "0s"] {
            assert_eq!(from_file(&format!("outage.allow = '{off}'"))?.memory.outage, Duration::ZERO);
        }
        Ok(())
    }

    #[test]
    fn refuses_what_is_no_bound() {
        for size in ["0", "96", "1023KiB", "96MB", "-1MiB", "1025GiB", "1.5GiB", "99999999999999999999MiB"] {
            let shown = mistakes_of_file(&format!("cache.memory = '{size}'"));
            assert!(
                shown.starts_with("cache.memory: must be") && shown.contains("1MiB to 1024GiB"),
                "{shown}"
            );
        }
        for duration in ["off", "1", "-1h", "25h", "1.5h", "forever", "99999999999999999999s"] {
            let shown = mistakes_of_file(&format!("outage.allow = '{duration}'"));
            assert!(shown.starts_with("outage.allow: must be 0 or a duration"), "{shown}");
        }
        assert!(mistakes_of_file("outage.allow = 0").contains("must be text in quotes"));
    }
}
