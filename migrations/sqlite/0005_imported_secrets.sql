-- A place kept for a migration that is written elsewhere.
SELECT 1;
