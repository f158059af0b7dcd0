//! Applications: registered callers, what they are and what they may ask for.
//! Not for: how they prove themselves (`credential.rs`, `oauth/client_auth`).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::Invalid;
use super::api::ApiIdentifier;
use super::credential::Credential;
use super::id::{ApplicationId, TenantId};
use super::power::Powers;
use super::quota::Quota;
use super::scope::{ScopeName, ScopeSet};
use super::tenant::Tenant;
use super::time::Timestamp;
use super::token::{ReuseShare, StaticClaims, TokenSettings};

/// Longest `client_id`, in bytes: a token holds it twice.
pub const MAX_CLIENT_ID_BYTES: usize = 128;

/// A registered caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Its identity inside. It outlives nothing: an application registered again is another one.
    pub id: ApplicationId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its name on the wire.
    pub client_id: ClientId,
    /// Its name for people.
    pub name: String,
    /// What kind of program it is.
    pub kind: ApplicationType,
    /// A disabled application gets nothing.
    pub enabled: bool,
    /// The grants it may use.
    pub grants: Vec<GrantType>,
    /// The ways it may prove itself.
    pub auth_methods: Vec<AuthMethod>,
    /// The scopes it may ask for.
    pub scopes: ScopeSet,
    /// The scopes it gets when it asks for none in particular; all it may ask for unless narrowed.
    pub default_scopes: Option<ScopeSet>,
    /// The APIs it may have tokens for without any of their scopes; with a scope it may in any case.
    pub apis: Vec<ApiIdentifier>,
    /// The API its tokens are for when a request chooses none.
    pub default_api: Option<ApiIdentifier>,
    /// The APIs it is the resource server of: it may ask about tokens that are meant for them.
    pub acts_for: Vec<ApiIdentifier>,
    /// What its tokens are like.
    pub token: TokenSettings,
    /// For how long a token of it is handed out again to who asks for the same; `None` when each is a new one.
    pub token_reuse: Option<ReuseShare>,
    /// How many tokens it may have.
    pub quota: Quota,
    /// What its tokens say besides.
    pub claims: StaticClaims,
    /// Its tokens that were issued up to then are refused.
    pub tokens_revoked_before: Option<Timestamp>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts its changes, so that two operators do not overwrite each other.
    pub version: i64,
}

impl Application {
    /// Whether a token that was issued to this `client_id` then is refused all the same: because all of that time were
    /// revoked at once, or because it was issued to an application of the same name that is no more. A token tells its
    /// time in whole seconds, so one of the very second of the revocation is refused, however late in it.
    #[must_use]
    pub fn disowns(&self, issued_at: Timestamp) -> bool {
        issued_at.as_seconds() < self.created_at.as_seconds()
            || self.tokens_revoked_before.is_some_and(|before| issued_at.as_seconds() <= before.as_seconds())
    }
}

/// An application with all that it may prove itself with, as one read of the store gives it.
#[derive(Debug, Clone)]
pub struct Registered {
    /// The application.
    pub application: Application,
    /// Its credentials, expired ones among them.
    pub credentials: Vec<Credential>,
    /// Which API defines which of its scopes; those that are the whole tenant's are absent.
    pub scope_apis: HashMap<ScopeName, ApiIdentifier>,
}

/// Why an application is not live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotLive {
    /// Its tenant is disabled.
    TenantDisabled,
    /// The application is disabled.
    ApplicationDisabled,
    /// Its type has no credentials (RFC 6749 §2.1, public clients).
    Public,
}

impl Registered {
    /// Whether it may have tokens for an API: because that was said, or because it has one of its scopes.
    #[must_use]
    pub fn may_call(&self, api: &ApiIdentifier) -> bool {
        self.application.apis.contains(api) || self.scope_apis.values().any(|one| one == api)
    }

    /// What it may do to this server: what its scopes of the admin API permit.
    #[must_use]
    pub fn powers(&self) -> Powers {
        let is_ours = |name: &&ScopeName| self.scope_apis.get(*name).is_some_and(ApiIdentifier::is_admin);
        Powers::of(self.application.scopes.names().iter().filter(is_ours).map(ScopeName::as_str))
    }

