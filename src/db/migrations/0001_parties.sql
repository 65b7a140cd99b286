-- The parties: who we are, whose players we serve, and whose games we offer.
-- Partners, connections, their products and games, and players are never deleted: their numbers and
-- keys are part of every id the book has handed out, so a reused one would mint the same id twice.

CREATE FUNCTION refuse_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% rows are never deleted: suspend or deactivate instead', TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END
$$;

-- One row, made with the book. The id is part of every bet_id, so that two installations on one wallet
-- can never share one. gen_random_uuid is the one strong random source of a PostgreSQL without
-- extensions; digests of it give the lengths we want (122 and 244 random bits go in).
CREATE TABLE installation (
  singleton        boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  id               text NOT NULL CHECK (id ~ '^[0-9a-f]{16}$'),
  link_signing_key bytea NOT NULL CHECK (length(link_signing_key) = 32),
  created_at       timestamptz NOT NULL DEFAULT now()
);
INSERT INTO installation (id, link_signing_key)
VALUES (
  left(md5(gen_random_uuid()::text), 16),
  sha256((gen_random_uuid()::text || gen_random_uuid()::text)::bytea)
);
CREATE TRIGGER installation_stays BEFORE UPDATE OR DELETE ON installation
  FOR EACH ROW EXECUTE FUNCTION refuse_removal();

