import { createHash, randomBytes } from 'node:crypto';
import { assert } from '../lib/assert';
import {
  CONNECTION_COLUMNS,
  connectionOfRow,
  type Connection,
  type ConnectionRow,
} from './connections';
import { PARTNER_COLUMNS, partnerOfRow, type Partner, type PartnerRow } from './partners';
import type { Player } from './players';
import type { Db } from './pool';

/** One launch: a token that opened, or may open, one session for one player on one connection. */
export interface Session {
  readonly id: string;
  readonly playerId: string;
  readonly partnerId: number;
  readonly connectionId: number;
  readonly productId: number;
  /** `0` is the product's lobby. */
  readonly gameId: string;
  /** The partner's currency, or DMO for a demo. */
  readonly currency: string;
  readonly isDemo: boolean;
  readonly isMobile: boolean;
  readonly language: string | null;
  readonly redirectUrl: string | null;
  readonly createdAt: Date;
  readonly launchExpiresAt: Date;
  readonly authorizedAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly endedAt: Date | null;
}

/** A session with everyone it concerns. */
export interface SessionContext {
  readonly session: Session;
  readonly player: Player;
  readonly partner: Partner;
  readonly connection: Connection;
}

export interface NewSession {
  readonly playerId: string;
  readonly partnerId: number;
  readonly connectionId: number;
  readonly productId: number;
  readonly gameId: string;
  readonly currency: string;
  readonly isDemo: boolean;
  readonly isMobile: boolean;
  readonly language?: string | null;
  readonly redirectUrl?: string | null;
  readonly nowMs: number;
}

/** From the launch to the first Authorization: a link left in a history or a chat soon opens nothing. */
export const LAUNCH_TOKEN_MS = 600_000;
/** A session in use is marked no more often than this, to spare a write a spin. */
const TOUCH_MS_MAX = 30_000;

export type SessionState = 'launchable' | 'live' | 'launch_expired' | 'idle' | 'ended';

/**
 * Where a session stands at a moment: `launchable` before its first Authorization, `live` after it, or
 * over, and why.
 *
 * @param idleMs the connection's session_idle_ms
 */
export function sessionState(session: Session, idleMs: number, nowMs: number): SessionState {
  if (session.endedAt !== null) return 'ended';
  if (session.authorizedAt === null) {
    return nowMs < session.launchExpiresAt.getTime() ? 'launchable' : 'launch_expired';
  }
  const lastUsed = (session.lastUsedAt ?? session.authorizedAt).getTime();
  return nowMs - lastUsed < idleMs ? 'live' : 'idle';
}

/**
 * Makes a session and its token. The token begins with a letter, has 44 URL-safe characters, and exists
 * in the answer only: the book keeps its digest.
 */
export async function createSession(
  db: Db,
  input: NewSession,
): Promise<{ readonly token: string; readonly session: Session }> {
  const token = `s${randomBytes(32).toString('base64url')}`;
  const { rows } = await db.query<SessionRow>({
    name: 'create-session',
    text: `INSERT INTO sessions AS s (token_hash, player_id, partner_id, connection_id, product_id,
             game_id, currency, is_demo, is_mobile, language, redirect_url, created_at,
             launch_expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
           RETURNING ${SESSION_COLUMNS}`,
    values: [
      digestOf(token),
      input.playerId,
      input.partnerId,
      input.connectionId,
      input.productId,
      input.gameId,
      input.currency,
      input.isDemo,
      input.isMobile,
      input.language ?? null,
      input.redirectUrl ?? null,
      new Date(input.nowMs),
      new Date(input.nowMs + LAUNCH_TOKEN_MS),
    ],
  });
  assert(rows[0], 'an inserted session is returned');
  return { token, session: sessionOfRow(rows[0]) };
}

/**
 * The session of a token with its player, partner and connection, in one query (every spin asks). Also
 * sessions that are over are returned: `sessionState` tells.
 */
export async function sessionByToken(db: Db, token: string): Promise<SessionContext | undefined> {
  return contextOf(db, 'session-by-token', 's.token_hash = $1', digestOf(token));
}

/** Whether a provider was ever told of a player: launched at its connection, and not for fun only. */
export async function hasSessionAt(
  db: Db,
  connection: Pick<Connection, 'id'>,
  playerId: string,
): Promise<boolean> {
  // A longer number would not fit the column, and is nobody.
  if (!/^\d{9}$/.test(playerId)) return false;
  const { rowCount } = await db.query({
    name: 'has-session-at',
    text: `SELECT 1 FROM sessions WHERE player_id = $1 AND connection_id = $2 AND NOT is_demo LIMIT 1`,
    values: [playerId, connection.id],
  });
  return rowCount === 1;
}

/**
 * Records an Authorization; repeating it is allowed while the session lives.
 *
 * @returns false when the session is over meanwhile: then nothing was changed
 */
