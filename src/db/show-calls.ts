import type { Db } from './pool';

/** A call that is owed to a wallet, or was. */
export interface ShownCall {
  readonly bet_id: string;
  readonly verb: string;
  readonly number: number;
  readonly status: string;
  readonly attempts: number;
  readonly last_failure: string | null;
  readonly next_attempt_at: string | null;
  readonly done_at: string | null;
  /** The bytes that every attempt sends, without the signature; null before the first. */
  readonly sent: string | null;
}

/** One attempt of a call: when, what came back, what it counts as, and when the next was to follow. */
export interface ShownAttempt {
  readonly bet_id: string;
  readonly verb: string;
  readonly number: number;
  readonly attempt: number;
  readonly started_at: string;
  /** Milliseconds until its result was written down; null while there is none. */
  readonly took_ms: number | null;
  /** done, declined, unknown or not_sent; `no_result` counts as unknown: under way, or its worker died. */
  readonly class: string;
  readonly http_status: number | null;
  readonly came_back: string | null;
  readonly next_attempt_at: string | null;
  /** The reply as it was received, up to a limit; null when there was none, or when it was erased. */
  readonly received: string | null;
}

/** Attempts told of one round, the newest: a wallet that is dead for months gets one an hour. */
const ATTEMPTS_SHOWN_MAX = 1_000;

const BY_VERB = `array_position(ARRAY['take', 'give', 'end', 'report'], o.verb)`;

/** The calls of a round, in the order in which they follow from its bets. */
export async function callsOf(db: Db, roundId: string): Promise<ShownCall[]> {
  const { rows } = await db.query<{
    bet_id: string;
    verb: string;
    number: number;
    status: string;
    attempts: number;
    last_failure: string | null;
    next_attempt_at: Date;
    done_at: Date | null;
    payload: string | null;
  }>(
    `SELECT o.* FROM obligations o JOIN bets b ON b.id = o.bet_id WHERE o.round_id = $1
      ORDER BY b.operation_id, ${BY_VERB}, o.number`,
    [roundId],
  );
  return rows.map((row) => ({
    bet_id: row.bet_id,
    verb: row.verb,
    number: row.number,
    status: row.status,
    attempts: row.attempts,
    last_failure: row.last_failure,
    next_attempt_at: row.status === 'open' ? row.next_attempt_at.toISOString() : null,
    done_at: row.done_at?.toISOString() ?? null,
    sent: row.payload,
  }));
}

/** The attempts of all calls of a round, in the order in which they began. */
export async function attemptsOf(db: Db, roundId: string): Promise<ShownAttempt[]> {
  const { rows } = await db.query<{
    bet_id: string;
    verb: string;
    number: number;
    attempt: number;
    started_at: Date;
    ended_at: Date | null;
    result: string | null;
    text: string | null;
    http_status: number | null;
    next_attempt_at: Date | null;
    received: string | null;
  }>(
    `SELECT a.*, ab.received FROM obligations o
       JOIN attempts a USING (bet_id, verb, number)
       LEFT JOIN attempt_bytes ab USING (bet_id, verb, number, attempt, started_at)
      WHERE o.round_id = $1 ORDER BY a.started_at DESC, a.attempt DESC LIMIT ${ATTEMPTS_SHOWN_MAX}`,
    [roundId],
  );
  return rows.reverse().map((row) => ({
    bet_id: row.bet_id,
    verb: row.verb,
    number: row.number,
    attempt: row.attempt,
    started_at: row.started_at.toISOString(),
    took_ms: row.ended_at === null ? null : row.ended_at.getTime() - row.started_at.getTime(),
    class: row.result ?? 'no_result',
    http_status: row.http_status,
    came_back: row.text,
    next_attempt_at: row.next_attempt_at?.toISOString() ?? null,
    received: row.received,
  }));
}
