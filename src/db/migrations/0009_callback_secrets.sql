-- A value that a provider sends in a header of every callback, beside the MD5, which covers neither amounts nor
-- time. Optional, and at most two live at once. Nobody needs to read it again, so only a keyed digest is kept.
CREATE TABLE connection_callback_secrets (
  connection_id int NOT NULL REFERENCES connections (id),
  version       int NOT NULL CHECK (version > 0),
  -- HMAC-SHA-256(pepper, "callback/<connection>/<value>"): a row copied to another connection proves nothing there.
  digest        bytea NOT NULL CHECK (length(digest) = 32),
  created_at    timestamptz NOT NULL DEFAULT now(),
  -- From then on a call without a live value is refused; before, the provider is still learning to send it.
  required_from timestamptz NOT NULL DEFAULT now(),
  expires_at    timestamptz,
  last_used_at  timestamptz,
  PRIMARY KEY (connection_id, version)
);
CREATE TRIGGER connection_callback_secrets_stay BEFORE DELETE ON connection_callback_secrets
  FOR EACH ROW EXECUTE FUNCTION refuse_removal();
