import { gameOf } from '../../../db/catalogue';
import { authorizeSession, sessionByToken, sessionState } from '../../../db/sessions';
import { cutToMinor, formatAmount } from '../../../domain/money';
import { decodeAuthorization } from '../../../protocols/web-games/decode';
import { encodeAuthorization, encodeRefusal } from '../../../protocols/web-games/encode';
import { isKnownPlayer } from './known-player';
import type { ProviderMethod } from './provider-deps';

/** Authorization (provider document, section 3): opens the token's session and tells the player's balance. */
export const authorize: ProviderMethod = async (deps, { connection, isSigned, bodyText }) => {
  const { pool } = deps.book;
  const refuse = (code: 1 | 10 | 11 | 14, detail?: string) => ({
    body: encodeRefusal('Authorization', code, detail),
  });
  const decoded = decodeAuthorization(bodyText);
  if (!decoded.ok) return refuse(1, decoded.message);
  const { request } = decoded;
  if (!isSigned('Authorization', request.hashValues, request.hash)) return refuse(10);

  const found = await sessionByToken(pool, request.token);
  if (!(await isKnownPlayer(pool, connection, request.playerId, found))) return refuse(11);
  const nowMs = deps.clock.nowMs();
  const idleMs = connection.settings.session_idle_ms;
  if (
    !found ||
    found.connection.id !== connection.id ||
    found.player.playerId !== request.playerId ||
    found.session.isDemo ||
    !['launchable', 'live'].includes(sessionState(found.session, idleMs, nowMs))
  ) {
    return refuse(14);
  }
  if (connection.status !== 'active') return refuse(1, 'Connection suspended');
  if (found.partner.status !== 'active' || found.player.blocked) {
    return refuse(1, 'Player or account not permitted');
  }
  const game = await gameOf(pool, connection, request.gameId);
  if (!game?.isActive) return refuse(1, 'Game is not available');

  const wallet = await deps.wallets.of(found.partner.id);
  const userAgent = `${found.partner.prefix}.${found.player.reference}`;
  const { outcome } = await wallet.balance(userAgent);
  if (outcome.kind === 'declined' && outcome.reason === 'player_not_found') return refuse(11);
  // Any other fault is the wallet's or ours: the player is not to blame (trap T46).
  const { exponent } = found.partner;
  const balance =
    outcome.kind === 'done' && outcome.balance !== undefined
      ? cutToMinor(outcome.balance, exponent)
      : undefined;
  if (balance === undefined) return refuse(1, 'Wallet is not available');
  if (!(await authorizeSession(pool, found.session, idleMs, nowMs))) return refuse(14);
  return {
    body: encodeAuthorization({
      playerId: request.playerId,
      currency: found.session.currency,
      nick: `Player${request.playerId}`,
      balance: formatAmount(balance, exponent),
      externalSession: `session-${found.session.id}`,
    }),
  };
};
