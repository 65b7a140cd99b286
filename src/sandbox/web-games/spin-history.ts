import type { Pool } from 'pg';
import { formatFixed } from '../../domain/money';
import { scriptFromJson, totalsOf } from './engine';
import type { RoundState } from './operation';
import type { Session } from './session-book';

/** One line of what a player played last. Amounts are decimal text. */
export interface PlayedRound {
  readonly round_id: string;
  /** ISO 8601. */
  readonly at: string;
  readonly state: RoundState;
  /** What the casino took and paid; for a demo the play money. */
  readonly stake: string;
  readonly win: string;
  readonly bonus: boolean;
}

/** As many as a player looks back at in a dialog. */
const ROUNDS_SHOWN = 12;

/** The last rounds of a session, the newest first. Only what the casino accepted is counted. */
export async function playedRounds(pool: Pool, session: Session): Promise<PlayedRound[]> {
  const { rows } = await pool.query<{
    round_id: number;
    script: unknown;
    state: RoundState;
    created_at: Date;
    stake: string;
    win: string;
  }>(
    `SELECT r.round_id, r.script, r.state, r.created_at, o.stake, o.win
     FROM web_games.rounds r CROSS JOIN LATERAL (
       SELECT coalesce(sum(amount_minor) FILTER (WHERE kind = 'credit'), 0)::text AS stake,
         coalesce(sum(amount_minor) FILTER (WHERE kind = 'debit'), 0)::text AS win
       FROM web_games.operations WHERE round_id = r.round_id AND status = 'accepted') o
     WHERE r.session_id = $1 ORDER BY r.round_id DESC LIMIT ${String(ROUNDS_SHOWN)}`,
    [session.sessionId],
  );
  return rows.map((row) => {
    const script = scriptFromJson(row.script);
    const played = session.demo
      ? totalsOf(script.steps)
      : { stake: BigInt(row.stake), win: BigInt(row.win) };
    return {
      round_id: String(row.round_id),
      at: row.created_at.toISOString(),
      state: row.state,
      stake: formatFixed(played.stake, session.exponent),
      win: formatFixed(played.win, session.exponent),
      // A stake that was not taken shows nothing of what was drawn.
      bonus: played.stake > 0n && script.shape.startsWith('bonus'),
    };
  });
}
