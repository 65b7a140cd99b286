import { randomBytes } from 'node:crypto';
import { currencyOf, DEMO_CURRENCY } from '../../domain/currency';
import { cutToMinor } from '../../domain/money';
import type { Book } from './book';
import type { Session } from './session-book';
import { gameOf, type Game } from './catalogue';
import type { PartnerClient } from './partner-client';

/** The provider document's codes for GetListGames and GET /game, with their texts. */
export const MESSAGES: Record<number, string> = {
  0: 'Ok',
  1: 'Internal Error',
  10: 'Hash mismatch',
  11: 'Player not found',
  12: 'Game is not found',
  13: 'Partner API return null',
  14: 'Non-valid token',
  15: 'Unavailable type',
  101: 'Partner is not found',
  102: 'Currency is not found',
};

export interface Refusal {
  readonly code: number;
  readonly message: string;
}

export type Launch =
  | { readonly ok: true; readonly session: Session; readonly game: Game }
  | { readonly ok: false; readonly refusal: Refusal };

export interface LaunchRequest {
  readonly partnerId: string | undefined;
  readonly gameId: string | undefined;
  readonly currency: string | undefined;
  readonly playerId: string | undefined;
  readonly token: string | undefined;
}

const DEMO_BALANCE_UNITS = 10_000n;

export function refusal(code: number, message = MESSAGES[code] ?? 'Error'): Refusal {
  return { code, message };
}

/** Ids of partners and games are plain integers; nothing else names one. */
export const INTEGER_ID = /^(0|[1-9]\d{0,14})$/;

/**
 * Decimals a game plays with: the currency's own. Where nobody has settled them two, and never more than
 * eight, because the reels cannot show more.
 */
export function playExponent(currency: string): number | undefined {
  const known = currencyOf(currency);
  return known && Math.min(known.exponent ?? 2, 8);
}

/**
 * GET /game of the provider document: checks the launch, asks the partner (real money only), and opens
 * a session. Order: partner (101), game (12), currency (102), player and token (1), then the partner's
 * answer: none that is valid JSON is 13, a code other than 0 is handed on, another currency is 102.
 */
export async function launchGame(
  deps: { readonly book: Book; readonly client: PartnerClient },
  request: LaunchRequest,
): Promise<Launch> {
  const refuse = (code: number, message?: string): Launch => ({
    ok: false,
    refusal: refusal(code, message),
  });
  const { partnerId, currency, playerId, token } = request;
  const partner =
    partnerId !== undefined && INTEGER_ID.test(partnerId)
      ? await deps.book.partner(partnerId)
      : undefined;
  if (!partner) return refuse(101);
  const game = gameOf(request.gameId ?? '');
  if (!game) return refuse(12);
  const exponent = playExponent(currency ?? '');
  if (currency === undefined || exponent === undefined) return refuse(102);

  const base = {
    sessionId: `p${randomBytes(18).toString('base64url')}`,
    partnerId: partner.partnerId,
    gameId: game.id,
    currency,
    exponent,
    seed: randomBytes(16).toString('hex'),
  };
  if (currency === DEMO_CURRENCY) {
    const session = await deps.book.openSession({
      ...base,
      demo: true,
      playerId: '',
      token: '',
      nick: 'Demo',
      balance: (DEMO_BALANCE_UNITS * 10n ** BigInt(exponent)).toString(),
    });
    return { ok: true, session, game };
  }

  if (!playerId || playerId.length > 100) return refuse(1, 'player_id is required');
  if (!token || token.length > 1000) return refuse(1, 'token is required');
  const reply = await deps.client.authorize(partner, { playerId, gameId: game.id, token });
  if (reply.is === 'none' || reply.code === 1) {
    // The partner is away, but a player who comes back to an open spin must see what becomes of it.
    const open = await deps.book.sessionInPlay({ ...base, playerId, token });
    if (open) return { ok: true, session: open, game };
  }
  if (reply.is === 'none') return refuse(13);
  if (reply.code !== 0) return refuse(reply.code, reply.message ?? MESSAGES[reply.code]);
  if (reply.currency !== currency) return refuse(102);
  if (reply.playerId !== undefined && reply.playerId !== playerId) {
    return refuse(1, 'Authorization answered for another player');
  }
  if (reply.balance === undefined || cutToMinor(reply.balance, exponent) === undefined) {
    return refuse(13);
  }
  const session = await deps.book.openSession({
    ...base,
    demo: false,
    playerId,
    token,
    nick: reply.nick ?? playerId,
    balance: reply.balance,
  });
  return { ok: true, session, game };
}
