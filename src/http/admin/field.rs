//! The members of request bodies: what each may be, in JSON Schema. What is published is what is enforced.
//! Not for: rules that concern several members or what is stored (`admin`).

use serde_json::{Map, Value, json};

use crate::crypto::algorithm::ALGORITHMS;
use crate::domain::application::{ApplicationType, AuthMethod, GrantType};
use crate::domain::operator::operator_scopes;
use crate::domain::quota::QuotaMode;
use crate::domain::token::TokenProfile;

/// A member of a request body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) schema: fn() -> Value,
    /// Whether null brings its default back.
    pub(super) nullable: bool,
    pub(super) required: bool,
}

impl Field {
    const fn new(name: &'static str, about: &'static str, schema: fn() -> Value) -> Self {
        Self { name, about, schema, nullable: false, required: false }
    }

    const fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }

    /// The same member where it must be given.
    pub(super) const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    fn published(&self) -> Value {
        let schema = (self.schema)();
        let mut schema =
            if self.nullable { json!({ "anyOf": [schema, { "type": "null" }] }) } else { schema };
        if let Some(members) = schema.as_object_mut() {
            members.insert("description".to_owned(), self.about.into());
        }
        schema
    }
}

/// A request body: its members, and an example.
#[derive(Debug, Clone, Copy)]
pub(super) struct Body {
    pub(super) fields: &'static [&'static [Field]],
    pub(super) example: fn() -> Value,
}

impl Body {
    /// Its JSON Schema.
    pub(super) fn schema(&self) -> Value {
        let fields = || self.fields.iter().copied().flatten();
        let properties: Map<String, Value> =
            fields().map(|field| (field.name.to_owned(), field.published())).collect();
        let required: Vec<&str> = fields().filter(|field| field.required).map(|field| field.name).collect();
        let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
        if let (false, Some(members)) = (required.is_empty(), schema.as_object_mut()) {
            members.insert("required".to_owned(), required.into());
        }
        schema
    }
}

/// Text that people read: some, no control characters.
fn text(longest: u32) -> Value {
    let pattern =
        r"^[^\u0000-\u001F\u007F-\u009F]*[^\s\u0000-\u001F\u007F-\u009F][^\u0000-\u001F\u007F-\u009F]*$";
    json!({ "type": "string", "maxLength": longest, "pattern": pattern })
}

/// Text that people read, or none.
fn text_or_none(longest: u32) -> Value {
    json!({ "type": "string", "maxLength": longest, "pattern": r"^$|^[^\u0000-\u001F\u007F-\u009F]*[^\s\u0000-\u001F\u007F-\u009F][^\u0000-\u001F\u007F-\u009F]*$" })
}

/// RFC 6749 §3.3. Names that a path cannot hold are left out.
pub(super) fn scope_name() -> Value {
    json!({ "type": "string", "maxLength": 128, "pattern": r"^(?!\.{1,2}$)[!#-\[\]-~]+$" })
}

fn api_identifier() -> Value {
    let pattern = r"^[A-Za-z][A-Za-z0-9+.\-]*:([A-Za-z0-9._~:/?\[\]@!$&'()*+,;=\-]|%[0-9A-Fa-f]{2})+$";
    json!({ "type": "string", "maxLength": 256, "pattern": pattern })
}

fn list_of(item: &Value, longest: u32) -> Value {
    json!({ "type": "array", "items": item, "maxItems": longest })
}

fn choice(names: &[&str]) -> Value {
    json!({ "type": "string", "enum": names })
}

fn scope_names() -> Value {
    list_of(&scope_name(), 1_000)
}

fn api_identifiers() -> Value {
    list_of(&api_identifier(), 100)
}

fn algorithm() -> Value {
    choice(&ALGORITHMS.iter().map(|one| one.name()).collect::<Vec<_>>())
}

fn boolean() -> Value {
    json!({ "type": "boolean" })
}

fn whole(least: u64, most: u64) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most })
}

fn seconds(least: u64, most: u64) -> Value {
    whole(least, most)
}

fn limit() -> Value {
    whole(1, u32::MAX.into())
}

pub(super) const NAME: Field = Field::new("name", "Its name for people", || text(200));
pub(super) const API_NAME: Field = Field::new("name", "Its name for people", || text_or_none(200));
pub(super) const ENABLED: Field = Field::new("enabled", "Whether it gets anything", boolean);
pub(super) const CLIENT_ID: Field = Field::new(
    "client_id",
    "Its name on the wire; the server makes one unless given",
    || json!({ "type": "string", "maxLength": 128, "pattern": r"^(?!\.{1,2}$)[ -~]+$" }),
);
pub(super) const CLIENT_SECRET: Field = Field::new(
    "client_secret",
    "Its first secret; the server makes a better one unless given",
    || json!({ "type": "string", "minLength": 1, "maxLength": 1024, "pattern": "^[ -~]+$", "format": "password" }),
);
pub(super) const TYPE: Field = Field::new("type", "What kind of program it is; m2m unless given", || {
    choice(&ApplicationType::ALL.map(ApplicationType::as_str))
});
pub(super) const SCOPES: Field = Field::new("scopes", "The scopes it may ask for", scope_names);
pub(super) const API_SCOPES: Field = Field::new("scopes", "The scopes it defines", scope_names);
pub(super) const DEFAULT_SCOPES: Field =
    Field::new("default_scopes", "The scopes it gets when it asks for none", scope_names);
