-- Rule 14: one dead partner slows nobody.

-- A partner's breaker, while it is not closed: no row is the normal case, and costs a look into an empty index.
CREATE TABLE partner_breakers (
  partner_id int PRIMARY KEY REFERENCES partners (id),
  opened_at  timestamptz NOT NULL,
  -- How long it stays open this time; until when; half open from then on.
  open_ms    int NOT NULL CHECK (open_ms > 0),
  open_until timestamptz NOT NULL,
  -- Half open, one new stake is let through as a probe from this time on.
  probe_from timestamptz NOT NULL,
  -- Probes that were answered since it opened.
  good       int NOT NULL DEFAULT 0
);

ALTER TABLE obligations
  -- Repeats of the background schedule; those that a waiting provider brought sooner do not count.
  ADD COLUMN repeats       int NOT NULL DEFAULT 0,
  -- The partner whose drain makes the next attempts; null: the round's own workflow does.
  ADD COLUMN drain_partner int REFERENCES partners (id);

-- What a drain reads: its partner's open calls, oldest round first, and those that are made and of which the
-- round's workflow has not heard; then the column is emptied.
CREATE INDEX obligations_drained ON obligations (drain_partner, status, round_id)
  WHERE drain_partner IS NOT NULL;
