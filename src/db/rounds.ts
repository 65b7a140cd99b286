import type { NewRound, RoundKey } from '../contracts/round';
import { assert } from '../lib/assert';
import type { Db } from './pool';

/**
 * Makes the round's row or finds it, in the transaction of its first decision. Two processes that make it at once
 * meet on the unique key: the second waits for the first and finds its row.
 */
export async function findOrCreateRound(db: Db, round: NewRound): Promise<string> {
  const key = [round.connectionId, round.playerId, round.roundRef];
  const { rows } = await db.query<{ id: string }>({
    name: 'create_round',
    text: `INSERT INTO rounds (connection_id, player_id, round_ref, partner_id, session_id, game_id,
               currency, last_activity_at, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp(), clock_timestamp())
           ON CONFLICT (connection_id, player_id, round_ref) DO NOTHING
           RETURNING id`,
    values: [...key, round.partnerId, round.sessionId, round.gameId, round.currency],
  });
  if (rows[0]) return rows[0].id;
  const roundId = await findRound(db, round);
  assert(roundId !== undefined, `round ${key.join('/')} is neither there nor to be made`);
  return roundId;
}

export async function findRound(
  db: Db,
  { connectionId, playerId, roundRef }: Pick<NewRound, 'connectionId' | 'playerId' | 'roundRef'>,
): Promise<string | undefined> {
  const { rows } = await db.query<{ id: string }>({
    name: 'find_round',
    text: 'SELECT id FROM rounds WHERE connection_id = $1 AND player_id = $2 AND round_ref = $3',
    values: [connectionId, playerId, roundRef],
  });
  return rows[0]?.id;
}

/** Takes back a round that was made in this transaction and of which nothing was decided. */
export async function dropEmptyRound(db: Db, roundId: string): Promise<void> {
  await db.query(
    `DELETE FROM rounds r WHERE r.id = $1 AND r.version = 0
        AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.round_id = r.id)`,
    [roundId],
  );
}

/** Earlier rounds of the same session and game that are still open (rule 9). */
export async function earlierOpenRounds(db: Db, roundId: string): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `SELECT earlier.id FROM rounds this
       JOIN rounds earlier ON earlier.session_id = this.session_id AND earlier.game_id = this.game_id
            AND earlier.status = 'open' AND earlier.id < this.id
      WHERE this.id = $1 ORDER BY earlier.id LIMIT 100`,
    [roundId],
  );
  return rows.map((row) => row.id);
}

/**
 * Rounds whose work is overdue: whoever should drive them does not. Each is put off by `graceMs`, so that
 * two sweeps do not take the same round.
 *
 * @param graceMs how long overdue counts as nobody driving; a hand at work is never that late
 */
export async function takeOverdueRounds(db: Db, graceMs: number, limit: number): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    // The clock in a SELECT of its own is read once, and may then bound the look into the index: else all open rounds
    // are read. And an array of ids is looked up one by one, where an IN may be joined with all rounds there ever were.
    `UPDATE rounds SET due_at = clock_timestamp() + make_interval(secs => $1 / 1000.0)
      WHERE id = ANY (ARRAY(
        SELECT id FROM rounds
         WHERE due_at < (SELECT clock_timestamp() - make_interval(secs => $1 / 1000.0))
         ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED))
  RETURNING id`,
    [graceMs, limit],
  );
  return rows.map((row) => row.id);
}

/**
 * Calls of a round whose next repeat should have begun: Temporal waits longer than the book asks it to. A
 * call that has not been tried yet is only queued, and hurrying it would queue it once more.
 */
export async function overdueRepeats(db: Db, roundId: string, graceMs: number): Promise<string[]> {
  const { rows } = await db.query<{ call: string }>(
    `SELECT bet_id || '/' || verb || '/' || number AS call FROM obligations
      WHERE round_id = $1 AND status = 'open' AND attempts > 0 AND running_since IS NULL
        AND drain_partner IS NULL
        AND next_attempt_at < clock_timestamp() - make_interval(secs => $2 / 1000.0)`,
    [roundId, graceMs],
  );
  return rows.map((row) => row.call);
}

/** The round's name towards Temporal. */
export function roundKey(context: {
  connectionKey: string;
  playerId: string;
  roundRef: string;
}): RoundKey {
  return {
    connection: context.connectionKey,
    playerId: context.playerId,
    roundRef: context.roundRef,
  };
}
