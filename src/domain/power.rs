//! What an operator may do: the scopes of the server's own API, and what each of them permits.
//! Not for: who has which (`application.rs`, `operator.rs`).

/// The identifier of the API that administers this server. Every tenant has it.
pub const ADMIN_API: &str = "urn:chancery:admin";

/// A part of what there is to administer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// Tenants: their hosts, issuers and algorithms.
    Tenants,
    /// Applications and their secrets.
    Applications,
    /// Scopes.
    Scopes,
    /// APIs.
    Apis,
    /// Signing keys.
    Keys,
    /// Operators.
    Operators,
    /// The audit; it can only be read.
    Audit,
    /// Statistics and refused requests; they can only be read.
    Statistics,
}

/// What is done in an area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Reading.
    Read,
    /// Changing, which includes reading.
    Write,
}

/// One permission: its scope, what it says to people, and what it permits.
#[derive(Debug, Clone, Copy)]
pub struct AdminScope {
    /// The name of the scope.
    pub name: &'static str,
    /// What it permits, for people.
    pub description: &'static str,
    permits: Permits,
}

#[derive(Debug, Clone, Copy)]
enum Permits {
    Everything(Act),
    Within(Area, Act),
    EveryTenant,
}

/// The scope that lets its holder administer every tenant, and the tenants themselves.
pub const PLATFORM_SCOPE: &str = "admin:platform";

const fn everything(name: &'static str, act: Act, description: &'static str) -> AdminScope {
    AdminScope { name, description, permits: Permits::Everything(act) }
}

const fn within(name: &'static str, area: Area, act: Act, description: &'static str) -> AdminScope {
    AdminScope { name, description, permits: Permits::Within(area, act) }
}

/// Every scope of the admin API, the widest first. Migration 0004 gave them to the tenants there were.
pub const ADMIN_SCOPES: &[AdminScope] = &[
    everything("admin:read", Act::Read, "See everything of its own tenant"),
    everything("admin:write", Act::Write, "Administer everything of its own tenant"),
    AdminScope {
        name: PLATFORM_SCOPE,
        description: "With another admin scope: in every tenant, and the tenants themselves",
        permits: Permits::EveryTenant,
    },
    within("admin:tenants:read", Area::Tenants, Act::Read, "See tenants"),
    within("admin:tenants:write", Area::Tenants, Act::Write, "Administer tenants"),
    within("admin:applications:read", Area::Applications, Act::Read, "See applications"),
    within("admin:applications:write", Area::Applications, Act::Write, "Administer applications and secrets"),
    within("admin:scopes:read", Area::Scopes, Act::Read, "See scopes"),
    within("admin:scopes:write", Area::Scopes, Act::Write, "Administer scopes"),
    within("admin:apis:read", Area::Apis, Act::Read, "See APIs"),
    within("admin:apis:write", Area::Apis, Act::Write, "Administer APIs"),
    within("admin:keys:read", Area::Keys, Act::Read, "See signing keys"),
    within("admin:keys:write", Area::Keys, Act::Write, "Rotate and revoke signing keys"),
    within("admin:operators:read", Area::Operators, Act::Read, "See operators"),
    within("admin:operators:write", Area::Operators, Act::Write, "Administer operators"),
    within("admin:audit:read", Area::Audit, Act::Read, "Read the audit"),
    within("admin:statistics:read", Area::Statistics, Act::Read, "Read statistics and refused requests"),
];

/// What an operator may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Powers {
    read: u16,
    write: u16,
    platform: bool,
}

impl Powers {
    /// Everything: whoever runs a command on the machine itself.
    #[must_use]
    pub const fn all() -> Self {
        Self { read: u16::MAX, write: u16::MAX, platform: true }
    }

    /// What these scopes permit; those of other APIs permit nothing.
    pub fn of<'name>(names: impl IntoIterator<Item = &'name str>) -> Self {
        names.into_iter().filter_map(find).fold(Self::default(), |powers, scope| match scope.permits {
            Permits::EveryTenant => Self { platform: true, ..powers },
            Permits::Everything(act) => powers.with(u16::MAX, act),
            Permits::Within(area, act) => powers.with(bit(area), act),
        })
    }

    /// Whether they permit this.
    #[must_use]
    pub const fn permit(self, area: Area, act: Act) -> bool {
        let granted = match act {
            Act::Read => self.read,
            Act::Write => self.write,
        };
        granted & bit(area) != 0
    }

    /// Whether they hold in every tenant.
    #[must_use]
    pub const fn are_of_the_platform(self) -> bool {
        self.platform
    }

    /// What both of them permit.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            read: self.read & other.read,
            write: self.write & other.write,
            platform: self.platform && other.platform,
        }
    }

    /// Whether they permit all that `other` permits.
    #[must_use]
    pub const fn cover(self, other: Self) -> bool {
        self.read & other.read == other.read
            && self.write & other.write == other.write
            && (self.platform || !other.platform)
    }

    const fn with(self, areas: u16, act: Act) -> Self {
        let write = match act {
            Act::Read => self.write,
            Act::Write => self.write | areas,
        };
        Self { read: self.read | areas, write, platform: self.platform }
    }
}

/// The admin scope of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static AdminScope> {
    ADMIN_SCOPES.iter().find(|scope| scope.name == name)
}

const fn bit(area: Area) -> u16 {
    1 << area as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::scope::ScopeName;

    #[test]
    fn writing_includes_reading_and_a_narrow_scope_nothing_else() {
        let powers = Powers::of(["admin:keys:write", "orders:read", "admin:unknown"]);
        assert!(powers.permit(Area::Keys, Act::Read) && powers.permit(Area::Keys, Act::Write));
        assert!(!powers.permit(Area::Applications, Act::Read));
        assert!(!powers.are_of_the_platform());
        assert_eq!(Powers::of(["orders:read"]), Powers::default());
    }

    #[test]
    fn powers_cover_what_they_permit_and_no_more() {
        let (read, write) = (Powers::of(["admin:read"]), Powers::of(["admin:write"]));
        let platform = Powers::of(["admin:write", PLATFORM_SCOPE]);
        assert!(write.cover(read) && !read.cover(write) && platform.cover(write) && !write.cover(platform));
        assert!(Powers::all().cover(platform));
        assert!(!Powers::of([PLATFORM_SCOPE]).permit(Area::Tenants, Act::Read));
    }

    #[test]
    fn every_area_has_its_scopes() {
        for area in ["tenants", "applications", "scopes", "apis", "keys", "operators", "audit", "statistics"]
        {
            assert!(find(&format!("admin:{area}:read")).is_some(), "{area}");
        }
        assert!(ADMIN_SCOPES.iter().all(|scope| ScopeName::parse(scope.name).is_ok()));
    }
}
