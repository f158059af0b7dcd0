-- Each event carries the SHA-256 that binds it to all before it. No release kept events in PostgreSQL without.
ALTER TABLE audit_event ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE audit_event ADD COLUMN request TEXT;
ALTER TABLE audit_event ADD COLUMN hash BYTEA NOT NULL;
ALTER TABLE head ADD COLUMN hash BYTEA NOT NULL DEFAULT decode(repeat('00', 32), 'hex');

CREATE INDEX audit_event_by_tenant ON audit_event (tenant_id, sequence);
CREATE INDEX audit_event_by_subject ON audit_event (subject, sequence);
CREATE INDEX audit_event_by_actor ON audit_event (actor, sequence);

ALTER TABLE scope ADD COLUMN version BIGINT NOT NULL DEFAULT 1;

-- Search by the beginning of a name or a client id, whatever the case of its letters A to Z: those are all that lower()
-- knows when it goes by bytes. No row is left out; the conditions keep these indexes from anything but a search: in a table
-- that is still empty any index looks as good as the right one, and a server keeps its plans for a while.
CREATE INDEX application_by_name ON application (tenant_id, lower(name), client_id) WHERE lower(name) IS NOT NULL;
CREATE INDEX application_by_any_client_id ON application (tenant_id, lower(client_id), client_id)
    WHERE lower(client_id) IS NOT NULL;

CREATE TABLE operator (
    id             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name           TEXT COLLATE "C" NOT NULL UNIQUE,
    tenant_id      TEXT COLLATE "C" REFERENCES tenant (id) ON DELETE CASCADE, -- null for all tenants
    scopes         TEXT    NOT NULL, -- names, separated by spaces
    enabled        BOOLEAN NOT NULL,
    digest         BYTEA   NOT NULL,
    digested_under TEXT    NOT NULL, -- fingerprint of the master key
    created_at     BIGINT  NOT NULL,
    updated_at     BIGINT  NOT NULL,
    version        BIGINT  NOT NULL
);

CREATE INDEX operator_by_tenant ON operator (tenant_id);

-- Answers to creations, for whoever asks again.
CREATE TABLE kept_answer (
    caller       TEXT COLLATE "C" NOT NULL,
    key          TEXT COLLATE "C" NOT NULL,
    request      BYTEA  NOT NULL, -- SHA-256 of the request
    sealed       BYTEA  NOT NULL,
    sealed_under TEXT   NOT NULL, -- fingerprint of the master key
    kept_at      BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    PRIMARY KEY (caller, key)
);

CREATE INDEX kept_answer_by_expiry ON kept_answer (expires_at);
