import type { Pool } from 'pg';
import type { Shape } from './engine';

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

/** The columns of a `Session`. */
export const SESSION_COLUMNS = `session_id AS "sessionId", partner_id AS "partnerId", player_id AS "playerId",
  game_id AS "gameId", currency, exponent, demo, token, nick, balance, seed,
  forced_shapes AS "forcedShapes", rounds_played AS "roundsPlayed", last_round_id AS "lastRoundId"`;

export async function savePartner(pool: Pool, partner: Partner, name: string): Promise<void> {
  await pool.query(
    `INSERT INTO web_games.partners (partner_id, name, partner_api_url, api_key)
     VALUES ($1, $2, $3, $4)
     ON CONFLICT (partner_id) DO UPDATE
       SET partner_api_url = excluded.partner_api_url, api_key = excluded.api_key`,
    [partner.partnerId, name, partner.partnerApiUrl, partner.apiKey],
  );
}

export async function findPartner(pool: Pool, partnerId: string): Promise<Partner | undefined> {
  const { rows } = await pool.query<Partner>(
    `SELECT partner_id AS "partnerId", partner_api_url AS "partnerApiUrl", api_key AS "apiKey"
     FROM web_games.partners WHERE partner_id = $1`,
    [partnerId],
  );
  return rows[0];
}

/** Opens a session, or finds the one a reload of the same launch opened before. */
export async function openSession(
  pool: Pool,
  session: Omit<Session, 'forcedShapes' | 'roundsPlayed' | 'lastRoundId'>,
): Promise<Session> {
  const s = session;
  const { rows } = await pool.query<Session>(
    `INSERT INTO web_games.sessions (session_id, partner_id, player_id, game_id, currency,
       exponent, demo, token, nick, balance, seed)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     ON CONFLICT (partner_id, player_id, game_id, token) WHERE NOT demo
       DO UPDATE SET balance = excluded.balance, nick = excluded.nick
     RETURNING ${SESSION_COLUMNS}`,
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
}

export async function findSession(pool: Pool, sessionId: string): Promise<Session | undefined> {
  const { rows } = await pool.query<Session>(
    `SELECT ${SESSION_COLUMNS} FROM web_games.sessions WHERE session_id = $1`,
    [sessionId],
  );
  return rows[0];
}

/** The session of a launch while its last round is still under way. */
export async function findSessionInPlay(
  pool: Pool,
  launch: Pick<Session, 'partnerId' | 'playerId' | 'gameId' | 'token' | 'currency'>,
): Promise<Session | undefined> {
  const { rows } = await pool.query<Session>(
    `SELECT ${SESSION_COLUMNS} FROM web_games.sessions
     WHERE partner_id = $1 AND player_id = $2 AND game_id = $3 AND token = $4 AND currency = $5
       AND NOT demo AND EXISTS (SELECT FROM web_games.rounds
         WHERE round_id = last_round_id AND state = 'playing')`,
    [launch.partnerId, launch.playerId, launch.gameId, launch.token, launch.currency],
  );
  return rows[0];
}

/** For tests and the driver: what the session's next rounds are drawn from. */
export async function steerSession(
  pool: Pool,
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
}
