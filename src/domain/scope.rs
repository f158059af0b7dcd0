//! Scopes: what a name may look like, and sets of them.
//! Not for: who may have which (`application.rs`, `oauth/grant`).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::Invalid;
use super::api::ApiIdentifier;
use super::id::TenantId;
use super::time::Timestamp;

/// Longest scope name, in bytes.
pub const MAX_SCOPE_BYTES: usize = 128;

/// A registered scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Whose it is.
    pub tenant: TenantId,
    /// What it is called on the wire.
    pub name: ScopeName,
    /// What it permits, for people. May be empty.
    pub description: String,
    /// The API that defines it; `None` for one that is the whole tenant's.
    pub api: Option<ApiIdentifier>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Counts its changes, so that two operators do not overwrite each other.
    pub version: i64,
}

/// A `scope-token` (RFC 6749 §3.3): one or more of 0x21, 0x23 to 0x5B, 0x5D to 0x7E. Cheap to copy.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopeName(Arc<str>);

impl ScopeName {
    /// Checks a name.
    ///
    /// # Errors
    /// When it is empty, longer than 128 bytes, or holds a character the RFC excludes.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() {
            return Err(Invalid("the scope name is empty".to_owned()));
        }
        if text.len() > MAX_SCOPE_BYTES {
            return Err(Invalid(format!("the scope name is too long: at most {MAX_SCOPE_BYTES} characters")));
        }
        if !text.bytes().all(is_scope_byte) {
            return Err(Invalid(format!(
                "{text:?} is not a scope name: printable ASCII without space, \" and \\ (RFC 6749 §3.3)"
            )));
        }
        Ok(Self(text.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ScopeName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Display for ScopeName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn is_scope_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)
}

/// Distinct scope names in a fixed order, with a quick look-up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeSet {
    names: Vec<ScopeName>,
    /// Where each name stands, unless there are few: then it costs less to look at all of them.
    positions: HashMap<ScopeName, usize>,
}

/// So many names are few.
const FEW: usize = 8;

/// A requested scope was malformed, or not in the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotGranted {
    /// It breaks the grammar of RFC 6749 §3.3.
    Malformed,
    /// It is well formed, but not in the set.
    Unknown,
}

impl ScopeSet {
    /// The names in the order given; a name given twice counts once.
    pub fn new(names: impl IntoIterator<Item = ScopeName>) -> Self {
        let mut set = Self::default();
        for name in names {
            if !set.contains(&name) {
                set.push(name);
            }
        }
        set
    }

    fn push(&mut self, name: ScopeName) {
        self.names.push(name);
        if self.names.len() > FEW {
            let known = self.positions.len();
            let unknown = self.names.iter().enumerate().skip(known);
            self.positions.extend(unknown.map(|(position, name)| (name.clone(), position)));
        }
    }

    /// The names, in order.
    #[must_use]
    pub fn names(&self) -> &[ScopeName] {
        &self.names
    }

    /// How many of them have a place in the table: all or none.
    pub(crate) fn in_table(&self) -> usize {
        self.positions.len()
    }

    /// Whether `name` is one of them.
    #[must_use]
    pub fn contains(&self, name: &ScopeName) -> bool {
        self.find(name.as_str()).is_some()
    }

    /// The subset that a `scope` parameter asks for, in the order asked, each once. All of it or nothing.
    ///
    /// # Errors
    /// When a token is malformed, tokens are not separated by single spaces, or one is not in the set.
    pub fn select(&self, requested: &str) -> Result<Vec<ScopeName>, NotGranted> {
        // Most ask for one. No name has a space in it.
        if let Some(name) = self.find(requested).and_then(|position| self.names.get(position)) {
            return Ok(vec![name.clone()]);
        }
        let mut seen = Seen::of(self.names.len());
        let mut selected = Vec::new();
        for token in requested.split(' ') {
            let position = self.position(token)?;
            if seen.is_new(position)
                && let Some(name) = self.names.get(position)
            {
                selected.push(name.clone());
            }
        }
        Ok(selected)
    }

    fn position(&self, token: &str) -> Result<usize, NotGranted> {
        let is_malformed = || token.is_empty() || !token.bytes().all(is_scope_byte);
        let why = || if is_malformed() { NotGranted::Malformed } else { NotGranted::Unknown };
        self.find(token).ok_or_else(why)
    }

    fn find(&self, name: &str) -> Option<usize> {
        if self.positions.is_empty() {
            return self.names.iter().position(|known| known.as_str() == name);
        }
        self.positions.get(name).copied()
    }
}

/// Which positions were there already; no memory of its own for the first 64.
struct Seen(u64, Vec<bool>);

impl Seen {
    fn of(count: usize) -> Self {
        Self(0, vec![false; count.saturating_sub(64)])
    }

    fn is_new(&mut self, position: usize) -> bool {
        if let Some(seen) = self.1.get_mut(position.wrapping_sub(64)) {
            return !std::mem::replace(seen, true);
        }
        let bit = 1_u64 << (position % 64);
        let is_new = self.0 & bit == 0;
        self.0 |= bit;
        is_new
    }
}

/// Lets a set be searched by text that has not been checked.
impl std::borrow::Borrow<str> for ScopeName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(names: &[&str]) -> ScopeSet {
        ScopeSet::new(names.iter().map(|name| ScopeName::parse(name).unwrap()))
    }

    fn select(set: &ScopeSet, requested: &str) -> Result<Vec<String>, NotGranted> {
        set.select(requested).map(|names| names.iter().map(ToString::to_string).collect())
    }

    /// D01, D02
    #[test]
    fn a_name_is_exactly_what_the_rfc_allows() {
        for byte in 0..=u8::MAX {
            let allowed = byte == 0x21 || (0x23..=0x5b).contains(&byte) || (0x5d..=0x7e).contains(&byte);
            assert_eq!(ScopeName::parse(&char::from(byte).to_string()).is_ok(), allowed, "{byte:#x}");
        }
        assert!(ScopeName::parse("").is_err());
        assert!(ScopeName::parse(&"a".repeat(129)).is_err());
    }

    /// D05
    #[test]
    fn selects_each_of_many_once() {
        let names: Vec<_> = (0..200).map(|number| format!("s{number}")).collect();
        let set = set(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let twice = names.iter().chain(&names).map(String::as_str).collect::<Vec<_>>().join(" ");
        assert_eq!(select(&set, &twice), Ok(names));
    }

    /// D03, D04, D05, D06, D07
    #[test]
    fn selects_exactly_what_was_asked() {
        let set = set(&["read", "write", "delete"]);
        assert_eq!(select(&set, "write read"), Ok(vec!["write".into(), "read".into()]));
        assert_eq!(select(&set, "read read"), Ok(vec!["read".into()]));
        assert_eq!(select(&set, "READ"), Err(NotGranted::Unknown));
        assert_eq!(select(&set, "read admin"), Err(NotGranted::Unknown));
        for malformed in ["read  write", " read", "read ", "", " ", "read\twrite", "re\"ad", "re\\ad", "réad"]
        {
            assert_eq!(select(&set, malformed), Err(NotGranted::Malformed), "{malformed:?}");
        }
    }

    proptest! {
        #[test]
        fn selecting_a_subset_gives_that_subset(picked in proptest::sample::subsequence(vec!["a", "b", "c", "d"], 1..=4).prop_shuffle()) {
            let chosen = select(&set(&["a", "b", "c", "d"]), &picked.join(" ")).unwrap();
            prop_assert_eq!(chosen, picked);
        }

        #[test]
        fn never_panics(text in ".*") {
            let _ = set(&["a"]).select(&text);
        }
    }
}
