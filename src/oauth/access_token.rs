//! Mints the access token: a JWT of profile `ciam`.
//! Not for: who may have one, or what for.

use std::time::Duration;

use crate::crypto::jws;
use crate::domain::scope::ScopeName;
use crate::domain::time::Timestamp;
use crate::issuer::Issuer;

use super::client_auth::Authenticated;
use super::error::{ErrorCode, OAuthError};
use super::grant::Authorization;

/// Longest access token, in bytes (E06). Callers may rely on it.
pub const MAX_TOKEN_BYTES: usize = 4096;

/// A signed token.
#[derive(Debug)]
pub struct AccessToken {
    /// The compact JWS.
    pub text: String,
    /// Its end.
    pub expires_at: Expiry,
}

/// When a token ends, in seconds since the epoch.
#[derive(Debug, Clone, Copy)]
pub struct Expiry(i64);

impl Expiry {
    /// The whole seconds it still has just after `now`, rounded down: never more than it has when the answer is read.
    #[must_use]
    pub fn remaining(self, now: Timestamp) -> Duration {
        let millis = self.0.saturating_mul(1000).saturating_sub(now.as_millis()).saturating_sub(1);
        Duration::from_secs(u64::try_from(millis).unwrap_or(0) / 1000)
    }
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
    let issued_at = issuer.now().as_seconds();
    let lifetime = i64::try_from(authorization.lifetime.as_secs()).unwrap_or(i64::MAX);
    let expires_at = issued_at.saturating_add(lifetime);
    let claims = Claims {
        subject: authenticated.application().client_id.as_str(),
        scopes: &authorization.scopes,
        issuer: issuer.tenant().issuer.as_str(),
        issued_at,
        expires_at,
        token_id: &issuer.new_token_id().to_string(),
    };
    let unsigned = unsigned(issuer, &claims)?;
    Ok(AccessToken {
        text: issuer.sign(issuer.signing_key(None), unsigned).await?,
        expires_at: Expiry(expires_at),
    })
}

/// The claims of profile `ciam`, in the reference's order.
struct Claims<'token> {
    subject: &'token str,
    scopes: &'token [ScopeName],
    issuer: &'token str,
    issued_at: i64,
    expires_at: i64,
    token_id: &'token str,
}

impl Claims<'_> {
    /// Written by hand: a token has the same eight members each time, and this is the hottest text of all.
    fn to_json(&self) -> String {
        let subject = json_string(self.subject);
        let mut json = String::with_capacity(512);
        for part in [r#"{"sub":"#, &subject, r#","aud":"#, &subject, r#","nbf":"#] {
            json.push_str(part);
        }
        let digits = |json: &mut String, number: i64| json.push_str(&number.to_string());
        digits(&mut json, self.issued_at);
        json.push_str(r#","scope":["#);
        for (position, scope) in self.scopes.iter().enumerate() {
            // A scope name has no character that JSON escapes (RFC 6749 §3.3).
            json.push_str(if position == 0 { "\"" } else { ",\"" });
            json.push_str(scope.as_str());
            json.push('"');
        }
        json.push_str(r#"],"iss":"#);
        json.push_str(&json_string(self.issuer));
        json.push_str(r#","exp":"#);
        digits(&mut json, self.expires_at);
        json.push_str(r#","iat":"#);
        digits(&mut json, self.issued_at);
        json.push_str(r#","jti":""#);
        json.push_str(self.token_id);
        json.push_str("\"}");
        json
    }
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Header and payload, joined by a dot.
fn unsigned(issuer: &Issuer, claims: &Claims<'_>) -> Result<String, OAuthError> {
    let key = issuer.signing_key(None);
    let mut kid = [0; 36];
    let header = format!(r#"{{"kid":"{}","typ":"JWT","alg":"{}"}}"#, key.id.encode(&mut kid), key.algorithm);
    let payload = claims.to_json();
    let mut token = String::with_capacity((header.len() + payload.len()) * 4 / 3 + 512);
    jws::push_base64url(header.as_bytes(), &mut token);
    token.push('.');
    jws::push_base64url(payload.as_bytes(), &mut token);
    if token.len() + 1 + (key.signer.signature_length() * 4).div_ceil(3) > MAX_TOKEN_BYTES {
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

    /// E02
    #[test]
    fn a_token_of_300_seconds_has_299_left_when_it_is_answered() {
        let expiry = Expiry(1_000_300);
        for (millis, left) in
            [(1_000_000_000, 299), (1_000_000_001, 299), (1_000_000_999, 299), (1_000_001_000, 298)]
        {
            assert_eq!(expiry.remaining(Timestamp::from_millis(millis)).as_secs(), left, "{millis}");
        }
        assert_eq!(expiry.remaining(Timestamp::from_millis(1_000_300_000)).as_secs(), 0);
        assert_eq!(expiry.remaining(Timestamp::from_millis(2_000_300_000)).as_secs(), 0);
    }

    /// H03
    #[test]
    fn claims_stand_in_the_order_of_the_reference() {
        let scopes = [ScopeName::parse("identity_proofing").unwrap(), ScopeName::parse("a").unwrap()];
        let claims = Claims {
            subject: "say \"hi\"\\",
            scopes: &scopes,
            issuer: "https://sample.portal.tencentciam.com",
            issued_at: 1_640_588_828,
            expires_at: 1_640_589_128,
            token_id: "9939bc3f-5edf-46c3-8f5c-2b1dc1acfa90",
        };
        assert_eq!(
            claims.to_json(),
            r#"{"sub":"say \"hi\"\\","aud":"say \"hi\"\\","nbf":1640588828,"scope":["identity_proofing","a"],"iss":"https://sample.portal.tencentciam.com","exp":1640589128,"iat":1640588828,"jti":"9939bc3f-5edf-46c3-8f5c-2b1dc1acfa90"}"#
        );
    }
}
