-- The casino's own tables: accounts, a double-entry book, the gate of its wallet, and what it was told.
-- Run at every start inside one transaction; each statement may find its object already there.

CREATE TABLE IF NOT EXISTS setting (
  name  text PRIMARY KEY,
  value text NOT NULL
);

-- One row per player, plus 'house' (the other side of bets and wins) and 'bank' (of opening balances and
-- top-ups). Only players carry a running balance: a running balance of the house would make every bet
-- of every player wait for one row.
CREATE TABLE IF NOT EXISTS account (
  account_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind            text NOT NULL CHECK (kind IN ('player', 'house', 'bank')),
  user_agent      text UNIQUE,
  balance_minor   bigint CHECK (balance_minor >= 0),
  turn_over_minor bigint NOT NULL DEFAULT 0,
  blocked         boolean NOT NULL DEFAULT false,
  created_at      timestamptz NOT NULL,
  CHECK ((kind = 'player') = (user_agent IS NOT NULL)),
  CHECK ((kind = 'player') = (balance_minor IS NOT NULL))
);
CREATE UNIQUE INDEX IF NOT EXISTS account_one_of_a_kind ON account (kind) WHERE kind <> 'player';
INSERT INTO account (kind, created_at) VALUES ('house', now()), ('bank', now()) ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS movement (
  movement_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind        text NOT NULL CHECK (kind IN ('opening', 'topup', 'adjustment', 'bet', 'settle-bet')),
  bet_id      text,
  moved_at    timestamptz NOT NULL,
  CHECK ((kind IN ('bet', 'settle-bet')) = (bet_id IS NOT NULL))
);
-- The second wall behind the gate: a bet_id can move money once per direction, whatever the code does.
CREATE UNIQUE INDEX IF NOT EXISTS movement_once_per_bet ON movement (kind, bet_id) WHERE bet_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS posting (
  posting_id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  movement_id         bigint NOT NULL REFERENCES movement,
  account_id          bigint NOT NULL REFERENCES account,
  amount_minor        bigint NOT NULL CHECK (amount_minor <> 0),
  balance_after_minor bigint
);
CREATE INDEX IF NOT EXISTS posting_of_movement ON posting (movement_id);
CREATE INDEX IF NOT EXISTS posting_of_account ON posting (account_id, posting_id DESC);

CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the book is append-only: % on % refused', TG_OP, TG_TABLE_NAME;
END $$;
CREATE OR REPLACE TRIGGER movement_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON movement
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER posting_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON posting
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE OR REPLACE FUNCTION require_two_lines_of_zero_sum() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT count(*) <> 2 OR sum(amount_minor) <> 0 FROM posting WHERE movement_id = NEW.movement_id) THEN
    RAISE EXCEPTION 'movement % is not two lines that sum to zero', NEW.movement_id;
  END IF;
  RETURN NULL;
END $$;
DO $$
BEGIN
  -- PostgreSQL has no CREATE OR REPLACE for constraint triggers. On the movement, not on the lines, so that
  -- a movement without lines is refused too; deferred, since the lines come after their movement.
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'movement_sums_to_zero') THEN
    CREATE CONSTRAINT TRIGGER movement_sums_to_zero AFTER INSERT ON movement DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION require_two_lines_of_zero_sum();
  END IF;
  -- A line added later to an old movement must not slip past the check above.
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'posting_sums_to_zero') THEN
    CREATE CONSTRAINT TRIGGER posting_sums_to_zero AFTER INSERT ON posting DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION require_two_lines_of_zero_sum();
  END IF;
END $$;

-- The gate: whoever inserts the row decides the call, everybody else waits for that row and gets its reply.
-- `content` is what a repeat must agree with.
CREATE TABLE IF NOT EXISTS wallet_call (
  endpoint     text NOT NULL CHECK (endpoint IN ('bet', 'settle-bet', 'bet-end')),
  bet_id       text NOT NULL,
  content      text NOT NULL,
  reply_status integer,
  reply_body   text,
  decided_at   timestamptz NOT NULL,
  PRIMARY KEY (endpoint, bet_id)
);

