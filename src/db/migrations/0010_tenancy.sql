-- Whose a row is, told by its keys (docs/decisions/0011-row-level-security.md). A session and a round name
-- their partner beside their player, and a bet its round beside its operation: each pair is one reference now,
-- so that no statement, however wrong, can hang one partner's row on another's. The references they replace
-- follow from them, so a row is checked no more often than before.

ALTER TABLE players ADD CONSTRAINT players_of_partner UNIQUE (player_id, partner_id);

-- A session's player is its partner's.
ALTER TABLE sessions
  ADD CONSTRAINT sessions_of_player UNIQUE (player_id, connection_id, id),
  ADD CONSTRAINT sessions_player_fkey FOREIGN KEY (player_id, partner_id) REFERENCES players (player_id, partner_id),
  DROP CONSTRAINT sessions_player_id_fkey,
  DROP CONSTRAINT sessions_partner_id_fkey;
-- The new key does all that this index was for.
DROP INDEX sessions_by_player;

-- A round's player is its partner's, and its session the player's own, at the same connection.
ALTER TABLE rounds
  ADD CONSTRAINT rounds_player_fkey FOREIGN KEY (player_id, partner_id) REFERENCES players (player_id, partner_id),
  ADD CONSTRAINT rounds_session_fkey FOREIGN KEY (player_id, connection_id, session_id)
    REFERENCES sessions (player_id, connection_id, id),
  DROP CONSTRAINT rounds_player_id_fkey,
  DROP CONSTRAINT rounds_partner_id_fkey,
  DROP CONSTRAINT rounds_session_id_fkey;

-- A bet's operations, and an obligation's bet, are of the same round.
ALTER TABLE operations ADD CONSTRAINT operations_of_round UNIQUE (round_id, id);
DROP INDEX operations_by_round;
ALTER TABLE bets
  ADD CONSTRAINT bets_of_round UNIQUE (round_id, id),
  ADD CONSTRAINT bets_operation_fkey FOREIGN KEY (round_id, operation_id) REFERENCES operations (round_id, id),
  ADD CONSTRAINT bets_payout_operation_fkey FOREIGN KEY (round_id, payout_operation_id)
    REFERENCES operations (round_id, id),
  DROP CONSTRAINT bets_operation_id_fkey,
  DROP CONSTRAINT bets_payout_operation_id_fkey,
  DROP CONSTRAINT bets_round_id_fkey;
DROP INDEX bets_by_round;
ALTER TABLE obligations
  ADD CONSTRAINT obligations_bet_fkey FOREIGN KEY (round_id, bet_id) REFERENCES bets (round_id, id),
  DROP CONSTRAINT obligations_bet_id_fkey,
  DROP CONSTRAINT obligations_round_id_fkey;
