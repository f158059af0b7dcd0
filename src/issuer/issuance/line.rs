//! What a line of the stream says: its members, in their order.
//! Not for: secrets, tokens, or anything a stranger sent but for the hint the log has too.

use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

use super::Issued;
use crate::domain::application::ClientId;
use crate::domain::refusal::{Endpoint, Refusal};
use crate::domain::scope::ScopeName;
use crate::domain::time::Timestamp;

#[derive(Serialize)]
struct IssuedLine<'of> {
    at: String,
    event: &'static str,
    request_id: String,
    tenant: &'of str,
    client_id: &'of str,
    credential: String,
    source: Option<IpAddr>,
    scope: String,
    audience: Vec<&'of str>,
    jti: String,
    kid: String,
    expires_at: String,
    /// Only where it says something.
    #[serde(skip_serializing_if = "Option::is_none")]
    reused: Option<bool>,
    /// Only where it says something.
    #[serde(skip_serializing_if = "Option::is_none")]
    store_away_seconds: Option<u64>,
}

#[derive(Serialize)]
struct RefusedLine<'of> {
    at: String,
    event: &'static str,
    request_id: String,
    tenant: &'of str,
    client_id: Option<&'of str>,
    source: Option<IpAddr>,
    error: &'of str,
    reason: &'of str,
    hint: Option<&'of str>,
}

#[derive(Serialize)]
struct LostLine {
    at: String,
    event: &'static str,
    count: u64,
}

/// A token was issued, while the store had been away for so long if it is given.
pub(in crate::issuer) fn issued_line(
    at: Timestamp,
    tenant: &str,
    issued: &Issued<'_>,
    away: Option<Duration>,
) -> String {
    let client_id = issued.application.as_str();
    let audience = match issued.apis {
        [] => vec![client_id],
        apis => apis.iter().map(|api| api.identifier.as_str()).collect(),
    };
    let scopes: Vec<_> = issued.scopes.iter().map(ScopeName::as_str).collect();
    json(&IssuedLine {
        at: at.to_string(),
        event: "token.issued",
        request_id: issued.request.to_string(),
        tenant,
        client_id,
        credential: issued.credential.to_string(),
        source: issued.source,
        scope: scopes.join(" "),
        audience,
        jti: issued.token.to_string(),
        kid: issued.key.to_string(),
        expires_at: issued.expires_at.to_string(),
        reused: issued.is_reused.then_some(true),
        store_away_seconds: away.map(|away| away.as_secs()),
    })
}

/// A request was refused.
pub(in crate::issuer) fn refused_line(tenant: &str, refusal: &Refusal) -> String {
    json(&RefusedLine {
        at: refusal.at.to_string(),
        event: match refusal.endpoint {
            Endpoint::Token => "token.refused",
            Endpoint::Introspection => "introspection.refused",
            Endpoint::Revocation => "revocation.refused",
        },
        request_id: refusal.request.to_string(),
        tenant,
        client_id: refusal.application.as_ref().map(ClientId::as_str),
        source: refusal.source,
        error: &refusal.error,
        reason: &refusal.reason,
        hint: refusal.hint.as_deref(),
    })
}

/// Lines that should stand here were lost.
pub(super) fn lost_line(at: Timestamp, count: u64) -> String {
    json(&LostLine { at: at.to_string(), event: "lost", count })
}

/// Texts and numbers alone can always be written.
fn json(line: &impl Serialize) -> String {
    serde_json::to_string(line).unwrap_or_default()
}
