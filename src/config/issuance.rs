//! The `issuance` section: where a line goes for each token that is issued and each request that is refused.
//! Opening the file is done by the command that runs.

use super::reader::{Reader, parse_path};
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// In bytes.
const ROTATE_AT: RangeInclusive<u64> = 4 * 1024..=1024 * 1024 * 1024 * 1024;

const KEEP: RangeInclusive<usize> = 1..=10_000;

/// The issuance stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuanceSettings {
    /// `issuance.to`: `off`, `stdout` or a file. Default: `off`.
    pub to: Destination,
    /// `issuance.rotate_at`: how large the file may be before a new one is begun, in bytes. Default: 100 MiB.
    pub rotate_at: u64,
    /// `issuance.keep`: how many older files are kept beside it. Default: 10.
    pub keep: usize,
}

/// Where lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Nowhere.
    Off,
    /// To standard output.
    StandardOutput,
    /// To a file.
    File(PathBuf),
}

/// Reads the section.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<IssuanceSettings> {
    let to = reader.text("issuance.to", |text| match text {
        "off" => Ok(Destination::Off),
        "stdout" => Ok(Destination::StandardOutput),
        path if path.ends_with('/') => Err("names a directory; give the path of a file".to_owned()),
        path => parse_path(path).map(Destination::File),
    });
    let rotate_at = reader.size("issuance.rotate_at", &ROTATE_AT);
    let keep = reader.number("issuance.keep", &KEEP);
    Some(IssuanceSettings { to: to?, rotate_at: rotate_at?, keep: keep? })
}

#[cfg(test)]
mod tests {
    use super::{Destination, IssuanceSettings};
    use crate::config::example::{from_file, mistakes_of_file};

    #[test]
    fn nothing_is_told_unless_it_is_wanted() -> Result<(), String> {
        let (to, rotate_at, keep) = (Destination::Off, 100 * 1024 * 1024, 10);
        assert_eq!(from_file("")?.issuance, IssuanceSettings { to, rotate_at, keep });
        assert_eq!(from_file("issuance.to = 'stdout'")?.issuance.to, Destination::StandardOutput);
        let section = "[issuance]\nto = 'log/issuance.jsonl'\nrotate_at = '4KiB'\nkeep = 1";
        let (to, rotate_at, keep) = (Destination::File("log/issuance.jsonl".into()), 4096, 1);
        assert_eq!(from_file(section)?.issuance, IssuanceSettings { to, rotate_at, keep });
        assert_eq!(from_file("issuance.rotate_at = '1024GiB'")?.issuance.rotate_at, 1 << 40);
        Ok(())
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let shown = mistakes_of_file("[issuance]\nto = '~/x'\nrotate_at = '1'\nkeep = 0");
        let names: Vec<&str> = shown.lines().filter_map(|line| line.split(':').next()).collect();
        assert_eq!(names, ["issuance.to", "issuance.rotate_at", "issuance.keep"]);
        for size in ["", "MiB", "+5MiB", "5 MiB", "5MB", "5mib", "3KiB", "1025GiB", "99999999999999999999GiB"]
        {
            let shown = mistakes_of_file(&format!("issuance.rotate_at = '{size}'"));
            assert!(shown.starts_with("issuance.rotate_at: "), "{size}: {shown}");
        }
        assert!(mistakes_of_file("issuance.to = 'folder/'").contains("names a directory"));
        assert!(mistakes_of_file("issuance.rotate_at = 100").contains("must be text in quotes"));
    }
}
