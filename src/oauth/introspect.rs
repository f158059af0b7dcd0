//! The introspection request (RFC 7662), and its answer as a signed JWT (RFC 9701).
//! Not for: HTTP, or what a token says by itself (`issued.rs`).

use std::sync::Arc;

use serde_json::Value;

use super::client_auth;
use super::error::{ErrorCode, OAuthError};
use super::issued;
use super::request::Incoming;
use crate::crypto::jws;
use crate::domain::application::Application;
use crate::domain::issued::{Audience, IssuedToken};
use crate::issuer::Issuer;

/// How the caller wants its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A JSON object (RFC 7662 §2.2).
    Json,
    /// A JWT that holds the object (RFC 9701 §5).
    Jwt,
}

/// Answers an introspection request: the text of the body. A token that is not active and one that is none of the
/// caller's business have the same answer, which says nothing more (RFC 7662 §2.2).
///
/// # Errors
/// The refusal the caller is to be told.
pub async fn introspect(
    issuer: &Issuer,
    incoming: &Incoming<'_>,
    format: Format,
) -> Result<String, OAuthError> {
    let token = incoming.form.token.as_ref().ok_or(MISSING_TOKEN)?;
    let authenticated = client_auth::authenticate(issuer, incoming).await?;
    // A token may be of a key that only the store knows yet.
    issuer.check_store()?;
    let caller = authenticated.application();
    let answer = match find_active(issuer, caller, token.expose()).await? {
        Some(token) => describe(&token),
        None if !issuer.note_miss(caller.id) => return Err(TOO_MANY.of(&caller.client_id)),
        None => r#"{"active":false}"#.to_owned(),
    };
    issuer.note_use(authenticated.credential());
    match format {
        Format::Json => Ok(answer),
        Format::Jwt => sign(issuer, caller, &answer).await,
    }
}

/// What is told whoever tries out tokens (RFC 7662 §4). Those that are active for it are still told of: a resource server
/// to which a stranger sends nonsense goes on serving all others.
const TOO_MANY: OAuthError = OAuthError::new(
    ErrorCode::TooManyRequests,
    "The application has asked about too many tokens that are not active.",
);

/// What is told whoever sends no token.
pub(super) const MISSING_TOKEN: OAuthError =
    OAuthError::new(ErrorCode::InvalidRequest, "The parameter token is missing.");

/// The token, if it may be relied on at this moment and the caller may know: everything that can change is asked each
/// time, what is in memory first.
async fn find_active(
    issuer: &Issuer,
    caller: &Application,
    text: &str,
) -> Result<Option<Arc<IssuedToken>>, OAuthError> {
    let Some(token) = issued::recognise(issuer, text) else { return Ok(None) };
    let is_ours = token.issuer == issuer.tenant().issuer;
    if !is_ours || !may_ask(caller, &token) || !token.is_due(issuer.now()) {
        return Ok(None);
    }
    let Some(owner) = issuer.application(&token.client_id).await? else { return Ok(None) };
    if owner.check_live(issuer.tenant()).is_err() || owner.application.disowns(token.issued_at) {
        return Ok(None);
    }
    Ok((!issuer.is_revoked(&token).await?).then_some(token))
}

/// The application that has the token may ask, and those that act for an API it is meant for (K04).
fn may_ask(caller: &Application, token: &IssuedToken) -> bool {
    let names = token.audience.names();
    caller.client_id.as_str() == token.client_id
        || caller.acts_for.iter().any(|api| names.iter().any(|name| name == api.as_str()))
}

/// The members of RFC 7662 §2.2, none of them null. Written by hand: this is asked for each call of an API.
fn describe(token: &IssuedToken) -> String {
    let mut json = String::with_capacity(512);
    json.push_str(r#"{"active":true"#);
    let member = |json: &mut String, name: &str, value: &str| {
        for part in [",\"", name, "\":", value] {
            json.push_str(part);
        }
    };
    if !token.scope.is_empty() {
        member(&mut json, "scope", &json_string(&token.scope));
    }
    let client_id = json_string(&token.client_id);
    member(&mut json, "client_id", &client_id);
    member(&mut json, "token_type", "\"Bearer\"");
    member(&mut json, "exp", &token.expires_at.as_seconds().to_string());
    member(&mut json, "iat", &token.issued_at.as_seconds().to_string());
    if let Some(start) = token.not_before {
        member(&mut json, "nbf", &start.as_seconds().to_string());
    }
    member(&mut json, "sub", &client_id);
    member(&mut json, "aud", &json_audience(&token.audience));
    member(&mut json, "iss", &json_string(token.issuer.as_str()));
    member(&mut json, "jti", &json_string(token.id.encode(&mut [0; 36])));
    json.push('}');
    json
}

fn json_audience(audience: &Audience) -> String {
    match audience {
        Audience::One(name) => json_string(name),
        Audience::Several(names) => Value::from(names.clone()).to_string(),
    }
}

fn json_string(text: &str) -> String {
    Value::from(text).to_string()
}

/// The answer as a JWT for the caller alone. It has neither `sub` nor `exp`, so that nobody takes it for a token
/// (RFC 9701 §5, §8.1).
async fn sign(issuer: &Issuer, caller: &Application, answer: &str) -> Result<String, OAuthError> {
    let key = issuer.signing_key(None);
    let turn = issuer.turn(caller, key).await?;
    let mut kid = [0; 36];
    let kid = key.id.encode(&mut kid);
    let header = format!(r#"{{"kid":"{kid}","typ":"token-introspection+jwt","alg":"{}"}}"#, key.algorithm);
    let (name, audience) =
        (json_string(issuer.tenant().issuer.as_str()), json_string(caller.client_id.as_str()));
    let now = issuer.now().as_seconds();
    let claims = format!(r#"{{"iss":{name},"aud":{audience},"iat":{now},"token_introspection":{answer}}}"#);
    let mut unsigned = String::with_capacity((header.len() + claims.len()) * 4 / 3 + 512);
    jws::push_base64url(header.as_bytes(), &mut unsigned);
    unsigned.push('.');
    jws::push_base64url(claims.as_bytes(), &mut unsigned);
    let signed = turn.sign(&key.signer, &mut unsigned).await;
    signed.inspect_err(|why| issuer.note_not_signed(caller, *why))?;
    Ok(unsigned)
}
