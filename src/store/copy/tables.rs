//! The tables of every backend, each after those it refers to, with their columns.
//! Not for: making them, which the migrations do.

/// What stands in a column, besides nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// Yes or no; where a backend has no such type it is 1 or 0.
    Boolean,
    /// Bytes.
    Bytes,
}

/// A column of a table.
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What stands in it.
    pub kind: Kind,
}

/// A table.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// How many of its columns, the first ones, are its primary key in this order.
    pub key: usize,
    /// Its columns.
    pub columns: &'static [Column],
}

impl Table {
    /// The columns of its primary key.
    #[must_use]
    pub fn key_columns(&self) -> &'static [Column] {
        self.columns.get(..self.key).unwrap_or(self.columns)
    }

    /// The names of its columns, separated by commas.
    #[must_use]
    pub fn column_list(&self) -> String {
        list(self.columns)
    }

    /// The names of the columns of its primary key, separated by commas.
    #[must_use]
    pub fn key_list(&self) -> String {
        list(self.key_columns())
    }
}

fn list(columns: &[Column]) -> String {
    columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
}

/// Tables that are not copied: what stands in them is about one place alone.
pub const NOT_COPIED: &[&str] = &["moved"];

macro_rules! table {
    ($name:literal, key $key:literal: $($column:ident $kind:ident),+ $(,)?) => {
        Table {
            name: $name,
            key: $key,
            columns: &[$(Column { name: stringify!($column), kind: Kind::$kind }),+],
        }
    };
}

/// The audit.
pub static AUDIT: Table = table!("audit_event", key 1:
    sequence Integer, at Integer, tenant_id Text, actor Text, source Text, request Text, action Text, subject Text,
    detail Text, hash Bytes);

pub(super) static TENANT: Table = table!("tenant", key 1:
    id Text, name Text, issuer Text, enabled Boolean, algorithm Text, key_period Integer, created_at Integer,
    updated_at Integer, version Integer, tokens_per_minute Integer, tokens_per_hour Integer, tokens_per_day Integer,
    quota_mode Text);

static TENANT_HOST: Table = table!("tenant_host", key 1: host Text, tenant_id Text, position Integer);

static API: Table = table!("api", key 2:
    tenant_id Text, identifier Text, name Text, token_lifetime Integer, profile Text, backdating Integer,
    algorithm Text, created_at Integer, updated_at Integer, version Integer);

static SCOPE: Table = table!("scope", key 2:
    tenant_id Text, name Text, description Text, api Text, created_at Integer, version Integer);

static APPLICATION: Table = table!("application", key 1:
    id Text, tenant_id Text, client_id Text, name Text, type Text, enabled Boolean, grants Text, auth_methods Text,
    narrowed Boolean, default_api Text, token_lifetime Integer, profile Text, backdating Integer, claims Text,
    created_at Integer, updated_at Integer, version Integer, tokens_revoked_before Integer,
    tokens_per_minute Integer, tokens_per_hour Integer, tokens_per_day Integer, quota_mode Text,
    token_reuse_percent Integer);

static APPLICATION_SCOPE: Table = table!("application_scope", key 2:
    application_id Text, scope Text, tenant_id Text, position Integer, default_position Integer);

static APPLICATION_API: Table = table!("application_api", key 3:
    application_id Text, role Text, api Text, tenant_id Text, position Integer);

static CREDENTIAL: Table = table!("credential", key 1:
    id Text, application_id Text, label Text, digest Bytes, digested_under Text, created_at Integer,
    expires_at Integer, last_used_at Integer, slow_hash Text);

static SIGNING_KEY: Table = table!("signing_key", key 1:
    id Text, tenant_id Text, algorithm Text, state Text, public_jwk Text, sealed Bytes, sealed_under Text,
    created_at Integer, state_since Integer);

static DIGEST_KEY: Table = table!("digest_key", key 1: fingerprint Text, sealed Bytes, sealed_under Text);

static OPERATOR: Table = table!("operator", key 1:
    id Text, name Text, tenant_id Text, scopes Text, enabled Boolean, digest Bytes, digested_under Text,
    created_at Integer, updated_at Integer, version Integer);

static KEPT_ANSWER: Table = table!("kept_answer", key 2:
    caller Text, key Text, request Bytes, sealed Bytes, sealed_under Text, kept_at Integer, expires_at Integer);

static REVOKED_TOKEN: Table =
    table!("revoked_token", key 3: expires_at Integer, tenant_id Text, token_id Text);

static STATISTIC: Table = table!("statistic", key 5:
    period Text, start Integer, tenant_id Text, client_id Text, reason Text, count Integer);

static REFUSAL: Table = table!("refusal", key 1:
    sequence Integer, request_id Text, at Integer, tenant_id Text, client_id Text, endpoint Text, error Text,
    reason Text, hint Text, source Text);

static CHANGE: Table = table!("change", key 1: revision Integer, tenant_id Text, client_id Text);

/// Every table, each after those it refers to.
pub static TABLES: &[&Table] = &[
    &TENANT,
    &TENANT_HOST,
    &API,
    &SCOPE,
    &APPLICATION,
    &APPLICATION_SCOPE,
    &APPLICATION_API,
    &CREDENTIAL,
    &SIGNING_KEY,
    &DIGEST_KEY,
    &OPERATOR,
    &KEPT_ANSWER,
    &REVOKED_TOKEN,
    &STATISTIC,
    &REFUSAL,
    &CHANGE,
    &AUDIT,
];
