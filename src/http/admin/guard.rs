//! Who asks, and whether they may: tokens of this very server for the admin API, and operators by name and secret.
//! Not for: powers within a change, such as giving away scopes (`admin`).

use axum::http::HeaderMap;
use axum::http::header;
use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::problem::{Kind, Problem};
use super::route::Route;
use crate::admin::{self, Admin, operators};
use crate::crypto::secret::Secret;
use crate::domain::power::{PLATFORM_SCOPE, Powers};
use crate::domain::tenant::{DEFAULT_TENANT, Tenant};
use crate::issuer::Directory;
use crate::oauth::bearer;

/// Longest credentials that are looked at, in bytes.
const MAX_CREDENTIALS: usize = 16 * 1024;

/// Somebody who has proved who they are.
#[derive(Debug)]
pub(super) struct Caller {
    /// Who it is, for the audit.
    pub(super) name: String,
    pub(super) powers: Powers,
    /// Whose it is: the tenant of its token, or that of the operator. An operator of all tenants has none.
    home: Option<Tenant>,
}

/// What the `Authorization` field holds.
enum Presented {
    Token(String),
    Operator(String, Secret),
}

/// Who asks.
///
/// # Errors
/// What is told whoever does not prove who they are.
pub(super) async fn authenticate(
    headers: &HeaderMap,
    admin: &Admin,
    directory: &Directory,
) -> Result<Caller, Problem> {
    match look(headers)? {
        Presented::Token(token) => by_token(&token, directory).await,
        Presented::Operator(name, secret) => by_secret(&name, &secret, admin).await,
    }
}

fn look(headers: &HeaderMap) -> Result<Presented, Problem> {
    const NOBODY: &str = "send an access token for urn:chancery:admin, or an operator's name and secret";
    let mut fields = headers.get_all(header::AUTHORIZATION).iter();
    let field = match (fields.next(), fields.next()) {
        (Some(field), None) => field,
        // RFC 6750 §3: who has sent nothing is told of no error.
        (None, _) => return Err(unauthorized(NOBODY, None)),
        (Some(_), Some(_)) => {
            let two = Problem::malformed("the request has more than one Authorization field");
            return Err(two.with_challenge(challenge(Some("invalid_request"))));
        }
    };
    let text = field.to_str().ok().filter(|text| text.len() <= MAX_CREDENTIALS);
    let parts = text.and_then(|text| text.split_once(' '));
    match parts {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(Presented::Token(token.trim_matches(' ').to_owned()))
        }
        Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") => {
            operator(pair).ok_or_else(|| unauthorized("the Basic credentials are malformed (RFC 7617)", None))
        }
        _ => Err(unauthorized(NOBODY, None)),
    }
}

fn operator(pair: &str) -> Option<Presented> {
    let decoded = Zeroizing::new(BASE64.decode(pair.trim_matches(' ').as_bytes()).ok()?);
    let (name, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(Presented::Operator(name.to_owned(), Secret::new(secret.to_owned())))
}

async fn by_token(token: &str, directory: &Directory) -> Result<Caller, Problem> {
    const REFUSED: &str = "the token is not one of this server for urn:chancery:admin, or not good any more";
    let refused = || unauthorized(REFUSED, Some("invalid_token"));
    let name = bearer::unverified_issuer(token).ok_or_else(refused)?;
    let issuer = directory.issuing_as(&name).await?.ok_or_else(refused)?;
    let bearer = bearer::find_administrator(&issuer, token).await?.ok_or_else(refused)?;
    let tenant = issuer.tenant();
    // Two tenants may have an application of the same name.
    let name = format!("app:{}/{}", tenant.name, bearer.client_id);
    Ok(Caller { name, powers: bearer.powers, home: Some(tenant.clone()) })
}

async fn by_secret(name: &str, secret: &Secret, admin: &Admin) -> Result<Caller, Problem> {
    let refused = || unauthorized("there is no such operator with this secret", None);
    let operator = operators::authenticate(admin, name, secret).await?.ok_or_else(refused)?;
    let home = match operator.tenant {
        None => None,
        Some(id) => {
            let tenants = admin.store.tenants().await?;
            // R06: whose tenant is disabled administers nothing.
            let own = tenants.into_iter().find(|tenant| tenant.id == id && tenant.enabled);
            Some(own.ok_or_else(refused)?)
        }
    };
    Ok(Caller { name: operators::actor_name(&operator.name), powers: operator.powers(), home })
}

impl Caller {
    /// What tells it from everybody else: the same name in two tenants is two callers.
    pub(super) fn identity(&self) -> String {
        let home = self.home.as_ref().map_or_else(String::new, |tenant| tenant.id.to_string());
        format!("{home} {}", self.name)
    }

    /// Refuses a route that whoever asks may not go.
    pub(super) fn check(&self, route: &Route) -> Result<(), Problem> {
        let (area, act) = route.needs;
        if !self.powers.permit(area, act) {
            let wanted: Vec<&str> = route.scopes().collect();
            let text = format!("this needs one of the scopes {}", wanted.join(", "));
            return Err(forbidden(text, wanted.first().copied().unwrap_or_default()));
        }
        if route.platform && !self.powers.are_of_the_platform() {
            let text = "this is for those who administer every tenant (admin:platform)";
            return Err(forbidden(text.to_owned(), PLATFORM_SCOPE));
        }
        Ok(())
    }

    /// The tenant that is meant, if it is known, and the one tenant that may be seen, if it is just one. A stranger to a
    /// tenant is not told whether there is one of that name.
    pub(super) async fn tenant(
        &self,
        named: Option<&str>,
        admin: &Admin,
    ) -> Result<(Option<Tenant>, Option<Tenant>), Problem> {
        let (own, everywhere) = (self.home.as_ref(), self.powers.are_of_the_platform());
        match named {
            Some(name) if own.is_some_and(|own| own.name == name) => Ok((own.cloned(), own.cloned())),
            Some(_) if !everywhere => {
                let text = "you do not administer that tenant, or there is none of that name";
                Err(forbidden(text.to_owned(), PLATFORM_SCOPE))
            }
            Some(name) => {
                let tenant = Some(admin::tenant(admin, name).await?);
                Ok((tenant.clone(), tenant))
            }
            None if !everywhere => Ok((own.cloned(), own.cloned())),
            None if own.is_some() => Ok((own.cloned(), None)),
            None => Ok((usual_tenant(admin).await?, None)),
        }
    }
}

/// The tenant that is meant when nobody says which: the default one, or the only one.
async fn usual_tenant(admin: &Admin) -> Result<Option<Tenant>, Problem> {
    let mut tenants = admin.store.tenants().await?;
    let default = tenants.iter().position(|tenant| tenant.name == DEFAULT_TENANT);
    let only = (tenants.len() == 1).then_some(0);
    Ok(default.or(only).map(|place| tenants.swap_remove(place)))
}

fn unauthorized(detail: &str, error: Option<&str>) -> Problem {
    Problem::new(Kind::Unauthorized, detail).with_challenge(challenge(error))
}

fn forbidden(detail: String, scope: &str) -> Problem {
    let challenge = format!(r#"{}, scope="{scope}""#, challenge(Some("insufficient_scope")));
    Problem::new(Kind::Forbidden, detail).with_challenge(challenge)
}

/// RFC 6750 §3. Basic is not offered, so that no browser asks a person for a password.
fn challenge(error: Option<&str>) -> String {
    let realm = r#"Bearer realm="chancery""#;
    error.map_or_else(|| realm.to_owned(), |error| format!(r#"{realm}, error="{error}""#))
}
