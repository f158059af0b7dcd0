-- Why nothing may be changed here, if so: the store was moved to another place, or it is a copy of another place that was
-- not finished. At most one row.
CREATE TABLE moved (
    only_one  BIGINT NOT NULL PRIMARY KEY CHECK (only_one = 1),
    at        BIGINT NOT NULL,
    direction TEXT   NOT NULL CHECK (direction IN ('to', 'from')),
    place     TEXT   NOT NULL -- the URL of the other place, without a password
);

-- Whoever moves the store keeps all others from writing until the mark is there. Those who waited meanwhile find it, since
-- a trigger looks when its statement has what it waited for; and so does whatever program it is that writes.
CREATE FUNCTION refuse_what_was_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM moved) THEN
        RAISE EXCEPTION 'the store was moved to another place' USING ERRCODE = 'CHMVD';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE ON tenant EXECUTE FUNCTION refuse_what_was_moved();
CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE ON tenant_host EXECUTE FUNCTION refuse_what_was_moved();
CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE ON api EXECUTE FUNCTION refuse_what_was_moved();
CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE ON scope EXECUTE FUNCTION refuse_what_was_moved();
CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE ON application EXECUTE FUNCTION refuse_what_was_moved();
CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE ON application_scope EXECUTE FUNCTION refuse_what_was_moved();
CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE ON application_api EXECUTE FUNCTION refuse_what_was_moved();
CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE ON credential EXECUTE FUNCTION refuse_what_was_moved();
CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE ON signing_key EXECUTE FUNCTION refuse_what_was_moved();
CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE ON digest_key EXECUTE FUNCTION refuse_what_was_moved();
CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE ON operator EXECUTE FUNCTION refuse_what_was_moved();
CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE ON kept_answer EXECUTE FUNCTION refuse_what_was_moved();
CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE ON revoked_token EXECUTE FUNCTION refuse_what_was_moved();
CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE ON statistic EXECUTE FUNCTION refuse_what_was_moved();
CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE ON refusal EXECUTE FUNCTION refuse_what_was_moved();
CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE ON change EXECUTE FUNCTION refuse_what_was_moved();
CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE ON audit_event EXECUTE FUNCTION refuse_what_was_moved();
CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE ON head EXECUTE FUNCTION refuse_what_was_moved();
