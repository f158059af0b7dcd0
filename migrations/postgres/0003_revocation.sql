-- Tokens that are refused before their time is over. Those that are forgotten together stand together in the index. No
-- reference to tenant: the tokens of one that was removed are forgotten like all others.
CREATE TABLE revoked_token (
    expires_at BIGINT NOT NULL, -- the token's own end
    tenant_id  TEXT COLLATE "C" NOT NULL,
    token_id   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (expires_at, tenant_id, token_id)
);

-- Whatever was issued to the application up to then is refused; null when nothing is.
ALTER TABLE application ADD COLUMN tokens_revoked_before BIGINT;
