//! Operators: people who administer, each with a secret of their own.
//! Not for: programs that administer; those are applications with scopes of the admin API.

use super::Invalid;
use super::id::{OperatorId, TenantId};
use super::power::{self, Powers};
use super::time::Timestamp;
use crate::crypto::secret::SecretDigest;

/// A person who administers.
#[derive(Debug, Clone)]
pub struct Operator {
    /// Its identity inside.
    pub id: OperatorId,
    /// What it is called: unique on this server, whatever its tenant.
    pub name: String,
    /// The one tenant it administers; `None` for all of them.
    pub tenant: Option<TenantId>,
    /// Scopes of the admin API: what it may do.
    pub scopes: Vec<String>,
    /// A disabled operator may do nothing.
    pub enabled: bool,
    /// The keyed digest of its secret.
    pub digest: SecretDigest,
    /// The fingerprint of the master key the digest was made under.
    pub digested_under: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts its changes, so that two operators do not overwrite each other.
    pub version: i64,
}

impl Operator {
    /// What it may do. One without a tenant may do it in all of them.
    #[must_use]
    pub fn powers(&self) -> Powers {
        let platform = self.tenant.is_none().then_some(power::PLATFORM_SCOPE);
        Powers::of(self.scopes.iter().map(String::as_str).chain(platform))
    }
}

/// Checks an operator's name: a letter or digit, then letters, digits and `.`, `_`, `-`, `@`, `+`, at most 100, so that it
/// fits an `Authorization` field (RFC 7617 §2), a path and a log line as it is.
///
/// # Errors
/// Says what is wrong.
pub fn check_name(name: &str) -> Result<(), Invalid> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@+".contains(&byte);
    let begins_well = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    if !begins_well || name.len() > 100 || !name.bytes().all(allowed) {
        return Err(Invalid(format!(
            "{name:?} is not an operator's name: 1 to 100 letters, digits and . _ - @ +"
        )));
    }
    Ok(())
}

/// The scopes an operator may have. Whether it administers every tenant, its tenant says.
pub fn operator_scopes() -> impl Iterator<Item = &'static str> {
    power::ADMIN_SCOPES.iter().map(|scope| scope.name).filter(|name| *name != power::PLATFORM_SCOPE)
}

/// Checks the scopes of an operator: some, all of the admin API.
///
/// # Errors
/// Says which one is wrong.
pub fn check_scopes(scopes: &[String]) -> Result<(), Invalid> {
    if scopes.is_empty() {
        return Err(Invalid("an operator needs at least one scope, such as admin:read".to_owned()));
    }
    match scopes.iter().find(|name| !operator_scopes().any(|scope| scope == *name)) {
        Some(name) => Err(Invalid(format!(
            "{name:?} is not a scope of an operator: one of {}",
            operator_scopes().collect::<Vec<_>>().join(", ")
        ))),
        None => Ok(()),
    }
}
