//! Mints the access token: a JWT of profile `ciam` or `rfc9068`.
//! Not for: who may have one, or what for.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use crate::crypto::jws;
use crate::domain::api::Api;
use crate::domain::authorization::GrantedToken;
use crate::domain::id::{KeyId, TokenId};
use crate::domain::scope::ScopeName;
use crate::domain::time::Timestamp;
use crate::domain::token::TokenProfile;
use crate::issuer::Issuer;
use crate::keys::ReadyKey;

use super::client_auth::Authenticated;
use super::error::{ErrorCode, OAuthError};
use super::grant::Authorization;

/// Longest access token, in bytes (E06). Callers may rely on it.
pub const MAX_TOKEN_BYTES: usize = 4096;

/// What of a signature counts toward that: the bytes of an RSA signature. Those of ML-DSA are thirteen times as long,
/// which whoever chooses it knows.
const COUNTED_SIGNATURE_BYTES: usize = 256;

/// No quick signature takes longer, so that the clock need not be read again after one that waits for nobody.
const QUICK: Duration = Duration::from_millis(1);

/// Room for what most answers have beside the token, which is written around it where it lies, in bytes.
const ANSWER_BYTES: usize = 160;

thread_local! {
    /// Where claims are written down before they are encoded: the same piece of memory for each token.
    static CLAIMS: RefCell<String> = const { RefCell::new(String::new()) };
}

/// A signed token.
#[derive(Debug)]
pub struct AccessToken {
    /// The compact JWS.
    pub text: String,
    /// Its `jti`.
    pub id: TokenId,
    /// Its `kid`.
    pub key: KeyId,
    /// When it was there, or up to a millisecond later.
    pub made_at: Timestamp,
    /// Its end.
    pub expires_at: Timestamp,
}

impl AccessToken {
    /// The token with what it says.
    #[must_use]
    pub fn granted(self, authorization: Authorization) -> GrantedToken {
        let Self { text, id, key, expires_at, .. } = self;
        let Authorization { scopes, apis, profile, .. } = authorization;
        GrantedToken { text, scopes, audience: audience(profile, apis), id, key, expires_at }
    }
}

/// The whole seconds a token still has just after `now`, rounded down: never more than it has when the answer is read.
#[must_use]
pub fn remaining(expires_at: Timestamp, now: Timestamp) -> Duration {
    let millis = expires_at.as_millis().saturating_sub(now.as_millis()).saturating_sub(1);
    Duration::from_secs(u64::try_from(millis).unwrap_or(0) / 1000)
}

/// Makes and signs a token.
///
/// # Errors
/// `invalid_scope` when the scopes do not fit into 4 KiB, or our own trouble in signing.
pub async fn mint(
    issuer: &Issuer,
    authenticated: &Authenticated,
    authorization: &Authorization,
) -> Result<AccessToken, OAuthError> {
    // Before anything is written: who is refused costs no more, and the token begins when it is signed.
    let key = issuer.signing_key(authorization.algorithm.as_deref());
    let turn = issuer.turn(authenticated.application(), key).await?;
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    let begun = issuer.now();
    let issued_at = begun.as_seconds();
    let expires_at = issued_at.saturating_add(seconds(authorization.lifetime));
    let id = issuer.new_token_id();
    let mut text = {
        let application = authenticated.application();
        let claims = Claims {
            client_id: application.client_id.as_str(),
            apis: &authorization.apis,
            scopes: &authorization.scopes,
            issuer: issuer.tenant().issuer.as_str(),
            issued_at,
            not_before: issued_at.saturating_sub(seconds(authorization.backdating)),
            expires_at,
            token_id: id,
            further: application.claims.rendered(),
        };
        unsigned(key, authorization.profile, &claims)?
    };
    let is_at_once = turn.is_at_once();
    let signed = turn.sign(&key.signer, &mut text).await;
    signed.inspect_err(|why| issuer.note_not_signed(authenticated.application(), *why))?;
    let made_at = if is_at_once { begun.plus(QUICK) } else { issuer.now() };
    Ok(AccessToken { text, id, key: key.id, made_at, expires_at: Timestamp::from_seconds(expires_at) })
}

/// The APIs that a token of this shape names in `aud`; none when it names the application.
fn audience(profile: TokenProfile, apis: Vec<Arc<Api>>) -> Vec<Arc<Api>> {
    match profile {
        TokenProfile::Ciam => Vec::new(),
        TokenProfile::Rfc9068 => apis,
    }
}

