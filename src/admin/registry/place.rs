//! Where a thing stands in a registry file, written only when somebody has to know: `tenants[0].applications[3] (billing)`.
//! Not for: places in the text (`read.rs`).

use std::fmt;

/// Names are cut after so many characters.
const SHOWN_CHARACTERS: usize = 64;

/// A tenant of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct TenantPlace<'of> {
    pub(super) index: usize,
    pub(super) name: &'of str,
}

impl<'of> TenantPlace<'of> {
    /// A thing of this tenant.
    pub(super) fn of(self, list: &'static str, index: usize, name: &'of str) -> Place<'of> {
        Place { tenant: self, list, index, name }
    }
}

impl fmt::Display for TenantPlace<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "tenants[{}] ({})", self.index, shown(self.name))
    }
}

/// A scope, an API or an application of a tenant of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'of> {
    tenant: TenantPlace<'of>,
    list: &'static str,
    index: usize,
    name: &'of str,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenant, list, index, name } = self;
        write!(formatter, "tenants[{}].{list}[{index}] ({})", tenant.index, shown(name))
    }
}

fn shown(name: &str) -> String {
    let mut shown: String = name.chars().take(SHOWN_CHARACTERS).collect();
    if name.chars().nth(SHOWN_CHARACTERS).is_some() {
        shown.push('…');
    }
    shown
}
