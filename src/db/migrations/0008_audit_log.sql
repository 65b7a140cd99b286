-- Who did what to partners, connections, keys, players, cases and settings. Changes are rare, so one chain
-- for all of them costs nothing. Secrets are never in it, nor anything personal of a player.
CREATE TABLE audit_log (
  number   bigint PRIMARY KEY CHECK (number > 0),
  at       timestamptz NOT NULL,
  actor    text NOT NULL CHECK (length(actor) BETWEEN 1 AND 64),
  action   text NOT NULL,
  subject  text NOT NULL,
  -- json, not jsonb: the hash is over the text as it was written.
  before   json,
  after    json,
  -- The hash of the entry before; unique, so that two writers can never fork the chain.
  previous bytea UNIQUE NULLS NOT DISTINCT CHECK ((number = 1) = (previous IS NULL)),
  -- SHA-256(previous || SHA-256(JSON [number,at in ms,actor,action,subject,before,after])).
  hash     bytea NOT NULL CHECK (length(hash) = 32)
);
CREATE INDEX audit_log_by_time ON audit_log (at);
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE ON audit_log
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_stays BEFORE TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