/// What a token says, whatever its shape.
struct Claims<'token> {
    client_id: &'token str,
    apis: &'token [Arc<Api>],
    scopes: &'token [ScopeName],
    issuer: &'token str,
    issued_at: i64,
    not_before: i64,
    expires_at: i64,
    token_id: TokenId,
    /// The application's own claims, each after a comma.
    further: &'token str,
}

/// The claims are written by hand, into one piece of memory: a token has the same members each time, and this is the hottest
/// text of all. What stands in quotes without an escape has no character that JSON escapes: a scope's name (RFC 6749 §3.3),
/// an API's identifier (RFC 3986), an issuer, a UUID.
impl Claims<'_> {
    /// Writes the claims of a token of this shape.
    fn write(&self, profile: TokenProfile, json: &mut String) {
        match profile {
            TokenProfile::Ciam => self.write_ciam(json),
            TokenProfile::Rfc9068 => self.write_rfc9068(json),
        }
    }

    /// Profile `ciam`: the claims of the reference, in its order.
    fn write_ciam(&self, json: &mut String) {
        json.push_str(r#"{"sub":"#);
        push_quoted_twice(json, self.client_id, r#","aud":"#);
        json.push_str(r#","nbf":"#);
        json.push_str(itoa::Buffer::new().format(self.not_before));
        json.push_str(r#","scope":"#);
        push_list(json, self.scopes.iter().map(ScopeName::as_str));
        push(json, &[r#","iss":""#, self.issuer, r#"","exp":"#]);
        json.push_str(itoa::Buffer::new().format(self.expires_at));
        self.write_iat_and_jti(json);
        push(json, &[self.further, "}"]);
    }

    /// Profile `rfc9068` (RFC 9068 §2.2): `aud` is the API, or a list where there are several; `scope` is one string,
    /// and absent when nothing was granted.
    fn write_rfc9068(&self, json: &mut String) {
        push(json, &[r#"{"iss":""#, self.issuer, r#"","exp":"#]);
        json.push_str(itoa::Buffer::new().format(self.expires_at));
        json.push_str(r#","aud":"#);
        match self.apis {
            [one] => push(json, &["\"", one.identifier.as_str(), "\""]),
            several => push_list(json, several.iter().map(|api| api.identifier.as_str())),
        }
        json.push_str(r#","sub":"#);
        push_quoted_twice(json, self.client_id, r#","client_id":"#);
        self.write_iat_and_jti(json);
        for (position, scope) in self.scopes.iter().enumerate() {
            push(json, &[if position == 0 { r#","scope":""# } else { " " }, scope.as_str()]);
        }
        push(json, &[if self.scopes.is_empty() { "" } else { "\"" }, self.further, "}"]);
    }

    fn write_iat_and_jti(&self, json: &mut String) {
        json.push_str(r#","iat":"#);
        json.push_str(itoa::Buffer::new().format(self.issued_at));
        push(json, &[r#","jti":""#, self.token_id.encode(&mut [0; 36]), "\""]);
    }
}

fn push(json: &mut String, parts: &[&str]) {
    for part in parts {
        json.push_str(part);
    }
}

fn push_list<'text>(json: &mut String, texts: impl Iterator<Item = &'text str>) {
    json.push('[');
    for (position, text) in texts.enumerate() {
        push(json, &[if position == 0 { "\"" } else { ",\"" }, text, "\""]);
    }
    json.push(']');
}

/// A client id in quotes, which is looked at once, and again after what stands between. It is printable ASCII, of which JSON
/// escapes two characters.
fn push_quoted_twice(json: &mut String, text: &str, between: &str) {
    let start = json.len();
    if memchr::memchr2(b'"', b'\\', text.as_bytes()).is_some() {
        json.push_str(&serde_json::Value::from(text).to_string());
    } else {
        push(json, &["\"", text, "\""]);
    }
    let end = json.len();
    json.push_str(between);
    json.extend_from_within(start..end);
}

/// Header and payload, joined by a dot.
fn unsigned(key: &ReadyKey, profile: TokenProfile, claims: &Claims<'_>) -> Result<String, OAuthError> {
    let (header, signature_bytes) = (key.header(profile), key.signer.signature_length());
    let token = CLAIMS.with_borrow_mut(|payload| {
        payload.clear();
        claims.write(profile, payload);
        let encoded = header.len() + (payload.len() + signature_bytes) * 4 / 3 + 8;
        let mut token = String::with_capacity(encoded + ANSWER_BYTES);
        push(&mut token, &[header, "."]);
        jws::push_base64url(payload.as_bytes(), &mut token);
        token
    });
    let counted = signature_bytes.min(COUNTED_SIGNATURE_BYTES);
    if token.len() + 1 + (counted * 4).div_ceil(3) > MAX_TOKEN_BYTES {
        return Err(OAuthError::new(
            ErrorCode::InvalidScope,
            "The token would be longer than 4 KiB. Ask for fewer scopes.",
        ));
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::SystemRandom;
    use crate::domain::api::ApiIdentifier;
    use crate::domain::id::TenantId;
    use crate::domain::token::TokenSettings;

    /// E02
    #[test]
    fn a_token_of_300_seconds_has_299_left_when_it_is_answered() {
        let expires_at = Timestamp::from_seconds(1_000_300);
        for (millis, left) in
            [(1_000_000_000, 299), (1_000_000_001, 299), (1_000_000_999, 299), (1_000_001_000, 298)]
        {
            assert_eq!(remaining(expires_at, Timestamp::from_millis(millis)).as_secs(), left, "{millis}");
        }
        assert_eq!(remaining(expires_at, expires_at).as_secs(), 0);
        assert_eq!(remaining(expires_at, Timestamp::from_millis(2_000_300_000)).as_secs(), 0);
    }

    fn apis(identifiers: &[&str]) -> Vec<Arc<Api>> {
        let api = |identifier: &&str| {
            Arc::new(Api {
                tenant: TenantId::new(&SystemRandom),
                identifier: ApiIdentifier::parse(identifier).unwrap(),
                name: String::new(),
                token: TokenSettings::default(),
                algorithm: None,
                created_at: Timestamp::from_seconds(0),
                updated_at: Timestamp::from_seconds(0),
                version: 1,
            })
        };
        identifiers.iter().map(api).collect()
    }

    fn claims<'token>(
        scopes: &'token [ScopeName],
        apis: &'token [Arc<Api>],
        further: &'token str,
    ) -> Claims<'token> {
        Claims {
            client_id: "say \"hi\"\\",
            apis,
            scopes,
            issuer: "https://sample.portal.tencentciam.com",
            issued_at: 1_640_588_828,
            not_before: 1_640_588_828,
            expires_at: 1_640_589_128,
            token_id: "9939bc3f-5edf-46c3-8f5c-2b1dc1acfa90".parse().unwrap(),
            further,
        }
    }

    fn json(claims: &Claims<'_>, profile: TokenProfile) -> String {
        let mut json = String::new();
        claims.write(profile, &mut json);
        json
    }

    /// H03
    #[test]
    fn claims_stand_in_the_order_of_the_reference() {
        let scopes = ["identity_proofing", "a"].map(|name| ScopeName::parse(name).unwrap());
        assert_eq!(
            json(&claims(&scopes, &[], ""), TokenProfile::Ciam),
            r#"{"sub":"say \"hi\"\\","aud":"say \"hi\"\\","nbf":1640588828,"scope":["identity_proofing","a"],"iss":"https://sample.portal.tencentciam.com","exp":1640589128,"iat":1640588828,"jti":"9939bc3f-5edf-46c3-8f5c-2b1dc1acfa90"}"#
        );
        assert_eq!(
            json(&claims(&[], &[], r#","tier":1"#), TokenProfile::Ciam),
            r#"{"sub":"say \"hi\"\\","aud":"say \"hi\"\\","nbf":1640588828,"scope":[],"iss":"https://sample.portal.tencentciam.com","exp":1640589128,"iat":1640588828,"jti":"9939bc3f-5edf-46c3-8f5c-2b1dc1acfa90","tier":1}"#
        );
    }

    /// H03
    #[test]
    fn claims_stand_in_the_order_of_rfc_9068() {
        let scopes = ["read", "write"].map(|name| ScopeName::parse(name).unwrap());
        assert_eq!(
            json(
                &claims(&scopes, &apis(&["https://api.example.com"]), r#","tier":1"#),
                TokenProfile::Rfc9068
            ),
            r#"{"iss":"https://sample.portal.tencentciam.com","exp":1640589128,"aud":"https://api.example.com","sub":"say \"hi\"\\","client_id":"say \"hi\"\\","iat":1640588828,"jti":"9939bc3f-5edf-46c3-8f5c-2b1dc1acfa90","scope":"read write","tier":1}"#
        );
        assert_eq!(
            json(&claims(&[], &apis(&["urn:a", "urn:b"]), ""), TokenProfile::Rfc9068),
            r#"{"iss":"https://sample.portal.tencentciam.com","exp":1640589128,"aud":["urn:a","urn:b"],"sub":"say \"hi\"\\","client_id":"say \"hi\"\\","iat":1640588828,"jti":"9939bc3f-5edf-46c3-8f5c-2b1dc1acfa90"}"#
        );
    }
}
