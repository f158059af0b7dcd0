//! Auth0: what its Management API lists of clients, client grants and resource servers, in one object.
//! Not for: its users, connections and rules.

use serde_json::Value;

use super::Format;
use super::client::{Export, ForeignApi, ForeignClient, ForeignSecret};
use super::json::{elements, flag, list, number, text, things};
use crate::crypto::secret::Secret;
use crate::domain::Invalid;

pub(super) const FORMAT: Format = Format {
    name: "auth0",
    files: "an object with the members clients, client-grants and resource-servers, or a list of clients",
    read,
};

const GRANTS: &[&str] = &["client-grants", "client_grants", "clientGrants"];
const SERVERS: &[&str] = &["resource-servers", "resource_servers", "resourceServers"];

fn read(tree: &Value) -> Result<Export, Invalid> {
    let clients = elements(tree, &["clients"], FORMAT.files)?.iter();
    let grants = things(tree, GRANTS);
    let (system, own): (Vec<&Value>, Vec<&Value>) =
        things(tree, SERVERS).iter().partition(|server| flag(server, "is_system") == Some(true));
    let system: Vec<String> = system.into_iter().map(|server| text(server, "identifier")).collect();
    Ok(Export {
        // The client that stands for all of them is none.
        clients: clients
            .filter(|one| flag(one, "global") != Some(true))
            .map(|one| client(one, grants, &system))
            .collect(),
        apis: own.into_iter().map(api).collect(),
        notes: vec![
            "callers that name an API with audience name it with resource here (RFC 8707)".to_owned(),
        ],
        ..Export::default()
    })
}

fn client(row: &Value, grants: &[Value], system: &[String]) -> ForeignClient {
    let client_id = text(row, "client_id");
    let kind = text(row, "app_type");
    let method = text(row, "token_endpoint_auth_method");
    let mut grant_types = list(row, "grant_types", &[]);
    if row.get("grant_types").is_none() && kind == "non_interactive" {
        grant_types.push("client_credentials".to_owned());
    }
    let (mut apis, mut scopes, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for grant in grants.iter().filter(|grant| text(grant, "client_id") == client_id) {
        let audience = text(grant, "audience");
        if system.contains(&audience) {
            notes.push(format!("what it may do with Auth0 itself ({audience}) was left out"));
            continue;
        }
        scopes.extend(list(grant, "scope", &[' ']));
        apis.push(audience);
    }
    ForeignClient {
        name: text(row, "name"),
        is_public: method == "none" || matches!(kind.as_str(), "spa" | "native"),
        grants: grant_types,
        auth_methods: if method.is_empty() { Vec::new() } else { vec![method] },
        scopes,
        default_api: apis.first().filter(|_| apis.len() == 1).cloned(),
        apis,
        secret: match text(row, "client_secret") {
            empty if empty.is_empty() => ForeignSecret::None,
            plain => ForeignSecret::Plain(Secret::new(plain)),
        },
        notes,
        client_id,
        ..ForeignClient::default()
    }
}

fn api(server: &Value) -> ForeignApi {
    let scopes = things(server, &["scopes"]).iter();
    ForeignApi {
        identifier: text(server, "identifier"),
        name: text(server, "name"),
        scopes: scopes.map(|scope| (text(scope, "value"), text(scope, "description"))).collect(),
        lifetime: number(server.get("token_lifetime")),
        algorithm: Some(text(server, "signing_alg")).filter(|name| !name.is_empty()),
    }
}