pub(super) const GRANTS: Field = Field::new("grants", "The grants it may use", || {
    list_of(&choice(&GrantType::ALL.map(GrantType::as_str)), 10)
});
pub(super) const AUTH_METHODS: Field = Field::new("auth_methods", "The ways it may prove itself", || {
    list_of(&choice(&AuthMethod::ALL.map(AuthMethod::as_str)), 10)
});
pub(super) const APIS: Field =
    Field::new("apis", "The APIs it may have tokens for without any of their scopes", api_identifiers);
pub(super) const DEFAULT_API: Field =
    Field::new("default_api", "The API its tokens are for when a request chooses none", api_identifier)
        .nullable();
pub(super) const ACTS_FOR: Field =
    Field::new("acts_for", "The APIs it is the resource server of", api_identifiers);
pub(super) const CLAIMS: Field = Field::new(
    "claims",
    "What its tokens say besides",
    || json!({ "type": "object", "maxProperties": 50, "additionalProperties": true }),
);
pub(super) const TOKEN_LIFETIME: Field =
    Field::new("token_lifetime", "How long its tokens live, in seconds; null for the default", || {
        seconds(60, 86_400)
    })
    .nullable();
pub(super) const TOKEN_PROFILE: Field =
    Field::new("token_profile", "The shape of its tokens; null for the default", || {
        choice(&TokenProfile::ALL.map(TokenProfile::as_str))
    })
    .nullable();
pub(super) const NBF_BACKDATING: Field = Field::new(
    "nbf_backdating",
    "How long before iat its tokens' nbf lies, in seconds; null for none",
    || seconds(0, 60),
)
.nullable();
pub(super) const TOKEN_REUSE_PERCENT: Field = Field::new(
    "token_reuse_percent",
    "For how much of its lifetime a token is handed out again, in percent; null when each is to be a new one",
    || whole(1, 90),
)
.nullable();
pub(super) const TOKENS_PER_MINUTE: Field = Field::new(
    "tokens_per_minute",
    "How many tokens it may have in a minute of UTC; null for no limit",
    limit,
)
.nullable();
pub(super) const TOKENS_PER_HOUR: Field =
    Field::new("tokens_per_hour", "How many tokens it may have in an hour of UTC; null for no limit", limit)
        .nullable();
pub(super) const TOKENS_PER_DAY: Field =
    Field::new("tokens_per_day", "How many tokens it may have in a day of UTC; null for no limit", limit)
        .nullable();
pub(super) const QUOTA_MODE: Field = Field::new(
    "quota_mode",
    "What becomes of a token beyond these: refused (enforce), or issued and reported (report); null for enforce",
    || choice(&QuotaMode::ALL.map(QuotaMode::as_str)),
)
.nullable();

/// How many tokens an application, or a tenant with all its applications, may have.
pub(super) const QUOTA: &[Field] = &[TOKENS_PER_MINUTE, TOKENS_PER_HOUR, TOKENS_PER_DAY, QUOTA_MODE];

pub(super) const API_ALGORITHM: Field =
    Field::new("algorithm", "What its tokens are signed with; null for the tenant's algorithm", algorithm)
        .nullable();
pub(super) const ALGORITHM: Field = Field::new("algorithm", "What tokens are signed with", algorithm);
pub(super) const IDENTIFIER: Field =
    Field::new("identifier", "What its tokens say in aud: an absolute URI", api_identifier);
pub(super) const SCOPE_NAME: Field = Field::new("name", "What it is called on the wire", scope_name);
pub(super) const DESCRIPTION: Field =
    Field::new("description", "What it permits, for people", || text_or_none(500));
pub(super) const API: Field =
    Field::new("api", "The API that defines it; null for one that is the whole tenant's", api_identifier)
        .nullable();
pub(super) const LABEL: Field = Field::new("label", "What to call it", || text_or_none(100));
pub(super) const EXPIRES_IN: Field =
    Field::new("expires_in", "How long it is good for, in seconds; null for ever", || {
        seconds(1, 100 * 366 * 86_400)
    })
    .nullable();
