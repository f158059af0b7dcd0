-- Why nothing may be changed here, if so: the store was moved to another place, or it is a copy of another place that was
-- not finished. One row at most.
CREATE TABLE moved (
    only_one  INTEGER NOT NULL PRIMARY KEY CHECK (only_one = 1),
    at        INTEGER NOT NULL,
    direction TEXT    NOT NULL CHECK (direction IN ('to', 'from')),
    place     TEXT    NOT NULL -- the URL of the other place, without a password
) STRICT;
