-- How many tokens an application, and all those of a tenant together, may have: null for no limit. What becomes of a token
-- beyond it is that it is refused ('enforce') or only reported ('report').
ALTER TABLE tenant ADD COLUMN tokens_per_minute INTEGER;
ALTER TABLE tenant ADD COLUMN tokens_per_hour INTEGER;
ALTER TABLE tenant ADD COLUMN tokens_per_day INTEGER;
ALTER TABLE tenant ADD COLUMN quota_mode TEXT NOT NULL DEFAULT 'enforce';

ALTER TABLE application ADD COLUMN tokens_per_minute INTEGER;
ALTER TABLE application ADD COLUMN tokens_per_hour INTEGER;
ALTER TABLE application ADD COLUMN tokens_per_day INTEGER;
ALTER TABLE application ADD COLUMN quota_mode TEXT NOT NULL DEFAULT 'enforce';

-- For how much of its lifetime a token is handed out again, in percent; null when each is a new one.
ALTER TABLE application ADD COLUMN token_reuse_percent INTEGER;
