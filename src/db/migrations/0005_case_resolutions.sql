-- How a case ended: by a person, or by itself ('settled', 'seen'). 'resend' is no end for good: a case that
-- was resolved so opens again when the wallet refuses again.
ALTER TABLE cases
  DROP CONSTRAINT cases_resolution_check,
  ADD CONSTRAINT cases_resolution_check CHECK (resolution IN
    ('pay', 'void', 'accept-decline', 'resend', 'dismiss', 'settled', 'seen'));

-- A round's cases, for "round show" and for the decision that settles one.
CREATE INDEX cases_by_round ON cases (round_id) WHERE round_id IS NOT NULL;

-- Rule 4, *answer not seen*: when a later request of the provider showed that it knew of the answer, although
-- nobody noted that the answer's last byte was written.
ALTER TABLE operations ADD COLUMN answer_seen_at timestamptz;

-- What the sweep looks through: answers of which nothing is known. They leave it within a second, or stay few.
CREATE INDEX operations_answer_not_seen ON operations (deadline_at)
  WHERE kind = 'stake' AND answer_result = 'accepted' AND answer_written_at IS NULL AND answer_seen_at IS NULL;
CREATE INDEX cases_answer_not_seen ON cases (operation_id) WHERE kind = 'answer_not_seen' AND status = 'open';
