//! Every mistake is told at once, each with where it is, and nothing is changed by a file that has one.

use chancery::admin::registry::Options;

use super::{Registry, tenant_a};

/// A mistake of every kind that a value can have.
const VALUES: &str = r#"
tenants:
  - name: default
    issuer: https://id.example.com/
    key_period: 1h
    tokens_per_minute: 0
    quota_mode: soft
    hosts: [good.example, "b@d"]
    scopes:
      - name: "a b"
      - name: x
      - name: x
        description: "a\nb"
    apis:
      - identifier: orders
        scopes: [{name: x}]
        token_lifetime: 1s
    applications:
      - client_id: a
        name: ""
        scopes: ["q q", ok]
        nbf_backdating: soon
        token_reuse_percent: 91
        tokens_per_hour: 4294967296
        type: foo
        claims: {sub: me}
        secrets: [{env: none}, {}, {env: a, file: b}, {env: none, expires_at: tomorrow}]
      - client_id: a
        name: b
        default_api: zz
        grants: [foo]
      - client_id: public
        name: Public
        type: spa
        secrets: [{env: x}]
  - name: Other
    issuer: http://x
  - name: default
    issuer: https://id.example.com
"#;

#[tokio::test]
async fn values_that_cannot_be_accepted_are_told_all_at_once() {
    let registry = Registry::new();
    insta::assert_snapshot!(registry.refused(VALUES, &Options::default()).await.join("\n"), @r#"
    tenants[0] (default): issuer: that is not an issuer: leave out the slash at the end
    tenants[0] (default): hosts[1]: "b@d" is not a host: a name or address, with :port if need be
    tenants[0] (default): key_period: a key signs for 1d to 3660d, not 1h
    tenants[0] (default): tokens_per_minute: 0 is no limit: a whole number of tokens, 1 to 4294967295
    tenants[0] (default): quota_mode: "soft" is not a quota mode: one of enforce, report
    tenants[0].scopes[0] (a b): name: "a b" is not a scope name: printable ASCII without space, " and \ (RFC 6749 §3.3)
    tenants[0].scopes[2] (x): description: the description holds control characters: leave them out
    tenants[0].apis[0] (orders): identifier: that is not an API's identifier: an absolute URI without a fragment, at most 256 characters, such as https://api.example.com/orders (RFC 8707 §2)
    tenants[0].apis[0] (orders): tokens: a token lives 60s to 24h, not 1s
    tenants[0].applications[0] (a): name: the name is empty: give it some text
    tenants[0].applications[0] (a): type: "foo" is not an application type: one of m2m, web, spa, native
    tenants[0].applications[0] (a): scopes[0]: "q q" is not a scope name: printable ASCII without space, " and \ (RFC 6749 §3.3)
    tenants[0].applications[0] (a): nbf_backdating: "soon" is not a duration: write 90s, 5m, 24h or 90d
    tenants[0].applications[0] (a): token_reuse_percent: a token is reused for 1 to 90 percent of its lifetime, not 91
    tenants[0].applications[0] (a): tokens_per_hour: 4294967296 is no limit: a whole number of tokens, 1 to 4294967295
    tenants[0].applications[0] (a): claims: "sub" is a registered claim, which only the server sets
    tenants[0].applications[0] (a): secrets[0]: secret: there is no none
    tenants[0].applications[0] (a): secrets[1]: secret: give either file or env, where it is
    tenants[0].applications[0] (a): secrets[2]: secret: give either file or env, where it is
    tenants[0].applications[0] (a): secrets[3]: secret: "tomorrow" is not a time: write 2027-01-31T12:00:00Z (RFC 3339)
    tenants[0].applications[1] (a): grants[0]: "foo" is not a grant type: one of client_credentials, authorization_code, refresh_token
    tenants[0].applications[1] (a): default_api: that is not an API's identifier: an absolute URI without a fragment, at most 256 characters, such as https://api.example.com/orders (RFC 8707 §2)
    tenants[0].applications[2] (public): type spa is a public client and has no secret (RFC 6749 §2.1)
    tenants[0].scopes[2] (x): this name is there already
    tenants[0].apis[0] (orders): scope "x": this name is there already
    tenants[0].applications[1] (a): this name is there already
    tenants[1] (Other): name: "Other" is not a tenant name: 1 to 63 lower-case letters, digits and hyphens
    tenants[1] (Other): issuer: that is not an issuer: beyond loopback it must be https
    tenants[2] (default): this tenant is there twice
    "#);
}

#[tokio::test]
async fn things_that_do_not_fit_together_are_told_all_at_once() {
    let registry = Registry::new();
    registry.apply(&tenant_a("scopes: [{name: ping}]\napis: [{identifier: 'urn:a', scopes: [{name: 'a:read'}]}]\napplications: [{client_id: web, name: Web}, {client_id: 'urn:b', name: B}]"), &Options::default()).await;
    let text = r#"
tenants:
  - name: a
    issuer: https://a.example
    hosts: [a.example, shared.example]
    algorithm: none
    scopes: [{name: "a:read"}]
    apis:
      - identifier: urn:a
        algorithm: HS256
        scopes: [{name: ping}]
      - identifier: urn:b
      - identifier: urn:c
        scopes: [{name: fine}]
    applications:
      - client_id: x
        name: X
        scopes: [nothing, ping]
        default_scopes: [other]
        acts_for: ["urn:none"]
      - client_id: web
        name: Web
        type: spa
      - client_id: urn:c
        name: C
      - client_id: y
        name: Y
        type: native
        grants: [client_credentials]
      - client_id: z
        name: Z
        default_api: urn:a
  - name: b
    issuer: https://b.example
    hosts: [shared.example]
"#;
    insta::assert_snapshot!(registry.refused(text, &Options::default()).await.join("\n"), @r#"
    tenants[0] (a): "none" is not an algorithm: one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA, Ed25519, ML-DSA-65
    tenants[1] (b): shared.example belongs to tenant a already
    tenants[0].apis[0] (urn:a): "HS256" is not an algorithm: one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA, Ed25519, ML-DSA-65
    tenants[0].apis[0] (urn:a): scope "ping" is the whole tenant's now: a scope stays where it is; apply a file without it with --prune first, then add it here
    tenants[0].apis[1] (urn:b): urn:b cannot be both a client id and an API's identifier: choose another
    tenants[0].scopes[0] (a:read): scope "a:read" is defined by API urn:a now: a scope stays where it is; apply a file without it with --prune first, then add it here
    tenants[0].applications[0] (x): scopes: "nothing" is neither in the file nor in the tenant
    tenants[0].applications[0] (x): acts_for: urn:none is neither in the file nor in the tenant
    tenants[0].applications[1] (web): type: what is m2m cannot become spa: remove it first, then add it anew
    tenants[0].applications[2] (urn:c): urn:c cannot be both a client id and an API's identifier: choose another
    tenants[0].applications[3] (y): type native is a public client and may not use client_credentials (RFC 6749 §4.4)
    tenants[0].applications[4] (z): the application may not call its default API urn:a: give it --api urn:a or one of its scopes
    "#);
}

#[tokio::test]
async fn things_of_the_wrong_shape_are_told_all_at_once() {
    let registry = Registry::new();
    let text = r#"
tenants:
  - name: a
    issuer: 5
    enabled: yes
    tokens_per_day: ten
    applications:
      - client_id: 5
        nmae: x
      - client_id: c
        name: 12e5
        enabled: "true"
        scopes: ping
        token_reuse_percent: "50"
        tokens_per_minute: -1
        tokens_per_hour: 1.5
        quota_mode: [report]
      - client_id: d
      - just text
    apis:
      - identifier: urn:a
        token_lifetime: [5]
    scopes:
      - ping
"#;
    insta::assert_snapshot!(registry.refused(text, &Options::default()).await.join("\n"), @r#"
    tenants[0] (a): issuer: invalid type: integer, expected a string
    tenants[0] (a): enabled: invalid type: string, expected a boolean
    tenants[0] (a): tokens_per_day: invalid type: string, expected a whole number above zero
    tenants[0].scopes[0] (?): invalid type: string, expected a scope with its members
    tenants[0].apis[0] (urn:a): token_lifetime: invalid type: sequence, expected a duration such as 90s, 5m, 24h or 90d, or a number of seconds
    tenants[0].applications[0] (5): client_id: invalid type: integer, expected a string
    tenants[0].applications[0] (5): unknown field `nmae`, expected one of `client_id`, `name`, `type`, `enabled`, `scopes`, `default_scopes`, `grants`, `auth_methods`, `apis`, `default_api`, `acts_for`, `token_lifetime`, `token_profile`, `nbf_backdating`, `token_reuse_percent`, `tokens_per_minute`, `tokens_per_hour`, `tokens_per_day`, `quota_mode`, `claims`, `secrets`
    tenants[0].applications[1] (c): name: invalid type: floating point, expected a string
    tenants[0].applications[1] (c): enabled: invalid type: string, expected a boolean
    tenants[0].applications[1] (c): scopes: invalid type: string, expected a sequence
    tenants[0].applications[1] (c): token_reuse_percent: invalid type: string, expected a whole number above zero
    tenants[0].applications[1] (c): tokens_per_minute: invalid value: integer, expected a whole number above zero
    tenants[0].applications[1] (c): tokens_per_hour: invalid type: floating point, expected a whole number above zero
    tenants[0].applications[1] (c): quota_mode: invalid type: sequence, expected a string
    tenants[0].applications[2] (d): missing field `name`
    tenants[0].applications[3] (?): invalid type: string, expected an application with its members
    "#);
}
