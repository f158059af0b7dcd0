//! Keycloak: an exported realm. Secrets are in it in the clear when it was exported with the command line.
//! Not for: its users, and the roles of its service accounts.

use serde_json::Value;

use super::Format;
use super::client::{Export, ForeignClient, ForeignSecret};
use super::json::{elements, flag, list, number, text, things};
use crate::crypto::secret::Secret;
use crate::domain::Invalid;
use crate::domain::time::Timestamp;

pub(super) const FORMAT: Format =
    Format { name: "keycloak", files: "an exported realm, or a list of its clients", read };

/// Scopes that every realm has; they are about users, or about what else a token of Keycloak holds.
const BUILT_IN: &[&str] = &[
    "acr",
    "address",
    "basic",
    "email",
    "microprofile-jwt",
    "offline_access",
    "openid",
    "organization",
    "phone",
    "profile",
    "role_list",
    "roles",
    "saml_organization",
    "service_account",
    "web-origins",
];

/// Instead of a secret when the export was made in the console.
const MASKED: &str = "**********";

fn read(tree: &Value) -> Result<Export, Invalid> {
    let clients = elements(tree, &["clients"], FORMAT.files)?;
    let lifetime = number(tree.get("accessTokenLifespan"));
    let scopes = things(tree, &["clientScopes"]).iter();
    Ok(Export {
        clients: clients.iter().map(|one| client(one, lifetime)).collect(),
        scopes: scopes.map(|scope| (text(scope, "name"), text(scope, "description"))).collect(),
        notes: vec![
            "Keycloak's own scopes (profile, email, roles and so on) and the roles of service accounts were not taken over"
                .to_owned(),
        ],
        ..Export::default()
    })
}

fn client(row: &Value, realm_lifetime: Option<u64>) -> ForeignClient {
    let is = |name: &str| flag(row, name).unwrap_or(false);
    let attribute = |name: &str| number(row.get("attributes").and_then(|attributes| attributes.get(name)));
    let own = |name: &str| {
        let mut scopes = list(row, name, &[]);
        scopes.retain(|scope| !BUILT_IN.contains(&scope.as_str()));
        scopes
    };
    let defaults = own("defaultClientScopes");
    let optional = own("optionalClientScopes");
    let audiences = audiences(row);
    let mut notes = Vec::new();
    if audiences.len() > 1 {
        notes.push(
            "its tokens were meant for several APIs: callers name with resource which they mean".to_owned(),
        );
    }
    let mut grants = Vec::new();
    for (name, grant) in
        [("serviceAccountsEnabled", "client_credentials"), ("standardFlowEnabled", "authorization_code")]
    {
        if is(name) {
            grants.push(grant.to_owned());
        }
    }
    let expiry = attribute("client.secret.expiration.time").filter(|seconds| *seconds > 0);
    ForeignClient {
        client_id: text(row, "clientId"),
        name: text(row, "name"),
        is_disabled: flag(row, "enabled") == Some(false),
        is_public: is("publicClient") || is("bearerOnly"),
        grants,
        auth_methods: methods(&text(row, "clientAuthenticatorType")),
        scopes: defaults.iter().chain(&optional).cloned().collect(),
        default_scopes: (!optional.is_empty()).then_some(defaults),
        default_api: audiences.first().filter(|_| audiences.len() == 1).cloned(),
        apis: audiences,
        lifetime: attribute("access.token.lifespan").or(realm_lifetime),
        secret: secret(&text(row, "secret")),
        secret_expires_at: expiry
            .and_then(|seconds| i64::try_from(seconds).ok())
            .map(Timestamp::from_seconds),
        notes,
    }
}

fn methods(authenticator: &str) -> Vec<String> {
    let names: &[&str] = match authenticator {
        "" | "client-secret" => &[],
        "client-jwt" => &["private_key_jwt"],
        "client-secret-jwt" => &["client_secret_jwt"],
        "client-x509" => &["tls_client_auth"],
        other => &[other],
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A reference to Keycloak's own vault is no secret either.
fn secret(text: &str) -> ForeignSecret {
    if text.is_empty() || text == MASKED || text.starts_with("${") {
        return ForeignSecret::None;
    }
    ForeignSecret::Plain(Secret::new(text.to_owned()))
}

/// What its mappers put into `aud`.
fn audiences(row: &Value) -> Vec<String> {
    let mappers = things(row, &["protocolMappers"]).iter();
    let mappers = mappers.filter(|mapper| text(mapper, "protocolMapper") == "oidc-audience-mapper");
    let audience = |mapper: &Value| {
        let audience = text(mapper.get("config")?, "included.custom.audience");
        (!audience.is_empty()).then_some(audience)
    };
    mappers.filter_map(audience).collect()
}
