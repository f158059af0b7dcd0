//! Ory Hydra: the clients that its API and its command line list, or rows of its table `hydra_client` as JSON.
//! Not for: what is made of them (`take.rs`).

use serde_json::Value;

use super::Format;
use super::client::{Export, ForeignClient, ForeignSecret};
use super::json::{elements, flag, list, number, text};
use crate::crypto::secret::Secret;
use crate::domain::Invalid;
use crate::domain::time::Timestamp;

pub(super) const FORMAT: Format = Format {
    name: "hydra",
    files: "a list of clients, or an object with the member items (hydra list clients --format json), or rows of \
            hydra_client",
    read,
};

fn read(tree: &Value) -> Result<Export, Invalid> {
    let clients = elements(tree, &["items", "clients"], FORMAT.files)?.iter().map(client).collect();
    Ok(Export { clients, ..Export::default() })
}

fn client(row: &Value) -> ForeignClient {
    // Tables of version 1 keep lists with bars between, and call the client's id just that.
    let client_id = if row.get("client_id").is_some() { text(row, "client_id") } else { text(row, "id") };
    let methods = list(row, "token_endpoint_auth_method", &[' ']);
    let lifetime = row.get("client_credentials_grant_access_token_lifespan");
    let expiry = number(row.get("client_secret_expires_at")).filter(|seconds| *seconds > 0);
    ForeignClient {
        client_id,
        name: text(row, "client_name"),
        is_disabled: flag(row, "disabled").unwrap_or(false),
        is_public: methods.iter().any(|method| method == "none"),
        grants: list(row, "grant_types", &['|', ' ']),
        auth_methods: methods,
        scopes: list(row, "scope", &[' ']),
        apis: list(row, "audience", &['|', ' ']),
        lifetime: lifetime.and_then(Value::as_str).and_then(go_seconds),
        secret: secret(&text(row, "client_secret")),
        secret_expires_at: expiry
            .and_then(|seconds| i64::try_from(seconds).ok())
            .map(Timestamp::from_seconds),
        ..ForeignClient::default()
    }
}

/// Hydra keeps hashes that begin with a dollar; what its API showed when a client was made is the secret itself.
fn secret(text: &str) -> ForeignSecret {
    match text {
        "" => ForeignSecret::None,
        hash if hash.starts_with('$') => ForeignSecret::Encoded(Secret::new(hash.to_owned())),
        plain => ForeignSecret::Plain(Secret::new(plain.to_owned())),
    }
}

/// A duration as Go writes it, such as `1h30m0s`, in whole seconds.
fn go_seconds(text: &str) -> Option<u64> {
    let (mut seconds, mut rest) = (0_u64, text);
    while !rest.is_empty() {
        let digits = rest.find(|one: char| !one.is_ascii_digit())?;
        let (number, behind) = rest.split_at_checked(digits)?;
        let length = behind.find(|one: char| one.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at_checked(length)?;
        let factor = match unit {
            "h" => 3_600,
            "m" => 60,
            "s" => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(factor)?)?;
        rest = behind;
    }
    Some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations_of_go() {
        for (text, seconds) in [("1h0m0s", 3_600), ("90m", 5_400), ("300s", 300), ("1h30m15s", 5_415)] {
            assert_eq!(go_seconds(text), Some(seconds), "{text}");
        }
        for text in ["300", "h", "1.5h", "-1h", "1w", "é", "99999999999999999999h"] {
            assert_eq!(go_seconds(text), None, "{text}");
        }
    }
}
