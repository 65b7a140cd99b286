-- Seals: once a minute the last journal line of every round that changed is written down, and the seals are
-- a chain of their own. A round's chain alone cannot tell that its end was cut off; a seal can.

-- Which version of the round the seals have seen. What is not sealed yet is found by comparing it with the
-- version, never by a time: a decision that commits late is found by the next seal.
ALTER TABLE rounds ADD COLUMN sealed_version int NOT NULL DEFAULT 0;
CREATE INDEX rounds_unsealed ON rounds (id) WHERE version > sealed_version;

CREATE TABLE journal_seals (
  number    bigint PRIMARY KEY CHECK (number > 0),
  sealed_at timestamptz NOT NULL,
  heads     int NOT NULL CHECK (heads > 0),
  -- sealed_heads_digest of this seal.
  digest    bytea NOT NULL CHECK (length(digest) = 32),
  -- The hash of the seal before; unique, so that two sealers can never fork the chain.
  previous  bytea UNIQUE NULLS NOT DISTINCT CHECK ((number = 1) = (previous IS NULL)),
  -- SHA-256(previous || SHA-256('[number,sealed_at in ms,heads,"digest in hex"]')).
  hash      bytea NOT NULL CHECK (length(hash) = 32)
);

-- What a seal covers: the line that was a round's last. A line is sealed once.
CREATE TABLE sealed_heads (
  round_id bigint NOT NULL,
  version  int NOT NULL,
  head     bytea NOT NULL CHECK (length(head) = 32),
  seal     bigint NOT NULL REFERENCES journal_seals (number) DEFERRABLE INITIALLY DEFERRED,
  PRIMARY KEY (round_id, version)
);
CREATE INDEX sealed_heads_by_seal ON sealed_heads (seal);

-- One line a head, "round/version/hash in hex", in the order of rounds.
CREATE FUNCTION sealed_heads_digest(bigint) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT sha256(convert_to(coalesce(string_agg(
           round_id || '/' || version || '/' || encode(head, 'hex') || chr(10), ''
           ORDER BY round_id, version), ''), 'UTF8'))
    FROM sealed_heads WHERE seal = $1
$$;

CREATE TRIGGER journal_seals_are_append_only BEFORE UPDATE OR DELETE ON journal_seals
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_seals_stay BEFORE TRUNCATE ON journal_seals
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER sealed_heads_are_append_only BEFORE UPDATE OR DELETE ON sealed_heads
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER sealed_heads_stay BEFORE TRUNCATE ON sealed_heads
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- When the call was to be tried again, as it was decided at the end of this attempt; null when it was not.
ALTER TABLE attempts ADD COLUMN next_attempt_at timestamptz;
