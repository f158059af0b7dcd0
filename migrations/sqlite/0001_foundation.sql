-- Times are milliseconds since 1970-01-01T00:00:00Z. Ids are hyphenated lower-case UUIDs.

CREATE TABLE tenant (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    issuer     TEXT    NOT NULL UNIQUE,
    enabled    INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    algorithm  TEXT    NOT NULL,
    key_period INTEGER NOT NULL, -- seconds
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version    INTEGER NOT NULL
) STRICT;

CREATE TABLE tenant_host (
    host      TEXT    NOT NULL PRIMARY KEY,
    tenant_id TEXT    NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    position  INTEGER NOT NULL
) STRICT;

CREATE INDEX tenant_host_by_tenant ON tenant_host (tenant_id);

CREATE TABLE api (
    tenant_id      TEXT    NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    identifier     TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    token_lifetime INTEGER, -- seconds; null for the default
    profile        TEXT,    -- null for the default
    backdating     INTEGER, -- seconds; null for the default
    algorithm      TEXT,    -- null for the tenant's
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, identifier)
) STRICT, WITHOUT ROWID;

CREATE TABLE scope (
    tenant_id   TEXT    NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    name        TEXT    NOT NULL,
    description TEXT    NOT NULL,
    api         TEXT, -- null for one that is the whole tenant's
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, name),
    FOREIGN KEY (tenant_id, api) REFERENCES api (tenant_id, identifier)
) STRICT, WITHOUT ROWID;

CREATE INDEX scope_by_api ON scope (tenant_id, api);

CREATE TABLE application (
    id             TEXT    NOT NULL PRIMARY KEY,
    tenant_id      TEXT    NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    client_id      TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    type           TEXT    NOT NULL,
    enabled        INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    grants         TEXT    NOT NULL, -- names, separated by spaces
    auth_methods   TEXT    NOT NULL, -- names, separated by spaces
    narrowed       INTEGER NOT NULL CHECK (narrowed IN (0, 1)), -- whether the default scopes are fewer than all
    default_api    TEXT,    -- null for none
    token_lifetime INTEGER, -- seconds; null for the default
    profile        TEXT,    -- null for the default
    backdating     INTEGER, -- seconds; null for the default
    claims         TEXT    NOT NULL, -- a JSON object
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    UNIQUE (tenant_id, client_id),
    FOREIGN KEY (tenant_id, default_api) REFERENCES api (tenant_id, identifier)
) STRICT;

CREATE INDEX application_by_default_api ON application (tenant_id, default_api);

CREATE TABLE application_scope (
    application_id   TEXT    NOT NULL REFERENCES application (id) ON DELETE CASCADE,
    tenant_id        TEXT    NOT NULL,
    scope            TEXT    NOT NULL,
    position         INTEGER NOT NULL,
    default_position INTEGER, -- null when it is not a default scope
    PRIMARY KEY (application_id, scope),
    FOREIGN KEY (tenant_id, scope) REFERENCES scope (tenant_id, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX application_scope_by_scope ON application_scope (tenant_id, scope);

-- What an application has to do with an API beside its scopes.
CREATE TABLE application_api (
    application_id TEXT    NOT NULL REFERENCES application (id) ON DELETE CASCADE,
    tenant_id      TEXT    NOT NULL,
    api            TEXT    NOT NULL,
    role           TEXT    NOT NULL CHECK (role IN ('calls', 'acts for')),
    position       INTEGER NOT NULL,
    PRIMARY KEY (application_id, role, api),
    FOREIGN KEY (tenant_id, api) REFERENCES api (tenant_id, identifier)
) STRICT, WITHOUT ROWID;

CREATE INDEX application_api_by_api ON application_api (tenant_id, api);

CREATE TABLE credential (
    id             TEXT    NOT NULL PRIMARY KEY,
    application_id TEXT    NOT NULL REFERENCES application (id) ON DELETE CASCADE,
    label          TEXT    NOT NULL,
    digest         BLOB    NOT NULL,
    digested_under TEXT    NOT NULL, -- fingerprint of the master key
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER,
    last_used_at   INTEGER
) STRICT;

CREATE INDEX credential_by_application ON credential (application_id);

CREATE TABLE signing_key (
    id           TEXT    NOT NULL PRIMARY KEY,
    tenant_id    TEXT    NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    algorithm    TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    public_jwk   TEXT    NOT NULL,
    sealed       BLOB    NOT NULL,
    sealed_under TEXT    NOT NULL, -- fingerprint of the master key
    created_at   INTEGER NOT NULL,
    state_since  INTEGER NOT NULL
) STRICT;

CREATE INDEX signing_key_by_tenant ON signing_key (tenant_id);

-- No reference to tenant: what was done to a tenant outlives it.
CREATE TABLE audit_event (
    sequence  INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at        INTEGER NOT NULL,
    tenant_id TEXT,
    actor     TEXT    NOT NULL,
    action    TEXT    NOT NULL,
    subject   TEXT    NOT NULL,
    detail    TEXT    NOT NULL
) STRICT;

-- What running servers follow. A null client_id means the tenant itself, its hosts or its keys.
CREATE TABLE change (
    revision  INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    tenant_id TEXT    NOT NULL,
    client_id TEXT
) STRICT;
