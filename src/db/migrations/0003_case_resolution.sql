-- What a person made of a case. The note and the person's name are kept here and not in the journal, which
-- can never be changed: here they can be erased without breaking a chain.
ALTER TABLE cases
  ADD COLUMN resolution  text CHECK (resolution IN ('pay', 'void', 'dismiss')),
  ADD COLUMN note        text,
  ADD COLUMN resolved_by text;

-- The open ones are what is listed; the resolved ones are never removed and only grow.
CREATE INDEX cases_open ON cases (id) WHERE status = 'open';
