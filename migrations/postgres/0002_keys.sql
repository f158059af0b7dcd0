-- Two servers that run the schedule at once make one key between them, and one key signs for each algorithm.
CREATE UNIQUE INDEX signing_key_upcoming ON signing_key (tenant_id, algorithm) WHERE state = 'upcoming';
CREATE UNIQUE INDEX signing_key_active ON signing_key (tenant_id, algorithm) WHERE state = 'active';

-- The digest keys of former master keys: secrets that were digested under one are good for as long as they live.
CREATE TABLE digest_key (
    fingerprint  TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- of the master key it belongs to
    sealed       BYTEA NOT NULL,
    sealed_under TEXT  NOT NULL                         -- fingerprint of the master key that opens it
);
