import type { Pool } from 'pg';
import { gameOf, type Game } from '../../../db/catalogue';
import {
  launchCodeOf,
  sessionByToken,
  sessionState,
  type SessionContext,
} from '../../../db/sessions';
import type { PageFailure, PageLaunch } from './failure-page';

/** The game id that stands for the product's lobby (partner document, Open game). */
export const LOBBY_GAME_ID = '0';

/** A launch token as we make them. Anything else is not worth a query. */
const TOKEN = /^[A-Za-z][A-Za-z0-9_-]{15,127}$/;

export type OpenedSession = PageLaunch &
  (
    | { readonly ok: true; readonly context: SessionContext }
    | { readonly ok: false; readonly failure: PageFailure }
  );

/**
 * The session of a launch token, if it may open a page now. A page may be reloaded while its session
 * lives (SPEC §5, Token).
 */
export async function openSession(
  pool: Pool,
  token: string | undefined,
  nowMs: number,
): Promise<OpenedSession> {
  const nobody = { redirectUrl: null, launchCode: null };
  if (token === undefined || token === '')
    return { ok: false, failure: 'link_incomplete', ...nobody };
  if (!TOKEN.test(token)) return { ok: false, failure: 'link_unknown', ...nobody };
  const context = await sessionByToken(pool, token);
  const launchCode = launchCodeOf(token);
  if (!context) return { ok: false, failure: 'link_unknown', redirectUrl: null, launchCode };
  const failure = failureOf(context, nowMs);
  const { redirectUrl } = context.session;
  return failure === undefined
    ? { ok: true, context, redirectUrl, launchCode }
    : { ok: false, failure, redirectUrl, launchCode };
}

function failureOf(context: SessionContext, nowMs: number): PageFailure | undefined {
  const { session, player, partner, connection } = context;
  const state = sessionState(session, connection.settings.session_idle_ms, nowMs);
  if (state === 'launch_expired') return 'launch_expired';
  if (state === 'ended' || state === 'idle') return 'session_over';
  if (partner.status === 'suspended') return 'partner_suspended';
  if (player.blocked) return 'player_blocked';
  if (connection.status === 'suspended') return 'connection_suspended';
  return undefined;
}

export type OpenedGame =
  | { readonly ok: true; readonly game: Game }
  | { readonly ok: false; readonly failure: PageFailure };

/** The session's game, if the provider offers it now. */
export async function openGameOf(pool: Pool, context: SessionContext): Promise<OpenedGame> {
  const game = await gameOf(pool, context.connection, context.session.gameId);
  if (!game) return { ok: false, failure: 'game_unknown' };
  if (!game.isActive) return { ok: false, failure: 'game_inactive' };
  return { ok: true, game };
}
