-- Holds the place of another change, which is made elsewhere.
SELECT 1;