-- Accepted bets only; a refused one is in wallet_call and nowhere else.
CREATE TABLE IF NOT EXISTS bet (
  bet_number    bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  bet_id        text PRIMARY KEY,
  account_id    bigint NOT NULL REFERENCES account,
  stake_minor   bigint NOT NULL CHECK (stake_minor >= 0),
  settled_minor bigint CHECK (settled_minor >= 0),
  win_minor     bigint,
  ended         boolean NOT NULL DEFAULT false,
  taken_at      timestamptz NOT NULL
);

-- The de-duplicated record of each _id, as the newest event left it.
CREATE TABLE IF NOT EXISTS history_record (
  bet_id        text PRIMARY KEY,
  user_agent    text NOT NULL,
  provider      text NOT NULL,
  game          text NOT NULL,
  game_id       text NOT NULL,
  last_type     text NOT NULL,
  used_minor    bigint NOT NULL,
  receive_minor bigint NOT NULL,
  winlose_minor bigint NOT NULL,
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  body          text NOT NULL
);
CREATE INDEX IF NOT EXISTS history_record_of_player ON history_record (user_agent, created_at DESC, bet_id DESC);

-- Every arrival, repeats included; `digest` tells repeats from different events.
CREATE TABLE IF NOT EXISTS history_event (
  event_number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  bet_id       text NOT NULL,
  type         text NOT NULL CHECK (type IN ('create', 'update')),
  digest       text NOT NULL,
  received_at  timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS history_event_of_bet ON history_event (bet_id, event_number);

-- What the caller did that the partner document or its rules do not allow, though it was answered.
CREATE TABLE IF NOT EXISTS violation (
  violation_number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  endpoint         text NOT NULL,
  bet_id           text NOT NULL,
  text             text NOT NULL,
  seen_at          timestamptz NOT NULL
);

-- Every arrival at the wallet, the newest of them only: a log for people, no part of the book.
CREATE TABLE IF NOT EXISTS callback_log (
  callback_number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  endpoint        text NOT NULL,
  received_at     timestamptz NOT NULL,
  body            text NOT NULL,
  signature_ok    boolean NOT NULL,
  fault           text,
  reply_status    integer,
  reply_body      text
);
-- Of whom and of which bet the body says it is, before anything was verified; what the gate said; how long it took.
ALTER TABLE callback_log ADD COLUMN IF NOT EXISTS user_agent text;
ALTER TABLE callback_log ADD COLUMN IF NOT EXISTS bet_id text;
ALTER TABLE callback_log ADD COLUMN IF NOT EXISTS gate text CHECK (gate IN ('first', 'repeat', 'conflict'));
ALTER TABLE callback_log ADD COLUMN IF NOT EXISTS took_ms integer;
CREATE INDEX IF NOT EXISTS callback_log_of_player ON callback_log (user_agent, callback_number DESC);
CREATE INDEX IF NOT EXISTS callback_log_of_bet ON callback_log (bet_id, callback_number DESC);
CREATE INDEX IF NOT EXISTS callback_log_faulty ON callback_log (callback_number DESC) WHERE fault IS NOT NULL;

-- Which transaction wrote a row. Numbers are given out before their rows can be seen, so that a reader who follows
-- them may pass one by; a transaction older than every open one is complete (live-feed.ts).
ALTER TABLE callback_log ADD COLUMN IF NOT EXISTS written_by xid8 NOT NULL DEFAULT pg_current_xact_id();
ALTER TABLE movement ADD COLUMN IF NOT EXISTS written_by xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX IF NOT EXISTS callback_log_written ON callback_log (written_by);
CREATE INDEX IF NOT EXISTS movement_written ON movement (written_by);
