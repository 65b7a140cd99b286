-- Keys and secrets at rest (docs/decisions/0009-keys-and-secrets.md). What has to be readable is sealed: a
-- data key a row, wrapped with the master key, which is never in the database. SQL cannot do that: rows in
-- clear are sealed by the first process that opens the book with a master key ("migrate" is one).

-- 'sha256' is the plain digest of keys made before there was a pepper: valid, and shown as legacy.
ALTER TABLE partner_keys
  ADD COLUMN scheme text NOT NULL DEFAULT 'sha256' CHECK (scheme IN ('sha256', 'hmac-sha256'));
ALTER TABLE partner_keys ALTER COLUMN scheme DROP DEFAULT;

-- From when on calls are signed with it: a new one waits until the partner knows it. Those made before
-- there were two of them have always signed.
ALTER TABLE partner_secrets ADD COLUMN signs_from timestamptz NOT NULL DEFAULT now();
UPDATE partner_secrets SET signs_from = created_at;

-- The checks in NOT VALID let rows in clear stand until they are sealed, and no new one come.
ALTER TABLE partner_secrets
  ALTER COLUMN secret DROP NOT NULL,
  ADD COLUMN sealed bytea,
  ADD COLUMN master_key_id text,
  ADD CONSTRAINT partner_secrets_kept_once
    CHECK ((secret IS NULL) = (sealed IS NOT NULL) AND (sealed IS NULL) = (master_key_id IS NULL)),
  ADD CONSTRAINT partner_secrets_sealed CHECK (secret IS NULL) NOT VALID;

ALTER TABLE connection_keys
  ALTER COLUMN api_key DROP NOT NULL,
  ADD COLUMN sealed bytea,
  ADD COLUMN master_key_id text,
  ADD COLUMN last_used_at timestamptz,
  ADD CONSTRAINT connection_keys_kept_once
    CHECK ((api_key IS NULL) = (sealed IS NOT NULL) AND (sealed IS NULL) = (master_key_id IS NULL)),
  ADD CONSTRAINT connection_keys_sealed CHECK (api_key IS NULL) NOT VALID;

-- What belongs to the installation itself. One row, made with the first master key.
CREATE TABLE keyring (
  singleton        boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  -- The master key that new rows are sealed with.
  master_key_id    text NOT NULL CHECK (master_key_id ~ '^[0-9a-f]{16}$'),
  -- Both sealed: the key of the digests in partner_keys, and the one that signs our own links.
  pepper           bytea NOT NULL,
  link_signing_key bytea NOT NULL,
  created_at       timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER keyring_stays BEFORE DELETE ON keyring
  FOR EACH ROW EXECUTE FUNCTION refuse_removal();

-- The link key moves into the keyring; nothing else of the installation ever changes.
CREATE FUNCTION refuse_installation_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.link_signing_key IS NULL AND NEW.id = OLD.id
     AND NEW.created_at = OLD.created_at THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'installation rows are never deleted or changed' USING ERRCODE = 'restrict_violation';
END
$$;
DROP TRIGGER installation_stays ON installation;
CREATE TRIGGER installation_stays BEFORE UPDATE OR DELETE ON installation
  FOR EACH ROW EXECUTE FUNCTION refuse_installation_change();
ALTER TABLE installation ALTER COLUMN link_signing_key DROP NOT NULL;
