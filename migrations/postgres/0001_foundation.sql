-- The tables of SQLite's migrations, under the same names and numbers. Times are milliseconds since
-- 1970-01-01T00:00:00Z. Ids are hyphenated lower-case UUIDs. Text that is compared or ordered is so by its bytes, whatever
-- the database's own order is: an index outlives changes of the system's languages, and SQLite has the same order.

-- Which schema this is, and the oldest program's schema that works with it.
CREATE TABLE schema_version (
    single     BOOLEAN NOT NULL PRIMARY KEY DEFAULT true CHECK (single),
    number     INTEGER NOT NULL,
    works_with INTEGER NOT NULL
);

INSERT INTO schema_version (number, works_with) VALUES (0, 0);

CREATE TABLE tenant (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL UNIQUE,
    issuer     TEXT COLLATE "C" NOT NULL UNIQUE,
    enabled    BOOLEAN NOT NULL,
    algorithm  TEXT    NOT NULL,
    key_period BIGINT  NOT NULL, -- seconds
    created_at BIGINT  NOT NULL,
    updated_at BIGINT  NOT NULL,
    version    BIGINT  NOT NULL
);

CREATE TABLE tenant_host (
    host      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    position  BIGINT NOT NULL
);

CREATE INDEX tenant_host_by_tenant ON tenant_host (tenant_id);

CREATE TABLE api (
    tenant_id      TEXT COLLATE "C" NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    identifier     TEXT COLLATE "C" NOT NULL,
    name           TEXT   NOT NULL,
    token_lifetime BIGINT, -- seconds; null for the default
    profile        TEXT,   -- null for the default
    backdating     BIGINT, -- seconds; null for the default
    algorithm      TEXT,   -- null for the tenant's
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    version        BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, identifier)
);

CREATE TABLE scope (
    tenant_id   TEXT COLLATE "C" NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    name        TEXT COLLATE "C" NOT NULL,
    description TEXT   NOT NULL,
    api         TEXT COLLATE "C", -- null for one that is the whole tenant's
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name),
    FOREIGN KEY (tenant_id, api) REFERENCES api (tenant_id, identifier)
);

CREATE INDEX scope_by_api ON scope (tenant_id, api) WHERE api IS NOT NULL;

CREATE TABLE application (
    id             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_id      TEXT COLLATE "C" NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    client_id      TEXT COLLATE "C" NOT NULL,
    name           TEXT COLLATE "C" NOT NULL,
    type           TEXT    NOT NULL,
    enabled        BOOLEAN NOT NULL,
    grants         TEXT    NOT NULL, -- names, separated by spaces
    auth_methods   TEXT    NOT NULL, -- names, separated by spaces
    narrowed       BOOLEAN NOT NULL, -- whether the default scopes are fewer than all
    default_api    TEXT COLLATE "C", -- null for none
    token_lifetime BIGINT, -- seconds; null for the default
    profile        TEXT,   -- null for the default
    backdating     BIGINT, -- seconds; null for the default
    claims         TEXT    NOT NULL, -- a JSON object
    created_at     BIGINT  NOT NULL,
    updated_at     BIGINT  NOT NULL,
    version        BIGINT  NOT NULL,
    UNIQUE (tenant_id, client_id),
    FOREIGN KEY (tenant_id, default_api) REFERENCES api (tenant_id, identifier)
);

CREATE INDEX application_by_default_api ON application (tenant_id, default_api) WHERE default_api IS NOT NULL;

CREATE TABLE application_scope (
    application_id   TEXT COLLATE "C" NOT NULL REFERENCES application (id) ON DELETE CASCADE,
    tenant_id        TEXT COLLATE "C" NOT NULL,
    scope            TEXT COLLATE "C" NOT NULL,
    position         BIGINT NOT NULL,
    default_position BIGINT, -- null when it is not a default scope
    PRIMARY KEY (application_id, scope),
    FOREIGN KEY (tenant_id, scope) REFERENCES scope (tenant_id, name)
);

CREATE INDEX application_scope_by_scope ON application_scope (tenant_id, scope);

-- What an application has to do with an API beside its scopes.
CREATE TABLE application_api (
    application_id TEXT COLLATE "C" NOT NULL REFERENCES application (id) ON DELETE CASCADE,
    tenant_id      TEXT COLLATE "C" NOT NULL,
    api            TEXT COLLATE "C" NOT NULL,
    role           TEXT COLLATE "C" NOT NULL CHECK (role IN ('calls', 'acts for')),
    position       BIGINT NOT NULL,
    PRIMARY KEY (application_id, role, api),
    FOREIGN KEY (tenant_id, api) REFERENCES api (tenant_id, identifier)
);

CREATE INDEX application_api_by_api ON application_api (tenant_id, api);

-- Room is left on each page, so that a last use is written where the row is.
CREATE TABLE credential (
    id             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    application_id TEXT COLLATE "C" NOT NULL REFERENCES application (id) ON DELETE CASCADE,
    label          TEXT   NOT NULL,
    digest         BYTEA  NOT NULL,
    digested_under TEXT   NOT NULL, -- fingerprint of the master key
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT,
    last_used_at   BIGINT
) WITH (fillfactor = 85);

CREATE INDEX credential_by_application ON credential (application_id);

CREATE TABLE signing_key (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_id    TEXT COLLATE "C" NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    algorithm    TEXT COLLATE "C" NOT NULL,
    state        TEXT COLLATE "C" NOT NULL,
    public_jwk   TEXT   NOT NULL,
    sealed       BYTEA  NOT NULL,
    sealed_under TEXT   NOT NULL, -- fingerprint of the master key
    created_at   BIGINT NOT NULL,
    state_since  BIGINT NOT NULL
);

CREATE INDEX signing_key_by_tenant ON signing_key (tenant_id);

-- The newest of both logs. Whoever changes something locks this row first: changes are made one after another, their
-- numbers have no gaps, and who has seen one has seen all before it. A sequence of PostgreSQL promises none of that.
CREATE TABLE head (
    single   BOOLEAN NOT NULL PRIMARY KEY DEFAULT true CHECK (single),
    revision BIGINT  NOT NULL,
    sequence BIGINT  NOT NULL
) WITH (fillfactor = 10);

INSERT INTO head (revision, sequence) VALUES (0, 0);

-- No reference to tenant: what was done to a tenant outlives it.
CREATE TABLE audit_event (
    sequence  BIGINT NOT NULL PRIMARY KEY,
    at        BIGINT NOT NULL,
    tenant_id TEXT COLLATE "C",
    actor     TEXT COLLATE "C" NOT NULL,
    action    TEXT COLLATE "C" NOT NULL,
    subject   TEXT COLLATE "C" NOT NULL,
    detail    TEXT   NOT NULL
);

-- What running servers follow. A null client_id means the tenant itself, its hosts or its keys.
CREATE TABLE change (
    revision  BIGINT NOT NULL PRIMARY KEY,
    tenant_id TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C"
);