export async function authorizeSession(
  db: Db,
  session: Pick<Session, 'id'>,
  idleMs: number,
  nowMs: number,
): Promise<boolean> {
  const now = new Date(nowMs);
  const { rowCount } = await db.query({
    name: 'authorize-session',
    text: `UPDATE sessions SET authorized_at = coalesce(authorized_at, $2),
             last_used_at = greatest(last_used_at, $2)
           WHERE id = $1 AND ended_at IS NULL
             AND CASE WHEN authorized_at IS NULL THEN launch_expires_at > $2
                 ELSE coalesce(last_used_at, authorized_at) > $3 END`,
    values: [session.id, now, new Date(nowMs - idleMs)],
  });
  return rowCount === 1;
}

/**
 * Marks a session as used, so that its idle limit starts anew. Writes only when the last mark is older
 * than half a minute, or than a tenth of a shorter idle limit.
 */
export async function touchSession(
  db: Db,
  session: Pick<Session, 'id' | 'lastUsedAt'>,
  idleMs: number,
  nowMs: number,
): Promise<void> {
  const age = session.lastUsedAt === null ? Infinity : nowMs - session.lastUsedAt.getTime();
  if (age < Math.min(TOUCH_MS_MAX, idleMs / 10)) return;
  await db.query({
    name: 'touch-session',
    text: 'UPDATE sessions SET last_used_at = greatest(last_used_at, $2) WHERE id = $1',
    values: [session.id, new Date(nowMs)],
  });
}

/** Ends a session for good; its token takes no further stake. Repeating it changes nothing. */
export async function endSession(
  db: Db,
  session: Pick<Session, 'id'>,
  nowMs: number,
): Promise<void> {
  await db.query('UPDATE sessions SET ended_at = coalesce(ended_at, $2) WHERE id = $1', [
    session.id,
    new Date(nowMs),
  ]);
}

async function contextOf(
  db: Db,
  name: string,
  condition: string,
  value: unknown,
): Promise<SessionContext | undefined> {
  const { rows } = await db.query<ContextRow>({
    name,
    text: `SELECT ${SESSION_COLUMNS}, ${PARTNER_COLUMNS}, ${CONNECTION_COLUMNS},
             pl.reference AS player_reference, pl.blocked AS player_blocked,
             pl.created_at AS player_created_at
           FROM sessions s JOIN players pl ON pl.player_id = s.player_id
             JOIN partners p ON p.id = s.partner_id JOIN currencies cur ON cur.code = p.currency
             JOIN connections c ON c.id = s.connection_id
           WHERE ${condition}`,
    values: [value],
  });
  const [row] = rows;
  if (!row) return undefined;
  const session = sessionOfRow(row);
  const player = {
    playerId: session.playerId,
    partnerId: session.partnerId,
    reference: row.player_reference,
    blocked: row.player_blocked,
    createdAt: row.player_created_at,
  };
  return { session, player, partner: partnerOfRow(row), connection: connectionOfRow(row) };
}

/**
 * What a player may tell support instead of a token: the first 12 hex digits of its digest in the book. It opens
 * nothing.
 */
export function launchCodeOf(token: string): string {
  return digestOf(token).toString('hex').slice(0, 12);
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

// The prefix keeps the columns of partner and connection, joined beside them, apart.
const SESSION_COLUMNS = `s.id AS session_id, s.player_id AS session_player_id,
  s.partner_id AS session_partner_id, s.connection_id AS session_connection_id,
  s.product_id AS session_product_id, s.game_id AS session_game_id, s.currency AS session_currency,
  s.is_demo AS session_is_demo, s.is_mobile AS session_is_mobile, s.language AS session_language,
  s.redirect_url AS session_redirect_url, s.created_at AS session_created_at,
  s.launch_expires_at AS session_launch_expires_at, s.authorized_at AS session_authorized_at,
  s.last_used_at AS session_last_used_at, s.ended_at AS session_ended_at`;

interface SessionRow {
  readonly session_id: string;
  readonly session_player_id: string;
  readonly session_partner_id: number;
  readonly session_connection_id: number;
  readonly session_product_id: number;
  readonly session_game_id: string;
  readonly session_currency: string;
  readonly session_is_demo: boolean;
  readonly session_is_mobile: boolean;
  readonly session_language: string | null;
  readonly session_redirect_url: string | null;
  readonly session_created_at: Date;
  readonly session_launch_expires_at: Date;
  readonly session_authorized_at: Date | null;
  readonly session_last_used_at: Date | null;
  readonly session_ended_at: Date | null;
}

interface ContextRow extends SessionRow, PartnerRow, ConnectionRow {
  readonly player_reference: string;
  readonly player_blocked: boolean;
  readonly player_created_at: Date;
}

function sessionOfRow(row: SessionRow): Session {
  return {
    id: row.session_id,
    playerId: row.session_player_id,
    partnerId: row.session_partner_id,
    connectionId: row.session_connection_id,
    productId: row.session_product_id,
    gameId: row.session_game_id,
    currency: row.session_currency,
    isDemo: row.session_is_demo,
    isMobile: row.session_is_mobile,
    language: row.session_language,
    redirectUrl: row.session_redirect_url,
    createdAt: row.session_created_at,
    launchExpiresAt: row.session_launch_expires_at,
    authorizedAt: row.session_authorized_at,
    lastUsedAt: row.session_last_used_at,
    endedAt: row.session_ended_at,
  };
}
