-- Two servers that run the schedule at once make one key between them, and one key signs for each algorithm.
CREATE UNIQUE INDEX signing_key_upcoming ON signing_key (tenant_id, algorithm) WHERE state = 'upcoming';
CREATE UNIQUE INDEX signing_key_active ON signing_key (tenant_id, algorithm) WHERE state = 'active';

-- A key that is gone stays as a row, so that its id is never used again; its private half is needed no more.
UPDATE signing_key SET sealed = x'' WHERE state = 'gone';

-- The digest keys of former master keys: secrets that were digested under one are good for as long as they live.
CREATE TABLE digest_key (
    fingerprint  TEXT NOT NULL PRIMARY KEY, -- of the master key it belongs to
    sealed       BLOB NOT NULL,
    sealed_under TEXT NOT NULL              -- fingerprint of the master key that opens it
) STRICT;
