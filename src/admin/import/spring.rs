//! Spring Authorization Server: rows of its table `oauth2_registered_client` as JSON.
//! Not for: clients that its configuration makes when it starts; they are in no table.

use serde_json::{Map, Value};

use super::Format;
use super::client::{Export, ForeignClient, ForeignSecret};
use super::json::{elements, list, number, text};
use crate::crypto::secret::Secret;
use crate::domain::Invalid;
use crate::domain::time::Timestamp;

pub(super) const FORMAT: Format =
    Format { name: "spring", files: "a list of rows of oauth2_registered_client", read };

const LIFETIME: &str = "settings.token.access-token-time-to-live";
const TOKEN_FORMAT: &str = "settings.token.access-token-format";

/// How long a token lives unless its settings say so.
const DEFAULT_LIFETIME: u64 = 300;

fn read(tree: &Value) -> Result<Export, Invalid> {
    let clients = elements(tree, &["oauth2_registered_client", "rows"], FORMAT.files)?.iter().map(client);
    Ok(Export { clients: clients.collect(), ..Export::default() })
}

fn client(row: &Value) -> ForeignClient {
    let row = &lower_case(row);
    let methods = list(row, "client_authentication_methods", &[',']);
    let settings = settings(row.get("token_settings"));
    let is_opaque = settings.get(TOKEN_FORMAT).is_some_and(|format| format_name(format) == "reference");
    let opaque =
        "its tokens were references to be asked about; here they are JWTs, which may be asked about too";
    let secret = text(row, "client_secret");
    ForeignClient {
        client_id: text(row, "client_id"),
        name: text(row, "client_name"),
        is_public: methods.iter().any(|method| method == "none"),
        grants: list(row, "authorization_grant_types", &[',']),
        auth_methods: methods,
        scopes: list(row, "scopes", &[',']),
        lifetime: Some(settings.get(LIFETIME).and_then(seconds).unwrap_or(DEFAULT_LIFETIME)),
        secret: if secret.is_empty() {
            ForeignSecret::None
        } else {
            ForeignSecret::Encoded(Secret::new(secret))
        },
        secret_expires_at: time(&text(row, "client_secret_expires_at")),
        notes: is_opaque.then(|| opaque.to_owned()).into_iter().collect(),
        ..ForeignClient::default()
    }
}

/// Some databases call columns by capital letters.
fn lower_case(row: &Value) -> Value {
    let members = row.as_object().into_iter().flatten();
    Value::Object(members.map(|(name, value)| (name.to_lowercase(), value.clone())).collect())
}

/// Settings are JSON within text.
fn settings(value: Option<&Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(members)) => members.clone(),
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        _ => Map::new(),
    }
}

/// A duration, as Jackson writes it with its class before it: seconds.
fn seconds(value: &Value) -> Option<u64> {
    match value {
        Value::Array(elements) => number(elements.last()),
        other => number(Some(other)),
    }
}

fn format_name(value: &Value) -> String {
    match value {
        Value::Object(_) => text(value, "value"),
        Value::String(name) => name.clone(),
        _ => String::new(),
    }
}

/// A timestamp as databases write it, in UTC unless it says otherwise.
fn time(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{}Z", text.trim().replacen(' ', "T", 1))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_settings_and_times_as_they_are_kept() {
        let at = Timestamp::from_seconds(1_640_588_828);
        for text in ["2021-12-27 07:07:08", "2021-12-27 07:07:08.000000", "2021-12-27T07:07:08Z"] {
            assert_eq!(time(text), Some(at), "{text}");
        }
        assert_eq!(time(""), None);
        for value in [json!(["java.time.Duration", 600.000_000]), json!(600), json!("600.0")] {
            assert_eq!(seconds(&value), Some(600), "{value}");
        }
    }
}