    /// The one place that decides whether an application is live.
    ///
    /// # Errors
    /// The reason why it is not.
    pub fn check_live(&self, tenant: &Tenant) -> Result<(), NotLive> {
        if !tenant.enabled {
            return Err(NotLive::TenantDisabled);
        }
        if !self.application.enabled {
            return Err(NotLive::ApplicationDisabled);
        }
        if !self.application.kind.is_confidential() {
            return Err(NotLive::Public);
        }
        Ok(())
    }
}

/// What kind of program an application is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApplicationType {
    /// A service that calls other services.
    M2m,
    /// A web application with a server side.
    Web,
    /// A single-page application: public, never gets a token here.
    Spa,
    /// A native application: public, never gets a token here.
    Native,
}

impl ApplicationType {
    /// Every type.
    pub const ALL: [Self; 4] = [Self::M2m, Self::Web, Self::Spa, Self::Native];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::M2m => "m2m",
            Self::Web => "web",
            Self::Spa => "spa",
            Self::Native => "native",
        }
    }

    /// Whether it can keep a secret (RFC 6749 §2.1).
    #[must_use]
    pub const fn is_confidential(self) -> bool {
        matches!(self, Self::M2m | Self::Web)
    }

    /// The grants an application of this type has unless something else is said.
    #[must_use]
    pub fn usual_grants(self) -> Vec<GrantType> {
        if self.is_confidential() { vec![GrantType::ClientCredentials] } else { Vec::new() }
    }

    /// The ways an application of this type may prove itself unless something else is said.
    #[must_use]
    pub fn usual_auth_methods(self) -> Vec<AuthMethod> {
        if self.is_confidential() { AuthMethod::ALL.to_vec() } else { Vec::new() }
    }

    /// The type of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        super::named(&Self::ALL, Self::as_str, text, "an application type")
    }
}

/// A way for an application to prove itself (RFC 7591 §2, `token_endpoint_auth_method`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    /// The secret by HTTP Basic (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// The secret in the form (RFC 6749 §2.3.1).
    ClientSecretPost,
}

impl AuthMethod {
    /// Every method, the recommended one first.
    pub const ALL: [Self; 2] = [Self::ClientSecretBasic, Self::ClientSecretPost];

    /// Its registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
        }
    }

    /// The method of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        super::named(&Self::ALL, Self::as_str, text, "an authentication method")
    }
}

/// A grant an application is registered for (RFC 7591 §2, `grant_types`). Chancery serves `client_credentials` only;
/// the others may be written down for applications that use them at another server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantType {
    /// RFC 6749 §4.4.
    ClientCredentials,
    /// RFC 6749 §4.1; not served here.
    AuthorizationCode,
    /// RFC 6749 §6; not served here.
    RefreshToken,
}

impl GrantType {
    /// Every grant that can be registered, those served first.
    pub const ALL: [Self; 3] = [Self::ClientCredentials, Self::AuthorizationCode, Self::RefreshToken];

    /// Its name in `grant_type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
        }
    }

    /// The grant of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        super::named(&Self::ALL, Self::as_str, text, "a grant type")
    }
}

/// A `client_id` (RFC 6749 App. A.1): printable ASCII. It is compared exactly. Cheap to copy.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(Arc<str>);

impl ClientId {
    /// Checks an id.
    ///
    /// # Errors
    /// When it is empty, longer than 128 bytes, or holds a character outside 0x20 to 0x7E.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.is_empty()
            || text.len() > MAX_CLIENT_ID_BYTES
            || !text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
        {
            return Err(Invalid(format!(
                "that is not a client id: 1 to {MAX_CLIENT_ID_BYTES} printable ASCII characters (RFC 6749 App. A.1)"
            )));
        }
        Ok(Self(text.into()))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C13
    #[test]
    fn a_client_id_is_printable_ascii() {
        assert!(ClientId::parse("we ird%+x").is_ok());
        for bad in ["", "é", "a\n", "\u{7f}", &"a".repeat(129)] {
            assert!(ClientId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_are_read_back() {
        for kind in ApplicationType::ALL {
            assert_eq!(ApplicationType::parse(kind.as_str()), Ok(kind));
        }
        for method in AuthMethod::ALL {
            assert_eq!(AuthMethod::parse(method.as_str()), Ok(method));
        }
        for grant in GrantType::ALL {
            assert_eq!(GrantType::parse(grant.as_str()), Ok(grant));
        }
        assert!(ApplicationType::parse("M2M").is_err());
    }
}