pub(super) const TENANT_NAME: Field = Field::new(
    "name",
    "What operators call it",
    || json!({ "type": "string", "maxLength": 63, "pattern": "^[a-z0-9][a-z0-9-]*$" }),
);
pub(super) const HOSTS: Field =
    Field::new("hosts", "The host names that reach it, as they stand in Host", || {
        let pattern = r"^([A-Za-z0-9_\-]+(\.[A-Za-z0-9_\-]+)*\.?|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?$";
        let host = json!({ "type": "string", "maxLength": 253, "pattern": pattern });
        json!({ "type": "array", "items": host, "minItems": 1, "maxItems": 100 })
    });
pub(super) const ISSUER: Field = Field::new("issuer", "What its tokens say in iss", || {
    let pattern = r"^https?://[a-z0-9.:_\[\]\-]+(/[A-Za-z0-9._~\-]+)*$";
    json!({ "type": "string", "maxLength": 255, "pattern": pattern })
});
pub(super) const KEY_PERIOD: Field =
    Field::new("key_period", "How long a signing key signs, in seconds", || {
        seconds(86_400, 10 * 366 * 86_400)
    });
pub(super) const OPERATOR_NAME: Field = Field::new(
    "name",
    "What it is called",
    || json!({ "type": "string", "maxLength": 100, "pattern": r"^[A-Za-z0-9][A-Za-z0-9._@+\-]*$" }),
);
pub(super) const OPERATOR_SCOPES: Field = Field::new("scopes", "What it may do", || {
    let item = choice(&operator_scopes().collect::<Vec<_>>());
    json!({ "type": "array", "items": item, "minItems": 1, "maxItems": 50 })
});
pub(super) const EVERY_TENANT: Field = Field::new(
    "every_tenant",
    "Whether it administers all tenants; only the one that is meant unless given",
    boolean,
);

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(field: Field, value: &Value) -> bool {
        jsonschema::validator_for(&field.published()).unwrap().is_valid(value)
    }

    #[test]
    fn what_is_published_is_what_the_domain_accepts() {
        use crate::domain::api::ApiIdentifier;
        use crate::domain::application::ClientId;
        use crate::domain::scope::ScopeName;
        use crate::domain::{check_label, operator, tenant};
        let texts = [
            "a",
            "orders:read",
            "é",
            "",
            " ",
            "\u{a0}",
            "a b",
            "a\"b",
            "a\\b",
            "x\n",
            "\u{85}",
            "https://a/b?c=%2f",
            "a:",
            "1:a",
            "https://a#b",
            "a-b",
            "-a",
            "A",
            "a@b",
            "~",
            "\u{7f}",
            "x%4",
            "urn:x:%zz",
            "[",
            "]",
        ];
        for text in texts {
            let value = Value::from(text);
            assert_eq!(accepts(SCOPE_NAME, &value), ScopeName::parse(text).is_ok(), "{text:?}");
            assert_eq!(accepts(CLIENT_ID, &value), ClientId::parse(text).is_ok(), "{text:?}");
            assert_eq!(accepts(IDENTIFIER, &value), ApiIdentifier::parse(text).is_ok(), "{text:?}");
            assert_eq!(accepts(NAME, &value), check_label("name", text, 200).is_ok(), "{text:?}");
            assert_eq!(accepts(TENANT_NAME, &value), tenant::check_tenant_name(text).is_ok(), "{text:?}");
            assert_eq!(accepts(OPERATOR_NAME, &value), operator::check_name(text).is_ok(), "{text:?}");
        }
        for dots in [".", ".."] {
            assert!(!accepts(SCOPE_NAME, &dots.into()) && !accepts(CLIENT_ID, &dots.into()));
        }
        assert!(!accepts(NAME, &"x".repeat(201).into()) && accepts(NAME, &"ü".repeat(200).into()));
    }

    #[test]
    fn published_limits_are_those_of_the_domain() {
        use crate::domain::quota::limit;
        use crate::domain::token::ReuseShare;
        for number in [0, 1, 90, 91, 256, 4_294_967_295, 4_294_967_296, u64::MAX] {
            let value = Value::from(number);
            for field in [TOKENS_PER_MINUTE, TOKENS_PER_HOUR, TOKENS_PER_DAY] {
                assert_eq!(accepts(field, &value), limit(number).is_ok(), "{number}");
            }
            let is_share = ReuseShare::from_percent(number).is_ok();
            assert_eq!(accepts(TOKEN_REUSE_PERCENT, &value), is_share, "{number}");
        }
        assert!(
            QUOTA.iter().all(|field| accepts(*field, &Value::Null)) && !accepts(QUOTA_MODE, &"off".into())
        );
    }

    #[test]
    fn null_is_accepted_where_there_is_a_default() {
        assert!(accepts(TOKEN_PROFILE, &Value::Null) && accepts(TOKEN_LIFETIME, &Value::Null));
        assert!(!accepts(NAME, &Value::Null) && !accepts(TOKEN_PROFILE, &"other".into()));
    }
}
