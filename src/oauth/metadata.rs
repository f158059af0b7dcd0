//! Authorization server metadata (RFC 8414), made from the lists of what is there.
//! Not for: anything a request says about itself; the issuer is the tenant's own (I09).

use serde_json::json;

use super::client_auth::METHODS;
use super::grant::GRANTS;
use crate::domain::tenant::IssuerUrl;
use crate::issuer::Issuer;
use crate::issuer::document::Document;

/// Where the token endpoint is, below the issuer's origin.
pub const TOKEN_PATH: &str = "/oauth2/token";

/// Where callers ask about tokens (RFC 7662), below the issuer's origin.
pub const INTROSPECTION_PATH: &str = "/oauth2/introspect";

/// Where callers give tokens back (RFC 7009), below the issuer's origin.
pub const REVOCATION_PATH: &str = "/oauth2/revoke";

/// Where the keys are, below the issuer's origin.
pub const JWKS_PATH: &str = "/oauth2/jwks";

/// The well-known name of RFC 8414 §3.
pub const OAUTH_WELL_KNOWN: &str = "/.well-known/oauth-authorization-server";

/// The well-known name of `OpenID` Connect Discovery §4, for clients that look only there.
pub const OPENID_WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// The metadata of a tenant. `response_types_supported` is left out: RFC 8414 §2 requires it, §3.2 forbids empty
/// arrays, and this server has no authorization endpoint that could have response types.
#[must_use]
pub fn document(issuer: &Issuer) -> &Document {
    issuer.documents().metadata.get_or_init(|| {
        let origin = issuer.tenant().issuer.origin();
        let grants: Vec<_> = GRANTS.iter().map(|grant| grant.grant_type().as_str()).collect();
        let methods: Vec<_> = METHODS.iter().map(|method| method.method().as_str()).collect();
        Document::new(&json!({
            "issuer": issuer.tenant().issuer.as_str(),
            "token_endpoint": format!("{origin}{TOKEN_PATH}"),
            "jwks_uri": format!("{origin}{JWKS_PATH}"),
            "grant_types_supported": grants,
            "token_endpoint_auth_methods_supported": methods,
            "introspection_endpoint": format!("{origin}{INTROSPECTION_PATH}"),
            "introspection_endpoint_auth_methods_supported": methods,
            "introspection_signing_alg_values_supported": [issuer.signing_key(None).algorithm],
            "revocation_endpoint": format!("{origin}{REVOCATION_PATH}"),
            "revocation_endpoint_auth_methods_supported": methods,
        }))
    })
}

/// Where the metadata of an issuer is. With a path in the issuer, RFC 8414 §3.1 puts the well-known part between host
/// and path, and `OpenID` Connect Discovery §4 after the path; both are served.
#[must_use]
pub fn paths(issuer: &IssuerUrl) -> [String; 3] {
    let path = issuer.path();
    [
        format!("{OAUTH_WELL_KNOWN}{path}"),
        format!("{OPENID_WELL_KNOWN}{path}"),
        format!("{path}{OPENID_WELL_KNOWN}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I01
    #[test]
    fn the_well_known_part_goes_between_host_and_path() {
        let issuer = IssuerUrl::parse("https://example.com/tenant").unwrap();
        let [oauth, openid, appended] = paths(&issuer);
        assert_eq!(oauth, "/.well-known/oauth-authorization-server/tenant");
        assert_eq!(openid, "/.well-known/openid-configuration/tenant");
        assert_eq!(appended, "/tenant/.well-known/openid-configuration");
    }
}