-- A currency's exponent is frozen at first use: amounts are stored as minor units, and a later change of
-- the registry would silently change what every stored amount is worth.
CREATE TABLE currencies (
  code       text PRIMARY KEY CHECK (length(code) BETWEEN 1 AND 16),
  exponent   smallint NOT NULL CHECK (exponent BETWEEN 0 AND 4),
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER currencies_stay BEFORE UPDATE OR DELETE ON currencies
  FOR EACH ROW EXECUTE FUNCTION refuse_removal();

CREATE TABLE partners (
  id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  prefix       text NOT NULL UNIQUE CHECK (prefix ~ '^[A-Z0-9]{2,10}$'),
  -- One account currency, for ever: the wallet protocol names none in its calls.
  currency     text NOT NULL REFERENCES currencies (code),
  wallet_url   text NOT NULL,
  -- Empty means any address. Text rather than cidr[], because a whitelist is shown as it was written.
  ip_whitelist text[] NOT NULL DEFAULT '{}',
  -- Only what differs from the defaults, so that a better default reaches everyone who did not choose.
  settings     jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
  status       text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER partners_stay BEFORE DELETE ON partners
  FOR EACH ROW EXECUTE FUNCTION refuse_removal();

-- A key is found by its public key_id and proven by its digest. A plain SHA-256 is enough, because a key
-- carries 256 random bits: there is nothing to guess that a slow hash would protect.
CREATE TABLE partner_keys (
  key_id       text PRIMARY KEY CHECK (key_id ~ '^[a-z0-9]{12}$'),
  partner_id   int NOT NULL REFERENCES partners (id),
  key_hash     bytea NOT NULL CHECK (length(key_hash) = 32),
  created_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz,
  last_used_at timestamptz
);
CREATE INDEX partner_keys_by_partner ON partner_keys (partner_id);

-- The secrets we sign wallet calls with. They must be readable, and live in this one table so that they
-- can be sealed at rest in one place.
CREATE TABLE partner_secrets (
  partner_id int NOT NULL REFERENCES partners (id),
  version    int NOT NULL CHECK (version > 0),
  secret     text NOT NULL CHECK (length(secret) >= 32),
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  PRIMARY KEY (partner_id, version)
);

-- Providers know a player by nine digits only: some of them keep 32-bit integers, and the partner's own
-- reference may have leading zeros or letters. No personal data is kept.
CREATE SEQUENCE player_numbers AS bigint START 100000000 MINVALUE 100000000 MAXVALUE 999999999 NO CYCLE;
CREATE TABLE players (
  player_id  bigint PRIMARY KEY DEFAULT nextval('player_numbers'),
  partner_id int NOT NULL REFERENCES partners (id),
  reference  text NOT NULL CHECK (reference ~ '^[A-Za-z0-9._-]{1,64}$'),
  blocked    boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (partner_id, reference)
);
ALTER SEQUENCE player_numbers OWNED BY players.player_id;
CREATE TRIGGER players_stay BEFORE DELETE ON players
  FOR EACH ROW EXECUTE FUNCTION refuse_removal();

-- One provider integration. The id is the connection number that goes into ids; the key names it in
-- paths, workflow ids and commands.
CREATE TABLE connections (
  id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key          text NOT NULL UNIQUE CHECK (key ~ '^[a-z0-9][a-z0-9-]{0,30}$'),
  dialect      text NOT NULL,
  base_url     text NOT NULL,
  -- Our number at the provider: text, because only the dialect knows its form.
  partner_id   text NOT NULL CHECK (length(partner_id) BETWEEN 1 AND 64),
  ip_whitelist text[] NOT NULL DEFAULT '{}',
  settings     jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
  status       text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now(),
  -- When the provider's catalogue was last taken over whole, and what went wrong since, if anything.
  catalogue_synced_at timestamptz,
  catalogue_error     text
);
CREATE TRIGGER connections_stay BEFORE DELETE ON connections
  FOR EACH ROW EXECUTE FUNCTION refuse_removal();

-- Several versions may be valid at once, so that a key can be rotated without a lost call.
CREATE TABLE connection_keys (
  connection_id int NOT NULL REFERENCES connections (id),
  version       int NOT NULL CHECK (version > 0),
  api_key       text NOT NULL CHECK (length(api_key) BETWEEN 1 AND 256),
  created_at    timestamptz NOT NULL DEFAULT now(),
  expires_at    timestamptz,
  PRIMARY KEY (connection_id, version)
);

-- What the partner document calls a game provider. provider_name is chosen once, when the class is first
-- seen, and never changes: partners store it.
CREATE TABLE products (
  id            int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  connection_id int NOT NULL REFERENCES connections (id),
  class         text NOT NULL,
  provider_name text NOT NULL UNIQUE,
  image         text,
  is_active     boolean NOT NULL DEFAULT true,
  created_at    timestamptz NOT NULL DEFAULT now(),
  UNIQUE (connection_id, class)
);
CREATE TRIGGER products_stay BEFORE DELETE ON products
  FOR EACH ROW EXECUTE FUNCTION refuse_removal();

-- A game that vanished from the provider's list is switched off, never removed: open rounds and late
-- wins still refer to it.
CREATE TABLE games (
  connection_id int NOT NULL REFERENCES connections (id),
  game_id       text NOT NULL,
  product_id    int NOT NULL REFERENCES products (id),
  title         text NOT NULL,
  icon_url      text,
  launch_path   text NOT NULL,
  is_active     boolean NOT NULL DEFAULT true,
  seen_at       timestamptz NOT NULL DEFAULT now(),
  created_at    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (connection_id, game_id)
);
CREATE INDEX games_by_product ON games (product_id);
CREATE TRIGGER games_stay BEFORE DELETE ON games
  FOR EACH ROW EXECUTE FUNCTION refuse_removal();

-- One launch. Only the token's digest is stored: whoever reads this table cannot play.
CREATE TABLE sessions (
  id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  token_hash        bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
  player_id         bigint NOT NULL REFERENCES players (player_id),
  partner_id        int NOT NULL REFERENCES partners (id),
  connection_id     int NOT NULL REFERENCES connections (id),
  product_id        int NOT NULL REFERENCES products (id),
  -- '0' is the product's lobby, which makes a session per game.
  game_id           text NOT NULL,
  -- The partner's currency, or DMO for a demo; no reference, because DMO has no amounts of ours.
  currency          text NOT NULL,
  is_demo           boolean NOT NULL DEFAULT false,
  is_mobile         boolean NOT NULL DEFAULT false,
  language          text,
  redirect_url      text,
  created_at        timestamptz NOT NULL,
  -- Until the first Authorization; afterwards the idle limit counted from last_used_at rules.
  launch_expires_at timestamptz NOT NULL,
  authorized_at     timestamptz,
  last_used_at      timestamptz,
  ended_at          timestamptz
);
CREATE INDEX sessions_by_player ON sessions (player_id, id);
