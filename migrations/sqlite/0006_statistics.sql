-- How many tokens were issued and requests refused. What is forgotten together stands together, so that forgetting
-- touches few pages. No reference to tenant or application: what happened outlives them.
CREATE TABLE statistic (
    period    TEXT    NOT NULL CHECK (period IN ('minute', 'day')),
    start     INTEGER NOT NULL,
    tenant_id TEXT    NOT NULL,
    client_id TEXT    NOT NULL, -- empty for nobody that is known
    reason    TEXT    NOT NULL, -- empty for a token that was issued
    count     INTEGER NOT NULL,
    PRIMARY KEY (period, start, tenant_id, client_id, reason)
) STRICT, WITHOUT ROWID;

-- Requests that were refused, for whoever has the id of one. The oldest go when there are too many.
CREATE TABLE refusal (
    sequence   INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    request_id TEXT    NOT NULL UNIQUE,
    at         INTEGER NOT NULL,
    tenant_id  TEXT    NOT NULL,
    client_id  TEXT, -- null when no application is known
    endpoint   TEXT    NOT NULL,
    error      TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    hint       TEXT, -- null for none
    source     TEXT  -- an IP address; null when it is not known
) STRICT;
