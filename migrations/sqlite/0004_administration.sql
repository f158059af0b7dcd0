-- Each event carries the SHA-256 that binds it to all before it. Those that there are get theirs from the program that
-- migrates; after that none is without.
ALTER TABLE audit_event ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE audit_event ADD COLUMN request TEXT;
ALTER TABLE audit_event ADD COLUMN hash BLOB;

CREATE INDEX audit_event_by_tenant ON audit_event (tenant_id, sequence);
CREATE INDEX audit_event_by_subject ON audit_event (subject, sequence);
CREATE INDEX audit_event_by_actor ON audit_event (actor, sequence);

ALTER TABLE scope ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

-- Search by the beginning of a name or a client id, whatever the case of its letters A to Z.
CREATE INDEX application_by_name ON application (tenant_id, name COLLATE NOCASE, client_id);
CREATE INDEX application_by_any_client_id ON application (tenant_id, client_id COLLATE NOCASE, client_id);

CREATE TABLE operator (
    id             TEXT    NOT NULL PRIMARY KEY,
    name           TEXT    NOT NULL UNIQUE,
    tenant_id      TEXT    REFERENCES tenant (id) ON DELETE CASCADE, -- null for all tenants
    scopes         TEXT    NOT NULL, -- names, separated by spaces
    enabled        INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    digest         BLOB    NOT NULL,
    digested_under TEXT    NOT NULL, -- fingerprint of the master key
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    version        INTEGER NOT NULL
) STRICT;

CREATE INDEX operator_by_tenant ON operator (tenant_id);

-- Answers to creations, for whoever asks again.
CREATE TABLE kept_answer (
    caller       TEXT    NOT NULL,
    key          TEXT    NOT NULL,
    request      BLOB    NOT NULL, -- SHA-256 of the request
    sealed       BLOB    NOT NULL,
    sealed_under TEXT    NOT NULL, -- fingerprint of the master key
    kept_at      INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX kept_answer_by_expiry ON kept_answer (expires_at);

-- The API that administers this server, in every tenant. A scope of the same name that a tenant has of its own stays
-- what it is, and administers nothing.
INSERT INTO api (tenant_id, identifier, name, token_lifetime, profile, backdating, algorithm, created_at, updated_at, version)
    SELECT id, 'urn:chancery:admin', 'Administration of this server', NULL, NULL, NULL, NULL, created_at, created_at, 1
    FROM tenant;

INSERT INTO scope (tenant_id, name, description, api, created_at)
    SELECT id, column1, column2, 'urn:chancery:admin', created_at
    FROM tenant, (VALUES
        ('admin:read', 'See everything of its own tenant'),
        ('admin:write', 'Administer everything of its own tenant'),
        ('admin:platform', 'With another admin scope: in every tenant, and the tenants themselves'),
        ('admin:tenants:read', 'See tenants'),
        ('admin:tenants:write', 'Administer tenants'),
        ('admin:applications:read', 'See applications'),
        ('admin:applications:write', 'Administer applications and secrets'),
        ('admin:scopes:read', 'See scopes'),
        ('admin:scopes:write', 'Administer scopes'),
        ('admin:apis:read', 'See APIs'),
        ('admin:apis:write', 'Administer APIs'),
        ('admin:keys:read', 'See signing keys'),
        ('admin:keys:write', 'Rotate and revoke signing keys'),
        ('admin:operators:read', 'See operators'),
        ('admin:operators:write', 'Administer operators'),
        ('admin:audit:read', 'Read the audit'),
        ('admin:statistics:read', 'Read statistics and refused requests'))
    WHERE true
    ON CONFLICT DO NOTHING;

-- Servers that run must know the new API before an application may have tokens for it.
INSERT INTO change (tenant_id) SELECT id FROM tenant;
