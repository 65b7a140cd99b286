import type { Pool } from 'pg';
import { scriptFromJson, scriptToJson, type Script } from './engine';
import {
  addStep,
  nextStep,
  OPERATION_COLUMNS,
  operationFrom,
  type Operation,
  type OperationRow,
  type Round,
  type RoundState,
} from './operation';
import { SESSION_COLUMNS, type Session } from './session-book';
import { inTransaction } from './transaction';
import type { Reply, Verdict } from './verdict';

export type SpinStart =
  | { readonly is: 'started'; readonly round: Round; readonly operation: Operation | undefined }
  | { readonly is: 'busy' }
  | { readonly is: 'no_session' }
  | { readonly is: 'too_poor' };

/**
 * Begins a round: outcome drawn, first call on paper. One round at a time in a session.
 *
 * @param draw makes the script from the session as it stands under its lock
 */
export function startRound(
  pool: Pool,
  sessionId: string,
  draw: (session: Session) => Script,
): Promise<SpinStart> {
  return inTransaction(pool, async (client): Promise<SpinStart> => {
    const { rows } = await client.query<Session>(
      `SELECT ${SESSION_COLUMNS} FROM web_games.sessions WHERE session_id = $1 FOR UPDATE`,
      [sessionId],
    );
    const session = rows[0];
    if (!session) return { is: 'no_session' };
    if (session.lastRoundId !== null) {
      const last = await client.query<{ state: RoundState }>(
        'SELECT state FROM web_games.rounds WHERE round_id = $1',
        [session.lastRoundId],
      );
      if (last.rows[0]?.state === 'playing') return { is: 'busy' };
    }
    const script = draw(session);
    const state: RoundState = session.demo ? 'finished' : 'playing';
    const balance = session.demo ? playMoneyAfter(session, script) : session.balance;
    if (balance === undefined) return { is: 'too_poor' };
    const made = await client.query<{ round_id: number }>(
      `INSERT INTO web_games.rounds (round_id, session_id, script, state)
       VALUES (nextval('web_games.round_ids'), $1, $2, $3) RETURNING round_id`,
      [sessionId, scriptToJson(script), state],
    );
    const roundId = (made.rows[0] as { round_id: number }).round_id;
    await client.query(
      `UPDATE web_games.sessions
       SET rounds_played = rounds_played + 1, last_round_id = $2, balance = $3
       WHERE session_id = $1`,
      [sessionId, roundId, balance],
    );
    const round: Round = { roundId, script, state };
    const operation = session.demo ? undefined : await addStep(client, session, round, 0);
    return { is: 'started', round, operation };
  });
}

export async function findRound(pool: Pool, roundId: number): Promise<Round | undefined> {
  const { rows } = await pool.query<{ script: unknown; state: RoundState }>(
    'SELECT script, state FROM web_games.rounds WHERE round_id = $1',
    [roundId],
  );
  const row = rows[0];
  return row && { roundId, script: scriptFromJson(row.script), state: row.state };
}

export async function operationsOf(pool: Pool, roundId: number): Promise<Operation[]> {
  const { rows } = await pool.query<OperationRow>(
    `SELECT ${OPERATION_COLUMNS} FROM web_games.operations WHERE round_id = $1 ORDER BY step`,
    [roundId],
  );
  return rows.map(operationFrom);
}

/** Rounds that were under way when the process ended. */
export async function unfinishedRounds(pool: Pool): Promise<number[]> {
  const { rows } = await pool.query<{ round_id: number }>(
    "SELECT round_id FROM web_games.rounds WHERE state = 'playing' ORDER BY round_id",
  );
  return rows.map((row) => row.round_id);
}

/**
 * Takes the round's unanswered call for one more attempt.
 *
 * @param afterDeath the attempt before this one belonged to a process that is gone: what became of
 *   it is unknown
 */
export async function beginAttempt(
  pool: Pool,
  roundId: number,
  afterDeath: boolean,
): Promise<Operation | undefined> {
  const { rows } = await pool.query<OperationRow>(
    `UPDATE web_games.operations SET attempts = attempts + 1, doubtful = doubtful OR $2
     WHERE round_id = $1 AND status = 'unanswered' RETURNING ${OPERATION_COLUMNS}`,
    [roundId, afterDeath],
  );
  return rows[0] && operationFrom(rows[0]);
}

/** Keeps what an attempt without a definite answer left behind; the call stays unanswered. */
export async function noteRepeat(
  pool: Pool,
  operation: Operation,
  verdict: Extract<Verdict, { is: 'repeat' }>,
  reply: Reply,
): Promise<void> {
  await pool.query(
    `UPDATE web_games.operations
     SET doubtful = $2, internal_errors = $3, internal_since = to_timestamp($4::float8 / 1000),
         code = $5, message = $6, answer = $7
     WHERE transaction_id = $1 AND status = 'unanswered'`,
    [
      operation.transactionId,
      verdict.doubtful,
      verdict.internalErrors,
      verdict.internalSinceMs ?? null,
      reply.is === 'answer' ? reply.code : null,
      reply.is === 'answer' ? (reply.message ?? null) : reply.why,
      reply.bytes,
    ],
  );
}

/**
 * Commits a definite answer together with the round's next call.
 *
 * @returns the next call, ready for its first attempt; undefined when the round is over
 */
export function recordAnswer(
  pool: Pool,
  operation: Operation,
  status: 'accepted' | 'refused',
  reply: Extract<Reply, { is: 'answer' }>,
): Promise<Operation | undefined> {
  return inTransaction(pool, async (client) => {
    const done = await client.query(
      `UPDATE web_games.operations
       SET status = $2, code = $3, message = $4, balance = $5, external_session_id = $6,
           answer = $7, answered_at = now()
       WHERE transaction_id = $1 AND status = 'unanswered'`,
      [
        operation.transactionId,
        status,
        reply.code,
        reply.message ?? null,
        reply.balance ?? null,
        reply.externalSessionId ?? null,
        reply.bytes,
      ],
    );
    if (done.rowCount !== 1) return undefined;
    if (status === 'accepted' && reply.balance !== undefined) {
      await client.query('UPDATE web_games.sessions SET balance = $2 WHERE session_id = $1', [
        operation.sessionId,
        reply.balance,
      ]);
    }
    return nextStep(client, operation, status);
  });
}

// The outcome of a demo is settled on the spot: play money never leaves the provider.
function playMoneyAfter(session: Session, script: Script): string | undefined {
  let balance = BigInt(session.balance);
  for (const step of script.steps) {
    balance += step.kind === 'credit' ? -step.amount : step.amount;
    if (balance < 0n) return undefined;
  }
  return balance.toString();
}
