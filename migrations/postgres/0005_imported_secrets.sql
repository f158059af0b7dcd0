-- The hash that another server made of the secret, as it wrote it; null when the secret is kept by our digest. Where it is
-- there, digest is empty and digested_under too.
ALTER TABLE credential ADD COLUMN slow_hash TEXT;
