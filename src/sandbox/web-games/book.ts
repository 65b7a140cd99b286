import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Pool, PoolClient } from 'pg';
import { scriptFromJson, scriptToJson, type Script, type Shape } from './engine';
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
import type { Reply, Verdict } from './verdict';

export interface Partner {
  readonly partnerId: string;
  readonly partnerApiUrl: string;
  readonly apiKey: string;
}

export interface Session {
  readonly sessionId: string;
  readonly partnerId: string;
  readonly playerId: string;
  readonly gameId: number;
  readonly currency: string;
  readonly exponent: number;
  readonly demo: boolean;
  readonly token: string;
  readonly nick: string;
  readonly balance: string;
  readonly seed: string;
  readonly forcedShapes: readonly Shape[];
  readonly roundsPlayed: number;
  readonly lastRoundId: number | null;
}

export type SpinStart =
  | { readonly is: 'started'; readonly round: Round; readonly operation: Operation | undefined }
  | { readonly is: 'busy' }
  | { readonly is: 'no_session' }
  | { readonly is: 'too_poor' };

export type Book = ReturnType<typeof createBook>;

const SESSION = `session_id AS "sessionId", partner_id AS "partnerId", player_id AS "playerId",
  game_id AS "gameId", currency, exponent, demo, token, nick, balance, seed,
  forced_shapes AS "forcedShapes", rounds_played AS "roundsPlayed", last_round_id AS "lastRoundId"`;

/**
 * The provider's book in PostgreSQL. A call to a partner is a committed row before its first byte
 * leaves, and its answer, the round's next call and the balance shown are committed together: a kill at
 * any moment leaves either an unanswered call, which is repeated, or a finished step.
 */
export function createBook(pool: Pool) {
  async function inTransaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const result = await work(client);
      await client.query('COMMIT');
      client.release();
      return result;
    } catch (error) {
      // Whatever state the connection is in, it is not worth keeping.
      client.release(true);
      throw error;
    }
  }

  return {
    /** Creates what is missing; safe at every start, and when two start at once. */
    async prepare(): Promise<void> {
      const schema = readFileSync(path.join(__dirname, 'schema.sql'), 'utf8');
      await inTransaction(async (client) => {
        await client.query("SELECT pg_advisory_xact_lock(hashtext('web_games schema'))");
        await client.query(schema);
      });
    },

    async savePartner(partner: Partner, name: string): Promise<void> {
      await pool.query(
        `INSERT INTO web_games.partners (partner_id, name, partner_api_url, api_key)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (partner_id) DO UPDATE
           SET partner_api_url = excluded.partner_api_url, api_key = excluded.api_key`,
        [partner.partnerId, name, partner.partnerApiUrl, partner.apiKey],
      );
    },

    async partner(partnerId: string): Promise<Partner | undefined> {
      const { rows } = await pool.query<Partner>(
        `SELECT partner_id AS "partnerId", partner_api_url AS "partnerApiUrl", api_key AS "apiKey"
         FROM web_games.partners WHERE partner_id = $1`,
        [partnerId],
      );
      return rows[0];
    },

    /** Opens a session, or finds the one a reload of the same launch opened before. */
    async openSession(
      session: Omit<Session, 'forcedShapes' | 'roundsPlayed' | 'lastRoundId'>,
    ): Promise<Session> {
      const s = session;
      const { rows } = await pool.query<Session>(
        `INSERT INTO web_games.sessions (session_id, partner_id, player_id, game_id, currency,
           exponent, demo, token, nick, balance, seed)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (partner_id, player_id, game_id, token) WHERE NOT demo
           DO UPDATE SET balance = excluded.balance, nick = excluded.nick
         RETURNING ${SESSION}`,
        [
          s.sessionId,
          s.partnerId,
          s.playerId,
          s.gameId,
          s.currency,
          s.exponent,
          s.demo,
          s.token,
          s.nick,
          s.balance,
          s.seed,
        ],
      );
      return rows[0] as Session;
    },

    async session(sessionId: string): Promise<Session | undefined> {
      const { rows } = await pool.query<Session>(
        `SELECT ${SESSION} FROM web_games.sessions WHERE session_id = $1`,
        [sessionId],
      );
      return rows[0];
    },

    /** For tests and the driver: what the session's next rounds are drawn from. */
    async steerSession(
      sessionId: string,
      seed: string | undefined,
      shapes: readonly Shape[] | undefined,
    ): Promise<boolean> {
      const { rowCount } = await pool.query(
        `UPDATE web_games.sessions SET seed = coalesce($2, seed),
           rounds_played = CASE WHEN $2::text IS NULL THEN rounds_played ELSE 0 END,
           forced_shapes = coalesce($3::text[], forced_shapes)
         WHERE session_id = $1`,
        [sessionId, seed, shapes],
      );
      return rowCount === 1;
    },

    /**
     * Begins a round: outcome drawn, first call on paper. One round at a time in a session.
     *
     * @param draw makes the script from the session as it stands under its lock
     */
    startRound(sessionId: string, draw: (session: Session) => Script): Promise<SpinStart> {
      return inTransaction(async (client): Promise<SpinStart> => {
        const { rows } = await client.query<Session>(
          `SELECT ${SESSION} FROM web_games.sessions WHERE session_id = $1 FOR UPDATE`,
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
    },

    async round(roundId: number): Promise<Round | undefined> {
      const { rows } = await pool.query<{ script: unknown; state: RoundState }>(
        'SELECT script, state FROM web_games.rounds WHERE round_id = $1',
        [roundId],
      );
      const row = rows[0];
      return row && { roundId, script: scriptFromJson(row.script), state: row.state };
    },

    async operationsOf(roundId: number): Promise<Operation[]> {
      const { rows } = await pool.query<OperationRow>(
        `SELECT ${OPERATION_COLUMNS} FROM web_games.operations WHERE round_id = $1 ORDER BY step`,
        [roundId],
      );
      return rows.map(operationFrom);
    },

    /** Rounds that were under way when the process ended. */
    async unfinishedRounds(): Promise<number[]> {
      const { rows } = await pool.query<{ round_id: number }>(
        "SELECT round_id FROM web_games.rounds WHERE state = 'playing' ORDER BY round_id",
      );
      return rows.map((row) => row.round_id);
    },

    /**
     * Takes the round's unanswered call for one more attempt.
     *
     * @param afterDeath the attempt before this one belonged to a process that is gone: what became of
     *   it is unknown
     */
    async beginAttempt(roundId: number, afterDeath: boolean): Promise<Operation | undefined> {
      const { rows } = await pool.query<OperationRow>(
        `UPDATE web_games.operations SET attempts = attempts + 1, doubtful = doubtful OR $2
         WHERE round_id = $1 AND status = 'unanswered' RETURNING ${OPERATION_COLUMNS}`,
        [roundId, afterDeath],
      );
      return rows[0] && operationFrom(rows[0]);
    },

    /** Keeps what an attempt without a definite answer left behind; the call stays unanswered. */
    async noteRepeat(
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
    },

    /**
     * Commits a definite answer together with the round's next call.
     *
     * @returns the next call, ready for its first attempt; undefined when the round is over
     */
    recordAnswer(
      operation: Operation,
      status: 'accepted' | 'refused',
      reply: Extract<Reply, { is: 'answer' }>,
    ): Promise<Operation | undefined> {
      return inTransaction(async (client) => {
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
    },
  };
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
