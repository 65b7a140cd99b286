-- What a drain has to tell workflows of, in the order it asks for: without an index of that order the planner
-- may walk every obligation the book ever had by its round, looking for the few that are in a drain.
CREATE INDEX obligations_untold ON obligations (drain_partner, round_id)
  WHERE drain_partner IS NOT NULL AND status <> 'open';
