-- The sandbox provider's own book. Created at every start; nothing here is ever dropped.
CREATE SCHEMA IF NOT EXISTS web_games;

-- Beyond 2^53, so that a partner who reads transaction ids as doubles sees neighbours as one.
CREATE SEQUENCE IF NOT EXISTS web_games.transaction_ids AS bigint START 9007199254740993;
CREATE SEQUENCE IF NOT EXISTS web_games.round_ids AS integer START 1;

CREATE TABLE IF NOT EXISTS web_games.partners (
  partner_id      bigint PRIMARY KEY,
  name            text NOT NULL,
  partner_api_url text NOT NULL,
  api_key         text NOT NULL
);

-- One launch: a page reload with the same token finds the same session again.
CREATE TABLE IF NOT EXISTS web_games.sessions (
  session_id    text PRIMARY KEY,
  partner_id    bigint NOT NULL REFERENCES web_games.partners,
  player_id     text NOT NULL,
  game_id       integer NOT NULL,
  currency      text NOT NULL,
  exponent      integer NOT NULL,
  demo          boolean NOT NULL,
  -- Kept as it came: every Credit and Debit has to carry it.
  token         text NOT NULL,
  nick          text NOT NULL,
  -- What the partner said last, in its own digits; for a demo what the play money stands at.
  balance       text NOT NULL,
  seed          text NOT NULL,
  forced_shapes text[] NOT NULL DEFAULT '{}',
  rounds_played integer NOT NULL DEFAULT 0,
  last_round_id integer,
  created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS sessions_launch
  ON web_games.sessions (partner_id, player_id, game_id, token) WHERE NOT demo;

CREATE TABLE IF NOT EXISTS web_games.rounds (
  round_id   integer PRIMARY KEY,
  session_id text NOT NULL REFERENCES web_games.sessions,
  -- The drawn outcome, fixed before the first call: a round that is resumed after a kill goes on as it was drawn.
  script     jsonb NOT NULL,
  state      text NOT NULL CHECK (state IN ('playing', 'finished', 'refused')),
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS rounds_of_session ON web_games.rounds (session_id, round_id);
CREATE INDEX IF NOT EXISTS rounds_playing ON web_games.rounds (round_id) WHERE state = 'playing';

CREATE TABLE IF NOT EXISTS web_games.operations (
  transaction_id      bigint PRIMARY KEY,
  round_id            integer NOT NULL REFERENCES web_games.rounds,
  step                integer NOT NULL,
  session_id          text NOT NULL,
  partner_id          bigint NOT NULL,
  player_id           text NOT NULL,
  game_id             integer NOT NULL,
  token               text NOT NULL,
  currency            text NOT NULL,
  exponent            integer NOT NULL,
  kind                text NOT NULL CHECK (kind IN ('credit', 'debit')),
  amount_minor        numeric(40) NOT NULL CHECK (amount_minor >= 0),
  bet_amount_minor    numeric(40),
  is_close            boolean NOT NULL,
  status              text NOT NULL DEFAULT 'unanswered'
                      CHECK (status IN ('unanswered', 'accepted', 'refused')),
  code                integer,
  message             text,
  balance             text,
  external_session_id text,
  answer              bytea,
  attempts            integer NOT NULL DEFAULT 1,
  -- True once an attempt may have been carried out without our seeing its answer.
  doubtful            boolean NOT NULL DEFAULT false,
  -- The unbroken run of code 1 answers: how many, and since when.
  internal_errors     integer NOT NULL DEFAULT 0,
  internal_since      timestamptz,
  created_at          timestamptz NOT NULL DEFAULT now(),
  answered_at         timestamptz,
  UNIQUE (round_id, step)
);
CREATE INDEX IF NOT EXISTS operations_unanswered
  ON web_games.operations (transaction_id) WHERE status = 'unanswered';
CREATE INDEX IF NOT EXISTS operations_by_partner ON web_games.operations (partner_id, transaction_id);
